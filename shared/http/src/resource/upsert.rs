//! Create or change by a unique value: an external id, or a key of the kind's own such as an e-mail address.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::record::{is_source, split};
use rapport_domain::{Invalid, RecordId};
use rapport_runtime::App;
use rapport_store::records::Written;
use rapport_store::{Accept, Store, StoreError};
use serde_json::{Value, json};

use super::Resource;
use crate::body;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::respond;

pub(super) async fn run<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    Path((key, value)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let (body, _) = body::value(request).await?;
    let cx = caller.accept(&app).await?;
    let (status, done) = upsert::<K>(&app.store, cx, &key, &value, body).await?;
    let location = (status == StatusCode::CREATED).then(|| format!("/v1/{}/{}", K::PLURAL, done.record.meta.id));
    Ok(respond::record(status, done.doc, done.record.meta.version, location))
}

/// Creates the record that holds a value, or changes it by the fields given.
///
/// # Errors
/// What creating or changing refuses.
pub async fn upsert<K: Resource>(
    store: &Store,
    mut cx: Accept,
    key: &str,
    value: &str,
    body: Value,
) -> Result<(StatusCode, Written<K>), StoreError> {
    let scope = match K::KEYS.iter().find(|(name, _)| *name == key) {
        Some((_, scope)) => (*scope).to_owned(),
        None if is_source(key) => format!("external.{key}"),
        None => {
            let known: Vec<&str> = K::KEYS.iter().map(|(name, _)| *name).collect();
            return Err(Invalid::one(
                "key",
                "key_malformed",
                format!(
                    "a key is an external source (a-z, 0-9, _ and -) or one of: {}",
                    known.join(", ")
                ),
            )
            .into());
        }
    };
    let guarded = K::normal_key(key, value);
    if !body.is_object() {
        return Err(Invalid::one("", "wrong_type", "the body must be a JSON object").into());
    }
    // The key says which record is meant: that it looks like another is no reason to refuse.
    cx.allow_duplicate = true;
    // Whoever creates it between our look and our write wins; then it is there to be changed.
    for _ in 0..4 {
        if let Some(id) = K::holder(store, cx.tenant, key, &scope, &guarded).await? {
            match change::<K>(store, &cx, id, &body).await {
                Err(StoreError::Missing) => continue,
                result => return result.map(|done| (StatusCode::OK, done)),
            }
        }
        let mut body = body.clone();
        if let Some(map) = body.as_object_mut() {
            if scope.starts_with("external.") {
                let ids = map.entry("external_ids").or_insert_with(|| json!({}));
                if let Some(ids) = ids.as_object_mut() {
                    ids.insert(key.to_owned(), value.into());
                }
            } else {
                K::place_key(map, key, value);
            }
        }
        let (common, input) = split::<K::In>(body)?;
        match store.create::<K>(&cx, common, input, None).await {
            Err(StoreError::Taken { scope: taken, .. }) if taken == scope => {}
            result => return result.map(|done| (StatusCode::CREATED, done)),
        }
    }
    Err(StoreError::conflict(
        "contention",
        "the record is being changed by others",
    ))
}

async fn change<K: Resource>(store: &Store, cx: &Accept, id: RecordId, body: &Value) -> Result<Written<K>, StoreError> {
    store.patch::<K>(cx, id, None, None, body).await
}
