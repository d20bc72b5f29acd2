//! Erases a closed tenant once its 30 days are over: some thousand items a message, which then asks for the next.
//!
//! Nothing notes how far it is: what is gone is gone, and whoever comes next goes on with what is left
//! (`rapport_store::erase`). Whoever finds nothing any more, a quarter of an hour after the last find, takes the settings and then
//! the line in the directory.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use jiff::{SignedDuration, Timestamp};
use rapport_domain::account::{Account, Status};
use rapport_domain::{Rules, TenantId};
use rapport_queue::{Envelope, Message, Queue, batch, envelope};
use rapport_reporting::cells::{Dimension, Family};
use rapport_runtime::{App, BoxError, Function};
use rapport_store::StoreError;

/// Items that one message erases.
const MOST: usize = 5_000;
/// When everything is looked through once more: what other workers had begun is over by then.
const SETTLED: SignedDuration = SignedDuration::from_mins(15);

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
        Message::TenantEraseV1 { due } => Box::pin(erase(app, tenant, due, MOST)).await,
        _ => Err("a message of another kind".into()),
    }
}

/// Erases at most so many items of a tenant whose time is over, a page more or less.
///
/// # Errors
/// When the store or the queue does not answer: the message comes again.
pub async fn erase(app: &App, tenant: TenantId, due: Timestamp, most: usize) -> Result<(), BoxError> {
    let now = app.clock.now();
    let known = match app.store.fresh_rules(tenant).await {
        Ok(known) => known,
        Err(StoreError::Missing) => return Ok(app.store.strike_out(tenant).await?),
        Err(error) => return Err(error.into()),
    };
    let mut account = Account::clone(&known.account);
    // Opened again, and perhaps closed again since.
    if account.erased_at() != Some(due) {
        return Ok(());
    }
    if now < due {
        return Err("the time of the tenant is not over".into());
    }
    if account.status == Status::Closed {
        account.become_status(Status::Erasing, now)?;
        let request = format!("erase#{due}");
        app.store
            .put_account(tenant, &account, known.account_version, &request)
            .await?;
    }
    let rules = Rules {
        now,
        settings: known.settings,
        fields: known.fields,
    };
    let sums: Vec<(&str, &str)> = Family::ALL
        .iter()
        .flat_map(|family| Dimension::ALL.iter().map(|dimension| (family.word(), dimension.word())))
        .collect();
    let done = app.store.erase_tenant(tenant, &rules, &sums, most).await?;
    if done == 0 {
        app.store.erase_settings(tenant).await?;
        app.store.strike_out(tenant).await?;
        tracing::info!("a tenant is erased");
        return Ok(());
    }
    let next = envelope(tenant, Message::TenantEraseV1 { due });
    let pause = if done < most { SETTLED } else { SignedDuration::ZERO };
    let at = now + pause;
    Ok(app.queues.send_at(Queue::TenantUpkeep, &next, at, now).await?)
}
