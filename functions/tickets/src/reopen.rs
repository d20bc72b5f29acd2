//! `POST /v1/tickets/{id}/reopen`.

use axum::extract::State;
use axum::response::Response;
use rapport_domain::ticket::Ticket;
use rapport_http::{Problem, RawBody};
use rapport_runtime::App;

use crate::step::{Asked, Nothing, optional, take};

pub async fn reopen(State(app): State<App>, asked: Asked, RawBody(bytes): RawBody) -> Result<Response, Problem> {
    let Nothing {} = optional(&bytes)?;
    take(&app, asked, &bytes, Ticket::reopen).await
}
