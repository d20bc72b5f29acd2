//! `/v1/operator/tenants`: accounts of tenants, and what becomes of them.

use axum::extract::{Path, State};
use axum::response::Response;
use futures::future::try_join_all;
use http::StatusCode;
use jiff::Timestamp;
use rapport_domain::TenantId;
use rapport_domain::account::{Account, Status};
use rapport_domain::plan::Plan;
use rapport_http::problem::Code;
use rapport_http::{Json, Operator, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::StoreError;
use rapport_store::identity::LoginId;
use rapport_store::operator::InDirectory;
use serde::{Deserialize, Serialize};

use crate::dead_letters::because;

/// How often a lost race is run again.
const ATTEMPTS: u32 = 5;

/// A tenant as the operator sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OperatorTenant)]
pub struct Tenant {
    /// Its id.
    id: String,
    /// The account.
    #[serde(flatten)]
    account: Account,
    /// When everything is erased, where it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    erased_at: Option<Timestamp>,
}

/// Another plan.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanIn {
    /// The plan.
    plan: Plan,
}

/// Why a tenant is suspended.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SuspendBecause)]
pub struct Because {
    /// The reason, as the tenant is told.
    because: String,
}

pub(crate) fn tenant(id: &str) -> Result<TenantId, Problem> {
    TenantId::parse(id).map_err(|_| Problem::not_found())
}

fn shown(tenant: TenantId, account: Account) -> Tenant {
    Tenant {
        id: tenant.to_string(),
        erased_at: account.erased_at(),
        account,
    }
}

/// A filter by a word of a closed list.
fn word<T: serde::de::DeserializeOwned>(params: &Params, name: &str) -> Result<Option<T>, Problem> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let value = serde_json::from_value(text.into());
    value
        .map(Some)
        .map_err(|_| Problem::new(Code::Malformed).detail(format!("there is no {name} '{text}'")))
}

/// Tenants. A page may be shorter than asked for, or empty, where a filter leaves some out: `has_more` tells.
///
/// # Errors
/// `400` for filters and cursors that are none.
pub async fn list(State(app): State<App>, _: Operator, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor", "status", "plan", "login"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let (status, plan) = (word::<Status>(&params, "status")?, word::<Plan>(&params, "plan")?);
    let (tenants, next) = match params.get("login") {
        Some(digest) => {
            let wrong = |_| Problem::new(Code::Malformed).detail("login is the SHA-256 of an address in hexadecimal");
            let login = app.store.login(LoginId::parse(digest).map_err(wrong)?).await?;
            let tenants = login.map_or_else(Vec::new, |login| login.members.into_keys().collect());
            (tenants, None)
        }
        None => {
            app.store
                .tenants(limit, params.get("cursor").map(opened).transpose()?)
                .await?
        }
    };
    let accounts = try_join_all(tenants.iter().map(|id| app.store.account(*id))).await?;
    let found: Vec<Tenant> = tenants
        .into_iter()
        .zip(accounts)
        .filter_map(|(id, account)| Some((id, account?.0)))
        .filter(|(_, account)| status.is_none_or(|status| account.status == status))
        .filter(|(_, account)| plan.is_none_or(|plan| account.plan == plan))
        .map(|(id, account)| shown(id, account))
        .collect();
    let next = next.map(|(shard, last)| format!("{shard}.{last}"));
    Ok(respond::json(StatusCode::OK, &crate::page(&found, next.as_deref())))
}

/// Where a page of the directory ended. Not sealed: whoever holds the operator's key may read all of it anyway.
pub(crate) fn opened(cursor: &str) -> Result<InDirectory, Problem> {
    let parts = cursor.split_once('.').and_then(|(shard, last)| {
        let last = TenantId::parse(last).ok()?;
        Some((shard.parse().ok()?, last.to_string()))
    });
    parts.ok_or_else(|| Problem::new(Code::CursorInvalid))
}

/// One tenant.
///
/// # Errors
/// `404` when there is none.
pub async fn read(
    State(app): State<App>,
    _: Operator,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let id = tenant(&id)?;
    let (account, _) = app.store.account(id).await?.ok_or_else(Problem::not_found)?;
    Ok(respond::json(StatusCode::OK, &shown(id, account)))
}

/// Puts a tenant on another plan.
///
/// # Errors
/// `404` when there is none.
pub async fn plan(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<String>,
    Json(PlanIn { plan }): Json<PlanIn>,
) -> Result<Response, Problem> {
    let detail = Some(plan.as_str().to_owned());
    change(&app, &operator, &id, "plan", detail, |account, now| {
        account.move_to(plan, now);
        Ok(())
    })
    .await
}

/// Suspends a tenant. Done twice, the second reason stands.
///
/// # Errors
/// `404` when there is none, `409` when its status does not allow it.
pub async fn suspend(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<String>,
    Json(body): Json<Because>,
) -> Result<Response, Problem> {
    let reason = because(&body.because)?.to_owned();
    change(&app, &operator, &id, "suspend", Some(reason.clone()), |account, now| {
        account.become_status(Status::Suspended, now).map_err(impossible)?;
        account.suspended_because = Some(reason.clone());
        Ok(())
    })
    .await
}

/// Ends a suspension. What its owner closed stays closed.
///
/// # Errors
/// `404` when there is none, `409` when it is not suspended.
pub async fn resume(State(app): State<App>, operator: Operator, Path(id): Path<String>) -> Result<Response, Problem> {
    change(&app, &operator, &id, "resume", None, |account, now| {
        match account.status {
            Status::Open | Status::Suspended | Status::MovingIn => {
                account.become_status(Status::Open, now).map_err(impossible)
            }
            Status::Closed | Status::Erasing => Err(impossible(())),
        }
    })
    .await
}

fn impossible<E>(_: E) -> Problem {
    Problem::new(Code::Conflict)
        .particular("not_possible")
        .detail("the account has a status from which this cannot be")
}

async fn change(
    app: &App,
    operator: &Operator,
    id: &str,
    action: &str,
    detail: Option<String>,
    change: impl Fn(&mut Account, Timestamp) -> Result<(), Problem>,
) -> Result<Response, Problem> {
    let id = tenant(id)?;
    let now = app.clock.now();
    for attempt in 0..ATTEMPTS {
        let (known, version) = app.store.account(id).await?.ok_or_else(Problem::not_found)?;
        let mut account = known.clone();
        change(&mut account, now)?;
        if attempt == 0 {
            operator.note(app, action, Some(id), detail.clone()).await?;
        }
        let written = if account == known {
            Ok(())
        } else {
            app.store.put_account(id, &account, version, &operator.request).await
        };
        match written {
            Err(StoreError::Stale(_)) => {}
            written => {
                written?;
                return Ok(respond::json(StatusCode::OK, &shown(id, account)));
            }
        }
    }
    Err(Problem::new(Code::Contention))
}
