//! `GET /v1/contacts/{id}/loyalty`: how deep a customer's loyalty goes, and what that is told from.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Span;
use jiff::civil::Date;
use rapport_analytics::churn::{own_rhythm_days, usual_gap_days};
use rapport_analytics::loyalty::{Evidence, level};
use rapport_domain::contact::Contact;
use rapport_domain::score::{Figures, date_of, day_number};
use rapport_domain::survey::Invitation;
use rapport_domain::{Kind as _, Prefix, RecordId, TenantId};
use rapport_http::resource::id;
use rapport_http::{Caller, Doc, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::page::{Query, Row};
use rapport_store::records::index_partition;
use rapport_store::{StoreError, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::score::existing;

/// The period that is looked at, in months.
const MONTHS: i32 = 12;
/// The newest invitations to surveys that are looked at.
const MOST_INVITATIONS: usize = 100;
/// The keys of answers that tell of loyalty.
const SHARE_OF_NEEDS: &str = "share_of_needs";
const PREFERENCE: &str = "preference";
const LIKING: &str = "liking";
const PRICE_SENSITIVITY: &str = "price_sensitivity";

/// A customer's loyalty.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Loyalty)]
pub struct Loyalty {
    /// The customer.
    contact_id: RecordId,
    /// `none`, `cognitive`, `affective` or `behavioural`.
    level: &'static str,
    /// Distinct days of purchase in the last twelve months.
    purchase_days: u32,
    /// Whether there are two or more of them.
    repeats: bool,
    /// The median time between two days of purchase, in days, of all times; absent below two gaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    usual_days_between: Option<f64>,
    /// Nine of ten purchases follow the one before within so many days; absent below three gaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    rhythm_days: Option<f64>,
    /// Days from when the contact was known to the first purchase; absent where the purchase came first.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_to_decide: Option<f64>,
    /// The share of needs that is bought here, 0 to 1, as answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_of_needs: Option<f64>,
    /// Agreement, 1 to 7, that the offer is better than that of competitors.
    #[serde(skip_serializing_if = "Option::is_none")]
    preference: Option<u8>,
    /// Agreement, 1 to 7, to liking to buy here.
    #[serde(skip_serializing_if = "Option::is_none")]
    liking: Option<u8>,
    /// Agreement, 1 to 7, to going elsewhere if it were cheaper there.
    #[serde(skip_serializing_if = "Option::is_none")]
    price_sensitivity: Option<u8>,
    /// `no_purchases` or `not_asked`: what the level could not be told from.
    #[serde(skip_serializing_if = "Option::is_none")]
    insufficient_data: Option<&'static str>,
    /// The day this is of.
    #[schema(value_type = String, format = "date")]
    as_of: Date,
    /// The rule of the level, and how each number comes about.
    #[schema(value_type = Object)]
    explain: Value,
}

/// What the route says of itself.
pub fn doc() -> Doc {
    Doc::new("Read how deep a customer's loyalty goes")
        .detail(format!(
            "From purchases of the last twelve months, and from the newest answers to surveys whose items have the keys \
             `{SHARE_OF_NEEDS}` (a percentage), `{PREFERENCE}`, `{LIKING}` and `{PRICE_SENSITIVITY}` (1 to 7). Answers are left \
             out for callers who may not read surveys."
        ))
        .answers::<Loyalty>(200)
}

/// Answers a customer's loyalty. 3 read units and half a one for each four kilobytes of invitations.
///
/// # Errors
/// `404` for a contact that is not there.
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let contact = existing(&app, caller.tenant, id(Prefix::Contact, &text)?).await?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let contacts = [contact];
    let asked = async {
        if caller.reads("survey_invitation") {
            answers(&app, caller.tenant, contact).await
        } else {
            Ok(BTreeMap::new())
        }
    };
    let (known, figures, answers) = futures::try_join!(
        app.store.get::<Contact>(caller.tenant, contact),
        app.store.figures(caller.tenant, &contacts),
        asked,
    )?;
    let zone = rules.settings.zone();
    let today = rules.now.to_zoned(zone.clone()).date();
    let since = known.meta.created_at.to_zoned(zone).date();
    let figures = figures.get(&contact).and_then(|stored| stored.figures.as_ref());
    Ok(respond::json(
        StatusCode::OK,
        &tell(contact, figures, &answers, since, today),
    ))
}

/// What of an invitation is looked at.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    answered_at: Option<String>,
    #[serde(default)]
    answers: BTreeMap<String, Value>,
}

/// The newest answer to each item.
async fn answers(app: &App, tenant: TenantId, contact: RecordId) -> Result<BTreeMap<String, Value>, StoreError> {
    let partition = index_partition(Invitation::NOUN, "by_contact_id", &contact.to_string());
    let query = Query::index("by_contact_id", partition);
    let page = app
        .store
        .query(tenant, Table::Surveys, &query, MOST_INVITATIONS, None)
        .await?;
    let mut found: Vec<Asked> = page
        .items
        .iter()
        .filter_map(Row::read)
        .filter(|row| !row.gone)
        .filter_map(|row| serde_json::from_str(&row.doc).ok())
        .collect();
    found.sort_by(|l: &Asked, r: &Asked| l.answered_at.cmp(&r.answered_at));
    // Oldest first, so that the newest is what stays.
    Ok(found.into_iter().flat_map(|asked| asked.answers).collect())
}

fn tell(
    contact_id: RecordId,
    figures: Option<&Figures>,
    answers: &BTreeMap<String, Value>,
    known_since: Date,
    today: Date,
) -> Loyalty {
    let from = day_number(today.saturating_sub(Span::new().months(MONTHS)));
    let days: Vec<i64> = figures.map(Figures::day_numbers).unwrap_or_default();
    let within = days
        .iter()
        .filter(|day| **day > i64::from(from) && **day <= i64::from(day_number(today)));
    let agreement = |key: &str| {
        let answer = answers.get(key)?.as_u64()?;
        u8::try_from(answer).ok().filter(|answer| (1..=7).contains(answer))
    };
    let share = answers
        .get(SHARE_OF_NEEDS)
        .and_then(Value::as_f64)
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0);
    let decided = figures.and_then(Figures::first).map(|first| date_of(first.0));
    let days_to_decide = decided
        .and_then(|first| known_since.until(first).ok())
        .map(|span| f64::from(span.get_days()))
        .filter(|days| *days >= 0.0);
    let evidence = Evidence {
        purchase_days: u32::try_from(within.count()).unwrap_or(u32::MAX),
        share_of_needs: share,
        preference: agreement(PREFERENCE),
        liking: agreement(LIKING),
        price_sensitivity: agreement(PRICE_SENSITIVITY),
        days_to_decide,
    };
    let opinions = evidence.preference.is_some() || evidence.liking.is_some() || share.is_some();
    Loyalty {
        contact_id,
        level: level(&evidence).key(),
        purchase_days: evidence.purchase_days,
        repeats: evidence.purchase_days >= 2,
        usual_days_between: usual_gap_days(&days),
        rhythm_days: own_rhythm_days(&days),
        days_to_decide: evidence.days_to_decide,
        share_of_needs: evidence.share_of_needs,
        preference: evidence.preference,
        liking: evidence.liking,
        price_sensitivity: evidence.price_sensitivity,
        insufficient_data: match (days.is_empty(), opinions) {
            (true, _) => Some("no_purchases"),
            (false, false) => Some("not_asked"),
            (false, true) => None,
        },
        as_of: today,
        explain: json!({
            "level": "the first that holds: behavioural, bought on two days of the last twelve months or more, and, where asked, \
                      half of what is needed is bought here and liking is 4 or more; affective, liking is 5 or more; cognitive, \
                      preference is 5 or more; none",
            "purchase_days": "distinct days with an order paid or fulfilled, dated placed_on",
            "usual_days_between": "median of the gaps between days of purchase, of all times",
            "rhythm_days": "90 % quantile of the same gaps",
            "answers": "the newest answer to each item of any survey that the customer was asked; share_of_needs is a percentage / 100",
            "days_to_decide": "days from the day the contact was made known to the first day of purchase",
        }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::score::Contribution;

    #[test]
    fn the_level_follows_from_purchases_and_answers() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        let none = json!({});
        // (days of purchase, answers, level, what is missing) on 1 June 2026
        type Case<'a> = (&'a [&'a str], &'a Value, &'a str, Option<&'a str>);
        let (liking, preference) = (json!({"liking": 6, "share_of_needs": 20}), json!({"preference": 5}));
        let (disliking, strange) = (
            json!({"liking": 2}),
            json!({"liking": 9, "preference": "much", "share_of_needs": 900}),
        );
        let cases: [Case<'_>; 8] = [
            (&[], &none, "none", Some("no_purchases")),
            (&["2026-05-01"], &none, "none", Some("not_asked")),
            (&["2026-03-01", "2026-05-01"], &none, "behavioural", Some("not_asked")),
            (&["2024-03-01", "2026-05-01"], &none, "none", Some("not_asked")),
            (&["2026-03-01", "2026-05-01"], &liking, "affective", None),
            (&["2026-03-01", "2026-05-01"], &disliking, "none", None),
            (&["2026-05-01"], &preference, "cognitive", None),
            (
                &["2026-03-01", "2026-05-01"],
                &strange,
                "behavioural",
                Some("not_asked"),
            ),
        ];
        for (days, answers, level, missing) in cases {
            let contributions: Vec<Contribution> = days
                .iter()
                .map(|text| Contribution {
                    day: day_number(day(text)),
                    amount: "1".parse().unwrap(),
                    margin: None,
                    currency: "USD".parse().unwrap(),
                })
                .collect();
            let figures = Figures::of(&contributions, "USD".parse().unwrap());
            let answers = serde_json::from_value(answers.clone()).unwrap();
            let contact = RecordId::from_u128(Prefix::Contact, 1);
            let got = tell(contact, Some(&figures), &answers, day("2026-02-01"), day("2026-06-01"));
            assert_eq!(
                (got.level, got.insufficient_data),
                (level, missing),
                "{days:?} {answers:?}"
            );
            let first = days
                .first()
                .filter(|first| **first >= "2026-02-01")
                .map(|first| day(first));
            let expected = first.map(|first| f64::from(day_number(first) - day_number(day("2026-02-01"))));
            assert_eq!(got.days_to_decide, expected, "{days:?}");
        }
    }
}
