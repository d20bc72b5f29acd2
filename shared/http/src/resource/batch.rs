//! Up to a hundred operations in one request: each by itself, or all or none.

use axum::extract::{Request, State};
use axum::response::Response;
use futures::future::join_all;
use http::StatusCode;
use rapport_domain::record::{shape, split};
use rapport_domain::{Common, Invalid, RecordId};
use rapport_runtime::App;
use rapport_store::idempotency::Idempotency;
use rapport_store::records::{Written, parse, patched};
use rapport_store::{Accept, StoreError, Write};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Resource, upsert};
use crate::api::Doc;
use crate::body::{self, IdempotencyKey};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;

/// A batch has at most so many inputs.
const MOST: usize = 100;
/// So many of them run side by side where each is a call of its own.
const ABREAST: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operation {
    Create,
    Update,
    Upsert,
    Delete,
    Read,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    operation: Operation,
    inputs: Vec<Value>,
    #[serde(default)]
    atomic: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    id: String,
    #[serde(default)]
    patch: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByKey {
    key: String,
    value: String,
    record: Value,
}

/// The outcome of one input: a status, and the record as JSON where there is one.
type Outcome = Result<(StatusCode, Option<String>), Problem>;

pub(super) fn doc<K: Resource>() -> Doc {
    Doc::new(format!("Do up to {MOST} operations on {}", K::PLURAL))
        .detail("Inputs: `create` takes records; `update` `{\"id\",\"patch\"}`; `upsert` `{\"key\",\"value\",\"record\"}`; `delete` and `read` `{\"id\"}`. Results come in the order of the inputs; 207 when some failed. `atomic` (create, update, delete) is all or nothing.")
        .body_schema(&json!({
            "type": "object", "required": ["operation", "inputs"], "additionalProperties": false,
            "properties": {
                "operation": {"type": "string", "enum": ["create", "update", "upsert", "delete", "read"]},
                "inputs": {"type": "array", "minItems": 1, "maxItems": MOST, "items": {"type": "object"}},
                "atomic": {"type": "boolean", "default": false},
            },
        }))
        .answers_schema(200, &results())
        .answers_schema(207, &results())
}

fn results() -> Value {
    json!({"type": "object", "required": ["results"], "properties": {"results": {"type": "array", "items": {
        "type": "object", "required": ["status"], "properties": {"status": {"type": "integer"}, "record": {"type": "object"}, "error": {"$ref": "#/components/schemas/Problem"}}}}}})
}

pub(super) async fn run<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let Batch {
        operation,
        inputs,
        atomic,
    } = shape(value)?;
    if inputs.is_empty() || inputs.len() > MOST {
        return Err(Invalid::one("inputs", "out_of_range", format!("1 to {MOST} inputs")).into());
    }
    let cx = caller.accept(&app).await?;
    if atomic {
        return all_or_none::<K>(&app, &cx, operation, inputs, key.of(K::TABLE, &bytes, None)).await;
    }
    let outcomes: Vec<Outcome> = match operation {
        Operation::Create => create::<K>(&app, &cx, inputs, |n| key.of(K::TABLE, &bytes, Some(n))).await,
        Operation::Read => read::<K>(&app, &cx, inputs).await?,
        _ => {
            let mut outcomes = Vec::with_capacity(inputs.len());
            let mut inputs = inputs.into_iter().enumerate().peekable();
            while inputs.peek().is_some() {
                let chunk = inputs.by_ref().take(ABREAST);
                let (app, cx, key, bytes) = (&app, &cx, &key, &bytes);
                outcomes.extend(
                    join_all(
                        chunk
                            .map(|(n, input)| single::<K>(app, cx, operation, input, key.of(K::TABLE, bytes, Some(n)))),
                    )
                    .await,
                );
            }
            outcomes
        }
    };
    Ok(answer(outcomes, &cx.actor.request))
}

async fn create<K: Resource>(
    app: &App,
    cx: &Accept,
    inputs: Vec<Value>,
    key: impl Fn(usize) -> Option<Idempotency>,
) -> Vec<Outcome> {
    let shaped: Vec<Result<(Common, K::In), Invalid>> = inputs.into_iter().map(split::<K::In>).collect();
    let good: Vec<(Common, K::In, Option<Idempotency>)> = shaped
        .iter()
        .enumerate()
        .filter_map(|(n, input)| {
            input
                .as_ref()
                .ok()
                .map(|(common, input)| (common.clone(), input.clone(), key(n)))
        })
        .collect();
    let mut created = app.store.create_many::<K>(cx, good).await.into_iter();
    shaped
        .into_iter()
        .map(|input| match input {
            Err(invalid) => Err(invalid.into()),
            Ok(_) => done(
                StatusCode::CREATED,
                created
                    .next()
                    .unwrap_or(Err(StoreError::Internal("an input without a result".to_owned()))),
            ),
        })
        .collect()
}

fn done<K>(status: StatusCode, result: Result<Written<K>, StoreError>) -> Outcome {
    match result {
        Ok(written) => Ok((status, Some(written.doc))),
        Err(StoreError::Answered(answer)) => {
            Ok((StatusCode::from_u16(answer.status).unwrap_or(status), Some(answer.body)))
        }
        Err(error) => Err(error.into()),
    }
}

async fn single<K: Resource>(
    app: &App,
    cx: &Accept,
    operation: Operation,
    input: Value,
    key: Option<Idempotency>,
) -> Outcome {
    let store = &app.store;
    if operation == Operation::Upsert {
        let ByKey { key, value, record } = shape(input)?;
        let (status, written) = upsert::upsert::<K>(store, cx.clone(), &key, &value, record).await?;
        return Ok((status, Some(written.doc)));
    }
    let One { id, patch } = shape(input)?;
    let id = super::id(K::PREFIX, &id)?;
    match (operation, patch) {
        (Operation::Update, Some(patch)) => done(
            StatusCode::OK,
            store.patch::<K>(cx, id, None, key.as_ref(), &patch).await,
        ),
        (Operation::Update, None) => Err(Invalid::one("patch", "required", "an update needs a patch").into()),
        _ => {
            store.delete::<K>(cx, id, None).await?;
            Ok((StatusCode::NO_CONTENT, None))
        }
    }
}

async fn read<K: Resource>(app: &App, cx: &Accept, inputs: Vec<Value>) -> Result<Vec<Outcome>, Problem> {
    let ids: Vec<Result<RecordId, Problem>> = inputs
        .into_iter()
        .map(|input| {
            shape::<One>(input)
                .map_err(Problem::from)
                .and_then(|one| super::id(K::PREFIX, &one.id))
        })
        .collect();
    let known: Vec<String> = ids
        .iter()
        .filter_map(|id| id.as_ref().ok())
        .map(ToString::to_string)
        .collect();
    let rows = app.store.rows::<K>(cx.tenant, &known, true).await?;
    let find = |id: RecordId| {
        rows.iter()
            .find(|row| row.id == id.to_string())
            .map(|row| (StatusCode::OK, Some(row.doc.clone())))
    };
    Ok(ids
        .into_iter()
        .map(|id| id.and_then(|id| find(id).ok_or_else(Problem::not_found)))
        .collect())
}

/// Plans every input, then writes all in one transaction.
async fn all_or_none<K: Resource>(
    app: &App,
    cx: &Accept,
    operation: Operation,
    inputs: Vec<Value>,
    key: Option<Idempotency>,
) -> Result<Response, Problem> {
    let store = &app.store;
    if let Some(key) = &key {
        match store.check_idempotency(cx.tenant, key, cx.rules.now).await {
            Err(StoreError::Answered(answer)) => return Ok(respond::replay(*answer)),
            other => other?,
        }
    }
    let mut write = Write::new(cx.tenant);
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(inputs.len());
    for input in inputs {
        let planned = plan::<K>(app, cx, operation, input).await;
        outcomes.push(planned.map(|(status, doc, part)| {
            write.append(part);
            (status, doc)
        }));
    }
    if let Some(problem) = failing(&outcomes) {
        return Err(problem);
    }
    if write.len() + usize::from(key.is_some()) > rapport_store::write::MOST_ITEMS {
        let detail = format!(
            "this needs {} items in one transaction, at most {} fit: send fewer inputs or leave atomic out",
            write.len(),
            rapport_store::write::MOST_ITEMS
        );
        return Err(Invalid::one("inputs", "too_many_items", detail).into());
    }
    let response = text(outcomes, &cx.actor.request);
    if let Some(key) = &key {
        let kept = rapport_store::idempotency::Answer {
            status: 200,
            location: None,
            etag: None,
            body: response.clone(),
        };
        write.answer(store, key, &kept, cx.rules.now)?;
    }
    match write.commit(store).await {
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(respond::json_text(StatusCode::OK, response)),
    }
}

async fn plan<K: Resource>(
    app: &App,
    cx: &Accept,
    operation: Operation,
    input: Value,
) -> Result<(StatusCode, Option<String>, Write), Problem> {
    let store = &app.store;
    if operation == Operation::Create {
        let (common, input) = split::<K::In>(input)?;
        let planned = store.plan_create::<K>(cx, common, input).await?;
        return Ok((StatusCode::CREATED, Some(planned.doc), planned.write));
    }
    let One { id, patch } = shape(input)?;
    let row = store.row::<K>(cx.tenant, super::id(K::PREFIX, &id)?).await?;
    if row.gone {
        return Err(Problem::not_found());
    }
    let old = parse::<K>(&row.doc)?;
    let (status, new) = match (operation, patch) {
        (Operation::Update, Some(patch)) => (StatusCode::OK, patched(cx, &old, &patch)?),
        (Operation::Delete, _) => {
            let mut new = old.clone();
            new.touch(&cx.actor, cx.rules.now);
            new.meta.deleted_at = Some(cx.rules.now);
            (StatusCode::NO_CONTENT, new)
        }
        _ => {
            return Err(Invalid::one(
                "operation",
                "not_allowed",
                "only create, update (with a patch) and delete can be atomic",
            )
            .into());
        }
    };
    if new.meta.version == old.meta.version {
        return Ok((status, Some(row.doc), Write::new(cx.tenant)));
    }
    let planned = store.plan_change(cx, &old, new).await?;
    let doc = (status == StatusCode::OK).then_some(planned.doc);
    Ok((status, doc, planned.write))
}

/// The refusal of a whole batch: that of the first failing input, with all failing inputs.
fn failing(outcomes: &[Outcome]) -> Option<Problem> {
    let first = outcomes.iter().find_map(|outcome| outcome.as_ref().err())?;
    let inputs: Vec<Value> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(n, outcome)| {
            outcome
                .as_ref()
                .err()
                .map(|problem| json!({"input": n, "error": problem.to_value()}))
        })
        .collect();
    Some(
        Problem::new(first.code())
            .detail("nothing was done: see inputs")
            .member("inputs", inputs),
    )
}

fn answer(outcomes: Vec<Outcome>, request: &str) -> Response {
    for problem in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        if let Some(text) = problem.log() {
            tracing::warn!(error = text, "an input of a batch failed");
        }
    }
    let status = if outcomes.iter().any(Result::is_err) {
        StatusCode::MULTI_STATUS
    } else {
        StatusCode::OK
    };
    respond::json_text(status, text(outcomes, request))
}

fn text(outcomes: Vec<Outcome>, request: &str) -> String {
    let results: Vec<String> = outcomes
        .into_iter()
        .map(|outcome| match outcome {
            Ok((status, Some(doc))) => format!("{{\"status\":{},\"record\":{doc}}}", status.as_u16()),
            Ok((status, None)) => format!("{{\"status\":{}}}", status.as_u16()),
            Err(problem) => {
                let mut error = problem.to_value();
                error["request_id"] = request.into();
                json!({"status": problem.code().status().as_u16(), "error": error}).to_string()
            }
        })
        .collect();
    format!("{{\"results\":[{}]}}", results.join(","))
}
