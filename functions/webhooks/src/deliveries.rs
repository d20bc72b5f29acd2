//! The log of deliveries: list, read, replay.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Prefix;
use rapport_domain::webhook::{DeliveryStatus, Endpoint};
use rapport_http::problem::Code;
use rapport_http::resource::{cursor, id, link};
use rapport_http::{Caller, Params, Problem, respond};
use rapport_runtime::App;
use rapport_store::StoreError;

use crate::endpoints::{deliver, disabled};

pub(crate) async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    params.only(&["endpoint_id", "status", "limit", "cursor"])?;
    let limit = params.number("limit", 50, 1, 200)?;
    let wrong = |detail: &str| Problem::new(Code::Malformed).detail(detail);
    let endpoint = params
        .get("endpoint_id")
        .map(|text| id(Prefix::WebhookEndpoint, text).map_err(|_| wrong("endpoint_id takes hep_…")))
        .transpose()?;
    let status = params
        .get("status")
        .map(|text| {
            serde_json::from_value::<DeliveryStatus>(text.into())
                .map_err(|_| wrong("status takes pending, succeeded, failed or cancelled"))
        })
        .transpose()?;
    let of = endpoint.map_or_else(String::new, |endpoint| endpoint.to_string());
    let identity = format!(
        "/v1/webhook-deliveries?{of}&{}",
        status.map_or("", DeliveryStatus::as_str)
    );
    let after = cursor(&app, &caller, &identity, &params)?;
    let (docs, next) = app
        .store
        .deliveries(caller.tenant, endpoint, status, limit, after)
        .await?;
    let next = next.map(|next| link(&app, &caller, &identity, "webhook-deliveries", &params, &next));
    Ok(respond::page(docs.iter().map(String::as_str), next))
}

pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let kept = app.store.delivery(caller.tenant, id(Prefix::Delivery, &text)?).await?;
    Ok(respond::json(StatusCode::OK, &kept.delivery))
}

pub(crate) async fn replay(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let mut kept = app.store.delivery(caller.tenant, id(Prefix::Delivery, &text)?).await?;
    match app
        .store
        .get::<Endpoint>(caller.tenant, kept.delivery.endpoint_id)
        .await
    {
        Ok(endpoint) if endpoint.body.enabled => {}
        Ok(_) | Err(StoreError::Missing) => return Err(disabled()),
        Err(error) => return Err(error.into()),
    }
    kept.delivery.replay(app.clock.now());
    let delivery = kept.delivery.clone();
    app.store
        .save_delivery(caller.tenant, kept, None)
        .await
        .map_err(|error| match error {
            StoreError::Stale(_) => Problem::new(Code::Contention),
            error => error.into(),
        })?;
    deliver(&app, caller.tenant, &delivery).await
}
