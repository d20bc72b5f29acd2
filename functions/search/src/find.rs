//! `GET /v1/search?q=…&kinds=…&limit=…`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Invalid;
use rapport_domain::permission::Scopes;
use rapport_domain::search::{MOST_QUESTION, NOUNS, terms};
use rapport_http::problem::Code;
use rapport_http::{Area, Caller, Params, Problem, Scope, Verb, respond};
use rapport_runtime::App;
use serde_json::{Value, json};

/// The schema of the answer.
pub(crate) fn schema() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": {
        "type": "object",
        "required": ["kind", "id", "title", "subtitle"],
        "properties": {"kind": text, "id": text, "title": text, "subtitle": text},
    }}}})
}

pub(crate) async fn find(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["q", "kinds", "limit"])?;
    let limit = params.number("limit", 20, 1, 50)?;
    let question = params.get("q").map(str::trim).unwrap_or_default();
    if question.is_empty() {
        return Err(Invalid::one("q", "required", "say what to look for: ?q=…").into());
    }
    if question.chars().count() > MOST_QUESTION {
        return Err(Invalid::one("q", "too_long", format!("at most {MOST_QUESTION} characters")).into());
    }
    let nouns = kinds(params.get("kinds"), caller.scopes)?;
    let hits = app.store.search(caller.tenant, &nouns, &terms(question), limit).await?;
    let data: Vec<Value> = hits
        .into_iter()
        .map(|hit| json!({"kind": hit.noun, "id": hit.id, "title": hit.title, "subtitle": hit.subtitle}))
        .collect();
    Ok(respond::json(StatusCode::OK, &json!({ "data": data })))
}

/// The kinds asked for that the caller may read; all of these when none is asked for.
fn kinds(asked: Option<&str>, scopes: Scopes) -> Result<Vec<&'static str>, Problem> {
    let asked: Vec<&str> = asked
        .map(|text| text.split(',').map(str::trim).collect())
        .unwrap_or_default();
    if let Some(unknown) = asked.iter().find(|kind| !NOUNS.contains(*kind)) {
        return Err(Problem::new(Code::Malformed).detail(format!(
            "'{unknown}' cannot be searched; there are: {}",
            NOUNS.join(", ")
        )));
    }
    Ok(NOUNS
        .iter()
        .copied()
        .filter(|noun| asked.is_empty() || asked.contains(noun))
        .filter(|noun| Area::of(noun).is_some_and(|area| scopes.has(Scope(area, Verb::Read))))
        .collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_kinds_that_are_asked_for_and_may_be_read_are_searched() {
        let all = Scopes::all();
        let leads = Scopes::parse("leads:read").unwrap();
        for (asked, scopes, expected) in [
            (None, all, &NOUNS[..]),
            (Some("lead, contact"), all, &["contact", "lead"]),
            (None, leads, &["lead"]),
            (Some("order"), leads, &[]),
        ] {
            assert_eq!(kinds(asked, scopes).unwrap(), expected, "{asked:?}");
        }
        assert!(kinds(Some("user"), all).is_err());
        assert!(kinds(Some("lead,"), all).is_err());
    }
}
