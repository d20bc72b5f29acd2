//! `GET /v1/usage/export.csv` and `.json`: billing records of days that are closed. No part of them depends on when they are
//! asked for.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use jiff::ToSpan as _;
use jiff::civil::Date;
use rapport_domain::TenantId;
use rapport_domain::usage::{BillingRecord, Counts, Tallies, billing, is_closed};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::usage::Day;
use serde::Serialize;

use crate::span::span;

/// Billing records.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BillingExport)]
pub struct Export {
    /// By day and what.
    data: Vec<BillingRecord>,
}

/// As JSON.
pub async fn json(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let data = records(&app, caller.tenant, &params).await?;
    Ok(respond::json(StatusCode::OK, &Export { data }))
}

/// As CSV. No field holds anything that would have to be quoted.
pub async fn csv(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let records = records(&app, caller.tenant, &params).await?;
    let mut text = String::from("id,tenant,day,what,quantity,unit\r\n");
    for BillingRecord {
        id,
        tenant,
        day,
        what,
        quantity,
        unit,
    } in records
    {
        text.push_str(&format!("{id},{tenant},{day},{what},{quantity},{unit}\r\n"));
    }
    let mut response = Response::new(text.into());
    for (name, value) in [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"usage.csv\""),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

async fn records(app: &App, tenant: TenantId, params: &Params) -> Result<Vec<BillingRecord>, Problem> {
    let now = app.clock.now();
    let span = span(params, now)?;
    let counted = app.store.usage_days(tenant, span).await?;
    let tallied = app.store.usage_tallies(tenant, span).await?;
    Ok(days(&counted, &tallied, span)
        .into_iter()
        .filter(|(day, ..)| is_closed(*day, now))
        .flat_map(|(day, counts, tallies)| billing(tenant, day, &counts, &tallies))
        .collect())
}

/// The days of a span on which anything was used or kept: what was counted, and what there was at their end.
pub fn days(counted: &[Day], tallied: &[(Date, Tallies)], (from, to): (Date, Date)) -> Vec<(Date, Counts, Tallies)> {
    let mut days = Vec::new();
    let mut day = from;
    while day <= to {
        let counts = counted
            .iter()
            .find(|one| one.day == day)
            .map(|one| one.counts)
            .unwrap_or_default();
        let latest = tallied.iter().rfind(|(known, _)| *known <= day);
        let tallies = latest.map(|(_, tallies)| tallies.clone()).unwrap_or_default();
        if !counts.is_empty() || !tallies.0.is_empty() {
            days.push((day, counts, tallies));
        }
        match day.checked_add(1.day()) {
            Ok(next) => day = next,
            Err(_) => break,
        }
    }
    days
}
