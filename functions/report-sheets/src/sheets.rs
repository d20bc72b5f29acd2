//! The sums of a sheet, made anew where facts changed: those of each marked bucket from its facts, then those of the sheet
//! from all its buckets. One worker at a time for a sheet.

use std::time::Duration;

use rapport_domain::TenantId;
use rapport_queue::{Message, Queue, envelope};
use rapport_reporting::cells::{Cells, Family};
use rapport_reporting::fact::Fact;
use rapport_runtime::{App, BoxError};
use rapport_store::report::{LOCKED, Place};

use crate::PAUSE;

/// How often the making of sums is kept: whoever dies over it holds up others for [`LOCKED`] alone.
const RENEWED: Duration = Duration::from_secs(5);
/// Facts read in one page.
const PAGE: usize = 1_000;
/// About so many bytes of sums lie in one item, of which the store takes 400 KB.
const CHUNK: usize = 200_000;

/// Makes the sums of a sheet anew.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn run(app: &App, tenant: TenantId, family: &str, sheet: &str) -> Result<(), BoxError> {
    let Some(known) = Family::from_word(family) else {
        return Ok(());
    };
    let place = (family, sheet);
    if app.store.dirty(tenant, place).await?.is_empty() {
        return Ok(());
    }
    let holder = format!("{:032x}", rand::random::<u128>());
    let due = || {
        let (family, sheet) = (family.to_owned(), sheet.to_owned());
        envelope(tenant, Message::SheetDueV1 { family, sheet })
    };
    let now = app.clock.now();
    if !app.store.lock_sheet(tenant, place, &holder, now).await? {
        // Whoever makes them looks again before ending. Should that one have died, this message comes again later.
        let later = now + LOCKED;
        app.queues.send_at(Queue::ReportSheets, &due(), later, now).await?;
        return Ok(());
    }
    let made = tokio::select! {
        made = round(app, tenant, known, sheet) => made,
        lost = keep(app, tenant, place, &holder) => lost,
    };
    // Also after a failure, so that the next attempt need not wait.
    app.store.unlock_sheet(tenant, place, &holder).await?;
    made?;
    if !app.store.dirty(tenant, place).await?.is_empty() {
        // Changes keep coming: once more in a moment, all of them together.
        let now = app.clock.now();
        app.queues
            .send_at(Queue::ReportSheets, &due(), now + PAUSE, now)
            .await?;
    }
    Ok(())
}

/// Keeps the making of sums while it lasts; ends where another has taken it.
async fn keep(app: &App, tenant: TenantId, place: (&str, &str), holder: &str) -> Result<(), BoxError> {
    loop {
        tokio::time::sleep(RENEWED).await;
        if !app.store.lock_sheet(tenant, place, holder, app.clock.now()).await? {
            return Err("another makes these sums".into());
        }
    }
}

/// Makes the sums of what is marked now.
async fn round(app: &App, tenant: TenantId, family: Family, sheet: &str) -> Result<(), BoxError> {
    let place = (family.word(), sheet);
    let dirty = app.store.dirty(tenant, place).await?;
    for dirty in &dirty {
        let sums = bucket(app, tenant, place, &dirty.bucket).await?;
        let place = Place {
            family: family.word().to_owned(),
            sheet: sheet.to_owned(),
            bucket: dirty.bucket.clone(),
        };
        app.store.put_part(tenant, &place, sums.chunks(CHUNK)).await?;
    }
    let mut whole = Cells::default();
    for chunk in app.store.parts(tenant, place).await? {
        whole.read(&chunk)?;
    }
    for dimension in family.dimensions() {
        let chunks = whole.of(*dimension).chunks(CHUNK);
        app.store.put_sheet(tenant, place, dimension.word(), chunks).await?;
    }
    for dirty in &dirty {
        app.store.clean(tenant, place, dirty).await?;
    }
    Ok(())
}

/// The sums of a bucket, from its facts.
async fn bucket(app: &App, tenant: TenantId, place: (&str, &str), bucket: &str) -> Result<Cells, BoxError> {
    let mut sums = Cells::default();
    let mut after: Option<String> = None;
    loop {
        let (facts, next) = app
            .store
            .facts(tenant, place, (bucket, bucket), PAGE, after.as_deref(), true)
            .await?;
        for (_, doc) in facts {
            sums.add(&serde_json::from_str::<Fact>(&doc)?.entries());
        }
        after = next;
        if after.is_none() {
            return Ok(sums);
        }
    }
}
