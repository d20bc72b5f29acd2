//! The protocol over HTTP: one route that reads the target header and the body and hands both to [`Queues::answer`].
//! Nothing is authenticated: serve it on loopback only.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;

use crate::queues::Queues;
use crate::wire::Answer;

/// A message of 1 MiB may be six times as long in JSON, when every character is escaped.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// Routes every path to the queues: SDKs post to the root, or to the queue's own URL.
pub fn router(queues: Queues) -> Router {
    Router::new()
        .fallback(any(call))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(queues)
}

async fn call(State(queues): State<Queues>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let target = text("x-amz-target").unwrap_or_default().to_owned();
    let base = text(header::HOST.as_str()).map(|host| format!("http://{host}"));
    let answer = queues.answer_under(&target, &body, base.as_deref()).await;
    respond(answer)
}

fn respond(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(error) = answer.query_error {
        headers.insert("x-amzn-query-error", HeaderValue::from_static(error));
    }
    response
}
