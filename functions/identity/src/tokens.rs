//! Tokens as they are answered.

use jiff::Timestamp;
use rapport_domain::permission::Role;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_http::Problem;
use rapport_runtime::App;
use rapport_runtime::token::ACCESS_SECONDS;
use rapport_store::Write;
use rapport_store::identity::{LoginId, RefreshToken, Secret};
use serde::Serialize;
use serde_json::Value;

/// What signs a caller in: OAuth 2.0's token answer, and whose it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Tokens {
    /// A JWT of 15 minutes.
    pub access_token: String,
    /// Good once, for the next pair; absent for API keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds until the access token ends.
    pub expires_in: i64,
    /// What the token permits, separated by spaces.
    pub scope: String,
    /// The tenant's id.
    pub tenant_id: String,
    /// The user's id; absent for API keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// The tenant in short.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TenantOut {
    /// `tnt_…`.
    pub id: String,
    /// The firm's name.
    pub company: String,
    /// Its country.
    pub country: String,
    /// Its currency.
    pub currency: String,
    /// Its time zone.
    pub time_zone: String,
    /// Its language.
    pub locale: String,
}

impl TenantOut {
    /// Of a tenant's settings.
    #[must_use]
    pub fn new(tenant: TenantId, settings: &rapport_domain::settings::Settings) -> Self {
        Self {
            id: tenant.to_string(),
            company: settings.company.clone(),
            country: settings.country.clone(),
            currency: settings.currency.to_string(),
            time_zone: settings.time_zone.clone(),
            locale: settings.locale.clone(),
        }
    }
}

/// The answer to whoever has just become a user.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Welcome {
    /// The tenant.
    pub tenant: TenantOut,
    /// The user.
    #[schema(value_type = Object)]
    pub user: Value,
    /// The tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// A role's word.
#[must_use]
pub fn word(role: Role) -> String {
    serde_json::to_value(role)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Begins a session with a write: its first refresh token.
///
/// # Errors
/// When the store's table is not given.
pub fn begin(
    app: &App,
    write: &mut Write,
    user: RecordId,
    login: LoginId,
    epoch: u64,
) -> Result<RefreshToken, Problem> {
    let token = RefreshToken {
        tenant: write.tenant(),
        user,
        session: RecordId::new(Prefix::Session),
        family: Secret::random(),
        secret: Secret::random(),
    };
    write.begin_session(&app.store, &token, login, epoch, app.clock.now())?;
    Ok(token)
}

/// The answer with a session's refresh token and an access token beside it.
///
/// # Errors
/// When this function may not sign.
pub fn answer(app: &App, token: &RefreshToken, role: Role, now: Timestamp) -> Result<Tokens, Problem> {
    let scope = role.scopes().to_string();
    let (tenant, user) = (token.tenant.to_string(), token.user.to_string());
    let access_token = app
        .tokens
        .sign(
            &tenant,
            &user,
            Some(&word(role)),
            &scope,
            &token.session.to_string(),
            now,
        )
        .map_err(|error| Problem::internal(error.to_string()))?;
    Ok(Tokens {
        access_token,
        refresh_token: Some(token.text()),
        token_type: "Bearer",
        expires_in: ACCESS_SECONDS,
        scope,
        tenant_id: tenant,
        user_id: Some(user),
    })
}
