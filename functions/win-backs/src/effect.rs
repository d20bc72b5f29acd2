//! `GET /v1/win-backs/effect`: whether those who were dealt with returned more often than those who were left alone.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Span;
use jiff::civil::Date;
use rapport_analytics::survey::{self, Estimate};
use rapport_domain::money::Amount;
use rapport_domain::win_back::{Treatment, WINDOW_DAYS, WinBack, WinBackStatus};
use rapport_domain::{Currency, Money};
use rapport_http::problem::Code;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::json;

/// At most so many cases of each status are counted.
const MOST: usize = 10_000;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackFigure)]
pub struct Figure {
    /// The figure.
    value: f64,
    /// The lower end of the interval.
    low: f64,
    /// Its upper end.
    high: f64,
}

impl From<Estimate> for Figure {
    fn from(Estimate { value, low, high, .. }: Estimate) -> Self {
        let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
        Self {
            value: round(value),
            low: round(low),
            high: round(high),
        }
    }
}

/// The lists behind the numbers of a group.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackGroupRows)]
pub struct GroupRows {
    /// The cases that `n` counts.
    n: String,
    /// The cases that `returned` counts.
    returned: String,
}

/// Customers who were treated alike.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackGroup)]
pub struct Group {
    /// Cases whose outcome is known.
    n: usize,
    /// Those who returned.
    returned: usize,
    /// `returned` of `n`; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<Figure>,
    /// The lists behind the numbers.
    rows: GroupRows,
}

/// A sum of money and the list behind it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackSum)]
pub struct Sum {
    /// The sum, as a decimal string.
    amount: Amount,
    /// Its currency.
    currency: Currency,
    /// Cases left out because theirs is another currency.
    other_currency: usize,
    /// The cases it is the sum of.
    rows: String,
}

/// How many cases, and the lists of them.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackCount)]
pub struct Count {
    /// How many.
    n: usize,
    /// The lists that together hold them.
    rows: Vec<String>,
}

/// The comparison that chance decided.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackHoldOut)]
pub struct HoldOut {
    /// Cases that could be dealt with, whether anybody did.
    offered: Group,
    /// Cases chosen by lot to be left alone.
    held_out: Group,
    /// The share of the first less that of the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Figure>,
}

/// What was done about silent customers, and what it brought.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = WinBackEffect)]
pub struct Effect {
    /// The first day on which a case counted here was found.
    #[schema(value_type = String, format = "date")]
    from: Date,
    /// The last.
    #[schema(value_type = String, format = "date")]
    to: Date,
    /// A return is a purchase within so many days.
    window_days: i64,
    /// Something was done before they returned or the window passed.
    acted: Group,
    /// Nothing was.
    left_alone: Group,
    /// The share of those dealt with less that of those left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<Figure>,
    /// What those bought within the window who were dealt with and returned, net of refunds.
    revenue: Sum,
    /// What was spent on those who were dealt with.
    cost: Sum,
    /// Where cases are held out by lot: the comparison that chance decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_out: Option<HoldOut>,
    /// Cases whose outcome is not known yet.
    open: Count,
    /// `no_outcomes` or `one_group`: why there is no difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    insufficient_data: Option<&'static str>,
    /// Whether all cases were counted, or only the newest.
    complete: bool,
    /// The day this was counted.
    #[schema(value_type = String, format = "date")]
    as_of: Date,
    /// How each number comes about.
    #[schema(value_type = Object)]
    explain: serde_json::Value,
}

/// Answers the effect. Half a read unit for each four kilobytes of cases.
///
/// # Errors
/// `400` for a span that is none.
pub async fn read(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["from", "to"])?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let settings = &rules.settings;
    let today = rules.now.to_zoned(settings.zone()).date();
    let to = day(&params, "to")?.unwrap_or(today);
    let from = day(&params, "from")?.unwrap_or_else(|| to.saturating_sub(Span::new().years(1)));
    if from > to {
        return Err(Problem::new(Code::Malformed).detail("from is a day not after to"));
    }
    let found = |status| app.store.win_backs_found(caller.tenant, status, (from, to), MOST);
    let (found, acted, returned, not) = futures::try_join!(
        found(WinBackStatus::Found),
        found(WinBackStatus::Acted),
        found(WinBackStatus::Returned),
        found(WinBackStatus::NotReturned),
    )?;
    let complete = found.1 && acted.1 && returned.1 && not.1;
    let open = found.0.len() + acted.0.len();
    let measured: Vec<WinBack> = returned.0.into_iter().chain(not.0).collect();
    let effect = tally(&measured, open, (from, to), settings.currency, complete, today);
    Ok(respond::json(StatusCode::OK, &effect))
}

fn day(params: &Params, name: &str) -> Result<Option<Date>, Problem> {
    let parse = |text: &str| {
        text.parse::<Date>()
            .map_err(|_| Problem::new(Code::Malformed).detail(format!("{name} is a day such as 2026-11-22")))
    };
    params.get(name).map(parse).transpose()
}

/// The address of a list of the cases found in a span.
fn rows((from, to): (Date, Date), filter: &str) -> String {
    let before = to.saturating_add(Span::new().days(1));
    format!("/v1/win-backs?{filter}&found_since={from}&found_before={before}")
}

fn group<'a>(
    cases: impl Iterator<Item = &'a WinBack>,
    hit: fn(&WinBack) -> bool,
    rows: GroupRows,
) -> (Group, Option<Estimate>) {
    let (mut n, mut returned) = (0, 0);
    for case in cases {
        n += 1;
        returned += usize::from(hit(case));
    }
    let share = survey::share(returned, n);
    let group = Group {
        n,
        returned,
        share: share.map(Figure::from),
        rows,
    };
    (group, share)
}

fn difference(first: Option<Estimate>, second: Option<Estimate>) -> Option<Figure> {
    Some(survey::difference_of_shares(&first?, &second?).into())
}

fn sum<'a>(amounts: impl Iterator<Item = &'a Money>, currency: Currency, rows: String) -> Sum {
    let (mut total, mut other_currency) = (Decimal::ZERO, 0);
    for money in amounts {
        if money.currency == currency {
            total += money.amount.0;
        } else {
            other_currency += 1;
        }
    }
    Sum {
        amount: Money::new(total, currency).amount,
        currency,
        other_currency,
        rows,
    }
}

fn tally(
    measured: &[WinBack],
    open: usize,
    span: (Date, Date),
    currency: Currency,
    complete: bool,
    as_of: Date,
) -> Effect {
    let returned = |case: &WinBack| case.status == WinBackStatus::Returned;
    let in_time = |case: &WinBack| case.returned_in_time;
    let of = |treatment: Treatment| {
        let word = treatment.as_str();
        let rows = GroupRows {
            n: rows(span, &format!("treatment={word}&measured=true")),
            returned: rows(span, &format!("status=returned&treatment={word}")),
        };
        group(
            measured.iter().filter(|case| case.treatment == treatment),
            returned,
            rows,
        )
    };
    let (acted, acted_share) = of(Treatment::Acted);
    let (left_alone, alone_share) = of(Treatment::LeftAlone);
    let by_lot = |held: bool| {
        let word = format!("left_alone_on_purpose={held}&measured=true");
        let rows = GroupRows {
            n: rows(span, &word),
            returned: rows(span, &format!("{word}&returned_in_time=true")),
        };
        group(
            measured.iter().filter(|case| case.left_alone_on_purpose == held),
            in_time,
            rows,
        )
    };
    let (held_out, held_share) = by_lot(true);
    let hold_out = (held_out.n > 0).then(|| {
        let (offered, offered_share) = by_lot(false);
        HoldOut {
            offered,
            held_out,
            difference: difference(offered_share, held_share),
        }
    });
    let difference = difference(acted_share, alone_share);
    let dealt_with = || measured.iter().filter(|case| case.treatment == Treatment::Acted);
    Effect {
        from: span.0,
        to: span.1,
        window_days: WINDOW_DAYS,
        revenue: sum(
            dealt_with()
                .filter(|case| returned(case))
                .filter_map(|case| case.revenue.as_ref()),
            currency,
            acted.rows.returned.clone(),
        ),
        cost: sum(
            dealt_with().flat_map(|case| case.actions.iter().filter_map(|action| action.cost.as_ref())),
            currency,
            acted.rows.n.clone(),
        ),
        insufficient_data: match (measured.is_empty(), difference) {
            (true, _) => Some("no_outcomes"),
            (false, None) => Some("one_group"),
            (false, Some(_)) => None,
        },
        explain: explain(hold_out.is_some()),
        open: Count {
            n: open,
            rows: vec![rows(span, "status=found"), rows(span, "status=acted")],
        },
        acted,
        left_alone,
        difference,
        hold_out,
        complete,
        as_of,
    }
}

fn explain(lots: bool) -> serde_json::Value {
    let nature = if lots {
        "acted against left_alone is an observation: whoever chose whom to deal with may have chosen those who would have \
         returned anyway. hold_out is an experiment: lots decided who could be dealt with, so its difference is the effect"
    } else {
        "an observation, not an experiment: whoever chose whom to deal with may have chosen those who would have returned \
         anyway, and who is dealt with late has already not returned for a while. With the setting win_back.hold_out a share \
         of cases is left alone by lot, and the effect can be told from chance"
    };
    json!({
        "nature": nature,
        "cases": "customers who became at risk or lost, by the day this was found; dismissed ones do not count",
        "returned": format!("bought within {WINDOW_DAYS} days after the first action, or after being found where nothing was done"),
        "share": "returned / n, with Wilson's 95 % interval",
        "difference": "share of acted less share of left_alone, with Newcombe's 95 % interval (method 10)",
        "revenue": "purchases within the window of those dealt with who returned, net of refunds; not what would have been bought anyway",
        "cost": "costs noted with the actions",
        "hold_out": format!("returned within {WINDOW_DAYS} days after being found, in both groups alike, whoever was really dealt with"),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::score::{Day, day_number};
    use rapport_domain::win_back::{ActionKind, Finding, Silence, WinBackActionIn};
    use rapport_domain::{Prefix, RecordId, Rules};
    use std::sync::Arc;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// A case found on 1 March; dealt with on the 5th or not, bought on the 20th or not, looked at on 1 June.
    fn case(n: u128, acted: bool, bought: bool, held: bool) -> WinBack {
        let usd: Currency = "USD".parse().unwrap();
        let finding = Finding {
            contact: RecordId::from_u128(Prefix::Contact, n),
            stage: Silence::AtRisk,
            reason: None,
            detail: None,
            value: (Money::new(Decimal::TEN, usd), "monetary"),
            found_on: day("2026-03-01"),
            last_purchase_on: day("2025-12-01"),
        };
        let mut case = finding.open(if held { 1.0 } else { 0.0 });
        if acted {
            let rules = Rules {
                now: "2026-03-05T12:00:00Z".parse().unwrap(),
                settings: Arc::default(),
                fields: Arc::default(),
            };
            let action = WinBackActionIn {
                kind: ActionKind::Offer,
                note: None,
                cost: Some(Amount(Decimal::ONE)),
                on: None,
            };
            case = case.act(action, "usr_1", &rules).unwrap();
        }
        let days = [Day(day_number(day("2026-03-20")), Some(Decimal::TEN))];
        case.settle(if bought { &days } else { &[] }, day("2026-06-01"))
    }

    fn effect(cases: &[WinBack]) -> Effect {
        let span = (day("2026-01-01"), day("2026-05-31"));
        tally(cases, 3, span, "USD".parse().unwrap(), true, day("2026-06-01"))
    }

    #[test]
    fn groups_shares_and_sums_follow_from_the_cases() {
        let cases: Vec<WinBack> = (0..20).map(|n| case(n, n < 10, n % 2 == 0 || n < 6, n >= 15)).collect();
        let effect = effect(&cases);
        assert_eq!((effect.acted.n, effect.acted.returned), (10, 8));
        assert_eq!((effect.left_alone.n, effect.left_alone.returned), (10, 5));
        let share = effect.acted.share.unwrap();
        // Wilson's interval of 8 of 10.
        assert_eq!((share.value, share.low, share.high), (0.8, 0.4902, 0.9433));
        let difference = effect.difference.unwrap();
        assert!((difference.value - 0.3).abs() < 1e-9 && difference.low < 0.0 && difference.high > 0.3);
        assert_eq!(effect.revenue.amount.0, Decimal::from(80));
        assert_eq!(effect.cost.amount.0, Decimal::from(10));
        let lots = effect.hold_out.unwrap();
        assert_eq!((lots.offered.n, lots.held_out.n, lots.held_out.returned), (15, 5, 2));
        assert_eq!(
            effect.acted.rows.returned,
            "/v1/win-backs?status=returned&treatment=acted&found_since=2026-01-01&found_before=2026-06-01"
        );
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        for (cases, expected) in [
            (vec![], Some("no_outcomes")),
            (vec![case(1, true, true, false)], Some("one_group")),
            (vec![case(1, false, true, false)], Some("one_group")),
            (vec![case(1, true, false, false), case(2, false, false, false)], None),
        ] {
            let effect = effect(&cases);
            assert_eq!(effect.insufficient_data, expected);
            assert_eq!(effect.difference.is_some(), expected.is_none());
            assert!(effect.hold_out.is_none());
            assert!(!serde_json::to_string(&effect).unwrap().contains("NaN"));
        }
    }
}
