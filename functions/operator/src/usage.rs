//! What tenants use and what that costs: `/v1/operator/usage` and `/v1/operator/tenants/{id}/usage`.

use axum::extract::{Path, State};
use axum::response::Response;
use futures::future::try_join_all;
use http::StatusCode;
use jiff::civil::Date;
use rapport_domain::TenantId;
use rapport_domain::usage::{Counts, day_of};
use rapport_http::problem::Code;
use rapport_http::{Operator, Params, Problem, respond};
use rapport_runtime::App;
use serde::Serialize;

use crate::cost::{self, Cost};
use crate::tenants::{opened, tenant};

/// What a tenant used, and what that costs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OperatorUsage)]
pub struct Usage {
    /// The tenant.
    tenant: String,
    /// `2026-11`, or a day of it.
    period: String,
    /// Calls of the interface.
    calls: u64,
    /// Read units of the store.
    read_units: String,
    /// Write units of the store.
    write_units: String,
    /// Milliseconds of processing.
    ms: u64,
    /// Messages worked on.
    messages: u64,
    /// Mails sent.
    mails: u64,
    /// Bytes of records, as last counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// At list prices.
    cost: Cost,
}

fn shown(tenant: TenantId, period: String, counts: &Counts, bytes: Option<u64>) -> Usage {
    let thousandths = |number: u64| cost::thousandths(number).to_string();
    Usage {
        tenant: tenant.to_string(),
        period,
        calls: counts.calls,
        read_units: thousandths(counts.read),
        write_units: thousandths(counts.write),
        ms: counts.micros / 1_000,
        messages: counts.messages,
        mails: counts.mails,
        bytes,
        cost: cost::of(counts, bytes.unwrap_or(0)),
    }
}

/// The first and the last day of the month that is asked for.
fn month(params: &Params, app: &App) -> Result<(Date, Date), Problem> {
    let first = match params.get("month") {
        None => day_of(app.clock.now()).first_of_month(),
        Some(text) => {
            let day = format!("{text}-01").parse().ok().filter(|_| text.len() == 7);
            day.ok_or_else(|| Problem::new(Code::Malformed).detail("month is like 2026-11"))?
        }
    };
    Ok((first, first.last_of_month()))
}

fn name(first: Date) -> String {
    first.strftime("%Y-%m").to_string()
}

async fn of_month(app: &App, tenant: TenantId, (first, last): (Date, Date)) -> Result<Usage, Problem> {
    let (days, tallies) = futures::join!(
        app.store.usage_days(tenant, (first, last)),
        app.store.tallies(tenant, last)
    );
    let counts = days?.iter().fold(Counts::default(), |sum, day| sum.with(&day.counts));
    Ok(shown(tenant, name(first), &counts, Some(tallies?.bytes())))
}

/// All tenants, each with what it used in a month.
///
/// # Errors
/// `400` for what is no month or no cursor of this list.
pub async fn list(State(app): State<App>, _: Operator, params: Params) -> Result<Response, Problem> {
    params.only(&["limit", "cursor", "month"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let month = month(&params, &app)?;
    let after = params.get("cursor").map(opened).transpose()?;
    let (tenants, next) = app.store.tenants(limit, after).await?;
    let usage = try_join_all(tenants.into_iter().map(|tenant| of_month(&app, tenant, month))).await?;
    let next = next.map(|(shard, last)| format!("{shard}.{last}"));
    Ok(respond::json(StatusCode::OK, &crate::page(&usage, next.as_deref())))
}

/// What a tenant used on the days of a month.
///
/// # Errors
/// `404` when there is no such tenant, `400` for what is no month.
pub async fn days(
    State(app): State<App>,
    _: Operator,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["month"])?;
    let tenant = tenant(&id)?;
    app.store.account(tenant).await?.ok_or_else(Problem::not_found)?;
    let days = app.store.usage_days(tenant, month(&params, &app)?).await?;
    let days: Vec<Usage> = days
        .iter()
        .map(|day| shown(tenant, day.day.to_string(), &day.counts, None))
        .collect();
    Ok(respond::json(StatusCode::OK, &crate::page(&days, None)))
}
