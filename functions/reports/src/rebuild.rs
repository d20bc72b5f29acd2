//! `POST /v1/reports/rebuild`.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use rapport_http::{Caller, Params, Problem, respond};
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_reporting::fact::NOUNS;
use rapport_runtime::App;
use serde::Serialize;

/// That sums are being made anew.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ReportRebuild)]
pub struct Rebuild {
    /// Always `queued`.
    status: &'static str,
    /// The nouns whose records are gone through.
    nouns: [&'static str; NOUNS.len()],
}

/// Asks for all sums to be made anew. Asked twice it is done twice, with the same result.
///
/// # Errors
/// When the queue does not answer.
pub async fn rebuild(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let messages: Vec<Envelope> = NOUNS
        .iter()
        .map(|noun| {
            let message = Message::FactsRebuildV1 {
                noun: (*noun).to_owned(),
                gone: false,
                after: None,
            };
            envelope(caller.tenant, message)
        })
        .collect();
    app.queues
        .send_all(Queue::ReportSheets, &messages)
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))?;
    let rebuild = Rebuild {
        status: "queued",
        nouns: NOUNS,
    };
    Ok(respond::json(StatusCode::ACCEPTED, &rebuild))
}
