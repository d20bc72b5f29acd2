//! `/v1/api-keys`: how programs call.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use rapport_domain::permission::Scopes;
use rapport_domain::settings::millis;
use rapport_domain::{Invalid, Prefix, RecordId, text};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Json, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::identity::{ApiKey, Secret, api_key_text};
use serde::{Deserialize, Serialize};

/// So many keys of a tenant may be good at a time.
const MOST: usize = 100;

/// A new key.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyIn {
    /// What people call it.
    name: String,
    /// What it permits: `leads:write`, `*:read`, …, at most what its maker may.
    scopes: ScopesIn,
    /// When it ends by itself.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// Scopes as a list, or separated by spaces as in OAuth.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum ScopesIn {
    /// A list.
    List(Vec<String>),
    /// Separated by spaces.
    Text(String),
}

/// A key as answered.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ApiKeyOut {
    /// `key_…`.
    id: String,
    /// What people call it.
    name: String,
    /// What it permits.
    scopes: Vec<String>,
    /// The key itself, in the answer that made it only.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Its last four characters.
    last_four: String,
    /// Who made it.
    created_by: String,
    /// When.
    created_at: String,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<String>,
}

impl ApiKeyOut {
    /// A key, with its secret if it was just made.
    #[must_use]
    pub fn of(key: &ApiKey, secret: Option<String>) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            scopes: key.scopes.to_string().split_whitespace().map(str::to_owned).collect(),
            secret,
            last_four: key.last_four.clone(),
            created_by: key.created_by.clone(),
            created_at: millis::text(key.created_at),
            expires_at: key.expires_at.map(millis::text),
            revoked_at: key.revoked_at.map(millis::text),
        }
    }
}

/// `POST /v1/api-keys`. No idempotency key is honoured: a replay could not show the secret again.
pub async fn create(State(app): State<App>, caller: Caller, Json(input): Json<ApiKeyIn>) -> Result<Response, Problem> {
    let now = app.clock.now();
    let mut invalid = Invalid::default();
    let name = invalid.take(text::required("name", Some(input.name), 100));
    let scopes = match input.scopes {
        ScopesIn::List(list) => list.join(" "),
        ScopesIn::Text(text) => text,
    };
    let scopes = Scopes::parse(&scopes).filter(|scopes| *scopes != Scopes::NONE);
    if scopes.is_none() {
        invalid.add(
            "scopes",
            "scope_unknown",
            "scopes are such as leads:write, contacts:read and *:read",
        );
    }
    if input.expires_at.is_some_and(|end| end <= now) {
        invalid.add("expires_at", "out_of_range", "a key ends in the future");
    }
    invalid.check()?;
    let (Some(name), Some(scopes)) = (name, scopes) else {
        return Err(Problem::internal("no fault and no key"));
    };
    if !scopes.within(caller.scopes) {
        return Err(Problem::new(Code::Forbidden).detail("a key permits at most what its maker may"));
    }
    let (known, _) = app.store.api_keys(caller.tenant, 10 * MOST, None).await?;
    let good = known
        .iter()
        .filter(|key| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end));
    if good.count() >= MOST {
        return Err(Problem::new(Code::Conflict)
            .particular("too_many")
            .detail(format!("at most {MOST} keys at a time: revoke one")));
    }
    let (id, secret) = (RecordId::new(Prefix::Key), Secret::random());
    let shown = api_key_text(caller.tenant, id, &secret);
    let key = ApiKey {
        id,
        name,
        scopes,
        hash: secret.hash(),
        last_four: shown[shown.len() - 4..].to_owned(),
        created_by: caller.actor.id.clone(),
        created_at: now,
        expires_at: input.expires_at,
        revoked_at: None,
    };
    app.store.put_api_key(caller.tenant, &key).await?;
    let mut response = respond::json(StatusCode::CREATED, &ApiKeyOut::of(&key, Some(shown)));
    if let Ok(location) = format!("/v1/api-keys/{id}").parse() {
        response.headers_mut().insert(http::header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /v1/api-keys`.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let identity = "/v1/api-keys";
    let after = cursor(&app, &caller, identity, &params)?;
    let (found, next) = app.store.api_keys(caller.tenant, limit, after.as_ref()).await?;
    let rows: Vec<String> = found
        .iter()
        .map(|key| serde_json::to_string(&ApiKeyOut::of(key, None)).unwrap_or_default())
        .collect();
    let next = next.map(|next| link(&app, &caller, identity, "api-keys", &params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}

async fn find(app: &App, caller: &Caller, text: &str) -> Result<ApiKey, Problem> {
    app.store
        .api_key(caller.tenant, id(Prefix::Key, text)?)
        .await?
        .ok_or_else(Problem::not_found)
}

/// `GET /v1/api-keys/{id}`.
pub async fn get(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let key = find(&app, &caller, &text).await?;
    Ok(respond::json(StatusCode::OK, &ApiKeyOut::of(&key, None)))
}

/// `DELETE /v1/api-keys/{id}`.
pub async fn revoke(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Result<Response, Problem> {
    let key = find(&app, &caller, &text).await?;
    if key.revoked_at.is_none() {
        let revoked = ApiKey {
            revoked_at: Some(app.clock.now()),
            ..key
        };
        app.store.put_api_key(caller.tenant, &revoked).await?;
    }
    Ok(respond::no_content())
}
