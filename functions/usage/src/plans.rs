//! `GET /v1/plans`: what anybody may know of the plans.

use std::collections::BTreeMap;

use axum::response::Response;
use http::StatusCode;
use rapport_domain::plan::{Limit, Plan};
use rapport_http::respond;
use serde::Serialize;

/// All plans.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Plans {
    /// The smallest first.
    data: Vec<PlanOut>,
}

/// A plan and what it allows.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = PlanLimits)]
pub struct PlanOut {
    /// Its name.
    name: Plan,
    /// How much of what, by the limit's name.
    limits: BTreeMap<&'static str, u64>,
}

/// Lists the plans.
pub async fn plans() -> Response {
    let data = Plan::ALL.iter().map(|&plan| PlanOut {
        name: plan,
        limits: Limit::ALL
            .iter()
            .map(|&limit| (limit.as_str(), plan.allows(limit)))
            .collect(),
    });
    respond::json(StatusCode::OK, &Plans { data: data.collect() })
}
