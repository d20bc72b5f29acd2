//! Upserts: the record a source means is found by what the source calls it, or by its e-mail address; else it is made.

use rapport_domain::RecordId;
use rapport_domain::contact::Contact;
use rapport_domain::intake::Piece;
use rapport_domain::lead::Lead;
use rapport_domain::order::{Order, OrderStatus};
use rapport_domain::record::split;
use rapport_domain::webhook::Target;
use rapport_store::records::{Accept, Stored};
use rapport_store::{Store, StoreError};
use serde_json::{Map, Value, json};

/// How often a lost race is run again.
const ATTEMPTS: u32 = 4;

/// Applies a message's record, and before it the contact it belongs to.
pub(crate) async fn apply(
    store: &Store,
    cx: &Accept,
    target: Target,
    contact: Option<Piece>,
    mut piece: Piece,
) -> Result<RecordId, StoreError> {
    match target {
        Target::Lead => upsert::<Lead>(store, cx, piece).await,
        Target::Contact => upsert::<Contact>(store, cx, piece).await,
        Target::Order => {
            if let Some(contact) = contact {
                let contact = upsert::<Contact>(store, cx, contact).await?;
                piece.fields.insert("contact_id".to_owned(), json!(contact));
            }
            upsert::<Order>(store, cx, piece).await
        }
    }
}

/// A kind that messages are applied to.
trait Applied: Stored + PartialEq {
    /// Another value by which a record is known: scope and value.
    fn other_key(fields: &Map<String, Value>) -> Option<(&'static str, String)> {
        let _ = fields;
        None
    }

    /// Leaves out of a message what the record is past.
    fn settle(&self, fields: &mut Map<String, Value>) {
        let _ = fields;
    }
}

impl Applied for Lead {}

impl Applied for Contact {
    fn other_key(fields: &Map<String, Value>) -> Option<(&'static str, String)> {
        let email = fields.get("email")?.as_str()?;
        Some(("email", email.trim().to_lowercase()))
    }
}

impl Applied for Order {
    /// The shop may not know how far the order has come here: a step back is no step.
    fn settle(&self, fields: &mut Map<String, Value>) {
        let status = fields
            .get("status")
            .and_then(|status| serde_json::from_value::<OrderStatus>(status.clone()).ok());
        if status.is_some_and(|status| !self.status.may_become(status)) {
            fields.remove("status");
        }
    }
}

async fn upsert<K: Applied>(store: &Store, cx: &Accept, piece: Piece) -> Result<RecordId, StoreError> {
    let Piece { external, mut fields } = piece;
    if let Some((source, id)) = &external {
        fields.insert("external_ids".to_owned(), json!({ source: id }));
    }
    let mut attempt = 0;
    loop {
        if let Some(id) = find::<K>(store, cx, external.as_ref(), &fields).await? {
            return change::<K>(store, cx, id, fields).await;
        }
        let (common, input) = split::<K::In>(Value::Object(fields.clone()))?;
        match store.create::<K>(cx, common, input, None).await {
            Ok(written) => return Ok(written.record.meta.id),
            // The same person asks again: what is known of them grows.
            Err(StoreError::Duplicate(candidates)) if !candidates.is_empty() => {
                return change::<K>(store, cx, candidates[0].0, fields).await;
            }
            // Made by somebody else between our looking and our writing.
            Err(StoreError::Taken { .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn find<K: Applied>(
    store: &Store,
    cx: &Accept,
    external: Option<&(String, String)>,
    fields: &Map<String, Value>,
) -> Result<Option<RecordId>, StoreError> {
    if let Some((source, id)) = external
        && let Some(holder) = store.holder::<K>(cx.tenant, &format!("external.{source}"), id).await?
    {
        return Ok(Some(holder));
    }
    match K::other_key(fields) {
        Some((scope, value)) => store.holder::<K>(cx.tenant, scope, &value).await,
        None => Ok(None),
    }
}

async fn change<K: Applied>(
    store: &Store,
    cx: &Accept,
    id: RecordId,
    mut fields: Map<String, Value>,
) -> Result<RecordId, StoreError> {
    store.get::<K>(cx.tenant, id).await?.body.settle(&mut fields);
    let patch = Value::Object(fields.clone());
    match store.patch::<K>(cx, id, None, None, &patch).await {
        // The address belongs to another record here: the rest is true all the same.
        Err(StoreError::Taken { scope, .. }) if scope == "email" && fields.remove("email").is_some() => {
            store.patch::<K>(cx, id, None, None, &Value::Object(fields)).await?;
        }
        result => {
            result?;
        }
    }
    Ok(id)
}
