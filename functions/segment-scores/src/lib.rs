//! Scores customers.
//!
//! A changed order updates its customer's figures at once ([`purchases`]) and moves the stage of life ([`stages`]). A recompute, asked for or due each night
//! ([`nightly`]), goes in three steps: [`gather`] pages through all figures, [`reduce`] ranks and fits over all of them,
//! [`write`] compares each page with what is stored and writes what changed. Every step may come twice, late and out of
//! order; one recompute works at a time for each tenant. Silences that a recompute finds become cases of [`win_backs`];
//! after it [`baskets`] finds out what is bought together.

pub mod baskets;
pub mod gather;
pub mod nightly;
pub mod purchases;
pub mod reduce;
pub mod stages;
pub mod win_backs;
pub mod write;

use std::sync::Arc;
use std::time::Instant;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;
use rapport_domain::RecordId;
use rapport_domain::TenantId;
use rapport_domain::score::Recompute;
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::Cost;
use rapport_store::score::Turn;

use purchases::Outcomes;

/// How long a recompute waits before it asks again whether it is its turn.
const WAIT: SignedDuration = SignedDuration::from_secs(2);

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch: all changed orders together, so that ten orders of one customer cost one look at the customer's
/// figures, and everything else by itself.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    let outcomes = purchases::settle(&app, &event).await;
    rapport_queue::batch(event, |message| step(&app, &outcomes, message)).await
}

async fn step(app: &App, outcomes: &Outcomes, message: Envelope) -> Result<(), BoxError> {
    let Envelope { tenant, message } = message;
    match message {
        Message::ChangedV1 { noun, subject, .. } if noun == "order" => outcomes.of(tenant, &subject),
        Message::ScoresDueV1 { day } => nightly::run(app, tenant, day).await,
        Message::ScoresRebuildV1 { job } => nightly::at_once(app, tenant, job).await,
        Message::ScoresGatherV1 { job, page, after } => {
            measured("gather", page, gather::run(app, tenant, job, page, after)).await
        }
        Message::ScoresReduceV1 { job, pages } => measured("reduce", 0, reduce::run(app, tenant, job, pages)).await,
        Message::ScoresWriteV1 { job, page, pages } => {
            measured("write", page, write::run(app, tenant, job, page, pages)).await
        }
        Message::WinBacksDueV1 { day, status, after } => win_backs::due(app, tenant, day, &status, after).await,
        Message::BasketsGatherV1 {
            job,
            day,
            page,
            read,
            after,
        } => baskets::gather(app, tenant, job, day, (page, read), after).await,
        Message::BasketsMineV1 { job, day, pages, read } => baskets::mine(app, tenant, job, day, pages, read).await,
        // Some other noun's change: nothing that is scored.
        _ => Ok(()),
    }
}

/// Logs what a step of a recompute consumed of the store and how long it took: on this the plan for large tenants rests.
async fn measured<T>(step: &str, page: u32, work: impl Future<Output = T>) -> T {
    let (cost, started) = (Arc::new(Cost::default()), Instant::now());
    let outcome = Arc::clone(&cost).counting(work).await;
    tracing::info!(
        step,
        page,
        read_units = cost.read_units(),
        write_units = cost.write_units(),
        calls = cost.calls(),
        milliseconds = started.elapsed().as_millis() as u64,
        "a step of a recompute"
    );
    outcome
}

/// The recompute a message belongs to, when it may work now. Otherwise the message is sent again for later, or dropped
/// where the recompute is over.
async fn turn(app: &App, tenant: TenantId, job: RecordId, message: Message) -> Result<Option<Recompute>, BoxError> {
    let now = app.clock.now();
    match app.store.take_turn(tenant, job, now).await? {
        Turn::Mine => Ok(app.store.recompute(tenant, job, now).await?),
        Turn::Over => Ok(None),
        Turn::Wait => {
            let again = envelope(tenant, message);
            app.queues.send_at(Queue::ScoreRuns, &again, now + WAIT, now).await?;
            Ok(None)
        }
    }
}

/// Sends the messages of the next step.
async fn send(app: &App, tenant: TenantId, messages: impl IntoIterator<Item = Message> + Send) -> Result<(), BoxError> {
    let envelopes: Vec<Envelope> = messages.into_iter().map(|message| envelope(tenant, message)).collect();
    Ok(app.queues.send_all(Queue::ScoreRuns, &envelopes).await?)
}
