//! `GET /v1/operator/health`.

use axum::extract::State;
use axum::response::Response;
use futures::future::join_all;
use http::StatusCode;
use rapport_http::{Operator, Params, Problem, respond};
use rapport_queue::dead;
use rapport_runtime::App;
use serde::Serialize;

use crate::queues;

/// Nothing should wait for longer: what the alarms of the queues are set to.
const LONGEST_WAIT_SECONDS: i64 = 15 * 60;

/// Whether all is well.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// Whether there is nothing to see to.
    healthy: bool,
    /// Whether the store answers.
    store: bool,
    /// Whether all queues answer.
    queues: bool,
    /// For how many seconds the oldest message has waited, where the queues tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_seconds: Option<i64>,
    /// Messages that were given up, in all queues.
    dead_letters: u64,
    /// What there is to see to.
    problems: Vec<String>,
}

/// Asks the store and all queues.
///
/// # Errors
/// `400` for unknown parameters.
pub async fn health(State(app): State<App>, _: Operator, params: Params) -> Result<Response, Problem> {
    params.only(&[])?;
    let now = app.clock.now();
    let names: Vec<String> = dead::names().collect();
    let (store, depths) = futures::join!(
        app.store.tenants(1, None),
        join_all(names.iter().map(|name| queues::depths(&app.queues, name, now))),
    );
    let mut health = Health {
        healthy: false,
        store: store.is_ok(),
        queues: true,
        oldest_seconds: None,
        dead_letters: 0,
        problems: Vec::new(),
    };
    if !health.store {
        health.problems.push("the store does not answer".to_owned());
    }
    for (name, depths) in names.iter().zip(depths) {
        let Ok(depths) = depths else {
            health.queues = false;
            health.problems.push(format!("the queue {name} does not answer"));
            continue;
        };
        health.dead_letters += depths.dead_letters;
        // What is delayed on purpose does not wait.
        let waits = depths.waiting + depths.in_flight > 0;
        let oldest = depths.oldest_seconds.filter(|_| waits);
        health.oldest_seconds = health.oldest_seconds.max(oldest);
        if let Some(seconds) = oldest.filter(|seconds| *seconds > LONGEST_WAIT_SECONDS) {
            let problem = format!("a message of {name} has been there for {seconds} seconds");
            health.problems.push(problem);
        }
        if depths.dead_letters > 0 {
            let problem = format!("{name} has {} dead letters", depths.dead_letters);
            health.problems.push(problem);
        }
    }
    health.healthy = health.problems.is_empty();
    Ok(respond::json(StatusCode::OK, &health))
}
