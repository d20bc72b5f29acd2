//! `POST /v1/auth/revoke`: signing out.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_http::{Problem, respond};
use rapport_runtime::App;
use rapport_store::identity::{RefreshToken, Verdict};
use serde::Deserialize;
use serde_json::json;

use crate::form::Form;

/// What is to be revoked.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct RevokeIn {
    /// A refresh token, or an access token of a user.
    token: String,
    /// Ignored: a token says itself what it is.
    #[serde(default)]
    #[allow(dead_code, reason = "RFC 7009 lets clients send it")]
    token_type_hint: Option<String>,
}

pub async fn revoke(State(app): State<App>, Form(input): Form<RevokeIn>) -> Result<Response, Problem> {
    let now = app.clock.now();
    if let Some(token) = RefreshToken::parse(&input.token) {
        let session = app.store.session(&token).await?;
        if session.is_some_and(|session| session.judge(&token, now) != Verdict::Unknown) {
            app.store.end_session(token.tenant, token.user, token.session).await?;
        }
    } else if let Ok(claims) = app.tokens.verify(&input.token, now) {
        let ids = (
            TenantId::parse(&claims.tid),
            RecordId::parse(Prefix::User, &claims.sub),
            RecordId::parse(Prefix::Session, &claims.jti),
        );
        if let (Ok(tenant), Ok(user), Ok(session)) = ids {
            app.store.end_session(tenant, user, session).await?;
        }
    }
    Ok(respond::json(StatusCode::OK, &json!({})))
}
