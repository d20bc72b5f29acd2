//! `GET /v1/operator/audit`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_domain::{Prefix, RecordId};
use rapport_http::problem::Code;
use rapport_http::{Operator, Params, Problem, respond};
use rapport_runtime::App;

/// What the operator did in a month.
///
/// # Errors
/// `400` for what is no month or no cursor of this list.
pub async fn list(State(app): State<App>, _: Operator, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor", "month"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let this = app.clock.now().to_string();
    let month = params.get("month").unwrap_or(&this[..7]);
    let first: Result<jiff::civil::Date, _> = format!("{month}-01").parse();
    if first.is_err() || month.len() != 7 {
        return Err(Problem::new(Code::Malformed).detail("month is like 2026-11"));
    }
    let after = params.get("cursor").map(|cursor| {
        let id = RecordId::parse(Prefix::Request, cursor);
        id.map(|id| id.to_string())
            .map_err(|_| Problem::new(Code::CursorInvalid))
    });
    let after = after.transpose()?;
    let (actions, next) = app.store.actions(month, limit, after).await?;
    Ok(respond::json(StatusCode::OK, &crate::page(&actions, next.as_deref())))
}
