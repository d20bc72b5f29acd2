//! `GET /v1/segments/alerts`: the customers who seem to be leaving, those who bought most first.

use axum::extract::State;
use axum::response::Response;
use rapport_domain::score::Score;
use rapport_http::problem::Code;
use rapport_http::{Caller, Doc, Params, Problem, resource, respond};
use rapport_runtime::App;
use rapport_store::Store;
use rapport_store::page::Position;
use serde_json::json;

use crate::members::page_of;

/// The stages at which an alert stands.
const STAGES: [&str; 2] = ["at_risk", "lost"];

/// What the list says of itself.
pub fn listing() -> Doc {
    let page = rapport_http::api::page_of(&json!({"$ref": "#/components/schemas/Score"}));
    let mut doc = Doc::new("List the customers with a churn alert, those who bought most first");
    doc.schema::<Score>();
    doc.detail(
        "As of the last recompute, or of the purchase that ended the alert. `churn.detail` says why in words and figures. A \
         customer silent for longer than the settings' `lost_after_days` stands under `lost` instead of `at_risk`.",
    )
    .query(
        "stage",
        "at_risk where nothing is said",
        &json!({"type": "string", "enum": STAGES, "default": "at_risk"}),
    )
    .paged()
    .answers_schema(200, &page)
}

/// Lists the alerts. Half a read unit for each four kilobytes of scores, one for each customer's figures.
///
/// # Errors
/// `400` for a stage at which there are none.
pub async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["stage", "limit", "cursor"])?;
    let stage = params.get("stage").unwrap_or(STAGES[0]);
    if !STAGES.contains(&stage) {
        return Err(Problem::new(Code::Malformed).detail("stage is at_risk or lost"));
    }
    let limit = params.number("limit", 50, 1, 200)?;
    let question = format!("segments/alerts/{stage}");
    let after: Option<Position> = resource::cursor(&app, &caller, &question, &params)?;
    let (rows, next) = page_of(&app, &caller, &Store::alerts_query(stage), limit, after).await?;
    let next = next.map(|next| resource::link(&app, &caller, &question, "segments/alerts", &params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}
