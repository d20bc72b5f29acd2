//! Asks customers how satisfied they are: after a ticket is resolved or an order fulfilled an invitation is made, and
//! when it is due it is mailed; where the survey says so, who does not answer is reminded. Each change of an invitation is
//! brought into the counts of its days.
//!
//! Every step may run twice. The invitation's id comes from the occasion, so that repeats make one; the mail's id is the
//! invitation's, so that whoever gets it twice can tell. Answers are the business of `surveys`.

mod invite;
mod letter;
mod remind;
mod send;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_domain::survey::Invitation;
use rapport_domain::{Actor, Kind as _, RecordId, TenantId};
use rapport_queue::{Envelope, Message, Queue, batch, envelope};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::{Accept, StoreError};

/// The function, called with messages of its queue.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    batch(event, |envelope| one(&app, envelope)).await
}

async fn one(app: &App, envelope: Envelope) -> Result<(), BoxError> {
    let Envelope { tenant, message } = envelope;
    match message {
        Message::ChangedV1 { noun, subject, .. } if noun == Invitation::NOUN => {
            let id = RecordId::parse(Invitation::PREFIX, &subject).map_err(|_| "a subject that is no invitation")?;
            Ok(app.store.count_invitation(tenant, id).await?)
        }
        Message::SurveyCountsRebuildV1 { after } => recount(app, tenant, after).await,
        Message::ChangedV1 { subject, types, .. } => invite::invite(app, tenant, &subject, &types).await,
        Message::SurveyDueV1 { invitation } => send::send(app, tenant, invitation).await,
        Message::SurveyReminderV1 { invitation, nth } => remind::remind(app, tenant, invitation, nth).await,
        _ => Err("a message of another kind".into()),
    }
}

/// Invitations whose answers one message counts anew.
const PAGE: usize = 50;

/// Counts the answers of a page of invitations anew, and asks for the next.
async fn recount(app: &App, tenant: TenantId, after: Option<String>) -> Result<(), BoxError> {
    let Some(after) = app.store.recount_invitations(tenant, after, PAGE).await? else {
        return Ok(());
    };
    let message = Message::SurveyCountsRebuildV1 { after: Some(after) };
    Ok(app
        .queues
        .send(Queue::SatisfactionSurveys, &envelope(tenant, message))
        .await?)
}

/// The context of what this worker does for a tenant; nothing for a tenant that is gone. `request` names the message, so
/// that a write that comes again is recognised.
async fn accept(app: &App, tenant: TenantId, request: &str) -> Result<Option<Accept>, StoreError> {
    match app.store.rules(tenant, app.clock.now()).await {
        Ok(rules) => {
            let actor = Actor::worker("satisfaction-surveys", request);
            Ok(Some(Accept::new(tenant, actor, rules)))
        }
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}
