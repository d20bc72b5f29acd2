//! Starting, stopping and taking back: the status changes here, the rest is the worker's.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Invalid;
use rapport_domain::import::ImportStatus;
use rapport_http::body::Json;
use rapport_http::{Caller, Problem, Verb};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::import::KeptImport;

use crate::ImportStart;
use crate::read::{answer, found, refused};

/// Starts a draft. One that waits already is told to the worker again, should the first telling have been lost.
///
/// # Errors
/// `404`, `403`, `409` unless it is a draft, `422` where no column fills a field.
pub async fn start(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    Json(ImportStart { dry_run }): Json<ImportStart>,
) -> Result<Response, Problem> {
    let mut kept = found(&app, &caller, &text, Verb::Write).await?;
    let status = kept.import.status;
    let waits = status == ImportStatus::Queued && kept.import.dry_run == dry_run;
    if !waits {
        if status != ImportStatus::Draft {
            return Err(refused("import_started", status, "only a draft can be started"));
        }
        if kept.import.columns.iter().all(|column| column.field.is_none()) {
            return Err(Invalid::one("mapping", "required", "say which column fills which field").into());
        }
        kept.import = kept.import.in_status(ImportStatus::Queued, app.clock.now());
        kept.import.dry_run = dry_run;
        (kept.run, kept.page, kept.attempts) = (kept.run + 1, 0, 0);
        kept = app.store.save_import(caller.tenant, kept).await?;
    }
    let (import, run) = (kept.import.id, kept.run);
    tell(&app, &caller, Message::ImportRowsV1 { import, run, page: 0 }).await?;
    answer(StatusCode::ACCEPTED, &kept)
}

/// Stops an import that waits or runs.
///
/// # Errors
/// `404`, `403`, `409` unless it is under way.
pub async fn cancel(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    // The worker notes its progress meanwhile.
    for _ in 0..8 {
        let mut kept = found(&app, &caller, &text, Verb::Write).await?;
        let status = kept.import.status;
        if status == ImportStatus::Cancelled {
            return answer(StatusCode::ACCEPTED, &kept);
        }
        if !status.is_under_way() {
            return Err(refused("import_not_running", status, "there is nothing to stop"));
        }
        let next = if kept.import.dry_run {
            ImportStatus::Draft
        } else {
            ImportStatus::Cancelled
        };
        kept.import = kept.import.in_status(next, app.clock.now());
        match app.store.save_import(caller.tenant, kept).await {
            Err(rapport_store::StoreError::Stale(_)) => {}
            saved => return answer(StatusCode::ACCEPTED, &saved?),
        }
    }
    Err(Problem::new(rapport_http::problem::Code::Contention))
}

/// Takes back what an import wrote.
///
/// # Errors
/// `404`, `403`, `409` unless it is over.
pub async fn revert(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let mut kept: KeptImport = found(&app, &caller, &text, Verb::Write).await?;
    let status = kept.import.status;
    if status != ImportStatus::Reverting {
        if !status.is_over() {
            return Err(refused(
                "import_not_over",
                status,
                "only what is over can be taken back",
            ));
        }
        kept.import = kept.import.in_status(ImportStatus::Reverting, app.clock.now());
        (kept.page, kept.attempts) = (0, 0);
        kept = app.store.save_import(caller.tenant, kept).await?;
    }
    let message = Message::ImportRevertV1 {
        import: kept.import.id,
        page: 0,
        before: None,
    };
    tell(&app, &caller, message).await?;
    answer(StatusCode::ACCEPTED, &kept)
}

async fn tell(app: &App, caller: &Caller, message: Message) -> Result<(), Problem> {
    Ok(app
        .queues
        .send(Queue::ImportRows, &envelope(caller.tenant, message))
        .await?)
}
