//! What the steps of the flow have in common: one write under a rule, the ticket as it is afterwards.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use rapport_domain::record::shape;
use rapport_domain::ticket::Ticket;
use rapport_domain::{Invalid, Kind as _, Rules};
use rapport_http::problem::Code;
use rapport_http::resource::{id, written};
use rapport_http::{Caller, Doc, IdempotencyKey, IfMatch, Problem, body};
use rapport_runtime::App;
use rapport_store::{StoreError, Stored as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a step says of itself.
pub fn doc(summary: &str) -> Doc {
    Doc::new(summary)
        .detail("409 where the ticket's status does not allow it.")
        .header("If-Match", "412 when the ticket has another ETag")
        .header(
            "Idempotency-Key",
            "At most 255 characters; the first answer is replayed for a day.",
        )
        .answers::<Ticket>(200)
}

/// The body of a step that takes none: nothing at all, or an empty object.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A body that may be left out.
pub fn optional<T: DeserializeOwned + Default>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.is_empty() {
        return Ok(T::default());
    }
    object(body::parse(bytes)?)
}

/// A body that must be an object: a list would be read as the fields in their order.
pub fn object<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    if !value.is_object() {
        return Err(Invalid::one("", "wrong_type", "the body must be a JSON object").into());
    }
    Ok(shape(value)?)
}

/// Who asks for a step, of which ticket, under which headers.
pub struct Asked {
    caller: Caller,
    ticket: String,
    expected: Option<u64>,
    key: IdempotencyKey,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, app).await;
        let IfMatch(expected) = IfMatch::from_request_parts(parts, app).await?;
        Ok(Self {
            caller: Caller::from_request_parts(parts, app).await?,
            ticket: path.map_err(|_| Problem::not_found())?.0,
            expected,
            key: IdempotencyKey::from_request_parts(parts, app).await?,
        })
    }
}

/// Takes the step.
pub async fn take(
    app: &App,
    asked: Asked,
    bytes: &[u8],
    rule: impl Fn(&Ticket, &Rules) -> Result<Ticket, Invalid> + Send + Sync,
) -> Result<Response, Problem> {
    let Asked {
        caller,
        ticket,
        expected,
        key,
    } = asked;
    let id = id(Ticket::PREFIX, &ticket)?;
    let cx = caller.accept(app).await?;
    let key = key.of(Ticket::TABLE, bytes, None);
    let result = app
        .store
        .step_ticket(&cx, id, expected, key.as_ref(), |ticket| rule(ticket, &cx.rules))
        .await;
    match result {
        Err(StoreError::Stale(_)) if expected.is_none() => Err(Problem::new(Code::Contention)),
        result => written(StatusCode::OK, result, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_be_left_out_but_not_made_up() {
        for (bytes, fits) in [
            ("", true),
            ("{}", true),
            ("{\"a\":1}", false),
            ("[]", false),
            ("{", false),
        ] {
            assert_eq!(optional::<Nothing>(bytes.as_bytes()).is_ok(), fits, "{bytes}");
        }
    }
}
