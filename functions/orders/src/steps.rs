//! What moves an order on: placed, delivered, called off, taken back.

use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::response::Response;
use http::{StatusCode, header};
use jiff::civil::Date;
use rapport_domain::order::{Order, Refusal};
use rapport_domain::record::shape;
use rapport_domain::{Kind, Rules};
use rapport_http::problem::{Code, Problem};
use rapport_http::{Caller, IdempotencyKey, IfMatch, body, resource};
use rapport_runtime::App;
use rapport_store::{StoreError, Stored};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// When an order was delivered.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FulfilIn {
    /// The day; today unless said otherwise.
    #[serde(default)]
    fulfilled_on: Option<Date>,
}

/// Why an order came to its end.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndIn {
    /// In a few words, at most 500 characters.
    #[serde(default)]
    reason: Option<String>,
}

pub(crate) async fn place(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (_, ask): (EndIn, _) = Ask::read(request).await?;
    ask.change(&app, &caller, &id, |order, _| order.place()).await
}

pub(crate) async fn fulfil(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (FulfilIn { fulfilled_on }, ask) = Ask::read(request).await?;
    ask.change(&app, &caller, &id, |order, rules| order.fulfil(fulfilled_on, rules))
        .await
}

pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (EndIn { reason }, ask) = Ask::read(request).await?;
    ask.change(&app, &caller, &id, |order, rules| order.cancel(reason.clone(), rules))
        .await
}

pub(crate) async fn take_back(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (EndIn { reason }, ask) = Ask::read(request).await?;
    ask.change(&app, &caller, &id, |order, rules| {
        order.take_back(reason.clone(), rules)
    })
    .await
}

/// What a request for one change of an order says beside its body.
pub(crate) struct Ask {
    expected: Option<u64>,
    key: IdempotencyKey,
    bytes: Vec<u8>,
}

impl Ask {
    /// Reads the headers and a body, which may be left out where all its fields may.
    ///
    /// # Errors
    /// `400`, `413`, `415`, `422`.
    pub(crate) async fn read<T: DeserializeOwned>(request: Request) -> Result<(T, Self), Problem> {
        let (mut parts, content) = request.into_parts();
        let IfMatch(expected) = IfMatch::from_request_parts(&mut parts, &()).await?;
        let key = IdempotencyKey::from_request_parts(&mut parts, &()).await?;
        let (value, bytes) = if parts.headers.contains_key(header::CONTENT_TYPE) {
            body::value(Request::from_parts(parts, content)).await?
        } else {
            let bytes = body::read(content).await?;
            if !bytes.is_empty() {
                return Err(Problem::new(Code::UnsupportedMediaType).detail("send Content-Type: application/json"));
            }
            (serde_json::json!({}), bytes)
        };
        Ok((shape(value)?, Self { expected, key, bytes }))
    }

    /// Changes an order by a rule; one that changes nothing writes nothing.
    ///
    /// # Errors
    /// What the rule or the store refuses.
    pub(crate) async fn change(
        self,
        app: &App,
        caller: &Caller,
        id: &str,
        rule: impl Fn(&Order, &Rules) -> Result<Order, Refusal> + Send + Sync,
    ) -> Result<Response, Problem> {
        let id = resource::id(Order::PREFIX, id)?;
        let cx = caller.accept(app).await?;
        let key = self.key.of(Order::TABLE, &self.bytes, None);
        let result = app
            .store
            .change::<Order>(&cx, id, self.expected, key.as_ref(), |old| {
                let body = rule(&old.body, &cx.rules)?;
                Ok(if body == old.body {
                    old.clone()
                } else {
                    old.with_body(body, &cx.actor, cx.rules.now)
                })
            })
            .await;
        match result {
            Err(StoreError::Stale(_)) if self.expected.is_none() => Err(Problem::new(Code::Contention)),
            result => resource::written(StatusCode::OK, result, None),
        }
    }
}
