//! Reading, listing, changing and deleting, the same for endpoints and sources: there are few of either.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_http::body::IfMatch;
use rapport_http::list::{Question, given};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link, written};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::records::Written;
use rapport_store::{StoreError, Stored};
use serde_json::Value;

pub(crate) async fn read<K: Stored>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let row = app.store.row::<K>(caller.tenant, id(K::PREFIX, &text)?).await?;
    if row.gone {
        return Err(Problem::not_found());
    }
    Ok(respond::record(StatusCode::OK, row.doc, row.version, None))
}

pub(crate) async fn list<K: Stored>(
    State(app): State<App>,
    caller: Caller,
    params: Params,
) -> Result<Response, Problem> {
    let given = given::<K>(&params)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let filters: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    let identity = format!("/v1/{}?{}", K::PLURAL, filters.join("&"));
    let after = cursor(&app, &caller, &identity, &params)?;
    let question = Question::new::<K>(given, &jiff::tz::TimeZone::UTC)?;
    let (rows, next) = question
        .rows::<K>(&app.store, &caller, limit, after, |_| true, false)
        .await?;
    let next = next.map(|next| link(&app, &caller, &identity, K::PLURAL, &params, &next));
    Ok(respond::page(rows.iter().map(|row| row.doc.as_str()), next))
}

pub(crate) async fn delete<K: Stored + PartialEq>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let id = id(K::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    app.store.delete::<K>(&cx, id, expected).await?;
    Ok(respond::no_content())
}

/// The outcome of a change; a race lost too often is said as such.
pub(crate) fn changed<K: Stored>(
    result: Result<Written<K>, StoreError>,
    expected: Option<u64>,
) -> Result<Response, Problem> {
    match result {
        Err(StoreError::Stale(_)) if expected.is_none() => Err(Problem::new(Code::Contention)),
        result => written(StatusCode::OK, result, None),
    }
}

/// A record's JSON with a member more that is shown only now.
pub(crate) fn with(doc: &str, name: &str, value: String) -> String {
    let mut record: Value = serde_json::from_str(doc).unwrap_or_default();
    record[name] = value.into();
    record.to_string()
}
