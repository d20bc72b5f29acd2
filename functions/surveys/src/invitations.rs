//! `GET /v1/survey-invitations` and `GET /v1/survey-invitations/{id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::survey::Invitation;
use rapport_domain::{Kind as _, Meta};
use rapport_http::list::{Question, filters, given};
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Doc, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::Stored as _;
use serde_json::{Value, json};

fn schema(doc: &mut Doc) -> Value {
    let meta = doc.schema::<Meta>();
    let own = doc.schema::<Invitation>();
    json!({"allOf": [meta, own]})
}

/// What reading one says of itself.
pub fn reading() -> Doc {
    let mut doc = Doc::new("Read an invitation and its answer");
    let schema = schema(&mut doc);
    doc.answers_schema(200, &schema)
}

/// What the list says of itself.
pub fn listing() -> Doc {
    let mut doc = Doc::new("List invitations and their answers, newest first");
    let item = schema(&mut doc);
    let page = json!({"type": "object", "required": ["data", "has_more"], "properties": {
        "data": {"type": "array", "items": item}, "has_more": {"type": "boolean"}, "next_cursor": {"type": "string"}}});
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 200, "default": 50});
    let word = json!({"type": "string"});
    doc = doc
        .answers_schema(200, &page)
        .query("limit", "How many, 1 to 200", &limit)
        .query("cursor", "next_cursor of the page before", &word);
    for filter in filters::<Invitation>() {
        let schema = if filter.values.is_empty() {
            word.clone()
        } else {
            json!({"type": "string", "enum": filter.values})
        };
        doc = doc.query(filter.name, &format!("By {}", filter.field), &schema);
    }
    doc
}

pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let mut known = vec!["limit", "cursor"];
    known.extend(filters::<Invitation>().map(|filter| filter.name));
    params.only(&known)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let given = given::<Invitation>(&params)?;
    let words: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    let identity = format!("/v1/{}?{}", Invitation::PLURAL, words.join("&"));
    let after = cursor(&app, &caller, &identity, &params)?;
    let zone = app.store.tenant_rules(caller.tenant).await?.settings.zone();
    let question = Question::new::<Invitation>(given, &zone)?;
    let (rows, next) = question
        .rows::<Invitation>(&app.store, &caller, limit, after, |_| true, false)
        .await?;
    let next = next.map(|next| link(&app, &caller, &identity, Invitation::PLURAL, &params, &next));
    Ok(respond::page(rows.iter().map(|row| row.doc.as_str()), next))
}

pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let row = app
        .store
        .row::<Invitation>(caller.tenant, id(Invitation::PREFIX, &text)?)
        .await?;
    if row.gone {
        return Err(Problem::not_found());
    }
    Ok(respond::record(StatusCode::OK, row.doc, row.version, None))
}
