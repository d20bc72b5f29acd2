//! A file that was asked for: made page by page, kept in parts, named when it is whole.

use rapport_domain::export::{MOST_ATTEMPTS, Made};
use rapport_domain::{RecordId, TenantId};
use rapport_http::{Caller, Params};
use rapport_reporting::table::{PART, Parts, Table};
use rapport_reporting_store::rows::{At, page};
use rapport_reporting_store::{ask, head_of_rows, line, packed, report};
use rapport_runtime::{App, BoxError};
use rapport_store::StoreError;
use rapport_store::export::KeptExport;

use crate::Fault;

/// Rows read for a page.
const PAGE: usize = 1_000;

/// Makes an export that waits, or whose last try broke off. One that was begun too often is given up.
///
/// # Errors
/// When the store does not answer: the message comes again, and the file is made anew.
pub async fn run(app: &App, tenant: TenantId, id: RecordId) -> Result<(), BoxError> {
    let now = app.clock.now();
    let kept = match app.store.export(tenant, id, now).await {
        Ok(kept) if kept.export.status.is_over() => return Ok(()),
        Err(StoreError::Missing) => return Ok(()),
        other => other?,
    };
    // The last receive tries no more, so that somebody is left to say how it ended.
    if kept.attempts + 1 >= MOST_ATTEMPTS {
        let words = format!(
            "the file could not be made in {} tries: ask for less at a time",
            kept.attempts
        );
        let failed = kept.export.failed(&words, now);
        return Ok(app.store.end_export(tenant, &kept, failed).await?);
    }
    let kept = app.store.begin_export(tenant, &kept).await?;
    let ended = match Box::pin(make(app, tenant, &kept)).await {
        Ok(made) => kept.export.done(made, app.clock.now()),
        Err(Fault::Refused(words)) => kept.export.failed(&words, app.clock.now()),
        Err(Fault::Passing(error)) => return Err(error),
    };
    Ok(app.store.end_export(tenant, &kept, ended).await?)
}

/// The parts that are kept already.
struct Keeper<'a> {
    app: &'a App,
    tenant: TenantId,
    kept: &'a KeptExport,
    made: Made,
}

impl Keeper<'_> {
    async fn keep(&mut self, table: &Table) -> Result<(), Fault> {
        let bytes = table.file(self.kept.export.format)?;
        self.made.parts += 1;
        self.made.rows += table.rows.len() as u64;
        self.made.bytes += bytes.len() as u64;
        let packed = packed::pack(&bytes)?;
        let part = self.made.parts;
        Ok(self
            .app
            .store
            .put_file_part(self.tenant, self.kept, part, &packed)
            .await?)
    }
}

async fn make(app: &App, tenant: TenantId, kept: &KeptExport) -> Result<Made, Fault> {
    let export = &kept.export;
    let caller = crate::caller(tenant, &export.created_by, kept.scopes, None, &export.id.to_string());
    let params = Params(export.query.clone());
    let mut keeper = Keeper {
        app,
        tenant,
        kept,
        made: Made::default(),
    };
    if export.of_rows {
        Box::pin(rows(app, &caller, &params, &mut keeper)).await?;
    } else {
        let report = Box::pin(report(app, &caller, &export.report, &params)).await?;
        keeper.keep(&report.table()).await?;
    }
    Ok(keeper.made)
}

async fn rows(app: &App, caller: &Caller, params: &Params, keeper: &mut Keeper<'_>) -> Result<(), Fault> {
    let name = &keeper.kept.export.report;
    let definition = ask::definition(name)?;
    let cx = caller.accept(app).await?;
    let settings = &cx.rules.settings;
    let today = cx.rules.now.to_zoned(settings.zone()).date();
    let mut parts = Parts::new(head_of_rows(name, params), PART);
    let mut after = Some(At::default());
    while let Some(at) = after {
        let (rows, next) = page(app, caller, definition, params, (settings, today), PAGE, at).await?;
        for row in rows {
            if let Some(table) = parts.push(line(row)) {
                keeper.keep(&table).await?;
            }
        }
        after = next;
    }
    if let Some(table) = parts.last() {
        keeper.keep(&table).await?;
    }
    Ok(())
}
