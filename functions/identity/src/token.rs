//! `POST /v1/auth/token`: OAuth 2.0 grants.

use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode, header};
use rapport_domain::email::Email;
use rapport_domain::permission::Scopes;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_http::problem::Code;
use rapport_http::{Problem, respond};
use rapport_runtime::App;
use rapport_runtime::token::ACCESS_SECONDS;
use rapport_store::Write;
use rapport_store::identity::{Login, RefreshToken, Verdict, parse_api_key};
use serde::Deserialize;

use crate::credentials::{self, refused};
use crate::form::Form;
use crate::tokens::{self, Tokens};
use rapport_http::Address;

/// A request for tokens. Parameters that OAuth knows and this service does not are ignored, as RFC 6749 asks.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct TokenIn {
    /// `password`, `refresh_token` or `client_credentials`.
    #[serde(default)]
    grant_type: Option<String>,
    /// The e-mail address.
    #[serde(default)]
    username: Option<String>,
    /// The password.
    #[serde(default)]
    password: Option<String>,
    /// Which tenant, `tnt_…`; the last used one when absent.
    #[serde(default)]
    tenant: Option<String>,
    /// The latest refresh token of a session.
    #[serde(default)]
    refresh_token: Option<String>,
    /// An API key's id, `key_…`; also by HTTP Basic.
    #[serde(default)]
    client_id: Option<String>,
    /// An API key, `rk_live_…`; also by HTTP Basic.
    #[serde(default)]
    client_secret: Option<String>,
    /// What the access token is to permit, for an API key: some of what the key permits.
    #[serde(default)]
    scope: Option<String>,
}

fn bad(error: &'static str, detail: &str) -> Problem {
    Problem::new(Code::Malformed)
        .particular(error)
        .detail(detail)
        .member("error", error)
        .member("error_description", detail)
}

fn needed<'a>(value: Option<&'a String>, name: &str) -> Result<&'a str, Problem> {
    value
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| bad("invalid_request", &format!("{name} is missing")))
}

pub async fn token(
    State(app): State<App>,
    address: Address,
    headers: HeaderMap,
    Form(input): Form<TokenIn>,
) -> Result<Response, Problem> {
    let tokens = match needed(input.grant_type.as_ref(), "grant_type")? {
        "password" => password(&app, &address, &input).await?,
        "refresh_token" => refresh(&app, &input).await?,
        "client_credentials" => client_credentials(&app, &headers, &input).await?,
        _ => {
            return Err(bad(
                "unsupported_grant_type",
                "there are password, refresh_token and client_credentials",
            ));
        }
    };
    Ok(respond::json(StatusCode::OK, &tokens))
}

async fn password(app: &App, address: &Address, input: &TokenIn) -> Result<Tokens, Problem> {
    let username = needed(input.username.as_ref(), "username")?;
    let password = needed(input.password.as_ref(), "password")?;
    let email = Email::parse("username", username).map_err(|_| credentials::wrong())?;
    if password.chars().count() > rapport_domain::login::MOST {
        return Err(credentials::wrong());
    }
    let login = credentials::check(app, &email, password, address)
        .await?
        .ok_or_else(credentials::wrong)?;
    for tenant in choices(&login, input.tenant.as_deref()) {
        let Some(&user) = login.members.get(&tenant) else {
            continue;
        };
        let Some(user) = credentials::active(app, tenant, user).await? else {
            continue;
        };
        let mut write = Write::new(tenant);
        let token = tokens::begin(app, &mut write, user.meta.id, login.id, login.epoch)?;
        write.commit(&app.store).await?;
        if login.last != Some(tenant) {
            app.store.note_last_tenant(&login, tenant).await?;
        }
        return tokens::answer(app, &token, user.body.role, app.clock.now());
    }
    Err(refused(
        "no_active_user",
        "there is no active user of this address in the tenant",
    ))
}

/// The tenants to try: the one asked for, or the last used and then the others.
fn choices(login: &Login, asked: Option<&str>) -> Vec<TenantId> {
    match asked {
        Some(text) => TenantId::parse(text).ok().into_iter().collect(),
        None => {
            let others = login
                .members
                .keys()
                .copied()
                .filter(|tenant| Some(*tenant) != login.last);
            login.last.into_iter().chain(others).collect()
        }
    }
}

async fn refresh(app: &App, input: &TokenIn) -> Result<Tokens, Problem> {
    let over = || refused("refresh_token_invalid", "the session is over: sign in again");
    let token = RefreshToken::parse(needed(input.refresh_token.as_ref(), "refresh_token")?).ok_or_else(over)?;
    let now = app.clock.now();
    let session = app.store.session(&token).await?.ok_or_else(over)?;
    let (tenant, user) = (token.tenant, token.user);
    match session.judge(&token, now) {
        Verdict::Unknown => return Err(over()),
        Verdict::Reused => return Err(reused(app, &token).await?),
        Verdict::Good => {}
    }
    let login = app.store.login(session.login).await?;
    let user = credentials::active(app, tenant, user).await?;
    let (Some(user), true) = (user, login.is_some_and(|login| login.epoch == session.epoch)) else {
        app.store.end_session(tenant, token.user, token.session).await?;
        return Err(over());
    };
    let next = token.next();
    if !app.store.rotate_session(&token, &session, &next, now).await? {
        return Err(reused(app, &token).await?);
    }
    tokens::answer(app, &next, user.body.role, now)
}

/// A token that was used before, or twice at once: by its owner or by a thief, so the session ends for both. A client
/// that lost an answer signs in again; one with several windows lets one of them refresh.
async fn reused(app: &App, token: &RefreshToken) -> Result<Problem, Problem> {
    app.store.end_session(token.tenant, token.user, token.session).await?;
    tracing::warn!(session = %token.session, "a refresh token was used twice; its session is ended");
    Ok(refused(
        "refresh_token_reused",
        "the refresh token was used before: the session is ended",
    ))
}

async fn client_credentials(app: &App, headers: &HeaderMap, input: &TokenIn) -> Result<Tokens, Problem> {
    let wrong = || {
        let detail = "the API key is not valid";
        Problem::new(Code::Unauthenticated)
            .detail(detail)
            .member("error", "invalid_client")
            .member("error_description", detail)
    };
    let (id, secret) = match basic(headers) {
        Some((id, secret)) => (Some(id), secret),
        None => (
            input.client_id.clone(),
            needed(input.client_secret.as_ref(), "client_secret")?.to_owned(),
        ),
    };
    let (tenant, key, secret) = parse_api_key(&secret).ok_or_else(wrong)?;
    if id.is_some_and(|id| id != key.to_string()) {
        return Err(wrong());
    }
    let now = app.clock.now();
    let key = app
        .store
        .api_key(tenant, key)
        .await?
        .filter(|key| key.accepts(&secret, now))
        .ok_or_else(wrong)?;
    let scopes = match &input.scope {
        None => key.scopes,
        Some(text) => Scopes::parse(text)
            .filter(|scopes| scopes.within(key.scopes))
            .ok_or_else(|| bad("invalid_scope", "the key does not permit this scope"))?,
    };
    let (tenant, scope) = (tenant.to_string(), scopes.to_string());
    let access_token = app
        .tokens
        .sign(
            &tenant,
            &key.id.to_string(),
            None,
            &scope,
            &RecordId::new(Prefix::Session).to_string(),
            now,
        )
        .map_err(|error| Problem::internal(error.to_string()))?;
    // A token does not outlive the key it was made from, by what is known now.
    let left = key.expires_at.map_or(ACCESS_SECONDS, |end| {
        (end.as_second() - now.as_second()).min(ACCESS_SECONDS)
    });
    Ok(Tokens {
        access_token,
        refresh_token: None,
        token_type: "Bearer",
        expires_in: left,
        scope,
        tenant_id: tenant,
        user_id: None,
    })
}

/// An id and a secret by HTTP Basic (RFC 6749, 2.3.1). Neither of ours has characters that a form would encode.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded
        .split_once(':')
        .map(|(id, secret)| (id.to_owned(), secret.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_tenant_asked_for_else_the_last_else_any() {
        let (a, b, c) = (TenantId::new(), TenantId::new(), TenantId::new());
        let user = RecordId::new(Prefix::User);
        let login = |last| Login {
            id: rapport_store::identity::LoginId::of(&Email::parse("email", "a@b.co").unwrap()),
            hash: String::new(),
            epoch: 1,
            members: BTreeMap::from([(a, user), (b, user)]),
            last,
        };
        for (last, asked, expected) in [
            (Some(b), None, vec![b, a]),
            (None, None, vec![a, b]),
            (Some(b), Some(a.to_string()), vec![a]),
            (Some(b), Some(c.to_string()), vec![c]),
            (Some(b), Some("nonsense".to_owned()), vec![]),
        ] {
            let mut expected = expected;
            let mut found = choices(&login(last), asked.as_deref());
            if last.is_none() {
                found.sort_unstable();
                expected.sort_unstable();
            }
            assert_eq!(found, expected, "{asked:?}");
        }
    }

    #[test]
    fn basic_credentials() {
        for (header, expected) in [
            (
                format!("Basic {}", STANDARD.encode("key_1:rk_live_x")),
                Some(("key_1".to_owned(), "rk_live_x".to_owned())),
            ),
            (
                format!("basic {}", STANDARD.encode("a:b:c")),
                Some(("a".to_owned(), "b:c".to_owned())),
            ),
            ("Basic !!!".to_owned(), None),
            (format!("Bearer {}", STANDARD.encode("a:b")), None),
        ] {
            let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, header.parse().unwrap())]);
            assert_eq!(basic(&headers), expected, "{header}");
        }
    }
}
