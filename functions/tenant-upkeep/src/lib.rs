//! What becomes of a whole tenant: made into an archive ([`export`]), moved in from one ([`import`]), erased ([`erase`]). And of a
//! person in it, where all of him is to go ([`person`]).
//!
//! Each message does some of it and asks for the next, so that no firm is too large for one call. Every message may come twice or after
//! a try that broke off: each step begins where the one before it noted that it ended, and what it does again makes no difference.

pub mod erase;
pub mod export;
mod file;
pub mod import;
pub mod person;
mod section;

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;
use rapport_domain::archive::Direction;
use rapport_domain::{RecordId, TenantId};
use rapport_queue::{Envelope, Message, Queue, batch, envelope};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::StoreError;

/// The name that this worker writes under.
const WORKER: &str = "tenant-upkeep";
/// How long nobody else works on what a message works on: longer than the function may run, and less than the message is hidden for.
const BUSY: SignedDuration = SignedDuration::from_mins(10);
/// How long one message works before it leaves the rest to another.
const A_TURN: Duration = Duration::from_secs(100);

/// The function, called with messages of its queue.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages, one after the other: an archive may take much memory.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    batch::each(event, |envelope| Box::pin(one(&app, envelope))).await
}

async fn one(app: &App, envelope: Envelope) -> Result<(), BoxError> {
    let Envelope { tenant, message } = envelope;
    match message {
        Message::TenantEraseV1 { due } => Box::pin(erase::erase(app, tenant, due, erase::MOST)).await,
        Message::PersonEraseV1 { contact } => Box::pin(person::erase(app, tenant, contact)).await,
        Message::ArchiveV1 { archive } => Box::pin(work(app, tenant, archive)).await,
        _ => Err("a message of another kind".into()),
    }
}

async fn work(app: &App, tenant: TenantId, id: RecordId) -> Result<(), BoxError> {
    let now = app.clock.now();
    let mut kept = match app.store.archive(tenant, id, now).await {
        Ok(kept) if !kept.archive.status.is_over() => kept,
        // Over, or gone.
        Ok(_) | Err(StoreError::Missing) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    // Two at once would take from each other what they wrote. But this may be the very message that is at it, come again early since its
    // process is gone: so it comes once more when whoever is at it must be done. What is busy for longer than anything may be was so by
    // another clock.
    let later = envelope(tenant, Message::ArchiveV1 { archive: id });
    if let Some(until) = kept.busy_until.filter(|&until| now < until && until <= now + BUSY) {
        return Ok(app.queues.send_at(Queue::TenantUpkeep, &later, until, now).await?);
    }
    kept.busy_until = Some(now + BUSY);
    let kept = match app.store.save_archive(tenant, kept).await {
        Ok(kept) => kept,
        // It came twice at the same moment.
        Err(StoreError::Stale(_)) => {
            return Ok(app.queues.send_at(Queue::TenantUpkeep, &later, now + BUSY, now).await?);
        }
        Err(error) => return Err(error.into()),
    };
    let until = Instant::now() + A_TURN;
    let rest = match kept.archive.direction {
        Direction::Out => Box::pin(export::some(app, tenant, kept, until)).await?,
        Direction::In => Box::pin(import::some(app, tenant, kept, until)).await?,
    };
    if let Some(mut rest) = rest {
        rest.busy_until = None;
        app.store.save_archive(tenant, rest).await?;
        let next = envelope(tenant, Message::ArchiveV1 { archive: id });
        app.queues.send(Queue::TenantUpkeep, &next).await?;
    }
    Ok(())
}
