//! `GET /v1/survey-invitations` and `GET /v1/survey-invitations/{id}`.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::survey::{Invitation, NONE};
use rapport_domain::{Kind as _, Meta};
use rapport_http::list::{Question, filter_schema, filters, given};
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Doc, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::Stored as _;
use serde_json::{Value, json};

/// The groups that answers are counted in, by parameter and field: `none` finds what has none.
const GROUPS: [(&str, &str); 3] = [
    ("segment", "segment"),
    ("agent_id", "agent_id"),
    ("product_id", "product_ids"),
];

/// Further filters of this list alone.
const OWN: [&str; 2] = ["answer", "mailed"];

/// Whether an invitation is counted in a group.
fn is_in(doc: &Value, field: &str, group: &str) -> bool {
    match doc.get(field) {
        None | Some(Value::Null) => group == NONE,
        Some(Value::Array(list)) if list.is_empty() => group == NONE,
        Some(Value::Array(list)) => list.iter().any(|entry| entry.as_str() == Some(group)),
        Some(value) => value.as_str() == Some(group),
    }
}

/// Whether an item was answered so: `again:no`.
fn is_answered(doc: &Value, answer: &str) -> bool {
    let Some((item, expected)) = answer.split_once(':') else {
        return false;
    };
    match doc.get("answers").and_then(|answers| answers.get(item)) {
        Some(Value::String(word)) => word == expected,
        Some(Value::Number(number)) => number.to_string() == expected,
        _ => false,
    }
}

/// Whether an invitation was mailed: an answer says so, also where it came before the mailing was noted.
fn is_mailed(doc: &Value) -> bool {
    matches!(doc.get("status").and_then(Value::as_str), Some("sent" | "answered"))
}

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
    let page = rapport_http::api::page_of(&item);
    let word = json!({"type": "string"});
    doc = doc.answers_schema(200, &page).paged();
    for filter in filters::<Invitation>() {
        doc = doc.query(filter.name, &format!("By {}", filter.field), &filter_schema(filter));
    }
    for (name, field) in GROUPS {
        doc = doc.query(name, &format!("By {field}; none for what has none"), &word);
    }
    doc.query("answer", "By the answer to an item: again:no", &word).query(
        "mailed",
        "By whether it was mailed",
        &json!({"type": "boolean"}),
    )
}

pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let mut known = vec!["limit", "cursor"];
    known.extend(filters::<Invitation>().map(|filter| filter.name));
    known.extend(GROUPS.iter().map(|(name, _)| *name).chain(OWN));
    params.only(&known)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let groups: Vec<(&str, &str, &str)> = GROUPS
        .iter()
        .filter_map(|(name, field)| Some((*name, *field, params.get(name)?)))
        .collect();
    let mailed = params.get("mailed").map(|_| params.flag("mailed", true)).transpose()?;
    let answer = params.get("answer");
    let own = |name: &str| OWN.contains(&name) || GROUPS.iter().any(|(group, _)| *group == name);
    let common = Params(params.0.iter().filter(|(name, _)| !own(name)).cloned().collect());
    let given = given::<Invitation>(&common)?;
    let mut words: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    words.extend(groups.iter().map(|(name, _, value)| format!("{name}={value}")));
    words.extend(answer.map(|answer| format!("answer={answer}")));
    words.extend(mailed.map(|mailed| format!("mailed={mailed}")));
    let identity = format!("/v1/{}?{}", Invitation::PLURAL, words.join("&"));
    let after = cursor(&app, &caller, &identity, &params)?;
    let zone = app.store.tenant_rules(caller.tenant).await?.settings.zone();
    let question = Question::new::<Invitation>(given, &zone)?;
    let tested = !groups.is_empty() || mailed.is_some() || answer.is_some();
    let fits = |doc: &Value| {
        groups.iter().all(|(_, field, group)| is_in(doc, field, group))
            && answer.is_none_or(|answer| is_answered(doc, answer))
            && mailed.is_none_or(|mailed| is_mailed(doc) == mailed)
    };
    let (rows, next) = question
        .rows::<Invitation>(&app.store, &caller, limit, after, fits, tested)
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
