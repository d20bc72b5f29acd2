//! `POST /v1/account/close` and `/reopen`: an owner ends his firm's account, or thinks better of it.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use rapport_domain::account::{Account, KEPT_AFTER_CLOSING, Status};
use rapport_domain::permission::Role;
use rapport_domain::settings::millis;
use rapport_domain::user::User;
use rapport_domain::{Invalid, Record};
use rapport_http::problem::Code;
use rapport_http::{Address, Caller, Json, Problem, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_runtime::schedule::timer;
use serde::{Deserialize, Serialize};

use crate::credentials;

/// The owner's word that he means it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseIn {
    /// The caller's own password.
    password: String,
}

/// What has become of an account.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AccountStatus {
    /// Whether it is open.
    status: Status,
    /// Since when.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    status_since: Timestamp,
    /// When everything is erased; absent unless it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<String>,
}

impl AccountStatus {
    fn of(account: &Account) -> Self {
        Self {
            status: account.status,
            status_since: account.status_since,
            erased_at: account.erased_at().map(millis::text),
        }
    }
}

/// The owner who calls.
async fn owner(app: &App, caller: &Caller) -> Result<Record<User>, Problem> {
    let user = match caller.user() {
        Some(user) => credentials::active(app, caller.tenant, user).await?,
        None => None,
    };
    user.filter(|user| user.body.role == Role::Owner)
        .ok_or_else(|| Problem::new(Code::Forbidden).detail("only an owner closes and opens the account"))
}

fn not_now(code: &str, detail: &str) -> Problem {
    Problem::new(Code::Conflict).particular(code).detail(detail)
}

/// `POST /v1/account/close`.
pub async fn close(
    State(app): State<App>,
    caller: Caller,
    address: Address,
    Json(input): Json<CloseIn>,
) -> Result<Response, Problem> {
    let user = owner(&app, &caller).await?;
    let login = credentials::check(&app, &user.body.email, &input.password, &address).await?;
    if login.is_none() {
        return Err(Invalid::one("password", "invalid_credentials", "this is not the password").into());
    }
    let known = app.store.fresh_rules(caller.tenant).await?;
    let mut account = Account::clone(&known.account);
    match account.status {
        Status::Open => {}
        Status::Suspended => {
            return Err(not_now(
                "account_suspended",
                "the account is suspended: ask the operator of the service to close it",
            ));
        }
        Status::MovingIn => {
            return Err(not_now(
                "moving_in",
                "an archive is being moved in: close the account after that",
            ));
        }
        Status::Closed | Status::Erasing => return Ok(respond::json(StatusCode::OK, &AccountStatus::of(&account))),
    }
    // As it is stored.
    let now = Timestamp::from_millisecond(app.clock.now().as_millisecond()).unwrap_or(app.clock.now());
    account.become_status(Status::Closed, now)?;
    let due = now + KEPT_AFTER_CLOSING;
    // First what ends it: a message for an account that was not closed then finds nothing to do.
    let erase = envelope(caller.tenant, Message::TenantEraseV1 { due });
    app.store.set_timer(&timer(Queue::TenantUpkeep, &erase, due)).await?;
    let request = &caller.actor.request;
    app.store
        .put_account(caller.tenant, &account, known.account_version, request)
        .await?;
    Ok(respond::json(StatusCode::OK, &AccountStatus::of(&account)))
}

/// `POST /v1/account/reopen`.
pub async fn reopen(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    owner(&app, &caller).await?;
    let now = app.clock.now();
    let known = app.store.fresh_rules(caller.tenant).await?;
    let mut account = Account::clone(&known.account);
    match account.status {
        Status::Open => return Ok(respond::json(StatusCode::OK, &AccountStatus::of(&account))),
        Status::Closed if account.erased_at().is_some_and(|at| now < at) => {}
        Status::Suspended => {
            return Err(not_now(
                "account_suspended",
                "the account is suspended, not closed: ask the operator of the service",
            ));
        }
        Status::MovingIn => {
            return Err(not_now(
                "moving_in",
                "an archive is being moved in: it is open again after that",
            ));
        }
        Status::Closed | Status::Erasing => {
            return Err(not_now("account_erased", "the time to open the account again is over"));
        }
    }
    account.become_status(Status::Open, now)?;
    let request = &caller.actor.request;
    app.store
        .put_account(caller.tenant, &account, known.account_version, request)
        .await?;
    Ok(respond::json(StatusCode::OK, &AccountStatus::of(&account)))
}
