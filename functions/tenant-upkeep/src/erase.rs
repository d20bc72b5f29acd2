//! Erases a closed tenant once its 30 days are over: some thousand items a message, which then asks for the next.
//!
//! Nothing notes how far it is: what is gone is gone, and whoever comes next goes on with what is left
//! (`rapport_store::erase`). Whoever finds nothing any more, a quarter of an hour after the last find, takes the settings and then
//! the line in the directory.

use jiff::{SignedDuration, Timestamp};
use rapport_domain::TenantId;
use rapport_domain::account::{Account, Status};
use rapport_queue::{Message, Queue, envelope};
use rapport_reporting::cells::{Dimension, Family};
use rapport_runtime::{App, BoxError};
use rapport_store::erase::Extent;
use rapport_store::{StoreError, settings::TenantRules};

/// Items that one message erases.
pub(crate) const MOST: usize = 5_000;
/// When everything is looked through once more: what other workers had begun is over by then.
const SETTLED: SignedDuration = SignedDuration::from_mins(15);

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
    let done = some(app, tenant, &known, Extent::All, most).await?;
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

/// Erases at most so many items of a tenant, a page more or less; how many those were.
pub(crate) async fn some(
    app: &App,
    tenant: TenantId,
    known: &TenantRules,
    extent: Extent,
    most: usize,
) -> Result<usize, StoreError> {
    let sums: Vec<(&str, &str)> = Family::ALL
        .iter()
        .flat_map(|family| Dimension::ALL.iter().map(|dimension| (family.word(), dimension.word())))
        .collect();
    let rules = known.rules(app.clock.now());
    app.store.erase_tenant(tenant, &rules, &sums, extent, most).await
}
