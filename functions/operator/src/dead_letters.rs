//! `/v1/operator/dead-letters/{queue}`: messages that were given up.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use rapport_domain::Invalid;
use rapport_http::problem::Code;
use rapport_http::{Json, Operator, Params, Problem, respond};
use rapport_queue::dead::{self, Fate};
use rapport_runtime::App;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A message that was given up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct DeadLetter {
    /// Its id; the log of its failures has it too.
    id: String,
    /// What kind of message it is; absent when it is none of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    /// The ids it names.
    ids: BTreeMap<String, String>,
    /// When it was first sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    /// When it was first tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    tried_at: Option<Timestamp>,
    /// How often it was received, looks at it here included.
    receives: u32,
}

impl From<dead::DeadLetter> for DeadLetter {
    fn from(letter: dead::DeadLetter) -> Self {
        let ids = letter.ids.into_iter().map(|(name, id)| (name, id.to_string()));
        Self {
            id: letter.id,
            kind: letter.kind,
            tenant: letter.tenant.map(|tenant| tenant.to_string()),
            ids: ids.collect(),
            sent_at: letter.sent_at,
            tried_at: letter.tried_at,
            receives: letter.receives,
        }
    }
}

/// Which dead letters.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLettersWhich)]
pub struct Which {
    /// These; without it all.
    #[serde(default)]
    ids: Option<BTreeSet<String>>,
}

/// Which dead letters are to be deleted, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLettersDiscard)]
pub struct Discard {
    /// These; without it all, 200 at most.
    #[serde(default)]
    ids: Option<BTreeSet<String>>,
    /// Why.
    because: String,
}

/// What was sent back.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLettersReplayed)]
pub struct Replayed {
    /// `completed`, or `running` while the queue still moves them.
    status: String,
    /// How many were sent back so far.
    replayed: u64,
}

/// What was deleted.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = DeadLettersDiscarded)]
pub struct Discarded {
    /// The ids.
    discarded: Vec<String>,
}

/// The name of a queue that there is.
fn known(queue: &str) -> Result<String, Problem> {
    dead::names().find(|name| *name == queue).ok_or_else(Problem::not_found)
}

/// What is noted of an action: the queue, how many, and why.
fn detail(queue: &str, ids: Option<&BTreeSet<String>>, because: Option<&str>) -> String {
    let which = ids.map_or("all".to_owned(), |ids| {
        ids.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
    });
    let because = because.map_or_else(String::new, |because| format!(": {because}"));
    format!("{queue}, {which}{because}")
}

/// A queue's dead letters.
///
/// # Errors
/// `404` when there is no such queue.
pub async fn list(
    State(app): State<App>,
    _: Operator,
    Path(queue): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&[])?;
    let (letters, more) = app.queues.dead_letters(&known(&queue)?).await?;
    let letters: Vec<DeadLetter> = letters.into_iter().map(DeadLetter::from).collect();
    let mut page: Value = crate::page(&letters, None);
    page["has_more"] = more.into();
    Ok(respond::json(StatusCode::OK, &page))
}

/// Sends dead letters back.
///
/// # Errors
/// `404` when there is no such queue, `409` when they come from none.
pub async fn replay(
    State(app): State<App>,
    operator: Operator,
    Path(queue): Path<String>,
    Json(which): Json<Which>,
) -> Result<Response, Problem> {
    let queue = known(&queue)?;
    let Some(source) = dead::queue_of(&queue) else {
        return Err(Problem::new(Code::Conflict)
            .particular("not_replayable")
            .detail("these are changes of tables, which no queue takes back: rebuild what should have known of them"));
    };
    let ids = which.ids.as_ref();
    operator
        .note(&app, "dead_letters.replay", None, detail(&queue, ids, None))
        .await?;
    let replayed = if ids.is_some() {
        let done = app
            .queues
            .settle_dead_letters(&queue, ids, Fate::Replayed(source))
            .await?;
        Replayed {
            status: "completed".to_owned(),
            replayed: done.len() as u64,
        }
    } else {
        let moved = app.queues.replay_all(&queue).await?;
        Replayed {
            status: moved.status,
            replayed: moved.moved,
        }
    };
    Ok(respond::json(StatusCode::OK, &replayed))
}

/// Deletes dead letters.
///
/// # Errors
/// `404` when there is no such queue, `422` without a reason.
pub async fn discard(
    State(app): State<App>,
    operator: Operator,
    Path(queue): Path<String>,
    Json(which): Json<Discard>,
) -> Result<Response, Problem> {
    let queue = known(&queue)?;
    let because = because(&which.because)?;
    let ids = which.ids.as_ref();
    operator
        .note(&app, "dead_letters.discard", None, detail(&queue, ids, Some(because)))
        .await?;
    let discarded = app.queues.settle_dead_letters(&queue, ids, Fate::Discarded).await?;
    Ok(respond::json(StatusCode::OK, &Discarded { discarded }))
}

/// A reason that says something.
pub fn because(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 500 {
        return Err(Invalid::one("because", "required", "a reason of at most 500 characters is needed").into());
    }
    Ok(text)
}
