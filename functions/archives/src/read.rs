//! How far archives are.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Prefix;
use rapport_http::resource::id;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::archive::KeptArchive;

/// How many archives a list shows.
pub(crate) const LATEST: usize = 50;

/// An archive of the caller's firm.
///
/// # Errors
/// `404`.
pub(crate) async fn found(app: &App, caller: &Caller, text: &str) -> Result<KeptArchive, Problem> {
    let id = id(Prefix::Archive, text)?;
    Ok(app.store.archive(caller.tenant, id, app.clock.now()).await?)
}

/// `GET /v1/archives/{id}`.
pub async fn read(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let kept = found(&app, &caller, &text).await?;
    Ok(respond::json(StatusCode::OK, &kept.archive))
}

/// `GET /v1/archives`.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let found = app.store.archives(caller.tenant, LATEST, app.clock.now()).await?;
    let texts: Vec<String> = found
        .iter()
        .map(|one| serde_json::to_string(one).unwrap_or_default())
        .collect();
    Ok(respond::page(texts.iter().map(String::as_str), None))
}
