//! Erases a person: all that is found, and some minutes later what was under way meanwhile, until nothing is found.

use jiff::SignedDuration;
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
    let mut noted = asked;
    if app.store.erase_person(&cx, contact).await? > 0 {
        noted.found_at = Some(now);
        app.store.note_erasure(tenant, &noted).await?;
    }
    // A message that came twice, or was asked for twice, is no second look; nor is one that comes again after a try that broke off.
    let look = noted.found_at.unwrap_or(noted.asked_at) + SETTLED;
    if now < look {
        let next = envelope(tenant, Message::PersonEraseV1 { contact });
        return Ok(app.queues.send_at(Queue::TenantUpkeep, &next, look, now).await?);
    }
    noted.done_at = Some(now);
    Ok(app.store.note_erasure(tenant, &noted).await?)
}
