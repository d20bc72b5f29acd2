//! `GET /v1/imports/fields`: what columns can fill.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_http::{Caller, Params, Problem, Verb, respond};
use rapport_runtime::App;
use serde_json::json;

use crate::create::{kind, may};

/// Lists the fields of a kind.
///
/// # Errors
/// `400` without a kind, `403`.
pub async fn fields(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["kind"])?;
    let kind = kind(&params)?;
    may(&caller, kind, Verb::Read)?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let fields = rapport_domain::import::fields(kind, &rules.fields);
    Ok(respond::json(StatusCode::OK, &json!({"data": fields})))
}
