//! `GET /v1/contacts/{id}/timeline`.

use axum::extract::{Path, State};
use axum::response::Response;
use rapport_domain::Prefix;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;

pub(crate) async fn timeline(State(app): State<App>, caller: Caller, Path(text): Path<String>, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let contact = id(Prefix::Contact, &text)?.to_string();
    let path = format!("contacts/{contact}/timeline");
    let after = cursor(&app, &caller, &path, &params)?;
    let first = after.is_none();
    let page = app.store.timeline(caller.tenant, &contact, limit, after.as_ref()).await?;
    if first && page.entries.is_empty() {
        // Whoever exists was created, which is in the timeline: another tenant's contact and none look alike.
        return Err(Problem::not_found());
    }
    // Of several events of one change the most particular one comes first.
    let events = page.entries.iter().flat_map(|found| found.entry.events().into_iter().rev());
    let rows: Vec<String> = events.map(|event| serde_json::to_string(&event).unwrap_or_default()).collect();
    let next = page.next.map(|next| link(&app, &caller, &path, &path, &params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}
