//! `/v1/me`: who the caller is.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_domain::account::Status;
use rapport_domain::user::User;
use rapport_domain::{Prefix, RecordId};
use rapport_http::problem::Code;
use rapport_http::{Caller, Json, Problem, respond};
use rapport_runtime::App;
use rapport_store::records::patched;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api_keys::ApiKeyOut;
use crate::tokens::{TenantOut, word};

/// The caller.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Me {
    /// The tenant.
    tenant: TenantOut,
    /// The user; absent for API keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    user: Option<Value>,
    /// The API key; absent for users.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<ApiKeyOut>,
    /// The role; absent for API keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    /// What the credentials permit.
    scopes: Vec<String>,
    /// How the firm's account stands: what is not `open` can only be read.
    account: Status,
}

/// `GET /v1/me`.
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    me(&app, &caller).await
}

async fn me(app: &App, caller: &Caller) -> Result<Response, Problem> {
    let known = app.store.tenant_rules(caller.tenant).await?;
    let mut me = Me {
        tenant: TenantOut::new(caller.tenant, &known.settings),
        account: known.account.status,
        user: None,
        api_key: None,
        role: caller.role.map(word),
        scopes: caller
            .scopes
            .to_string()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    };
    if let Some(user) = caller.user() {
        me.user = Some(app.store.get::<User>(caller.tenant, user).await?.to_value());
    } else if let Ok(key) = RecordId::parse(Prefix::Key, &caller.actor.id) {
        me.api_key = app
            .store
            .api_key(caller.tenant, key)
            .await?
            .map(|key| ApiKeyOut::of(&key, None));
    }
    Ok(respond::json(StatusCode::OK, &me))
}

/// What users change of themselves.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MePatch {
    /// What people call the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `en` or `zh-CN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
}

/// `PATCH /v1/me`.
pub async fn patch(State(app): State<App>, caller: Caller, Json(input): Json<MePatch>) -> Result<Response, Problem> {
    let user = caller
        .user()
        .ok_or_else(|| Problem::new(Code::Forbidden).detail("an API key has nothing to change"))?;
    let cx = caller.accept(&app).await?;
    let patch = json!(input);
    app.store
        .change::<User>(&cx, user, None, None, |old| patched(&cx, old, &patch))
        .await?;
    me(&app, &caller).await
}
