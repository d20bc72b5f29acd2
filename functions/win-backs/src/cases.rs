//! `GET /v1/win-backs`, and `GET` and `PATCH /v1/win-backs/{id}`.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::win_back::WinBack;
use rapport_domain::{Kind as _, Meta};
use rapport_http::list::{Question, filter_schema, filters, given};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link, written};
use rapport_http::{Caller, Doc, IdempotencyKey, IfMatch, Params, Problem, body, respond};
use rapport_runtime::App;
use rapport_store::{StoreError, Stored as _};
use serde_json::{Value, json};

fn schema(doc: &mut Doc) -> Value {
    let meta = doc.schema::<Meta>();
    let own = doc.schema::<WinBack>();
    json!({"allOf": [meta, own]})
}

/// An operation that answers a case.
pub fn answer(summary: &str) -> Doc {
    let mut doc = Doc::new(summary);
    let schema = schema(&mut doc);
    doc.answers_schema(200, &schema)
}

/// What the list says of itself.
pub fn listing() -> Doc {
    let mut doc = Doc::new("List the customers to be won back");
    let item = schema(&mut doc);
    let page = rapport_http::api::page_of(&item);
    doc = doc
        .detail("By status, owner or customer those found last come first; otherwise those who bought last.")
        .answers_schema(200, &page)
        .paged();
    for filter in filters::<WinBack>() {
        doc = doc.query(filter.name, &format!("By {}", filter.field), &filter_schema(filter));
    }
    doc
}

pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let mut known = vec!["limit", "cursor"];
    known.extend(filters::<WinBack>().map(|filter| filter.name));
    params.only(&known)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let given = given::<WinBack>(&params)?;
    let words: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    let identity = format!("/v1/{}?{}", WinBack::PLURAL, words.join("&"));
    let after = cursor(&app, &caller, &identity, &params)?;
    let zone = app.store.tenant_rules(caller.tenant).await?.settings.zone();
    let question = Question::new::<WinBack>(given, &zone)?;
    let (rows, next) = question
        .rows::<WinBack>(&app.store, &caller, limit, after, |_| true, false)
        .await?;
    let next = next.map(|next| link(&app, &caller, &identity, WinBack::PLURAL, &params, &next));
    Ok(respond::page(rows.iter().map(|row| row.doc.as_str()), next))
}

pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let row = app.store.win_back(caller.tenant, id(WinBack::PREFIX, &text)?).await?;
    Ok(respond::record(StatusCode::OK, row.doc, row.version, None))
}

pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let id = id(WinBack::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let key = key.of(WinBack::TABLE, &bytes, None);
    let result = app
        .store
        .patch::<WinBack>(&cx, id, expected, key.as_ref(), &value)
        .await;
    match result {
        Err(StoreError::Stale(_)) if expected.is_none() => Err(Problem::new(Code::Contention)),
        result => written(StatusCode::OK, result, None),
    }
}
