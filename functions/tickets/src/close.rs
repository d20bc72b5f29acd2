//! `POST /v1/tickets/{id}/close`.

use axum::extract::State;
use axum::response::Response;
use rapport_domain::ticket::TicketStatus;
use rapport_http::{Problem, RawBody};
use rapport_runtime::App;

use crate::step::{Asked, Nothing, optional, take};

pub async fn close(State(app): State<App>, asked: Asked, RawBody(bytes): RawBody) -> Result<Response, Problem> {
    let Nothing {} = optional(&bytes)?;
    take(&app, asked, &bytes, |ticket, rules| {
        ticket.to_status(TicketStatus::Closed, rules)
    })
    .await
}
