//! Endpoints: create, change, rotate, test.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use rapport_domain::event::{self, Event};
use rapport_domain::record::split;
use rapport_domain::signature::secret_text;
use rapport_domain::webhook::{Delivery, Endpoint, EndpointIn, TEST_NOUN, payload, target};
use rapport_domain::{Kind as _, Record, TenantId};
use rapport_http::body::{self, IdempotencyKey, IfMatch};
use rapport_http::problem::Code;
use rapport_http::resource::id;
use rapport_http::{Caller, Problem, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::webhook::MOST_ENDPOINTS;
use rapport_store::{StoreError, Stored as _};
use serde_json::{Map, json};

use crate::record::{changed, with};

fn secret(app: &App, tenant: TenantId, record: &Record<Endpoint>) -> String {
    secret_text(
        &app.store
            .endpoint_secret(tenant, record.meta.id, record.body.generation),
    )
}

pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let cx = caller.accept(&app).await?;
    let (common, input) = split::<EndpointIn>(value)?;
    target(&input.url, app.config.allow_private_webhooks)?;
    let idempotency = key.of(Endpoint::TABLE, &bytes, None);
    let written = match app
        .store
        .create::<Endpoint>(&cx, common, input, idempotency.as_ref())
        .await
    {
        Err(StoreError::Answered(answer)) => return Ok(respond::replay(*answer)),
        result => result?,
    };
    // Counted afterwards, so that a repeated request is answered the same; one too many is taken back.
    if app.store.endpoints(caller.tenant).await?.len() > MOST_ENDPOINTS {
        app.store.delete::<Endpoint>(&cx, written.record.meta.id, None).await?;
        let detail = format!("there are {MOST_ENDPOINTS} endpoints already");
        return Err(Problem::new(Code::Conflict)
            .particular("too_many_endpoints")
            .detail(detail));
    }
    let location = format!("/v1/{}/{}", Endpoint::PLURAL, written.record.meta.id);
    let doc = with(&written.doc, "secret", secret(&app, caller.tenant, &written.record));
    Ok(respond::record(StatusCode::CREATED, doc, 1, Some(location)))
}

pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let id = id(Endpoint::PREFIX, &text)?;
    if let Some(url) = value.get("url").and_then(|url| url.as_str()) {
        target(url, app.config.allow_private_webhooks)?;
    }
    let cx = caller.accept(&app).await?;
    let idempotency = key.of(Endpoint::TABLE, &bytes, None);
    let result = app
        .store
        .patch::<Endpoint>(&cx, id, expected, idempotency.as_ref(), &value)
        .await;
    changed(result, expected)
}

pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let id = id(Endpoint::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let now = cx.rules.now;
    let rule = |old: &Record<Endpoint>| Ok(old.with_body(old.body.rotated(now), &cx.actor, now));
    let written = app.store.change::<Endpoint>(&cx, id, expected, None, rule).await?;
    let doc = with(&written.doc, "secret", secret(&app, caller.tenant, &written.record));
    Ok(respond::record(StatusCode::OK, doc, written.record.meta.version, None))
}

pub(crate) async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id = id(Endpoint::PREFIX, &text)?;
    let endpoint = app.store.get::<Endpoint>(caller.tenant, id).await?;
    if !endpoint.body.enabled {
        return Err(disabled());
    }
    let now = app.clock.now();
    let request = &caller.actor.request;
    let event = Event {
        id: event::id(&format!("{id}\n{request}"), 0, "webhook.test", now),
        kind: "webhook.test".to_owned(),
        time: now,
        subject: id.to_string(),
        version: 0,
        data: json!({"message": "This is a test."}),
        previous: Map::new(),
    };
    let delivery = Delivery::new(id, TEST_NOUN, &event, now);
    app.store
        .new_delivery(caller.tenant, &delivery, Some(payload(&event)))
        .await?;
    deliver(&app, caller.tenant, &delivery).await
}

/// An endpoint that is not enabled takes nothing.
pub(crate) fn disabled() -> Problem {
    Problem::new(Code::Conflict)
        .particular("endpoint_disabled")
        .detail("the endpoint is not enabled")
}

/// Sends a delivery on its way and answers with it.
pub(crate) async fn deliver(app: &App, tenant: TenantId, delivery: &Delivery) -> Result<Response, Problem> {
    let message = Message::DeliverV1 {
        delivery: delivery.id,
        attempt: delivery.attempt_count,
    };
    let sent = app
        .queues
        .send(Queue::WebhookDeliveries, &envelope(tenant, message))
        .await;
    sent.map_err(|error| Problem::unavailable(error.to_string()))?;
    let mut response = respond::json(StatusCode::ACCEPTED, delivery);
    if let Ok(location) = HeaderValue::from_str(&format!("/v1/webhook-deliveries/{}", delivery.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
