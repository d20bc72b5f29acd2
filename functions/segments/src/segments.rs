//! `GET /v1/segments`: how many customers stand where, and the model behind it.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use rapport_domain::score::{ModelAnswer, SegmentAnswer};
use rapport_domain::{TenantId, settings};
use rapport_http::Params;
use rapport_http::problem::Code;
use rapport_http::{Caller, Problem, respond};
use rapport_runtime::App;
use rapport_scoring::{Model, answer};
use serde::Serialize;
use serde_json::json;

/// Segments and the model.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Segments {
    /// Every segment, those without members too.
    data: Vec<SegmentAnswer>,
    /// The model; absent before the first recompute.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<ModelAnswer>,
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
    let cx = caller.accept(&app).await?;
    let model = model(&app, caller.tenant, until).await?;
    let settings = &cx.rules.settings;
    let segments = Segments {
        data: answer::segments(model.as_ref(), &settings.locale, settings.currency),
        insufficient_data: model.is_none().then_some("not_scored"),
        scored_at: model.as_ref().map(|model| model.scored_at),
        explain: json!({
            "members": "customers whose cell of recency, frequency and monetary value falls in the segment at the last recompute",
            "revenue": "what they bought in all, net of refunds, in the tenant's currency",
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
