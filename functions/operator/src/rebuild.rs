//! `POST /v1/operator/tenants/{id}/rebuild`: what is derived from a tenant's records is derived anew.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::event::REPORTED;
use rapport_domain::search::NOUNS as SEARCHED;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_http::{Json, Operator, Problem, respond};
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_runtime::App;
use serde::{Deserialize, Serialize};

/// What is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RebuildWhat)]
pub enum What {
    /// Facts and sums of reports.
    Reports,
    /// Words of search.
    Search,
    /// Scores and segments.
    Scores,
    /// Counts of answers to surveys.
    Surveys,
}

/// What is to be made anew.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RebuildIn {
    /// What.
    what: What,
}

/// That it is being made anew.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rebuild {
    /// What.
    what: What,
    /// Always `queued`.
    status: &'static str,
}

impl What {
    const fn word(self) -> &'static str {
        match self {
            What::Reports => "reports",
            What::Search => "search",
            What::Scores => "scores",
            What::Surveys => "surveys",
        }
    }

    /// The messages that begin it.
    fn messages(self) -> (Queue, Vec<Message>) {
        match self {
            What::Reports => {
                let begin = |noun: &str| Message::FactsRebuildV1 {
                    noun: noun.to_owned(),
                    gone: false,
                    after: None,
                };
                (Queue::ReportSheets, REPORTED.into_iter().map(begin).collect())
            }
            What::Search => {
                let begin = |noun: &&str| Message::SearchRebuildV1 {
                    noun: (*noun).to_owned(),
                    after: None,
                };
                (Queue::SearchIndex, SEARCHED.iter().map(begin).collect())
            }
            What::Scores => {
                let job = RecordId::new(Prefix::Job);
                (Queue::SegmentScores, vec![Message::ScoresRebuildV1 { job }])
            }
            What::Surveys => {
                let begin = Message::SurveyCountsRebuildV1 { after: None };
                (Queue::SatisfactionSurveys, vec![begin])
            }
        }
    }
}

/// Asks for it.
///
/// # Errors
/// `404` when there is no such tenant.
pub async fn rebuild(
    State(app): State<App>,
    operator: Operator,
    Path(id): Path<String>,
    Json(RebuildIn { what }): Json<RebuildIn>,
) -> Result<Response, Problem> {
    let tenant = TenantId::parse(&id).map_err(|_| Problem::not_found())?;
    app.store.account(tenant).await?.ok_or_else(Problem::not_found)?;
    operator
        .note(&app, "rebuild", Some(tenant), what.word().to_owned())
        .await?;
    let (queue, messages) = what.messages();
    let messages: Vec<Envelope> = messages.into_iter().map(|message| envelope(tenant, message)).collect();
    app.queues.send_all(queue, &messages).await?;
    let rebuild = Rebuild { what, status: "queued" };
    Ok(respond::json(StatusCode::ACCEPTED, &rebuild))
}
