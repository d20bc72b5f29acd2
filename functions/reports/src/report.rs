//! `GET /v1/reports/{name}`: as JSON, or as a file.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::export::file_name;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_reporting_store as reading;
use rapport_runtime::App;

use crate::export;

/// Answers a report.
///
/// # Errors
/// `404` for a report that is not, `400` and `422` for questions it cannot answer.
pub async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    reading::ask::definition(&name)?;
    let mut known = reading::PARAMS.to_vec();
    known.push(export::FORMAT);
    params.only(&known)?;
    let format = export::format(&params)?;
    let report = reading::report(&app, &caller, &name, &params).await?;
    let Some(format) = format else {
        return Ok(respond::json(StatusCode::OK, &report.answer));
    };
    let table = report.table();
    let answer = &report.answer;
    let name = file_name(&format!("{name}-{}-{}", answer.from, answer.to), format);
    export::file(&table, format, &name)
}
