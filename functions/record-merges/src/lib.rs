//! Moves what pointed at a merged record to the one it was merged into, and back when the merge is undone.
//!
//! Every reference is noted in the merge's manifest before it is moved. A message moves so many; what is left goes on
//! with the next message. A record already moved leaves the index that is read, so repeating a message changes nothing.

mod reference;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::lead::Lead;
use rapport_domain::merge::{Job, JobKind};
use rapport_domain::order::Order;
use rapport_domain::survey::Invitation;
use rapport_domain::ticket::Ticket;
use rapport_domain::win_back::WinBack;
use rapport_domain::{Actor, RecordId, TenantId};
use rapport_queue::{Envelope, Message, Queue, each};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::StoreError;

use crate::reference::Work;

/// The function, called with messages of the queue of merges.
#[must_use]
pub fn function() -> Function {
    Function::Queue(|app, event| Box::pin(handle(app, event)))
}

/// Handles a batch of messages.
pub async fn handle(app: App, event: SqsEvent) -> SqsBatchResponse {
    each(event, |envelope| repoint(&app, envelope)).await
}

async fn repoint(app: &App, envelope: Envelope) -> Result<(), BoxError> {
    let Message::RepointV1 {
        noun,
        job,
        from,
        into,
        undo,
    } = envelope.message.clone()
    else {
        return Err("a message of another kind".into());
    };
    let tenant = envelope.tenant;
    let now = app.clock.now();
    let job = match app.store.job(tenant, job).await {
        Ok(job) => job,
        Err(StoreError::Missing) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if !is_due(&job, &noun, from, into, undo) {
        return Ok(());
    }
    let rules = match app.store.rules(tenant, now).await {
        Ok(rules) => rules,
        Err(StoreError::Missing) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut work = Work::new(app, tenant, &job, from, rules);
    if undo {
        back(&mut work, &job).await?;
    } else {
        forward(&mut work, &noun).await?;
    }
    let more = work.is_spent();
    app.store
        .advance_job(tenant, job.id, from, work.moved, !more, now)
        .await?;
    if more {
        go_on(app, tenant, envelope.message).await?;
    }
    Ok(())
}

/// Whether a message still means something: its job is as it says, and not undone meanwhile.
fn is_due(job: &Job, noun: &str, from: RecordId, into: RecordId, undo: bool) -> bool {
    let kind = if undo { JobKind::Unmerge } else { JobKind::Merge };
    job.kind == kind && job.noun == noun && job.into == into && job.from.contains(&from) && job.undone_by.is_none()
}

async fn go_on(app: &App, tenant: TenantId, message: Message) -> Result<(), BoxError> {
    let envelope = rapport_queue::envelope(tenant, message);
    app.queues.send(Queue::RecordMerges, &envelope).await?;
    Ok(())
}

/// Every kind of record that names a contact or a company.
async fn forward(work: &mut Work<'_>, noun: &str) -> Result<(), BoxError> {
    if noun == "company" {
        work.forward::<Contact>("by_company_id").await?;
        work.forward::<Company>("by_parent_id").await?;
        work.forward::<Order>("by_company_id").await?;
        work.forward::<Ticket>("by_company_id").await?;
        work.forward::<Lead>("by_company_id").await
    } else {
        work.forward::<Order>("by_contact_id").await?;
        work.forward::<Ticket>("by_contact_id").await?;
        work.forward::<Lead>("by_contact_id").await?;
        work.forward::<WinBack>("by_contact_id").await?;
        work.forward::<Invitation>("by_contact_id").await
    }
}

/// What the manifest of the undone merge lists.
async fn back(work: &mut Work<'_>, job: &Job) -> Result<(), BoxError> {
    let Some(merge) = job.undoes else {
        return Ok(());
    };
    while let Some(page) = work.noted(merge).await? {
        work.back::<Order>(&page).await?;
        work.back::<Ticket>(&page).await?;
        work.back::<Lead>(&page).await?;
        work.back::<Invitation>(&page).await?;
        work.back::<WinBack>(&page).await?;
        work.back::<Contact>(&page).await?;
        work.back::<Company>(&page).await?;
        work.forget(merge, &page).await?;
    }
    Ok(())
}

/// In whose name references are moved. The request tells one reference's move from another's.
fn actor(job: RecordId, record: &str) -> Actor {
    Actor::worker("record-merges", &format!("{job}#{record}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Prefix;

    #[test]
    fn a_message_that_no_longer_fits_its_job_is_dropped() {
        let id = RecordId::new;
        let (into, from, other) = (id(Prefix::Contact), id(Prefix::Contact), id(Prefix::Contact));
        let now = "2026-11-22T00:00:00Z".parse().unwrap();
        let job = Job::new(id(Prefix::Job), JobKind::Merge, "contact", into, vec![from], "usr", now);
        let undone = Job {
            undone_by: Some(id(Prefix::Job)),
            ..job.clone()
        };
        for (job, noun, from, undo, due) in [
            (&job, "contact", from, false, true),
            (&job, "company", from, false, false),
            (&job, "contact", other, false, false),
            (&job, "contact", from, true, false),
            (&undone, "contact", from, false, false),
        ] {
            assert_eq!(is_due(job, noun, from, into, undo), due, "{noun} {undo}");
        }
    }
}
