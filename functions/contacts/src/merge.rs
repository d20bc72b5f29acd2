//! Merging contacts or companies, and undoing it.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use rapport_domain::merge::{Job, JobKind, Mergeable, sources};
use rapport_domain::{Invalid, Prefix, RecordId, TenantId};
use rapport_http::resource::id;
use rapport_http::{Caller, IfMatch, Json, Problem, Resource, respond};
use rapport_queue::{Envelope, Message, Queue, envelope};
use rapport_runtime::{App, schedule};
use rapport_store::Timer;
use serde::Deserialize;
use serde_json::{Value, json};

/// When the job is sent once more: for references that were written while the records were being merged, and in case
/// the first message was lost.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What is to be merged.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeIn {
    /// The ids of the records to merge into this one, at most 10.
    from: Vec<String>,
    /// For single fields the id of the record whose value is taken: `{"email": "con_…"}`.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// Show what would come of it, and write nothing.
    #[serde(default)]
    dry_run: bool,
}

/// Which merge is to be undone.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnmergeIn {
    /// The job of the merge, `job_…`.
    merge: String,
}

/// The schema of the answers.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {
        "record": {"type": "object"},
        "merged": {"type": "array", "items": {"type": "string"}},
        "restored": {"type": "array", "items": {"type": "object"}},
        "conflicts": {"type": "array", "items": {"type": "object"}},
        "dry_run": {"type": "boolean"},
        "job": {"type": "object"},
    }})
}

pub(crate) async fn merge<K: Resource + Mergeable>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    Json(input): Json<MergeIn>,
) -> Result<Response, Problem> {
    let into = id(K::PREFIX, &text)?;
    let from = sources::<K>(into, &input.from)?;
    let cx = caller.accept(&app).await?;
    let timers = |job: &Job| timers(&app, cx.tenant, job);
    let outcome = app
        .store
        .merge::<K>(&cx, into, &from, &input.fields, expected, input.dry_run, timers)
        .await?;
    let mut body = json!({
        "record": outcome.record.to_value(),
        "merged": from,
        "conflicts": outcome.conflicts,
        "dry_run": input.dry_run,
    });
    let Some(job) = outcome.job else {
        return Ok(respond::json(StatusCode::OK, &body));
    };
    start(&app, cx.tenant, &job).await;
    body["job"] = serde_json::to_value(&job).unwrap_or_default();
    Ok(accepted(&body, job.id))
}

pub(crate) async fn unmerge<K: Resource + Mergeable>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    Json(input): Json<UnmergeIn>,
) -> Result<Response, Problem> {
    let into = id(K::PREFIX, &text)?;
    let merge = RecordId::parse(Prefix::Job, &input.merge)
        .map_err(|error| Invalid::one("merge", "id_malformed", error.to_string()))?;
    let cx = caller.accept(&app).await?;
    let timers = |job: &Job| timers(&app, cx.tenant, job);
    let undone = app.store.unmerge::<K>(&cx, into, merge, timers).await?;
    start(&app, cx.tenant, &undone.job).await;
    let restored: Vec<Value> = undone.restored.iter().map(rapport_domain::Record::to_value).collect();
    let body = json!({"record": undone.record.to_value(), "restored": restored, "job": undone.job});
    Ok(accepted(&body, undone.job.id))
}

fn accepted(body: &Value, job: RecordId) -> Response {
    let mut response = respond::json(StatusCode::ACCEPTED, body);
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/jobs/{job}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The messages of a job: one for each merged record.
fn messages(tenant: TenantId, job: &Job) -> Vec<Envelope> {
    job.from
        .iter()
        .map(|from| {
            envelope(
                tenant,
                Message::RepointV1 {
                    noun: job.noun.clone(),
                    job: job.id,
                    from: *from,
                    into: job.into,
                    undo: job.kind == JobKind::Unmerge,
                },
            )
        })
        .collect()
}

fn timers(app: &App, tenant: TenantId, job: &Job) -> Vec<Timer> {
    let due = app.clock.now() + AGAIN;
    messages(tenant, job)
        .iter()
        .map(|message| schedule::timer(Queue::RecordMerges, message, due))
        .collect()
}

/// Starts a job at once. Should the queue not answer, the timers set with the merge start it a minute later.
async fn start(app: &App, tenant: TenantId, job: &Job) {
    if let Err(error) = app.queues.send_all(Queue::RecordMerges, &messages(tenant, job)).await {
        tracing::warn!(%error, job = %job.id, "a merge starts late");
    }
}
