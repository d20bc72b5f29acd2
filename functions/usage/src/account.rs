//! `GET /v1/account`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use rapport_domain::account::Account;
use rapport_domain::settings::millis;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use serde::Serialize;

/// An account, and when it is erased.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = AccountStanding)]
pub struct AccountOut {
    #[serde(flatten)]
    account: Account,
    /// When everything is erased, once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    erased_at: Option<String>,
}

/// Reads the account as it is now.
pub async fn account(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let account = app.store.fresh_rules(caller.tenant).await?.account;
    let erased_at = account.erased_at().map(|at: Timestamp| millis::text(at));
    let out = AccountOut {
        account: Account::clone(&account),
        erased_at,
    };
    Ok(respond::json(StatusCode::OK, &out))
}
