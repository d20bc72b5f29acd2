//! Imports as they are: list, read, delete.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Prefix;
use rapport_domain::import::ImportStatus;
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Params, Problem, Verb, respond};
use rapport_runtime::App;
use rapport_store::import::KeptImport;

use crate::create::may;

/// The import that a path names, as far as the caller may read, or write, records of its kind.
///
/// # Errors
/// `404`, `403`.
pub(crate) async fn found(app: &App, caller: &Caller, text: &str, verb: Verb) -> Result<KeptImport, Problem> {
    let id = id(Prefix::Import, text)?;
    let kept = app.store.import(caller.tenant, id, app.clock.now()).await?;
    may(caller, kept.import.kind, verb)?;
    Ok(kept)
}

/// An import as an answer.
///
/// # Errors
/// When it cannot be written as JSON.
pub(crate) fn answer(status: StatusCode, kept: &KeptImport) -> Result<Response, Problem> {
    let doc = serde_json::to_string(&kept.import).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(respond::record(status, doc, kept.import.version, None))
}

/// A conflict with the status that an import has.
pub(crate) fn refused(code: &str, status: ImportStatus, words: &str) -> Problem {
    Problem::new(Code::Conflict)
        .particular(code)
        .detail(format!("{words}: this import is {}", status.as_str()))
}

/// Answers how far an import is.
///
/// # Errors
/// `404`, `403`.
pub async fn read(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let kept = found(&app, &caller, &text, Verb::Read).await?;
    answer(StatusCode::OK, &kept)
}

/// Lists imports of kinds that the caller may read.
///
/// # Errors
/// `400`.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let after = cursor(&app, &caller, "/v1/imports", &params)?;
    let (found, next) = app.store.imports(caller.tenant, limit, after.as_ref()).await?;
    let now = app.clock.now();
    let seen = found
        .iter()
        .filter(|import| import.expires_at > now && may(&caller, import.kind, Verb::Read).is_ok());
    let docs: Vec<String> = seen
        .map(|import| serde_json::to_string(import).unwrap_or_default())
        .collect();
    let next = next.map(|next| link(&app, &caller, "/v1/imports", "imports", &params, &next));
    Ok(respond::page(docs.iter().map(String::as_str), next))
}

/// Deletes an import and its file.
///
/// # Errors
/// `404`, `403`, `409` while it is at work.
pub async fn delete(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let kept = found(&app, &caller, &text, Verb::Write).await?;
    let status = kept.import.status;
    if status.is_under_way() || status == ImportStatus::Reverting {
        return Err(refused("import_running", status, "wait until it is over, or cancel it"));
    }
    app.store.delete_import(caller.tenant, kept, app.clock.now()).await?;
    Ok(respond::no_content())
}
