//! `GET /v1/contacts/lifecycle/{stage}`: the stage is computed, so it lies beside the scores and not in the contact.

use axum::extract::{Path, State};
use axum::response::Response;
use rapport_domain::contact::Contact;
use rapport_http::resource::{cursor, link};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::{Store, Table, text_of};
use serde_json::Value;

/// The stages there are.
const STAGES: [&str; 6] = ["customer", "repeat", "loyal", "at_risk", "lost", "won_back"];

pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(stage): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    if !STAGES.contains(&stage.as_str()) {
        return Err(Problem::not_found());
    }
    let path = format!("contacts/lifecycle/{stage}");
    let after = cursor(&app, &caller, &path, &params)?;
    let query = Store::lifecycle_query(&stage);
    let page = app
        .store
        .query(caller.tenant, Table::Scores, &query, limit, after.as_ref())
        .await?;
    let ids: Vec<String> = page
        .items
        .iter()
        .filter_map(|item| text_of(item, "sk"))
        .map(str::to_owned)
        .collect();
    let mut rows = app.store.rows::<Contact>(caller.tenant, &ids, false).await?;
    rows.sort_by(|a, b| b.id.cmp(&a.id));
    let docs: Vec<String> = rows.iter().map(|row| staged(&row.doc, &stage)).collect();
    let next = page.next.map(|next| link(&app, &caller, &path, &path, &params, &next));
    Ok(respond::page(docs.iter().map(String::as_str), next))
}

/// A contact with its stage.
fn staged(doc: &str, stage: &str) -> String {
    let mut value: Value = serde_json::from_str(doc).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("lifecycle".to_owned(), stage.into());
    }
    value.to_string()
}
