//! What sources posted and could not be applied: list, read, replay.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::webhook::{Receipt, ReceiptStatus, Source};
use rapport_domain::{Kind as _, Prefix, RecordId};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::StoreError;
use rapport_store::webhook::KeptReceipt;
use serde_json::json;

/// At most so many failures are replayed by one request.
const MOST_REPLAYED: usize = 1_000;

pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["status", "limit", "cursor"])?;
    let source = id(Source::PREFIX, &text)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let status = match params.get("status") {
        None | Some("failed") => ReceiptStatus::Failed,
        Some("received") => ReceiptStatus::Received,
        Some(_) => return Err(Problem::new(Code::Malformed).detail("status takes failed or received")),
    };
    let path = format!("webhook-sources/{source}/failures");
    let identity = format!("{path}?{}", status.as_str());
    page(
        (&app, &caller, &params),
        source,
        Some(status),
        (&path, &identity),
        limit,
    )
    .await
}

/// All that a source posted lately, whatever became of it.
pub(crate) async fn receipts(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit", "cursor"])?;
    let source = id(Source::PREFIX, &text)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let path = format!("webhook-sources/{source}/receipts");
    page((&app, &caller, &params), source, None, (&path, &path), limit).await
}

async fn page(
    (app, caller, params): (&App, &Caller, &Params),
    source: RecordId,
    status: Option<ReceiptStatus>,
    (path, identity): (&str, &str),
    limit: usize,
) -> Result<Response, Problem> {
    app.store.get::<Source>(caller.tenant, source).await?;
    let after = cursor(app, caller, identity, params)?;
    let (receipts, next) = app
        .store
        .receipts(caller.tenant, source, status, limit, after.as_ref())
        .await?;
    let rows: Vec<String> = receipts
        .iter()
        .map(|receipt| serde_json::to_string(receipt).unwrap_or_default())
        .collect();
    let next = next.map(|next| link(app, caller, identity, path, params, &next));
    Ok(respond::page(rows.iter().map(String::as_str), next))
}

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((source, receipt)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (source, receipt) = (id(Source::PREFIX, &source)?, id(Prefix::Delivery, &receipt)?);
    let kept = app.store.receipt(caller.tenant, source, receipt).await?;
    let body = app.store.receipt_body(caller.tenant, &kept).await?;
    let mut value = serde_json::to_value(&kept.receipt).map_err(|error| Problem::internal(error.to_string()))?;
    value["body"] = String::from_utf8_lossy(&body).into();
    Ok(respond::json(StatusCode::OK, &value))
}

/// Marks a receipt as waiting again and tells the worker.
async fn again(app: &App, caller: &Caller, mut kept: KeptReceipt) -> Result<Receipt, Problem> {
    let receipt = &mut kept.receipt;
    receipt.status = ReceiptStatus::Received;
    receipt.replays += 1;
    let (source, id, answer) = (receipt.source_id, receipt.id, receipt.clone());
    app.store
        .save_receipt(caller.tenant, kept, app.clock.now())
        .await
        .map_err(|error| match error {
            StoreError::Stale(_) => Problem::new(Code::Contention),
            error => error.into(),
        })?;
    enqueue(app, caller, source, id).await?;
    Ok(answer)
}

async fn enqueue(app: &App, caller: &Caller, source: RecordId, receipt: RecordId) -> Result<(), Problem> {
    let message = envelope(caller.tenant, Message::IntakeV1 { source, receipt });
    app.queues
        .send(Queue::WebhookIntake, &message)
        .await
        .map_err(|error| Problem::unavailable(error.to_string()))
}

pub(crate) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Path((source, receipt)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (source, receipt) = (id(Source::PREFIX, &source)?, id(Prefix::Delivery, &receipt)?);
    let kept = app.store.receipt(caller.tenant, source, receipt).await?;
    if matches!(kept.receipt.status, ReceiptStatus::Applied | ReceiptStatus::Ignored) {
        return Err(Problem::new(Code::Conflict)
            .particular("not_failed")
            .detail("this message did not fail"));
    }
    let receipt = again(&app, &caller, kept).await?;
    Ok(respond::json(StatusCode::ACCEPTED, &receipt))
}

pub(crate) async fn replay_all(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let source = id(Source::PREFIX, &text)?;
    app.store.get::<Source>(caller.tenant, source).await?;
    let (mut after, mut replayed) = (None, 0_usize);
    loop {
        let (receipts, next) = app
            .store
            .receipts(caller.tenant, source, Some(ReceiptStatus::Failed), 100, after.as_ref())
            .await?;
        for receipt in receipts {
            let kept = app.store.receipt(caller.tenant, source, receipt.id).await?;
            // The index lags behind: what was replayed a moment ago may still be in it.
            if kept.receipt.status == ReceiptStatus::Failed {
                again(&app, &caller, kept).await?;
                replayed += 1;
            }
        }
        after = next;
        if after.is_none() || replayed >= MOST_REPLAYED {
            return Ok(respond::json(
                StatusCode::ACCEPTED,
                &json!({"replayed": replayed, "has_more": after.is_some()}),
            ));
        }
    }
}
