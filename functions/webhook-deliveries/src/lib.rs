//! Tells subscribers' endpoints of events: one delivery an endpoint and event, tried until it is taken or days have
//! passed. When the next attempt is due is decided by `rapport_domain::webhook`, where it may go by [`send`].
//!
//! At least once, in no order: a receiver knows a repeat by `webhook-id` and the order by `version`.

mod attempt;
mod fan_out;
mod send;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_queue::{Envelope, Message, batch};
use rapport_runtime::{App, BoxError, Function};

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages side by side: one slow endpoint holds up no other.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    batch(event, |envelope| one(app.clone(), envelope)).await
}

async fn one(app: App, Envelope { tenant, message }: Envelope) -> Result<(), BoxError> {
    match message {
        Message::ChangedV1 {
            noun, subject, version, ..
        } => fan_out::fan_out(&app, tenant, &noun, &subject, version).await,
        Message::DeliverV1 { delivery, attempt } => attempt::attempt(&app, tenant, delivery, attempt).await,
        other => Err(format!("this worker handles no such message: {other:?}").into()),
    }
}
