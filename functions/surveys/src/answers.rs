//! `GET /v1/surveys/{id}/comments`: what respondents wrote; `GET /v1/surveys/{id}/answers.csv`: every answer for
//! spreadsheets. Both the latest day first, in pages.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderValue, header};
use rapport_domain::survey::{Item, ItemKind, Survey};
use rapport_domain::{Kind as _, RecordId};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::page::{Position, Row};
use serde_json::{Map, Value};

use crate::csv;
use crate::period::Period;

/// The fields of an invitation that are told with a comment.
const TOLD: [&str; 13] = [
    "id",
    "contact_id",
    "company_id",
    "ticket_id",
    "order_id",
    "complaint_id",
    "language",
    "segment",
    "agent_id",
    "first_answered_at",
    "answered_at",
    "score",
    "comment",
];
/// The columns before those of the items.
const COLUMNS: [&str; 14] = [
    "id",
    "first_answered_at",
    "answered_at",
    "contact_id",
    "company_id",
    "ticket_id",
    "order_id",
    "reference",
    "language",
    "segment",
    "agent_id",
    "product_ids",
    "score",
    "comment",
];

/// A survey, the answers to it that a request asks for, and where the next page begins.
struct Page {
    items: Vec<Item>,
    rows: Vec<Row>,
    next: Option<(String, String)>,
}

async fn page(
    app: &App,
    caller: &Caller,
    (survey, part): (RecordId, &str),
    params: &Params,
    (default, most): (usize, usize),
    also: impl Fn(&[Item], &Value) -> bool,
) -> Result<Page, Problem> {
    let period = Period::read(params)?;
    let limit = params.number("limit", default, 1, most)?;
    let path = format!("surveys/{survey}/{part}");
    let words: Vec<String> = ["from", "to", "score_to"]
        .iter()
        .filter_map(|name| params.get(name).map(|value| format!("{name}={value}")))
        .collect();
    let identity = format!("/v1/{path}?{}", words.join("&"));
    let after: Option<Position> = cursor(app, caller, &identity, params)?;
    let items = app.store.get::<Survey>(caller.tenant, survey).await?.body.items;
    let question = period.question(survey)?;
    let fits = |doc: &Value| also(&items, doc);
    let (rows, next) = question
        .rows::<rapport_domain::survey::Invitation>(&app.store, caller, limit, after, fits, true)
        .await?;
    let next = next.map(|next| link(app, caller, &identity, &path, params, &next));
    Ok(Page { items, rows, next })
}

/// The answers in words to the items that are asked so.
fn words(items: &[Item], doc: &Value) -> Map<String, Value> {
    let asked = items.iter().filter(|item| item.kind == ItemKind::Text);
    asked
        .filter_map(|item| Some((item.key.clone(), doc.get("answers")?.get(&item.key)?.clone())))
        .collect()
}

pub async fn comments(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["from", "to", "score_to", "limit", "cursor"])?;
    let survey = id(Survey::PREFIX, &text)?;
    let most = params.get("score_to").map(str::parse::<u64>).transpose();
    let most = most.map_err(|_| Problem::new(Code::Malformed).detail("score_to is a whole number from 0 to 10"))?;
    let written = |items: &[Item], doc: &Value| {
        let score = doc.get("score").and_then(Value::as_u64);
        let said = doc.get("comment").is_some_and(Value::is_string) || !words(items, doc).is_empty();
        said && most.is_none_or(|most| score.is_some_and(|score| score <= most))
    };
    let page = page(&app, &caller, (survey, "comments"), &params, (50, 200), written).await?;
    let told: Vec<String> = page.rows.iter().filter_map(|row| told(&page.items, &row.doc)).collect();
    Ok(respond::page(told.iter().map(String::as_str), page.next))
}

/// A comment as it is told.
fn told(items: &[Item], doc: &str) -> Option<String> {
    let doc: Value = serde_json::from_str(doc).ok()?;
    let mut told: Map<String, Value> = TOLD
        .iter()
        .filter_map(|field| {
            Some((
                (*field).to_owned(),
                doc.get(field).filter(|value| !value.is_null())?.clone(),
            ))
        })
        .collect();
    told.insert("answers".to_owned(), Value::Object(words(items, &doc)));
    Some(Value::Object(told).to_string())
}

pub async fn table(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["from", "to", "limit", "cursor"])?;
    let survey = id(Survey::PREFIX, &text)?;
    let page = page(
        &app,
        &caller,
        (survey, "answers.csv"),
        &params,
        (1_000, 1_000),
        |_, _| true,
    )
    .await?;
    let items = csv::columns(&page.items);
    let mut table = csv::Table::new(COLUMNS.into_iter().chain(items.iter().map(String::as_str)));
    for row in &page.rows {
        let doc: Value = serde_json::from_str(&row.doc).unwrap_or_default();
        let fixed = COLUMNS.iter().map(|field| csv::value(doc.get(field)));
        let given = doc.get("answers").cloned().unwrap_or_default();
        table.row(fixed.chain(csv::answers(&page.items, &given)));
    }
    let mut response = table.response("survey-answers");
    let next = page
        .next
        .and_then(|(_, url)| HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok());
    response.headers_mut().extend(next.map(|next| (header::LINK, next)));
    Ok(response)
}
