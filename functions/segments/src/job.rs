//! `GET /v1/segments/jobs/{id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Prefix;
use rapport_http::resource::id;
use rapport_http::{Caller, Problem, respond};
use rapport_runtime::App;

/// Answers how far a recompute is. 1 read unit.
///
/// # Errors
/// `404` for a job that is not there, or no longer.
pub async fn job(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let job = id(Prefix::Job, &text)?;
    let found = app.store.recompute(caller.tenant, job, app.clock.now()).await?;
    Ok(respond::json(StatusCode::OK, &found.ok_or_else(Problem::not_found)?))
}
