//! `GET /v1/contacts/lookup?phone=…`: who is on the line.

use axum::extract::State;
use axum::response::Response;
use futures::future::try_join_all;
use http::StatusCode;
use rapport_domain::{Invalid, phone};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use serde_json::{Value, json};

use crate::overview;

/// At most so many contacts share a number in one answer.
const MOST: usize = 5;

pub(crate) async fn lookup(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["phone"])?;
    let given = params.get("phone").ok_or_else(|| {
        Invalid::one(
            "phone",
            "required",
            "say which telephone number: ?phone=%2B8613800138000",
        )
    })?;
    // An unescaped plus arrives as a space.
    let given = if given.starts_with(' ') {
        format!("+{}", given.trim_start())
    } else {
        given.to_owned()
    };
    let country = app.store.tenant_rules(caller.tenant).await?.settings.country.clone();
    let number = phone::parse("phone", &given, &country)?;
    let ids = app.store.contacts_by_phone(caller.tenant, &number, MOST).await?;
    let found = try_join_all(ids.into_iter().map(|id| overview::of(&app, &caller, id))).await?;
    let data: Vec<Value> = found.into_iter().flatten().collect();
    Ok(respond::json(StatusCode::OK, &json!({ "data": data })))
}
