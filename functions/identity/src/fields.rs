//! `/v1/fields`: the tenant's custom fields.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Invalid;
use rapport_domain::custom::{Field, FieldKind};
use rapport_domain::record::{merge_patch, shape};
use rapport_http::problem::Code;
use rapport_http::{Caller, Json, Params, Problem, body, respond};
use rapport_runtime::App;
use serde_json::Value;

/// So many fields a kind of record may have.
const MOST: usize = 100;

fn kind(text: &str) -> Option<FieldKind> {
    serde_json::from_value(text.into()).ok()
}

fn text(field: &Field) -> String {
    serde_json::to_string(field).unwrap_or_default()
}

/// `GET /v1/fields`. All of them: there are few.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["kind"])?;
    let wanted = match params.get("kind") {
        None => None,
        Some(text) => Some(kind(text).ok_or_else(|| {
            Problem::new(Code::Malformed).detail("kind is one of lead, contact, company, product, order, ticket")
        })?),
    };
    let known = app.store.fresh_rules(caller.tenant).await?;
    let fields = known
        .fields
        .iter()
        .filter(|field| wanted.is_none_or(|kind| field.kind == kind));
    let rows: Vec<String> = fields.map(text).collect();
    Ok(respond::page(rows.iter().map(String::as_str), None))
}

/// `POST /v1/fields`.
pub async fn create(State(app): State<App>, caller: Caller, Json(field): Json<Field>) -> Result<Response, Problem> {
    field.check()?;
    let known = app.store.fresh_rules(caller.tenant).await?;
    if known
        .fields
        .iter()
        .any(|other| other.kind == field.kind && other.key == field.key)
    {
        return Err(Problem::new(Code::Conflict).detail("there is such a field: change it by PATCH"));
    }
    if known.fields.iter().filter(|other| other.kind == field.kind).count() >= MOST {
        let detail = format!("a kind of record has at most {MOST} custom fields");
        return Err(Problem::new(Code::Conflict).particular("too_many").detail(detail));
    }
    app.store.put_field(caller.tenant, &field).await?;
    let mut response = respond::json_text(StatusCode::CREATED, text(&field));
    if let Ok(location) = format!("/v1/fields/{}/{}", field.kind.noun(), field.key).parse() {
        response.headers_mut().insert(http::header::LOCATION, location);
    }
    Ok(response)
}

async fn find(app: &App, caller: &Caller, (noun, key): &(String, String)) -> Result<Field, Problem> {
    let kind = kind(noun).ok_or_else(Problem::not_found)?;
    let known = app.store.fresh_rules(caller.tenant).await?;
    known
        .fields
        .iter()
        .find(|field| field.kind == kind && field.key == *key)
        .cloned()
        .ok_or_else(Problem::not_found)
}

/// `GET /v1/fields/{kind}/{key}`.
pub async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<(String, String)>,
) -> Result<Response, Problem> {
    Ok(respond::json_text(
        StatusCode::OK,
        text(&find(&app, &caller, &name).await?),
    ))
}

/// A declaration under a merge patch.
fn patched(old: &Field, patch: Value) -> Result<Field, Invalid> {
    if !patch.is_object() {
        return Err(Invalid::one("", "wrong_type", "a merge patch is a JSON object"));
    }
    let mut value = serde_json::to_value(old).unwrap_or_default();
    merge_patch(&mut value, patch);
    let new: Field = shape(value)?;
    let mut invalid = Invalid::default();
    for (place, same) in [
        ("kind", new.kind == old.kind),
        ("key", new.key == old.key),
        ("type", new.r#type == old.r#type),
    ] {
        if !same {
            invalid.add(place, "not_allowed", "this does not change: declare another field");
        }
    }
    if new.unique && !old.unique {
        invalid.add(
            "unique",
            "not_allowed",
            "values already there were not guarded: declare another field",
        );
    }
    invalid.take(new.check());
    invalid.check().map(|()| new)
}

/// `PATCH /v1/fields/{kind}/{key}`.
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (patch, _) = body::value(request).await?;
    let old = find(&app, &caller, &name).await?;
    let new = patched(&old, patch)?;
    if new != old {
        app.store.put_field(caller.tenant, &new).await?;
    }
    Ok(respond::json_text(StatusCode::OK, text(&new)))
}

/// `DELETE /v1/fields/{kind}/{key}`.
pub async fn delete(
    State(app): State<App>,
    caller: Caller,
    Path((noun, key)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let kind = kind(&noun).ok_or_else(Problem::not_found)?;
    app.store.remove_field(caller.tenant, kind.noun(), &key).await?;
    Ok(respond::no_content())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_may_change_of_a_field() {
        let field: Field =
            shape(json!({"kind":"lead","key":"size","label":"Size","type":"choice","choices":["s","m"]})).unwrap();
        for (patch, pointers) in [
            (json!({"label":"Grösse"}), &[][..]),
            (json!({"choices":["s","m","l"],"required":true}), &[]),
            (json!({"type":"text"}), &["#/type", "#/choices"]),
            (json!({"key":"other","kind":"order"}), &["#/kind", "#/key"]),
            (json!({"unique":true}), &["#/unique", "#/unique"]),
            (json!({"label":""}), &["#/label"]),
            (json!({"label":null}), &["#"]),
            (json!({"nothing":1}), &["#/nothing"]),
            (json!([]), &["#"]),
        ] {
            let found = patched(&field, patch.clone()).err().unwrap_or_default();
            let found: Vec<_> = found.problems.iter().map(|problem| problem.pointer.as_str()).collect();
            assert_eq!(found, pointers, "{patch}");
        }
    }
}
