//! Cases of customers to be won back: opened by the recompute that finds a silence, settled by every purchase, closed when
//! their window has passed.

use std::collections::HashMap;

use futures::future::try_join_all;
use jiff::Span;
use jiff::civil::Date;
use rapport_domain::contact::Contact;
use rapport_domain::score::Score;
use rapport_domain::win_back::{Finding, Silence, WINDOW_DAYS, WinBack, WinBackStatus};
use rapport_domain::{Actor, Record, RecordId, Rules, TenantId};
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_store::page::Position;
use rapport_store::score::NewScore;
use rapport_store::{Accept, StoreError};
use serde::Deserialize;

/// Nobody is looked for whose silence is more than so many times as long as what the tenant calls a loss: an import of
/// ten years would open a case for everybody who ever bought.
const FORGOTTEN: i64 = 2;
/// Contacts read at a time.
const CHUNK: usize = 100;
/// Cases looked at for one message.
const PAGE: usize = 200;
/// Cases settled side by side.
const SIDE_BY_SIDE: usize = 8;

/// What a score says of a customer who is to be won back; nothing of one who is not.
#[must_use]
pub fn finding(score: &Score, lost_after_days: i64) -> Option<Finding> {
    let stage = match score.lifecycle.as_deref()? {
        "at_risk" => Silence::AtRisk,
        "lost" => Silence::Lost,
        _ => return None,
    };
    let rfm = score.rfm.as_ref()?;
    if rfm.recency_days > FORGOTTEN * lost_after_days {
        return None;
    }
    let value = match &score.value {
        Some(value) if value.clv_12m.amount.0.is_sign_positive() && !value.clv_12m.amount.0.is_zero() => {
            (value.clv_12m, "clv_12m")
        }
        _ => (rfm.monetary, "monetary"),
    };
    let churn = score.churn.as_ref();
    Some(Finding {
        contact: score.contact_id,
        stage,
        reason: churn.and_then(|churn| churn.reason.clone()),
        detail: churn.and_then(|churn| churn.detail.clone()),
        value,
        found_on: score.as_of,
        last_purchase_on: rfm.last_purchase_on,
    })
}

/// What matters here of a contact.
#[derive(Deserialize)]
struct Owned {
    #[serde(default)]
    owner_id: Option<String>,
}

/// Opens cases for the silences among new scores. Contacts that are gone are let be.
///
/// # Errors
/// When the store does not answer.
pub async fn open(app: &App, tenant: TenantId, new: &[NewScore], request: &str) -> Result<(), BoxError> {
    let now = app.clock.now();
    let rules = app.store.rules(tenant, now).await?;
    let lost_after = i64::from(rules.settings.scoring.lost_after_days);
    let found: Vec<Finding> = new.iter().filter_map(|new| finding(&new.score, lost_after)).collect();
    for chunk in found.chunks(CHUNK) {
        let ids: Vec<String> = chunk.iter().map(|finding| finding.contact.to_string()).collect();
        let rows = app.store.rows::<Contact>(tenant, &ids, false).await?;
        let owners: HashMap<String, Option<String>> = rows
            .into_iter()
            .filter_map(|row| Some((row.id, serde_json::from_str::<Owned>(&row.doc).ok()?.owner_id)))
            .collect();
        let findings = chunk
            .iter()
            .filter_map(|finding| Some((finding.clone(), owners.get(&finding.contact.to_string())?.clone())))
            .collect();
        app.store.open_win_backs(tenant, &rules, findings, request).await?;
    }
    Ok(())
}

/// Settles the cases of customers whose figures may have changed: a purchase closes one, a refund may open it again.
///
/// # Errors
/// When the store does not answer.
pub async fn settle(app: &App, tenant: TenantId, contacts: &[RecordId], request: &str) -> Result<(), StoreError> {
    let looks = contacts.iter().map(|contact| app.store.win_backs_of(tenant, *contact));
    let cases: Vec<Record<WinBack>> = try_join_all(looks).await?.into_iter().flatten().collect();
    if cases.is_empty() {
        return Ok(());
    }
    let rules = app.store.rules(tenant, app.clock.now()).await?;
    settle_all(app, tenant, &rules, &cases, request).await
}

/// Asks for the cases whose window has passed by a day.
///
/// # Errors
/// When the queue does not answer.
pub async fn ask(app: &App, tenant: TenantId, day: Date) -> Result<(), BoxError> {
    let messages = [WinBackStatus::Found, WinBackStatus::Acted].map(|status| Message::WinBacksDueV1 {
        day,
        status: status.as_str().to_owned(),
        after: None,
    });
    crate::send(app, tenant, messages).await
}

/// Settles a page of the cases that were found so long ago that their window may have passed, and asks for the next.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn due(app: &App, tenant: TenantId, day: Date, status: &str, after: Option<String>) -> Result<(), BoxError> {
    let known = [WinBackStatus::Found, WinBackStatus::Acted];
    let status = known
        .into_iter()
        .find(|known| known.as_str() == status)
        .ok_or("cases of a status that never falls due")?;
    let rules = match app.store.rules(tenant, app.clock.now()).await {
        Err(StoreError::Missing) => return Ok(()),
        other => other?,
    };
    let position: Option<Position> = after.as_deref().map(serde_json::from_str).transpose()?;
    let to = day.saturating_sub(Span::new().days(WINDOW_DAYS + 1));
    let (mut cases, next) = app
        .store
        .win_backs_until(tenant, status, to, PAGE, position.as_ref())
        .await?;
    // What was done late keeps a case open for longer.
    cases.retain(|case| case.body.window_ends_on < day);
    settle_all(app, tenant, &rules, &cases, &format!("due#{day}")).await?;
    let Some(next) = next else { return Ok(()) };
    let message = Message::WinBacksDueV1 {
        day,
        status: status.as_str().to_owned(),
        after: Some(serde_json::to_string(&next)?),
    };
    crate::send(app, tenant, [message]).await
}

async fn settle_all(
    app: &App,
    tenant: TenantId,
    rules: &Rules,
    cases: &[Record<WinBack>],
    request: &str,
) -> Result<(), StoreError> {
    let today = rules.now.to_zoned(rules.settings.zone()).date();
    let contacts: Vec<RecordId> = cases.iter().map(|case| case.body.contact_id).collect();
    let figures = app.store.figures(tenant, &contacts).await?;
    for few in cases.chunks(SIDE_BY_SIDE) {
        try_join_all(few.iter().map(|case| {
            let figures = figures
                .get(&case.body.contact_id)
                .and_then(|stored| stored.figures.as_ref());
            // None where every order was taken back.
            let days = figures.map_or(&[][..], |figures| &figures.days);
            async move {
                if case.body.settle(days, today) == case.body {
                    return Ok(());
                }
                let id = case.meta.id;
                let actor = Actor::worker("segment-scores", &format!("{request}#{id}"));
                let cx = Accept::new(tenant, actor, rules.clone());
                app.store.settle_win_back(&cx, id, days, today).await
            }
        }))
        .await?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::score::{Churn, Rfm};
    use rapport_domain::{Money, Prefix};

    #[test]
    fn only_a_silence_of_some_length_is_a_finding() {
        let money = |text: &str| Money::new(text.parse().unwrap(), "USD".parse().unwrap());
        for (stage, silent, expected) in [
            (Some("at_risk"), 94, Some(Silence::AtRisk)),
            (Some("lost"), 366, Some(Silence::Lost)),
            (Some("lost"), 730, Some(Silence::Lost)),
            (Some("lost"), 731, None),
            (Some("loyal"), 10, None),
            (None, 94, None),
        ] {
            let score = Score {
                contact_id: RecordId::from_u128(Prefix::Contact, 1),
                rfm: Some(Rfm {
                    recency_days: silent,
                    frequency: 3,
                    monetary: money("30"),
                    average: money("10"),
                    first_purchase_on: "2025-01-01".parse().unwrap(),
                    last_purchase_on: "2025-06-01".parse().unwrap(),
                    other_currency_orders: 0,
                    r: None,
                    f: None,
                    m: None,
                    cell: None,
                    segment: None,
                }),
                pareto: None,
                value: None,
                churn: Some(Churn {
                    risk: 0.7,
                    alert: true,
                    reason: Some("past_rhythm".to_owned()),
                    detail: None,
                }),
                lifecycle: stage.map(str::to_owned),
                insufficient_data: None,
                as_of: "2025-09-03".parse().unwrap(),
                scored_at: None,
                explain: None,
            };
            let found = finding(&score, 365);
            assert_eq!(found.as_ref().map(|found| found.stage), expected, "{stage:?} {silent}");
            if let Some(found) = found {
                assert_eq!(found.value, (money("30"), "monetary"));
                assert_eq!(found.found_on, score.as_of);
            }
        }
    }
}
