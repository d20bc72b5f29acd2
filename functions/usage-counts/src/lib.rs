//! Counts records by kind, for the limits of plans and for bills.
//!
//! Nothing is counted up: some moments after records came or went, all changes of these moments together, the whole kind is
//! counted anew. How long that waits grows with how many there are, so that counting stays cheap beside what is counted.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use rapport_domain::TenantId;
use rapport_domain::usage::day_of;
use rapport_queue::{Envelope, Message, Queue, each, envelope};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::{Kept, StoreError, Table};

/// How long a count waits at least.
const LEAST: SignedDuration = SignedDuration::from_secs(2);
/// How long it waits at most: as long as a queue holds a message back.
const MOST: SignedDuration = SignedDuration::from_secs(900);
/// Records for which it waits a second longer.
const A_SECOND_FOR: u64 = 20;

/// When the counts that this process asked for begin. What changes until then is counted by them.
static ASKED: LazyLock<Kept<(TenantId, String), Timestamp>> = LazyLock::new(|| Kept::new(10_000, Duration::MAX));

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages, one after the other: a second one of the same kind finds the first's count asked for.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    each(event, |envelope| one(&app, envelope)).await
}

async fn one(app: &App, Envelope { tenant, message }: Envelope) -> Result<(), BoxError> {
    match message {
        Message::ChangedV1 { noun, .. } => ask(app, tenant, noun).await,
        Message::RecordsDueV1 { noun } => count(app, tenant, &noun).await,
        other => Err(format!("this worker handles no such message: {other:?}").into()),
    }
}

/// The table that records of a noun lie in; `None` for those that are not counted.
fn table(noun: &str) -> Option<Table> {
    match noun {
        "lead" => Some(Table::Leads),
        "contact" | "company" => Some(Table::Contacts),
        "order" | "product" => Some(Table::Orders),
        "ticket" => Some(Table::Tickets),
        _ => None,
    }
}

/// How long the count of so many records waits for further changes.
fn pause(records: u64) -> SignedDuration {
    let longer = SignedDuration::from_secs(i64::try_from(records / A_SECOND_FOR).unwrap_or(i64::MAX / 2));
    (LEAST + longer.min(MOST)).min(MOST)
}

/// Has a kind counted in a moment, unless that is asked for already.
async fn ask(app: &App, tenant: TenantId, noun: String) -> Result<(), BoxError> {
    let now = app.clock.now();
    let key = (tenant, noun);
    if table(&key.1).is_none() || ASKED.get(&key).is_some_and(|due| due > now) {
        return Ok(());
    }
    let known = app.store.tallies(tenant, day_of(now)).await?;
    let due = now + pause(known.count(&key.1));
    let message = envelope(tenant, Message::RecordsDueV1 { noun: key.1.clone() });
    app.queues.send_at(Queue::UsageCounts, &message, due, now).await?;
    ASKED.put(key, due);
    Ok(())
}

async fn count(app: &App, tenant: TenantId, noun: &str) -> Result<(), BoxError> {
    let Some(table) = table(noun) else { return Ok(()) };
    match app.store.tenant_rules(tenant).await {
        // Nobody is left to be billed.
        Err(StoreError::Missing) => return Ok(()),
        Ok(rules) if !rules.account.may_read() => return Ok(()),
        other => other?,
    };
    let tally = app.store.count_records(tenant, table, noun, app.clock.now()).await?;
    Ok(app.store.keep_tally(tenant, noun, tally).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::plan::Limit;

    #[test]
    fn every_kind_that_is_limited_is_counted() {
        let limited = Limit::ALL.iter().filter_map(|limit| limit.noun());
        assert!(limited.clone().all(|noun| table(noun).is_some()) && limited.count() == 6);
        assert_eq!(table("survey"), None);
    }

    #[test]
    fn a_count_waits_the_longer_the_more_there_is() {
        for (records, seconds) in [
            (0, 2),
            (19, 2),
            (5_000, 252),
            (100_000, 900),
            (5_000_000, 900),
            (u64::MAX, 900),
        ] {
            assert_eq!(pause(records), SignedDuration::from_secs(seconds), "{records}");
        }
    }
}
