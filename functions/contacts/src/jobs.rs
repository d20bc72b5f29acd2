//! `GET /v1/jobs/{id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Prefix;
use rapport_http::resource::id;
use rapport_http::{Caller, Problem, respond};
use rapport_runtime::App;

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let job = app.store.job(caller.tenant, id(Prefix::Job, &text)?).await?;
    Ok(respond::json(StatusCode::OK, &job))
}
