//! Applies what sources posted: reads the raw message, upserts the record it is about, and notes what became of it.
//! What a message means is decided by `rapport_domain::intake`.
//!
//! Nothing is lost: a message that cannot be applied stays, with what is wrong with it, until somebody replays it.

mod apply;
mod receipt;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_queue::{Envelope, Message, batch};
use rapport_runtime::{App, BoxError, Function};

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages side by side.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    batch(event, |envelope| one(app.clone(), envelope)).await
}

async fn one(app: App, Envelope { tenant, message }: Envelope) -> Result<(), BoxError> {
    match message {
        Message::IntakeV1 { source, receipt } => receipt::take(&app, tenant, source, receipt).await,
        other => Err(format!("this worker handles no such message: {other:?}").into()),
    }
}
