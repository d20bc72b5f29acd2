//! Writes the rows of imports, looks at them in dry runs, and takes back what imports wrote: a page a message.
//!
//! What a row writes is noted in the same transaction, so that no message, however often it comes, writes a row twice. What
//! became of a page is kept once; the counts of an import are sums of these.

mod progress;
mod revert;
mod run;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_queue::{Envelope, Message, each};
use rapport_runtime::{App, BoxError, Function};

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    each(event, |envelope| one(app.clone(), envelope)).await
}

async fn one(app: App, Envelope { tenant, message }: Envelope) -> Result<(), BoxError> {
    match message {
        Message::ImportRowsV1 { import, run, page } => Box::pin(run::page(&app, tenant, import, (run, page))).await,
        Message::ImportRevertV1 { import, page, before } => {
            Box::pin(revert::page(&app, tenant, import, (page, before.as_deref()))).await
        }
        other => Err(format!("this worker handles no such message: {other:?}").into()),
    }
}
