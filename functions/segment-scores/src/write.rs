//! Step 3 of a recompute: a page of scores, of which only those that changed are written. The last page ends the job.

use std::collections::HashMap;

use rapport_domain::score::day_number;
use rapport_domain::survey::Language;
use rapport_domain::{RecordId, TenantId};
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_scoring::answer::{Judge, outline, stable};
use rapport_scoring::customer::{Customer, Page};
use rapport_scoring::{Model, Ranks};
use rapport_store::StoreError;
use rapport_store::score::{NewScore, StoredScore};

use crate::{baskets, win_backs};

/// Customers in a chunk of a run up to a day: a reader reads one chunk.
const CHUNK: usize = 250;

/// Writes one page.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, tenant: TenantId, job: RecordId, page: u32, pages: u32) -> Result<(), BoxError> {
    let message = Message::ScoresWriteV1 { job, page, pages };
    let Some(run) = crate::turn(app, tenant, job, message).await? else {
        return Ok(());
    };
    let missing = |what: &str| StoreError::Internal(format!("{what} of a run is missing or unreadable"));
    let kept = app
        .store
        .run_page(tenant, job, page)
        .await?
        .ok_or_else(|| missing("a page"))?;
    let customers = Page::decode(&kept.bytes).ok_or_else(|| missing("a page"))?.customers;
    let ranks = app
        .store
        .ranks(tenant, job, page)
        .await?
        .ok_or_else(|| missing("the ranking"))?;
    let ranks: Vec<Ranks> = ranks
        .chunks_exact(Ranks::BYTES)
        .map(Ranks::decode)
        .collect::<Option<_>>()
        .filter(|ranks: &Vec<Ranks>| ranks.len() == customers.len())
        .ok_or_else(|| missing("the ranking"))?;
    let text = app
        .store
        .run_model(tenant, job)
        .await?
        .ok_or_else(|| missing("the model"))?;
    let (after, last) = (kept.after.as_deref(), kept.last.as_deref());
    let changed = if let Some(until) = run.until {
        app.store.clear_until(tenant, until, after, last).await?;
        let chunks = chunks(&customers, &ranks);
        app.store.put_until(tenant, until, chunks, app.clock.now()).await?;
        customers.len()
    } else {
        let stored = app.store.scores_between(tenant, after, last).await?;
        let model: Model = serde_json::from_str(&text)?;
        let day = day_number(run.as_of);
        let language = app.store.tenant_rules(tenant).await?.settings.language();
        let (new, gone) =
            tokio::task::spawn_blocking(move || differences(&customers, &ranks, &model, day, language, stored)).await?;
        // First: once the scores are written, a repetition finds nothing new in them.
        win_backs::open(app, tenant, &new, &format!("{job}#{page}")).await?;
        app.store.put_scores(tenant, &new, &format!("{job}#{page}")).await?;
        app.store.remove_scores(tenant, &gone).await?;
        new.len() + gone.len()
    };
    let now = app.clock.now();
    let done = app.store.note_page(tenant, job, page, changed as u64, now).await?;
    if done >= usize::try_from(pages).unwrap_or(usize::MAX) {
        app.store.put_model(tenant, run.until, text, now).await?;
        if run.until.is_none() {
            win_backs::ask(app, tenant, run.as_of).await?;
            baskets::ask(app, tenant, job, run.as_of).await?;
        }
        app.store.end_recompute(tenant, job, None, now).await?;
    }
    Ok(())
}

/// The scores that differ from what is stored, and the contacts that are scored and no longer buy.
#[must_use]
pub fn differences(
    customers: &[Customer],
    ranks: &[Ranks],
    model: &Model,
    day: i32,
    language: Language,
    mut stored: HashMap<String, StoredScore>,
) -> (Vec<NewScore>, Vec<String>) {
    let judge = Judge::new(model, day, language);
    let mut new = Vec::new();
    for (customer, ranks) in customers.iter().zip(ranks) {
        let before = stored.remove(&customer.id.to_string());
        // Who bought since the page was gathered was moved by that purchase; the next run ranks what this one has not seen.
        if before
            .as_ref()
            .is_some_and(|before| before.last.is_some_and(|last| last > customer.last && last <= day))
        {
            continue;
        }
        let mut score = outline(customer, *ranks, &judge);
        let stable = stable(&score);
        if before.as_ref().is_some_and(|before| before.stable == stable) {
            continue;
        }
        score.value = judge.value(customer, model.currency);
        score.scored_at = Some(model.scored_at);
        new.push(NewScore {
            version: before.map_or(0, |before| before.version) + 1,
            stable,
            score,
            changed_at: None,
        });
    }
    let mut gone: Vec<String> = stored.into_keys().collect();
    gone.sort_unstable();
    (new, gone)
}

/// Ranks with the ids they belong to, in chunks under their last id.
fn chunks(customers: &[Customer], ranks: &[Ranks]) -> Vec<(RecordId, Vec<u8>)> {
    let both: Vec<(&Customer, &Ranks)> = customers.iter().zip(ranks).collect();
    both.chunks(CHUNK)
        .filter_map(|chunk| {
            let (last, _) = chunk.last()?;
            let bytes = chunk
                .iter()
                .flat_map(|(customer, ranks)| {
                    let mut bytes = customer.id.as_u128().to_le_bytes().to_vec();
                    bytes.extend(ranks.encode());
                    bytes
                })
                .collect();
            Some((last.id, bytes))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use rapport_domain::Prefix;
    use rapport_domain::settings::Settings;
    use rapport_scoring::Gaps;
    use rapport_scoring::population::Group;

    fn world(n: u32) -> (Vec<Customer>, Vec<Ranks>, Model) {
        let customers: Vec<Customer> = (0..n)
            .map(|i| Customer {
                id: RecordId::from_u128(Prefix::Contact, u128::from(i) + 1),
                first: 100,
                last: 100 + (i * 37 % 200) as i32,
                frequency: 1 + i % 4,
                monetary: i64::from(1_000 + i * 7_919 % 30_000),
                repeats: i % 4,
                repeated: i64::from(i % 4) * 700,
                rhythm: None,
                usual: None,
                last_gap: None,
                margin_rate: 0.3,
            })
            .collect();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let scoring = Settings::default().scoring;
        let (ranks, model) =
            rapport_scoring::reduce(&customers, &Gaps::default(), 400, "USD".parse().unwrap(), &scoring, now);
        (customers, ranks, model)
    }

    fn stored(scores: &[NewScore]) -> HashMap<String, StoredScore> {
        scores
            .iter()
            .map(|new| {
                let contact = new.score.contact_id.to_string();
                let stored = StoredScore {
                    contact: contact.clone(),
                    version: new.version,
                    stable: new.stable.clone(),
                    last: new.score.rfm.as_ref().map(|rfm| day_number(rfm.last_purchase_on)),
                };
                (contact, stored)
            })
            .collect()
    }

    #[test]
    fn only_what_changed_is_written() {
        let (customers, ranks, model) = world(200);
        let (first, gone) = differences(&customers, &ranks, &model, 400, Language::En, HashMap::new());
        assert_eq!((first.len(), gone.len()), (200, 0));
        assert!(
            first
                .iter()
                .all(|new| new.version == 1 && new.score.scored_at == Some(model.scored_at))
        );
        let (second, gone) = differences(&customers, &ranks, &model, 400, Language::En, stored(&first));
        assert_eq!((second.len(), gone.len()), (0, 0));
        // One bought again after the page was gathered: the purchase has moved the stage, and stays.
        let mut meanwhile = stored(&first);
        for score in meanwhile.values_mut() {
            score.last = score.last.map(|last| last + 1);
            score.stable.clear();
        }
        let (late, _) = differences(&customers, &ranks, &model, 400, Language::En, meanwhile);
        assert_eq!(late.len(), 0);
        // One bought again, one no longer counts.
        let mut changed = customers.clone();
        changed[5].frequency += 1;
        let lost = changed.pop().unwrap();
        let (third, gone) = differences(&changed, &ranks[..199], &model, 400, Language::En, stored(&first));
        assert_eq!(third.len(), 1);
        assert_eq!((third[0].version, third[0].score.contact_id), (2, customers[5].id));
        assert_eq!(gone, [lost.id.to_string()]);
    }

    #[test]
    fn what_is_stored_is_what_the_model_counts() {
        let (mut customers, _, model) = world(300);
        for (i, customer) in customers.iter_mut().enumerate() {
            match i % 5 {
                0 => (customer.first, customer.last) = (-300, 10),
                1 => customer.last = 395,
                2 => (customer.last, customer.last_gap) = (398, Some(380)),
                _ => {}
            }
            customer.rhythm = (customer.frequency > 3).then_some(60.0);
        }
        let (gaps, usd) = (Gaps::default(), model.currency);
        let (ranks, model) = rapport_scoring::reduce(&customers, &gaps, 400, usd, &model.scoring, model.scored_at);
        let (stored, _) = differences(&customers, &ranks, &model, model.as_of, Language::En, HashMap::new());
        let mut stages: BTreeMap<&str, u64> = BTreeMap::new();
        let mut grades: BTreeMap<&str, u64> = BTreeMap::new();
        for new in &stored {
            *stages.entry(new.score.lifecycle.as_deref().unwrap()).or_default() += 1;
            *grades
                .entry(new.score.pareto.as_ref().unwrap().grade.as_str())
                .or_default() += 1;
        }
        let counted = |groups: &'_ [Group]| -> BTreeMap<String, u64> {
            groups
                .iter()
                .map(|group| (group.key.clone(), group.customers))
                .collect()
        };
        let named = |counts: BTreeMap<&str, u64>| -> BTreeMap<String, u64> {
            counts.into_iter().map(|(key, count)| (key.to_owned(), count)).collect()
        };
        assert!(stages.len() > 3, "{stages:?}");
        assert_eq!(counted(&model.population.lifecycle), named(stages));
        assert_eq!(counted(&model.population.grades), named(grades));
    }

    #[test]
    fn chunks_carry_every_rank_under_its_id() {
        let (customers, ranks, _) = world(600);
        let chunks = chunks(&customers, &ranks);
        assert_eq!(chunks.len(), 3);
        assert_eq!(
            chunks.iter().map(|(last, _)| *last).collect::<Vec<_>>(),
            [customers[249].id, customers[499].id, customers[599].id]
        );
        let found = rapport_scoring::reduce::find(&chunks[1].1, customers[300].id);
        assert_eq!(found, Some(ranks[300]));
        assert_eq!(rapport_scoring::reduce::find(&chunks[1].1, customers[3].id), None);
    }
}
