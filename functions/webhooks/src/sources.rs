//! Sources: create, change, rotate.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::record::split;
use rapport_domain::signature::Secret;
use rapport_domain::webhook::{Source, SourceIn, SourceKind};
use rapport_domain::{Invalid, Kind as _, Prefix, RecordId, TenantId};
use rapport_http::body::{self, IdempotencyKey, IfMatch};
use rapport_http::resource::id;
use rapport_http::{Caller, Problem, respond};
use rapport_runtime::App;
use rapport_store::webhook::{HookToken, SourceKey};
use rapport_store::{StoreError, Stored as _};
use serde_json::Value;

use crate::record::{changed, with};
use crate::seal::seal;

/// Takes the secret out of a body. `None` when it is not there, `Some(None)` when it is null.
fn take_secret(body: &mut Value) -> Result<Option<Option<String>>, Invalid> {
    match body.as_object_mut().and_then(|map| map.remove("secret")) {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text))),
        Some(_) => Err(Invalid::one("secret", "wrong_type", "a secret is a text")),
    }
}

/// Checks that a kind has the secret it needs, in the form it needs.
fn check(kind: SourceKind, secret: Option<&str>) -> Result<(), Invalid> {
    let wrong = |code, detail: &str| Err(Invalid::one("secret", code, detail));
    match secret {
        None if kind.must_sign() => wrong("required", "this kind of source signs its messages: give the secret"),
        Some(text) if kind == SourceKind::StandardWebhooks && Secret::parse(text).is_none() => wrong(
            "secret_malformed",
            "a secret is whsec_ and 24 to 64 bytes in base64, or whpk_ and an Ed25519 public key",
        ),
        Some(text) if text.len() < 8 || text.len() > 500 => {
            wrong("secret_malformed", "a secret has 8 to 500 characters")
        }
        _ => Ok(()),
    }
}

fn sealed(app: &App, tenant: TenantId, source: RecordId, secret: Option<&str>) -> Result<Option<Vec<u8>>, Problem> {
    let seal = |secret| seal(&app.config.secret_key, tenant, source, secret);
    secret
        .map(seal)
        .transpose()
        .map_err(|_| Problem::internal("a secret could not be sealed"))
}

fn url(app: &App, token: &HookToken) -> String {
    format!("{}/hooks/{}", app.config.public_url, token.text)
}

pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (mut value, bytes) = body::value(request).await?;
    let cx = caller.accept(&app).await?;
    let secret = take_secret(&mut value)?.flatten();
    let (common, input) = split::<SourceIn>(value)?;
    check(input.kind, secret.as_deref())?;
    let idempotency = key.of(Source::TABLE, &bytes, None);
    if let Some(idempotency) = &idempotency {
        match app
            .store
            .check_idempotency(caller.tenant, idempotency, cx.rules.now)
            .await
        {
            Err(StoreError::Answered(answer)) => return Ok(respond::replay(*answer)),
            result => result?,
        }
    }
    let id = RecordId::new(Prefix::WebhookSource);
    let token = HookToken::new(caller.tenant, id, rand::random());
    let key = SourceKey {
        digest: token.digest(),
        secret: sealed(&app, caller.tenant, id, secret.as_deref())?,
    };
    let planned = app.store.plan_source(&cx, common, input, id, &key).await?;
    let planned = match app.store.commit_planned(&cx, planned, idempotency.as_ref()).await {
        Err(StoreError::Answered(answer)) => return Ok(respond::replay(*answer)),
        result => result?,
    };
    let doc = with(&planned.doc, "url", url(&app, &token));
    Ok(respond::record(
        StatusCode::CREATED,
        doc,
        1,
        Some(format!("/v1/{}/{id}", Source::PLURAL)),
    ))
}

pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    idempotency: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (mut value, bytes) = body::value(request).await?;
    let id = id(Source::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let secret = take_secret(&mut value)?;
    let Some(secret) = secret else {
        let idempotency = idempotency.of(Source::TABLE, &bytes, None);
        return changed(
            app.store
                .patch::<Source>(&cx, id, expected, idempotency.as_ref(), &value)
                .await,
            expected,
        );
    };
    if value.as_object().is_none_or(|map| !map.is_empty()) {
        return Err(Invalid::one("secret", "not_allowed", "change the secret in a request of its own").into());
    }
    let (source, key) = app
        .store
        .source_and_key(caller.tenant, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    if expected.is_some_and(|version| version != source.meta.version) {
        return Err(StoreError::Stale(Some(source.to_value().to_string())).into());
    }
    check(source.body.kind, secret.as_deref())?;
    let key = SourceKey {
        secret: sealed(&app, caller.tenant, id, secret.as_deref())?,
        ..key
    };
    let planned = app.store.change_source_key(&cx, &source, &key).await?;
    Ok(respond::record(
        StatusCode::OK,
        planned.doc,
        planned.record.meta.version,
        None,
    ))
}

pub(crate) async fn rotate(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id = id(Source::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let (source, key) = app
        .store
        .source_and_key(caller.tenant, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let token = HookToken::new(caller.tenant, id, rand::random());
    let key = SourceKey {
        digest: token.digest(),
        ..key
    };
    let planned = app.store.change_source_key(&cx, &source, &key).await?;
    let doc = with(&planned.doc, "url", url(&app, &token));
    Ok(respond::record(StatusCode::OK, doc, planned.record.meta.version, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_insist_on_secrets_they_can_use() {
        use SourceKind::{Generic, ShopifyOrders, StandardWebhooks, Typeform};
        for (kind, secret, expected) in [
            (Generic, None, None),
            (Generic, Some("long enough"), None),
            (Generic, Some("short"), Some("secret_malformed")),
            (ShopifyOrders, None, Some("required")),
            (Typeform, None, Some("required")),
            (Typeform, Some("long enough"), None),
            (StandardWebhooks, Some("long enough"), Some("secret_malformed")),
            (StandardWebhooks, Some("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"), None),
        ] {
            let code = check(kind, secret).err().map(|invalid| invalid.problems[0].code);
            assert_eq!(code, expected, "{kind:?} {secret:?}");
        }
    }
}
