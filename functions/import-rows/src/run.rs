//! A page of a run: its rows are written, or in a dry run only looked at.

use std::collections::BTreeSet;

use rapport_domain::import::{ImportKind, ImportStatus, MOST_ROWS, Outcome, RowOutcome};
use rapport_domain::{RecordId, TenantId};
use rapport_importing::apply::{Done, accept, actor, look, write};
use rapport_importing::decide::Decider;
use rapport_importing::file::{PAGE, Row};
use rapport_importing::found::Imported;
use rapport_importing::seen::Seen;
use rapport_importing::unit::{Reading, Unit};
use rapport_importing::{DRY_PAGE, of_kind};
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_store::import::KeptImport;
use rapport_store::{Accept, StoreError};

use crate::progress::{begin, count, end, go_on, load};

/// Works on a page and asks for the next.
///
/// # Errors
/// When the store or the queue does not answer: the message comes again, and rows that were written are not written again.
pub(crate) async fn page(
    app: &App,
    tenant: TenantId,
    import: RecordId,
    (run, page): (u32, u32),
) -> Result<(), BoxError> {
    let fits = |kept: &KeptImport| kept.run == run && kept.import.status.is_under_way();
    let Some(kept) = begin(app, tenant, import, page, (fits, ImportStatus::Running)).await? else {
        return stopped(app, tenant, import, (run, page)).await;
    };
    let counted = app.store.import_counts(tenant, &kept).await?;
    if !counted.iter().any(|(known, _)| *known == page) {
        let Some(outcomes) = Box::pin(work(app, tenant, &kept, true)).await? else {
            return Ok(());
        };
        let counts = RowOutcome::counts(&outcomes);
        app.store
            .count_import_page(tenant, &kept, page, (&counts, &outcomes))
            .await?;
    }
    let size = if kept.import.dry_run { DRY_PAGE } else { PAGE };
    let pages = usize::try_from(kept.import.rows).unwrap_or(MOST_ROWS).div_ceil(size);
    if usize::try_from(page).is_ok_and(|page| page + 1 < pages) {
        return go_on(
            app,
            tenant,
            Message::ImportRowsV1 {
                import,
                run,
                page: page + 1,
            },
        )
        .await;
    }
    let status = if kept.import.dry_run {
        ImportStatus::Draft
    } else {
        ImportStatus::Done
    };
    end(app, tenant, &kept, status).await
}

/// What a page wrote before its run was stopped is counted all the same.
async fn stopped(app: &App, tenant: TenantId, import: RecordId, (run, page): (u32, u32)) -> Result<(), BoxError> {
    let Some(kept) = load(app, tenant, import).await? else {
        return Ok(());
    };
    let status = kept.import.status;
    let over = matches!(status, ImportStatus::Cancelled | ImportStatus::Failed);
    if !over || kept.run != run || page < kept.page || kept.import.dry_run {
        return Ok(());
    }
    if page == kept.page {
        let Some(outcomes) = Box::pin(work(app, tenant, &kept, false)).await? else {
            return Ok(());
        };
        let counts = RowOutcome::counts(&outcomes);
        app.store
            .count_import_page(tenant, &kept, page, (&counts, &outcomes))
            .await?;
    }
    count(app, tenant, &kept).await
}

/// The rows of a page and what becomes of them: of all, or, where the run is over, of those that were written. `None` where
/// the tenant is gone.
async fn work(app: &App, tenant: TenantId, kept: &KeptImport, open: bool) -> Result<Option<Vec<RowOutcome>>, BoxError> {
    let now = app.clock.now();
    let known = match app.store.tenant_rules(tenant).await {
        Err(StoreError::Missing) => return Ok(None),
        known => known?,
    };
    let import = &kept.import;
    let mut cx = Accept::new(tenant, actor(import.id, &import.created_by), known.rules(now));
    cx.room = app.meter.room(&app.store, tenant, known.account.plan, now).await;
    let cx = accept(cx, import.options.existing);
    let reading = Reading::new(import, &cx);
    let decider = Decider {
        store: &app.store,
        cx: &cx,
        reading: &reading,
    };
    let page = usize::try_from(kept.page).unwrap_or(0);
    let size = if import.dry_run { DRY_PAGE } else { PAGE };
    let place = page * size;
    // The lines of an order may stand anywhere, and a dry run has to know the rows before.
    let (first, last) = match (import.kind, import.dry_run) {
        (ImportKind::Orders, _) => (1, MOST_ROWS / PAGE),
        (_, true) => (1, (place + size).div_ceil(PAGE)),
        (_, false) => (page + 1, page + 1),
    };
    let rows = app
        .store
        .import_pages::<Vec<Row>>(tenant, import.id, (first, last))
        .await?
        .concat();
    let start = place - (first - 1) * PAGE;
    let units = reading.units(&rows, (start, start + size));
    if import.dry_run {
        let earlier = reading.units(&rows, (0, start));
        let before = if page == 0 {
            Vec::new()
        } else {
            app.store.import_outcomes(tenant, kept, (0, kept.page - 1)).await?
        };
        return Ok(Some(
            of_kind!(import.kind, K => looked::<K>(decider, &units, (&earlier, &before)).await?),
        ));
    }
    Ok(Some(
        of_kind!(import.kind, K => written::<K>(decider, kept, &units, open).await?),
    ))
}

async fn looked<K: Imported>(
    decider: Decider<'_>,
    units: &[Unit<'_>],
    (earlier, before): (&[Unit<'_>], &[RowOutcome]),
) -> Result<Vec<RowOutcome>, StoreError> {
    let mut seen = Seen::default();
    remember::<K>(decider, &mut seen, earlier, before);
    let mut outcomes = Vec::with_capacity(units.len());
    for unit in units {
        outcomes.push(Box::pin(look::<K>(decider, unit, &mut seen)).await?.0);
    }
    Ok(outcomes)
}

/// Notes again what earlier pages would have created.
fn remember<K: Imported>(decider: Decider<'_>, seen: &mut Seen, earlier: &[Unit<'_>], before: &[RowOutcome]) {
    let created: BTreeSet<u32> = before
        .iter()
        .filter(|row| row.outcome == Outcome::Create)
        .map(|row| row.row)
        .collect();
    for unit in earlier.iter().filter(|unit| created.contains(&unit.row())) {
        decider.remember::<K>(unit, seen);
    }
}

async fn written<K: Imported>(
    decider: Decider<'_>,
    kept: &KeptImport,
    units: &[Unit<'_>],
    open: bool,
) -> Result<Vec<RowOutcome>, StoreError> {
    let again = kept.attempts > 1 || !open;
    let mut outcomes = Vec::with_capacity(units.len());
    for unit in units {
        if open {
            match Box::pin(write::<K>(decider, kept, unit, again)).await? {
                Done::Became(outcome) => outcomes.push(outcome),
                // Rows that were written before the stop are told by those that follow it.
                Done::Stopped => break,
            }
        } else {
            outcomes.extend(rapport_importing::apply::wrote(decider, kept, unit).await?);
        }
    }
    Ok(outcomes)
}
