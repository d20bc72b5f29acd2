//! `GET /v1/imports/{id}/preview`: what would become of the first rows.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::import::{ImportKind, MOST_ROWS};
use rapport_http::{Caller, Params, Problem, Verb, respond};
use rapport_importing::apply::{accept, actor, look, preview_row};
use rapport_importing::decide::Decider;
use rapport_importing::file::{PAGE, Row};
use rapport_importing::seen::Seen;
use rapport_importing::unit::Reading;
use rapport_runtime::App;
use serde_json::json;

use crate::read::found;

/// Looks at the first rows.
///
/// # Errors
/// `404`, `403`.
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit"])?;
    let limit = params.number("limit", 20, 1, PAGE)?;
    let kept = found(&app, &caller, &text, Verb::Read).await?;
    let import = &kept.import;
    let mut cx = accept(caller.accept(&app).await?, import.options.existing);
    cx.actor = actor(import.id, &caller.actor.id);
    // The lines of an order may stand anywhere.
    let last = if import.kind == ImportKind::Orders {
        MOST_ROWS / PAGE
    } else {
        1
    };
    let pages: Vec<Vec<Row>> = app.store.import_pages(caller.tenant, import.id, (1, last)).await?;
    let rows = pages.concat();
    let reading = Reading::new(import, &cx);
    let decider = Decider {
        store: &app.store,
        cx: &cx,
        reading: &reading,
    };
    let mut seen = Seen::default();
    let mut data = Vec::with_capacity(limit);
    for unit in reading.units(&rows, (0, rows.len())).iter().take(limit) {
        let (outcome, record) =
            rapport_importing::of_kind!(import.kind, K => Box::pin(look::<K>(decider, unit, &mut seen)).await?);
        data.push(preview_row(&outcome, &record));
    }
    Ok(respond::json(StatusCode::OK, &json!({"data": data})))
}
