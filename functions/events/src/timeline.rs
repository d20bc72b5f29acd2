//! `GET /v1/contacts/{id}/timeline`: what concerns a contact; `GET /v1/companies/{id}/timeline`: what a company became.

use axum::extract::{Path, State};
use axum::response::Response;
use rapport_domain::Prefix;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;

pub(crate) async fn contact(
    state: State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    timeline(&state.0, &caller, Prefix::Contact, &text, &params).await
}

pub(crate) async fn company(
    state: State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    timeline(&state.0, &caller, Prefix::Company, &text, &params).await
}

async fn timeline(
    app: &App,
    caller: &Caller,
    prefix: Prefix,
    text: &str,
    params: &Params,
) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let subject = id(prefix, text)?.to_string();
    let plural = if prefix == Prefix::Contact {
        "contacts"
    } else {
        "companies"
    };
    let path = format!("{plural}/{subject}/timeline");
    let after = cursor(app, caller, &path, params)?;
    let page = match prefix {
        Prefix::Contact => {
            app.store
                .timeline(caller.tenant, &subject, limit, after.as_ref())
                .await?
        }
        _ => {
            app.store
                .history(caller.tenant, &subject, limit, after.as_ref())
                .await?
        }
    };
    if after.is_none() && page.entries.is_empty() {
        // Whoever exists was created, which is in the log: another tenant's record and none look alike.
        return Err(Problem::not_found());
    }
    // Of several events of one change the most particular one comes first. What the caller may not read is left out.
    let events = page
        .entries
        .iter()
        .filter(|found| caller.reads(&found.entry.noun))
        .flat_map(|found| found.entry.events().into_iter().rev());
    let rows: Vec<String> = events
        .map(|event| serde_json::to_string(&event).unwrap_or_default())
        .collect();
    let next = page.next.map(|next| link(app, caller, &path, &path, params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}
