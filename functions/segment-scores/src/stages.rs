//! A purchase moves its customer's stage of life at once: a lead becomes a customer, a customer repeats, a lost one is won
//! back, an alert ends. Ranks wait for the next recompute.

use rapport_analytics::churn::{self, Facts, Measures};
use rapport_domain::score::{Figures, Score, date_of, day_number};
use rapport_domain::settings::Settings;
use rapport_domain::{RecordId, TenantId};
use rapport_runtime::App;
use rapport_scoring::answer::{Judge, live, stable};
use rapport_scoring::{Customer, Model};
use rapport_store::StoreError;
use rapport_store::score::NewScore;

/// How often a customer is looked at again whose score somebody else wrote meanwhile.
const ATTEMPTS: usize = 4;

/// Moves the stages of customers whose figures are up to date. Should a recompute keep writing the same scores, the stage is
/// left to it.
///
/// # Errors
/// When the store does not answer.
pub async fn follow(
    app: &App,
    tenant: TenantId,
    settings: &Settings,
    contacts: &[RecordId],
    request: &str,
) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let model: Option<Model> = match app.store.model(tenant, None).await? {
        Some(text) => serde_json::from_str(&text).map_err(|error| StoreError::Internal(error.to_string()))?,
        None => None,
    };
    let mut left = contacts.to_vec();
    for _ in 0..ATTEMPTS {
        let (figures, stored) = futures::try_join!(app.store.figures(tenant, &left), app.store.scores(tenant, &left))?;
        let now = app.clock.now();
        let day = day_number(now.to_zoned(settings.zone()).date());
        let mut again = Vec::new();
        for contact in &left {
            let Some(figures) = figures.get(contact).and_then(|stored| stored.figures.as_ref()) else {
                continue;
            };
            let (version, before) = match stored.get(contact) {
                Some((version, score)) => (*version, Some(score)),
                None => (0, None),
            };
            let Some(score) = moved(*contact, figures, before, model.as_ref(), day, settings) else {
                continue;
            };
            let new = NewScore {
                version: version + 1,
                stable: stable(&score),
                score,
                changed_at: Some(now),
            };
            match app
                .store
                .move_score(tenant, &new, &format!("{request}#{contact}"))
                .await
            {
                Ok(()) => {}
                Err(StoreError::Stale(_)) => again.push(*contact),
                Err(error) => return Err(error),
            }
        }
        left = again;
        if left.is_empty() {
            break;
        }
    }
    Ok(())
}

/// The score with the stage that the figures of a day make it; `None` where that is the stage it has.
#[must_use]
pub fn moved(
    contact: RecordId,
    figures: &Figures,
    before: Option<&Score>,
    model: Option<&Model>,
    day: i32,
    settings: &Settings,
) -> Option<Score> {
    let customer = Customer::at(contact, figures, day, settings.margin_rate())?;
    let (stage, churn) = match model {
        Some(model) => {
            let judge = Judge::new(model, day, settings.language());
            let verdict = judge.verdict(&customer);
            (verdict.stage, Some(judge.churn(&customer, &verdict.assessment)))
        }
        // Nothing is known of others yet, so nothing alerts.
        None => {
            let facts = Facts {
                qualified: true,
                purchases: customer.frequency,
                days_since_last: customer.recency(day),
                last_gap_days: customer.last_gap.map(i64::from),
                alert: false,
            };
            let measures = Measures {
                lost_after_days: i64::from(settings.scoring.lost_after_days),
                ..Measures::default()
            };
            (churn::stage(&facts, &measures), None)
        }
    };
    let alert = |score: &Score| score.churn.as_ref().is_some_and(|churn| churn.alert);
    let same = before.is_some_and(|before| {
        before.lifecycle.as_deref() == Some(stage.key())
            && alert(before) == churn.as_ref().is_some_and(|churn| churn.alert)
    });
    if same {
        return None;
    }
    let mut rfm = live(&customer, day, figures.currency, figures.foreign);
    if let Some(then) = before.and_then(|before| before.rfm.clone()) {
        (rfm.r, rfm.f, rfm.m) = (then.r, then.f, then.m);
        (rfm.cell, rfm.segment) = (then.cell, then.segment);
    }
    Some(Score {
        contact_id: contact,
        rfm: Some(rfm),
        pareto: before.and_then(|before| before.pareto.clone()),
        value: before.and_then(|before| before.value.clone()),
        churn,
        lifecycle: Some(stage.key().to_owned()),
        insufficient_data: None,
        as_of: date_of(day),
        scored_at: before.and_then(|before| before.scored_at),
        explain: None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Prefix;
    use rapport_domain::score::Contribution;

    fn figures(days: &[i32]) -> Figures {
        let contributions: Vec<Contribution> = days
            .iter()
            .map(|day| Contribution {
                day: *day,
                amount: "10".parse().unwrap(),
                margin: None,
                currency: "USD".parse().unwrap(),
            })
            .collect();
        Figures::of(&contributions, "USD".parse().unwrap())
    }

    #[test]
    fn a_purchase_moves_the_stage_and_only_a_moved_one_is_written() {
        let contact = RecordId::from_u128(Prefix::Contact, 1);
        let settings = Settings::default();
        // (days of purchase, the stage before, the stage now where it moves) on day 1,000
        let cases: [(&[i32], Option<&str>, Option<&str>); 9] = [
            (&[], None, None),
            (&[1_000], None, Some("customer")),
            (&[1_000], Some("customer"), None),
            (&[900, 1_000], Some("customer"), Some("repeat")),
            (&[900, 1_000], Some("at_risk"), Some("repeat")),
            (&[500, 1_000], Some("lost"), Some("won_back")),
            (&[800, 850, 900, 950, 1_000], Some("repeat"), Some("loyal")),
            // The purchase was taken back.
            (&[500], Some("won_back"), Some("lost")),
            (&[1_000, 1_005], Some("customer"), None),
        ];
        for (days, stage, expected) in cases {
            let before = stage.map(|stage| Score {
                contact_id: contact,
                rfm: None,
                pareto: None,
                value: None,
                churn: None,
                lifecycle: Some(stage.to_owned()),
                insufficient_data: None,
                as_of: date_of(999),
                scored_at: None,
                explain: None,
            });
            let score = moved(contact, &figures(days), before.as_ref(), None, 1_000, &settings);
            assert_eq!(
                score.as_ref().and_then(|score| score.lifecycle.as_deref()),
                expected,
                "{days:?} {stage:?}"
            );
        }
    }
}
