//! Forgotten, reset and changed passwords.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::SignedDuration;
use rapport_domain::email::Email;
use rapport_domain::login::{Quota, check_password};
use rapport_domain::user::User;
use rapport_domain::{Invalid, Record, TenantId};
use rapport_http::problem::Code;
use rapport_http::{Caller, Json, Problem, respond};
use rapport_runtime::App;
use rapport_store::identity::{Login, LoginId, ResetToken, Secret};
use rapport_store::{StoreError, Write};
use serde::Deserialize;
use serde_json::json;

use crate::form::Form;
use crate::{credentials, letter, page, password, tokens};
use rapport_http::Address;

/// How long a mail's link is good.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(1);
/// How long the answer takes, whether the address is known and a mail goes out or not.
const ANSWERED_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// Who forgot.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotIn {
    /// The address signed in with.
    email: String,
}

/// `POST /v1/auth/password/forgot`.
pub async fn forgot(
    State(app): State<App>,
    address: Address,
    Json(input): Json<ForgotIn>,
) -> Result<Response, Problem> {
    let email = Email::parse("email", &input.email)?;
    if let Some(address) = address.as_deref()
        && let Some(seconds) = app
            .store
            .take_quota("forgot", address, Quota::ADDRESS, app.clock.now())
            .await?
    {
        return Err(credentials::too_many(seconds));
    }
    let (outcome, ()) = tokio::join!(send_link(&app, &email), tokio::time::sleep(ANSWERED_AFTER));
    outcome?;
    Ok(respond::json(StatusCode::ACCEPTED, &json!({})))
}

async fn send_link(app: &App, email: &Email) -> Result<(), Problem> {
    let now = app.clock.now();
    let id = LoginId::of(email);
    // Over the limit nothing is said: to say it would tell that the address is known.
    if app
        .store
        .take_quota("reset", &id.hex(), Quota::RESET_MAILS, now)
        .await?
        .is_some()
    {
        return Ok(());
    }
    let Some(login) = app.store.login(id).await? else {
        return Ok(());
    };
    let Some((tenant, user)) = somebody(app, &login).await? else {
        return Ok(());
    };
    let token = ResetToken {
        login: id,
        secret: Secret::random(),
    };
    app.store.put_reset(&token, now + GOOD_FOR).await?;
    let settings = app.store.tenant_rules(tenant).await?.settings;
    let locale = user.body.locale.as_deref().unwrap_or(&settings.locale);
    let link = page::link(&app.config, "/reset-password", "/v1/auth/password/reset", &token.text());
    // A mail that cannot go is logged, not answered: the answer is the same for addresses nobody knows.
    match letter::send(app, letter::reset(locale, user.body.email.as_str(), &link)).await {
        Ok(()) => app.meter.mailed(tenant, app.clock.now()),
        Err(problem) => tracing::error!(error = problem.log(), "a mail to reset a password was not sent"),
    }
    Ok(())
}

/// A user of the login that may sign in, of the tenant last used if there is one.
async fn somebody(app: &App, login: &Login) -> Result<Option<(TenantId, Record<User>)>, Problem> {
    let first = login.last.and_then(|tenant| login.members.get_key_value(&tenant));
    for (&tenant, &user) in first.into_iter().chain(&login.members) {
        if let Some(user) = credentials::active(app, tenant, user).await? {
            return Ok(Some((tenant, user)));
        }
    }
    Ok(None)
}

/// A new password by a mail's token.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetIn {
    /// From the mail.
    token: String,
    /// The new password.
    password: String,
}

/// `POST /v1/auth/password/reset`.
pub async fn reset(State(app): State<App>, address: Address, Form(input): Form<ResetIn>) -> Result<Response, Problem> {
    let over = || {
        Problem::from(Invalid::one(
            "token",
            "token_invalid",
            "the link is not valid any more: ask for a new one",
        ))
    };
    let token = ResetToken::parse(&input.token).ok_or_else(over)?;
    let kept = app
        .store
        .reset(token.login, app.clock.now())
        .await?
        .filter(|hash| token.secret.matches(hash));
    let (Some(kept), Some(login)) = (kept, app.store.login(token.login).await?) else {
        return Err(over());
    };
    let (_, user) = somebody(&app, &login).await?.ok_or_else(over)?;
    check_password("password", &input.password, &user.body.email, &[&user.body.name])?;
    let hash = password::hash(&input.password).await?;
    match app.store.change_password(&login, &hash, Some(&kept)).await {
        Err(StoreError::Conflict { .. }) => return Err(over()),
        result => result?,
    }
    // Whoever locked himself out by guessing at what he forgot may come in now.
    app.store.forgive(token.login, address.as_deref()).await?;
    Ok(respond::no_content())
}

/// A new password by the old one.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeIn {
    /// The password until now.
    current_password: String,
    /// The new password.
    password: String,
}

/// `POST /v1/auth/password/change`.
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    Json(input): Json<ChangeIn>,
) -> Result<Response, Problem> {
    let nobody = || Problem::new(Code::Forbidden).detail("only users have passwords");
    let user = caller.user().ok_or_else(nobody)?;
    let user = credentials::active(&app, caller.tenant, user)
        .await?
        .ok_or_else(nobody)?;
    let email = &user.body.email;
    check_password("password", &input.password, email, &[&user.body.name])?;
    let Some(login) = credentials::check(&app, email, &input.current_password, &address).await? else {
        return Err(Invalid::one("current_password", "invalid_credentials", "this is not the password").into());
    };
    let hash = password::hash(&input.password).await?;
    app.store.change_password(&login, &hash, None).await?;
    let mut write = Write::new(caller.tenant);
    let token = tokens::begin(&app, &mut write, user.meta.id, login.id, login.epoch + 1)?;
    write.commit(&app.store).await?;
    Ok(respond::json(
        StatusCode::OK,
        &tokens::answer(&app, &token, user.body.role, app.clock.now())?,
    ))
}
