//! `/hooks/{token}`: verify on the raw bytes, keep them, tell the worker, answer. Nothing is applied here.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use rapport_domain::signature::{Secret, SignatureError, verify_body, verify_standard};
use rapport_domain::webhook::{Receipt, ReceiptStatus, Source, SourceKind};
use rapport_domain::{Prefix, Record, RecordId};
use rapport_http::metering::{self, Door};
use rapport_http::problem::Code;
use rapport_http::{Params, Problem, RawBody, respond};
use rapport_queue::{Message, Queue, envelope};
use rapport_runtime::App;
use rapport_store::webhook::{Arrival, HookToken, SourceKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::seal::open;

/// The headers that are kept with a message: what it is and what it is called, never who is behind it.
const KEPT: [&str; 8] = [
    "idempotency-key",
    "webhook-id",
    "webhook-timestamp",
    "x-shopify-topic",
    "x-shopify-shop-domain",
    "x-shopify-event-id",
    "x-shopify-webhook-id",
    "x-shopify-test",
];

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

/// The source that a token belongs to. Every wrong token is answered alike.
async fn source(app: &App, token: &str) -> Result<(HookToken, Record<Source>, SourceKey), Problem> {
    let token = HookToken::parse(token).ok_or_else(Problem::not_found)?;
    let found = app.store.source_and_key(token.tenant, token.source).await?;
    let (source, key) = found.ok_or_else(Problem::not_found)?;
    let right = bool::from(token.digest().as_bytes().ct_eq(key.digest.as_bytes()));
    if right && source.body.enabled {
        Ok((token, source, key))
    } else {
        Err(Problem::not_found())
    }
}

pub(crate) async fn receive(
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    let (token, source, key) = source(&app, &token).await?;
    let taken = taken(&app, &token, &source, key, &headers, &body);
    Ok(metering::at(&app, token.tenant, Door::Program, taken).await)
}

/// Takes a message of a source in.
async fn taken(
    app: &App,
    token: &HookToken,
    source: &Record<Source>,
    key: SourceKey,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Problem> {
    let now = app.clock.now();
    let secret = key
        .secret
        .map(|sealed| open(&app.config.secret_key, token.tenant, token.source, &sealed))
        .transpose();
    let secret = secret.map_err(|_| Problem::internal("the secret of a source cannot be opened"))?;
    check(source.body.kind, secret.as_deref(), headers, body, now).map_err(|error| {
        Problem::new(Code::Unauthenticated)
            .particular("signature_invalid")
            .detail(error.to_string())
    })?;
    let receipt = Receipt {
        id: RecordId::new(Prefix::Delivery),
        source_id: token.source,
        received_at: now,
        status: ReceiptStatus::Received,
        content_type: text(headers, "content-type").map(|text| text.chars().take(200).collect()),
        headers: kept(headers),
        bytes: body.len(),
        reason: None,
        problems: Vec::new(),
        record_id: None,
        replays: 0,
    };
    let dedupe = dedupe_key(source.body.kind, headers, body);
    let arrival = app
        .store
        .receive(token.tenant, &receipt, body, &dedupe, source.body.kind.repeats_within())
        .await?;
    let (id, waits) = match arrival {
        Arrival::New => (receipt.id, true),
        // The first time may have ended before the worker was told.
        Arrival::Repeat(id) => (
            id,
            app.store
                .receipt(token.tenant, token.source, id)
                .await
                .is_ok_and(|kept| kept.receipt.status == ReceiptStatus::Received),
        ),
    };
    if waits {
        let message = envelope(
            token.tenant,
            Message::IntakeV1 {
                source: token.source,
                receipt: id,
            },
        );
        app.queues
            .send(Queue::WebhookIntake, &message)
            .await
            .map_err(|error| Problem::unavailable(error.to_string()))?;
    }
    Ok(respond::json(StatusCode::ACCEPTED, &json!({ "id": id })))
}

/// Some senders ask for an address before they use it, and some want a challenge echoed.
pub(crate) async fn verify(
    State(app): State<App>,
    Path(token): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    source(&app, &token).await?;
    let challenge = params
        .get("hub.challenge")
        .filter(|_| params.get("hub.mode") == Some("subscribe"));
    let harmless = |text: &&str| {
        text.len() <= 200
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let mut response = respond::json_text(StatusCode::OK, challenge.filter(harmless).unwrap_or("ok").to_owned());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    Ok(response)
}

fn kept(headers: &HeaderMap) -> BTreeMap<String, String> {
    let given = KEPT
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), text(headers, name)?.chars().take(300).collect())));
    given.collect()
}

/// Verifies a message as its kind demands.
fn check(
    kind: SourceKind,
    secret: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let Some(secret) = secret else {
        // The token alone shows a generic sender; the others always sign.
        return if kind.must_sign() {
            Err(SignatureError::Missing)
        } else {
            Ok(())
        };
    };
    match kind {
        SourceKind::StandardWebhooks => {
            let header = |name| text(headers, name).ok_or(SignatureError::Missing);
            let secret = Secret::parse(secret).ok_or(SignatureError::Wrong)?;
            verify_standard(
                &secret,
                header("webhook-id")?,
                header("webhook-timestamp")?,
                header("webhook-signature")?,
                body,
                now,
            )
        }
        SourceKind::ShopifyOrders => verify_body(secret.as_bytes(), text(headers, "x-shopify-hmac-sha256"), body),
        SourceKind::Typeform => verify_body(secret.as_bytes(), text(headers, "typeform-signature"), body),
        SourceKind::Generic => {
            let given = text(headers, "x-signature-256").or_else(|| text(headers, "x-hub-signature-256"));
            verify_body(secret.as_bytes(), given, body)
        }
    }
}

/// By what a repeat of a message is known: the sender's own name for it, else its bytes.
fn dedupe_key(kind: SourceKind, headers: &HeaderMap, body: &[u8]) -> String {
    let digest = || {
        Sha256::digest(body)
            .iter()
            .fold("body:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
    };
    let header = |name: &str| text(headers, name).map(|text| format!("{name}:{text}"));
    match kind {
        SourceKind::ShopifyOrders => header("x-shopify-event-id")
            .or_else(|| header("x-shopify-webhook-id"))
            // One event of the shop may be told under several topics.
            .map(|id| format!("{id}:{}", text(headers, "x-shopify-topic").unwrap_or_default())),
        SourceKind::Typeform => serde_json::from_slice::<Value>(body)
            .ok()
            .and_then(|body| Some(format!("event:{}", body.get("event_id")?.as_str()?))),
        SourceKind::StandardWebhooks => header("webhook-id"),
        SourceKind::Generic => header("idempotency-key").or_else(|| header("webhook-id")),
    }
    .unwrap_or_else(digest)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::signature::{hmac_sha256, sign_v1};

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn each_kind_verifies_its_own_way() {
        use SourceKind::{Generic, ShopifyOrders, StandardWebhooks, Typeform};
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let (body, secret) = (b"{\"a\":1}", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let hex = hmac_sha256(secret.as_bytes(), body)
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let prefixed = format!("sha256={hex}");
        let at = now.as_second().to_string();
        let Some(Secret::Shared(bytes)) = Secret::parse(secret) else {
            panic!("a shared secret was expected")
        };
        let v1 = sign_v1(&bytes, "msg_1", now.as_second(), body);
        let standard = [
            ("webhook-id", "msg_1"),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", v1.as_str()),
        ];
        for (kind, secret, given, good) in [
            (Generic, None, vec![], true),
            (Generic, Some(secret), vec![], false),
            (
                Generic,
                Some(secret),
                vec![("x-signature-256", prefixed.as_str())],
                true,
            ),
            (
                Generic,
                Some(secret),
                vec![("x-hub-signature-256", prefixed.as_str())],
                true,
            ),
            (
                Generic,
                Some("another secret"),
                vec![("x-signature-256", prefixed.as_str())],
                false,
            ),
            (
                ShopifyOrders,
                Some(secret),
                vec![("x-shopify-hmac-sha256", hex.as_str())],
                true,
            ),
            (ShopifyOrders, Some(secret), vec![], false),
            (ShopifyOrders, None, vec![], false),
            (
                Typeform,
                Some(secret),
                vec![("typeform-signature", prefixed.as_str())],
                true,
            ),
            (
                Typeform,
                Some(secret),
                vec![("typeform-signature", "sha256=AAAA")],
                false,
            ),
            (StandardWebhooks, Some(secret), standard.to_vec(), true),
            (StandardWebhooks, Some(secret), standard[..2].to_vec(), false),
            (StandardWebhooks, None, standard.to_vec(), false),
        ] {
            assert_eq!(
                check(kind, secret, &headers(&given), body, now).is_ok(),
                good,
                "{kind:?} {given:?}"
            );
        }
    }

    #[test]
    fn repeats_are_known_by_what_the_sender_calls_them() {
        use SourceKind::{Generic, ShopifyOrders, StandardWebhooks, Typeform};
        let digest = "body:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
        for (kind, given, body, expected) in [
            (Generic, vec![], "{}", digest),
            (
                Generic,
                vec![("idempotency-key", "k1"), ("webhook-id", "m1")],
                "{}",
                "idempotency-key:k1",
            ),
            (Generic, vec![("webhook-id", "m1")], "{}", "webhook-id:m1"),
            (StandardWebhooks, vec![("webhook-id", "m1")], "{}", "webhook-id:m1"),
            (
                ShopifyOrders,
                vec![("x-shopify-event-id", "e1"), ("x-shopify-topic", "orders/paid")],
                "{}",
                "x-shopify-event-id:e1:orders/paid",
            ),
            (ShopifyOrders, vec![], "{}", digest),
            (Typeform, vec![], r#"{"event_id":"LtWXD3crgy"}"#, "event:LtWXD3crgy"),
            (Typeform, vec![], "{}", digest),
        ] {
            assert_eq!(
                dedupe_key(kind, &headers(&given), body.as_bytes()),
                expected,
                "{kind:?} {given:?}"
            );
        }
    }
}
