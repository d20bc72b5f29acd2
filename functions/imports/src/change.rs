//! `PATCH /v1/imports/{id}`: other columns, other options.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::import::{ImportIn, ImportStatus, fields};
use rapport_http::body::Json;
use rapport_http::{Caller, IfMatch, Problem, Verb};
use rapport_runtime::App;
use rapport_store::StoreError;

use crate::read::{answer, found, refused};

/// Changes a draft.
///
/// # Errors
/// `404`, `403`, `409` once it was started, `412`, `422`.
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    Json(input): Json<ImportIn>,
) -> Result<Response, Problem> {
    let mut kept = found(&app, &caller, &text, Verb::Write).await?;
    let import = &kept.import;
    if expected.is_some_and(|version| version != import.version) {
        return Err(StoreError::Stale(serde_json::to_string(import).ok()).into());
    }
    if import.status != ImportStatus::Draft {
        return Err(refused("import_started", import.status, "only a draft can be changed"));
    }
    let cx = caller.accept(&app).await?;
    let mut next = import.changed(input, &fields(import.kind, &cx.rules.fields))?;
    next.updated_at = cx.rules.now.max(import.updated_at);
    kept.import = next;
    let kept = app.store.save_import(caller.tenant, kept).await?;
    answer(StatusCode::OK, &kept)
}
