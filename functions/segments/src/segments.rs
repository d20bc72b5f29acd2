//! `GET /v1/segments`: how many customers stand where, and the model behind it.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use rapport_analytics::survey;
use rapport_domain::score::{ModelAnswer, SegmentAnswer};
use rapport_domain::{TenantId, settings};
use rapport_http::Params;
use rapport_http::problem::Code;
use rapport_http::{Caller, Problem, respond};
use rapport_runtime::App;
use rapport_scoring::{Model, answer};
use serde::Serialize;
use serde_json::json;

/// A share with its 95 % interval.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RepeatPurchaseRate)]
pub struct Rate {
    /// The share.
    value: f64,
    /// The lower end of the interval.
    low: f64,
    /// Its upper end.
    high: f64,
    /// Customers it rests on.
    n: usize,
}

impl From<survey::Estimate> for Rate {
    fn from(survey::Estimate { value, low, high, n }: survey::Estimate) -> Self {
        let round = |value: f64| (value * 10_000.0).round() / 10_000.0;
        Self {
            value: round(value),
            low: round(low),
            high: round(high),
            n,
        }
    }
}

/// Segments and the model.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Segments {
    /// Every segment, those without members too.
    data: Vec<SegmentAnswer>,
    /// The model; absent before the first recompute.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelAnswer>,
    /// Of the customers who bought, the share that did so on two days or more, with Wilson's 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat_purchase_rate: Option<Rate>,
    /// `not_scored` before the first recompute.
    #[serde(skip_serializing_if = "Option::is_none")]
    insufficient_data: Option<&'static str>,
    /// When the recompute began.
    #[serde(with = "settings::millis::option", skip_serializing_if = "Option::is_none")]
    scored_at: Option<Timestamp>,
    /// How each number comes about.
    #[schema(value_type = Object)]
    explain: serde_json::Value,
}

/// Answers the segments.
///
/// # Errors
/// `404` for a day that no run was asked for.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["until"])?;
    let until = day(&params)?;
    let rules = app.store.rules(caller.tenant, app.clock.now()).await?;
    let model = model(&app, caller.tenant, until).await?;
    let settings = &rules.settings;
    let segments = Segments {
        data: answer::segments(model.as_ref(), &settings.locale, settings.currency),
        repeat_purchase_rate: model.as_ref().map(Model::answer).and_then(|model| {
            let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            survey::share(count(model.bg_nbd.repeaters), count(model.customers)).map(Rate::from)
        }),
        insufficient_data: model.is_none().then_some("not_scored"),
        scored_at: model.as_ref().map(|model| model.scored_at),
        explain: json!({
            "members": "customers whose cell of recency, frequency and monetary value falls in the segment at the last recompute",
            "revenue": "what they bought in all, net of refunds, in the tenant's currency",
            "repeat_purchase_rate": "customers with two distinct days of purchase or more / customers with one or more, of all times",
            "bg_nbd": "repeat purchases: r, alpha, a, b by maximum likelihood over days of purchase, time in weeks; basis says when a prior was needed",
            "gamma_gamma": "spend per day of purchase of those who repeated: p, q, v by maximum likelihood",
            "top_20_percent_share": "share of revenue of the fifth of customers that bought most",
            "gini": "0 where all customers bought the same, near 1 where one bought everything",
        }),
        model: model.as_ref().map(Model::answer),
    };
    Ok(respond::json(StatusCode::OK, &segments))
}

/// The day that `?until=` names.
///
/// # Errors
/// `400` when it is no day.
pub fn day(params: &Params) -> Result<Option<Date>, Problem> {
    params
        .get("until")
        .map(|text| {
            text.parse()
                .map_err(|_| Problem::new(Code::Malformed).detail("until is a day such as 2026-11-22"))
        })
        .transpose()
}

/// The model: of the scores themselves, where there is one yet, or of the run up to a day.
///
/// # Errors
/// `404` for a day that no run was asked for, or whose run is not finished.
pub async fn model(app: &App, tenant: TenantId, until: Option<Date>) -> Result<Option<Model>, Problem> {
    let text = app.store.model(tenant, until).await?;
    if text.is_none() && until.is_some() {
        return Err(Problem::not_found().detail("ask for this run by POST /v1/segments/recompute with until"));
    }
    text.map(|text| serde_json::from_str(&text).map_err(|error| Problem::internal(error.to_string())))
        .transpose()
}
