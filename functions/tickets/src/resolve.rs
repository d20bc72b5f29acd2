//! `POST /v1/tickets/{id}/resolve`.

use axum::extract::State;
use axum::response::Response;
use rapport_http::{Problem, RawBody};
use rapport_runtime::App;
use serde::Deserialize;

use crate::step::{Asked, optional, take};

/// How a ticket was solved.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResolveIn {
    /// The article of the knowledge base that solved it, `art_…`.
    pub solution_id: Option<String>,
    /// How it was solved, in words.
    pub note: Option<String>,
}

pub async fn resolve(State(app): State<App>, asked: Asked, RawBody(bytes): RawBody) -> Result<Response, Problem> {
    let ResolveIn { solution_id, note } = optional(&bytes)?;
    take(&app, asked, &bytes, |ticket, rules| {
        ticket.resolve(solution_id.as_deref(), note.clone(), rules)
    })
    .await
}
