//! `GET /v1/operator/queues`.

use axum::extract::State;
use axum::response::Response;
use futures::future::try_join_all;
use http::StatusCode;
use jiff::Timestamp;
use rapport_http::{Operator, Params, Problem, respond};
use rapport_queue::dead::{self, Depth};
use rapport_queue::{QueueError, Queues};
use rapport_runtime::App;
use serde::Serialize;

/// How full a queue is.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
#[schema(as = QueueDepths)]
pub struct Depths {
    /// `segment_scores`; `change_events` has dead letters only.
    pub queue: String,
    /// Messages that wait for a worker.
    pub waiting: u64,
    /// Messages that a worker has.
    pub in_flight: u64,
    /// Messages that are not due yet.
    pub delayed: u64,
    /// For how many seconds the oldest message has been there. On AWS this is a metric with an alarm, and absent here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_seconds: Option<i64>,
    /// Messages that were given up.
    pub dead_letters: u64,
}

/// How full a queue and its dead letters are.
///
/// # Errors
/// When one of both does not answer.
pub async fn depths(queues: &Queues, name: &str, now: Timestamp) -> Result<Depths, QueueError> {
    let (own, dead) = futures::join!(
        async {
            match dead::queue_of(name) {
                Some(queue) => queues.depth(queue).await,
                None => Ok(Depth::default()),
            }
        },
        queues.dead_letters_depth(name),
    );
    let (own, dead) = (own?, dead?);
    Ok(Depths {
        queue: name.to_owned(),
        waiting: own.waiting,
        in_flight: own.in_flight,
        delayed: own.delayed,
        oldest_seconds: own.oldest.map(|at| now.duration_since(at).as_secs().max(0)),
        dead_letters: dead.waiting + dead.in_flight,
    })
}

/// How full all queues are.
///
/// # Errors
/// When one does not answer.
pub async fn list(State(app): State<App>, _: Operator, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let now = app.clock.now();
    let names: Vec<String> = dead::names().collect();
    let depths = try_join_all(names.iter().map(|name| depths(&app.queues, name, now))).await?;
    Ok(respond::json(StatusCode::OK, &crate::page(&depths, None)))
}
