//! Each minute: sends what is due by the next minute to its queue, with the delay that is left, and then deletes it.
//!
//! Sent before deleted, so a timer is sent at least once; a run that ends between the two sends again. A run is bounded:
//! what it does not reach, the next one does. A timer that cannot be sent stays and holds up no other.

use std::collections::BTreeMap;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rapport_queue::{Made, Queue};
use rapport_runtime::schedule::queue_of;
use rapport_runtime::{App, BoxError, Function};
use rapport_store::Timer;
use rapport_store::timer::SHARDS;

/// How far a run looks ahead: as long as it is until the next.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// How many timers are read at a time.
const PAGE: usize = 100;
/// How many pages of a shard a run reads: 16,000 timers a minute in all.
const PAGES: usize = 10;

/// The function, called each minute.
#[must_use]
pub fn function() -> Function {
    Function::Schedule(|app| Box::pin(run(app)))
}

/// Sends what is due in every shard.
///
/// # Errors
/// When a timer could not be sent, or a shard not be read: those of the others were sent all the same.
pub async fn run(app: App) -> Result<(), BoxError> {
    let now = app.clock.now();
    let shards = (0..SHARDS).map(|shard| drain(&app, shard, now));
    let mut failed = None;
    for result in join_all(shards).await {
        if let Err(error) = result {
            tracing::warn!(error = %rapport_queue::batch::chain(&*error), "timers stay");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

async fn drain(app: &App, shard: u8, now: Timestamp) -> Result<(), BoxError> {
    let mut after: Option<Timer> = None;
    let mut failed = None;
    for _ in 0..PAGES {
        let due = app.store.due_timers(shard, now + AHEAD, PAGE, after.as_ref()).await?;
        let full = due.len() == PAGE;
        after = due.last().cloned();
        for (word, timers) in by_queue(due) {
            if let Err(error) = send(app, &word, &timers, now).await {
                failed = Some(error);
            }
        }
        if !full {
            break;
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Timers by the word of their queue.
fn by_queue(timers: Vec<Timer>) -> BTreeMap<String, Vec<Timer>> {
    timers.into_iter().fold(BTreeMap::new(), |mut groups, timer| {
        groups.entry(timer.queue.clone()).or_default().push(timer);
        groups
    })
}

async fn send(app: &App, word: &str, timers: &[Timer], now: Timestamp) -> Result<(), BoxError> {
    let queue: Queue = queue_of(word).ok_or_else(|| format!("a timer names the unknown queue {word}"))?;
    let messages: Vec<Made> = timers.iter().map(made).collect();
    app.queues.forward(queue, &messages, now).await?;
    app.store.clear_timers(timers).await?;
    Ok(())
}

fn made(timer: &Timer) -> Made {
    Made {
        // A timer's id begins with its tenant's.
        group: timer.id.split('#').next().unwrap_or_default().to_owned(),
        body: timer.envelope.clone(),
        due: timer.due,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn timers_go_by_queue_and_in_their_tenants_group() {
        let timer = |id: &str, queue: &str| Timer {
            id: id.to_owned(),
            due: "2026-11-22T00:00:00Z".parse().unwrap(),
            queue: queue.to_owned(),
            envelope: "{}".to_owned(),
        };
        let groups = by_queue(vec![
            timer("tnt_1#a", "ticket_deadlines"),
            timer("tnt_1#b", "webhook_deliveries"),
            timer("tnt_2#c", "ticket_deadlines"),
        ]);
        let found: Vec<_> = groups
            .iter()
            .map(|(word, timers)| (word.as_str(), timers.len()))
            .collect();
        assert_eq!(found, [("ticket_deadlines", 2), ("webhook_deliveries", 1)]);
        assert_eq!(made(&groups["ticket_deadlines"][1]).group, "tnt_2");
    }
}
