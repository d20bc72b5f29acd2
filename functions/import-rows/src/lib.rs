//! Writes the rows of imports, looks at them in dry runs, and takes back what imports wrote: a page a message.
//!
//! What a row writes is noted in the same transaction, so that no message, however often it comes, writes a row twice. What
//! became of a page is kept once; the counts of an import are sums of these.

mod progress;
mod revert;
mod run;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;
use rapport_queue::{Envelope, MOST_DELAY_SECONDS, Message, Queue, each};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::StoreError;

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    each(event, |envelope| one(app.clone(), envelope)).await
}

async fn one(app: App, envelope: Envelope) -> Result<(), BoxError> {
    let now = app.clock.now();
    match app.store.tenant_rules(envelope.tenant).await {
        // It waits until the account is open again, or is erased.
        Ok(known) if !known.account.may_write() => {
            let later = now + SignedDuration::from_secs(MOST_DELAY_SECONDS);
            return Ok(app.queues.send_at(Queue::ImportRows, &envelope, later, now).await?);
        }
        Ok(_) | Err(StoreError::Missing) => {}
        Err(error) => return Err(error.into()),
    }
    let Envelope { tenant, message } = envelope;
    match message {
        Message::ImportRowsV1 { import, run, page } => Box::pin(run::page(&app, tenant, import, (run, page))).await,
        Message::ImportRevertV1 { import, page, before } => {
            Box::pin(revert::page(&app, tenant, import, (page, before.as_deref()))).await
        }
        other => Err(format!("this worker handles no such message: {other:?}").into()),
    }
}
