//! Erases a person: all that is found, and some minutes later what was under way meanwhile, until nothing is found.

use jiff::SignedDuration;
use rapport_domain::erasure::Erasure;
use rapport_domain::{Actor, RecordId, TenantId};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::{App, BoxError};
use rapport_store::Accept;

use crate::WORKER;

/// When everything is looked through once more: events and words of what was written a moment before are there by then.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

/// Erases what there is of a person.
///
/// # Errors
/// When the store or the queue does not answer: the message comes again.
pub async fn erase(app: &App, tenant: TenantId, contact: RecordId) -> Result<(), BoxError> {
    let asked = app.store.erasure(tenant, contact).await?;
    let Some(asked) = asked.filter(|asked| asked.done_at.is_none()) else {
        return Ok(());
    };
    let now = app.clock.now();
    let rules = app.store.rules(tenant, now).await?;
    let mut cx = Accept::new(tenant, Actor::worker(WORKER, &contact.to_string()), rules);
    cx.quiet = true;
    if app.store.erase_person(&cx, contact).await? == 0 {
        let done = Erasure {
            done_at: Some(now),
            ..asked
        };
        return Ok(app.store.end_erasure(tenant, &done).await?);
    }
    let next = envelope(tenant, Message::PersonEraseV1 { contact });
    Ok(app
        .queues
        .send_at(Queue::TenantUpkeep, &next, now + SETTLED, now)
        .await?)
}
