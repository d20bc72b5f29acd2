//! Keeps what reports are made of.
//!
//! A changed record's fact is noted at once ([`facts`]), with a mark on its bucket. The sums of marked buckets are made
//! anew a moment later ([`sheets`]), all changes of that moment together: from the facts as they are, never counted up, so
//! that repeats and disorder cannot falsify them. [`rebuild`] notes everything anew from the records themselves.

pub mod facts;
pub mod rebuild;
pub mod sheets;

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::SignedDuration;
use rapport_domain::TenantId;
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::Kept;

/// How long sums wait for further changes of their sheet.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// The sheets for which this process sent a message that is still on its way: it will see what changes until then, so that
/// no second one is needed.
static SENT: LazyLock<Kept<(TenantId, String, String), ()>> =
    LazyLock::new(|| Kept::new(10_000, Duration::from_secs(1)));

/// The function.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// How each record of a batch went.
type Outcomes = HashMap<(TenantId, String), Option<String>>;

/// Handles a batch: all changed records together, and everything else by itself.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    let outcomes = facts::settle(&app, &event).await;
    rapport_queue::batch(event, |message| step(&app, &outcomes, message)).await
}

async fn step(app: &App, outcomes: &Outcomes, message: Envelope) -> Result<(), BoxError> {
    let Envelope { tenant, message } = message;
    match message {
        Message::ChangedV1 { subject, .. } => match outcomes.get(&(tenant, subject)) {
            Some(None) => Ok(()),
            Some(Some(error)) => Err(error.clone().into()),
            None => Err("the record was not looked at".into()),
        },
        Message::SheetDueV1 { family, sheet } => sheets::run(app, tenant, &family, &sheet).await,
        Message::FactsRebuildV1 { noun, gone, after } => rebuild::run(app, tenant, &noun, gone, after).await,
        _ => Ok(()),
    }
}

/// Has the sums of sheets made anew in a moment.
async fn due(
    app: &App,
    tenant: TenantId,
    sheets: impl IntoIterator<Item = (String, String)> + Send,
) -> Result<(), BoxError> {
    let now = app.clock.now();
    for (family, sheet) in sheets {
        let key = (tenant, family.clone(), sheet.clone());
        if SENT.get(&key).is_some() {
            continue;
        }
        let message = envelope(tenant, Message::SheetDueV1 { family, sheet });
        app.queues
            .send_at(Queue::ReportSheets, &message, now + PAUSE, now)
            .await?;
        SENT.put(key, ());
    }
    Ok(())
}
