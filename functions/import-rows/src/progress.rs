//! How far an import is: which page is begun, what all pages so far come to, how it ends.

use rapport_domain::import::{ImportCounts, ImportStatus, MOST_ATTEMPTS};
use rapport_domain::{RecordId, TenantId};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::{App, BoxError};
use rapport_store::StoreError;
use rapport_store::import::KeptImport;

/// How often a lost race for the import itself is run again.
const ATTEMPTS: u32 = 8;

/// The import as it is, unless it is gone.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn load(app: &App, tenant: TenantId, id: RecordId) -> Result<Option<KeptImport>, BoxError> {
    match app.store.import(tenant, id, app.clock.now()).await {
        Ok(kept) => Ok(Some(kept)),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Changes an import by a rule as often as somebody else is faster; nothing where the rule wants nothing.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn change(
    app: &App,
    tenant: TenantId,
    id: RecordId,
    rule: impl Fn(&KeptImport) -> Option<KeptImport>,
) -> Result<Option<KeptImport>, BoxError> {
    for _ in 0..ATTEMPTS {
        let Some(kept) = load(app, tenant, id).await? else {
            return Ok(None);
        };
        let Some(mut next) = rule(&kept) else { return Ok(None) };
        next.import.counts = counts(app, tenant, &next).await?;
        next.import.updated_at = app.clock.now().max(kept.import.updated_at);
        match app.store.save_import(tenant, next).await {
            Err(StoreError::Stale(_)) => {}
            saved => return Ok(Some(saved?)),
        }
    }
    Err("an import is being changed by others".into())
}

async fn counts(app: &App, tenant: TenantId, kept: &KeptImport) -> Result<ImportCounts, BoxError> {
    let mut sum = rapport_domain::import::Import::none_of(kept.import.rows);
    for (_, page) in app.store.import_counts(tenant, kept).await? {
        sum.add(&page);
    }
    Ok(sum)
}

/// Notes that a page is begun, of an import in one of some statuses. `None` when there is nothing to do: the page is past, or
/// was begun so often that the import is given up.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn begin(
    app: &App,
    tenant: TenantId,
    id: RecordId,
    page: u32,
    (fits, status): (impl Fn(&KeptImport) -> bool, ImportStatus),
) -> Result<Option<KeptImport>, BoxError> {
    let begun = change(app, tenant, id, |kept| {
        if !fits(kept) || page < kept.page {
            return None;
        }
        let mut next = kept.clone();
        next.attempts = if page == kept.page { kept.attempts + 1 } else { 1 };
        next.page = page;
        if next.attempts > MOST_ATTEMPTS {
            next.import = kept.import.in_status(ImportStatus::Failed, app.clock.now());
            next.import.error = Some(format!(
                "page {} could not be worked on in {MOST_ATTEMPTS} tries: what was done stays and can be taken back",
                page + 1
            ));
        } else if kept.import.status != status {
            next.import = kept.import.in_status(status, app.clock.now());
        }
        Some(next)
    })
    .await?;
    Ok(begun.filter(|kept| kept.import.status == status))
}

/// Ends an import in a status. One that was stopped meanwhile stays so, with what its last page came to.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn end(app: &App, tenant: TenantId, kept: &KeptImport, status: ImportStatus) -> Result<(), BoxError> {
    let (run, from) = (kept.run, kept.import.status);
    change(app, tenant, kept.import.id, |now| {
        let mut next = now.clone();
        if now.import.status == from {
            next.import = now.import.in_status(status, app.clock.now());
        }
        let fits = now.import.status == from || now.import.status == ImportStatus::Cancelled;
        (now.run == run && fits).then_some(next)
    })
    .await
    .map(drop)
}

/// Counts again what an import that is over came to.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn count(app: &App, tenant: TenantId, kept: &KeptImport) -> Result<(), BoxError> {
    let (run, status) = (kept.run, kept.import.status);
    change(app, tenant, kept.import.id, |now| {
        (now.run == run && now.import.status == status).then(|| now.clone())
    })
    .await
    .map(drop)
}

/// Sends the message of the next page.
///
/// # Errors
/// When the queue does not answer.
pub(crate) async fn go_on(app: &App, tenant: TenantId, message: Message) -> Result<(), BoxError> {
    Ok(app.queues.send(Queue::ImportRows, &envelope(tenant, message)).await?)
}
