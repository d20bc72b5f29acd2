//! Which record a row means: how each kind is known by the field chosen, and what else it has to look up.

use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::lead::Lead;
use rapport_domain::order::{Order, OrderStatus};
use rapport_domain::product::{Product, SKU, sku_key};
use rapport_domain::{Kind, Record, RecordId, Rules, phone, text};
use rapport_store::key::pointer_partition;
use rapport_store::page::Query;
use rapport_store::records::Stored;
use rapport_store::{Accept, Store, StoreError, Write, text_of};
use serde_json::{Map, Value};

/// A kind that files are imported as.
pub trait Imported: Stored + PartialEq {
    /// How a record is known by the value of a field: by a unique value or by what it looks like. `None` for no field of it.
    fn known_by(field: &str, value: &str, rules: &Rules) -> Option<Known>;

    /// Leaves out of what a row says what the record is past.
    fn settle(&self, record: &mut Map<String, Value>) {
        let _ = record;
    }

    /// Looks up what a new record names, without writing anything.
    fn look_up(
        store: &Store,
        cx: &Accept,
        record: &mut Record<Self>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Self::complete(store, cx, record, &mut Write::new(cx.tenant)).await }
    }

    /// The same for a changed record.
    fn look_up_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Self::complete_change(store, cx, old, record, &mut Write::new(cx.tenant)).await }
    }
}

/// By what a record is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// A value that only one record has, in a scope.
    Unique(&'static str, String),
    /// What records look like: the newest is meant.
    Like(String),
}

impl Imported for Contact {
    fn known_by(field: &str, value: &str, _: &Rules) -> Option<Known> {
        (field == "email").then(|| Known::Like(format!("email#{}", value.trim().to_lowercase())))
    }
}

impl Imported for Company {
    fn known_by(field: &str, value: &str, _: &Rules) -> Option<Known> {
        let kind = match field {
            "name" => "name",
            "tax_id" => "tax",
            _ => return None,
        };
        let key = Some(text::key(value)).filter(|key| !key.is_empty())?;
        Some(Known::Like(format!("{kind}#{key}")))
    }
}

impl Imported for Lead {
    fn known_by(field: &str, value: &str, rules: &Rules) -> Option<Known> {
        match field {
            "email" => Some(Known::Like(format!("email#{}", value.trim().to_lowercase()))),
            "phone" => {
                let number = phone::parse("", value, &rules.settings.country).ok()?;
                Some(Known::Like(format!("phone#{number}")))
            }
            _ => None,
        }
    }
}

impl Imported for Product {
    fn known_by(field: &str, value: &str, _: &Rules) -> Option<Known> {
        (field == "sku").then(|| Known::Unique(SKU, sku_key(value.trim())))
    }
}

impl Imported for Order {
    fn known_by(_: &str, _: &str, _: &Rules) -> Option<Known> {
        None
    }

    /// The file may not know how far the order has come here: a step back is no step.
    fn settle(&self, record: &mut Map<String, Value>) {
        let status = record
            .get("status")
            .and_then(|status| serde_json::from_value::<OrderStatus>(status.clone()).ok());
        if status.is_some_and(|status| !self.status.may_become(status)) {
            record.remove("status");
        }
    }

    // An order's own way would reserve a number and make its customer.
    async fn look_up(store: &Store, cx: &Accept, record: &mut Record<Self>) -> Result<(), StoreError> {
        store.price(cx.tenant, &mut record.body).await
    }

    async fn look_up_change(
        store: &Store,
        cx: &Accept,
        _: &Record<Self>,
        record: &mut Record<Self>,
    ) -> Result<(), StoreError> {
        store.price(cx.tenant, &mut record.body).await
    }
}

/// The record that is known so, when there is one. 1 read unit, or a list of one.
///
/// # Errors
/// When the store does not answer.
pub async fn find<K: Imported>(store: &Store, cx: &Accept, known: &Known) -> Result<Option<Record<K>>, StoreError> {
    let id = match known {
        Known::Unique(scope, value) => store.holder::<K>(cx.tenant, scope, value).await?,
        Known::Like(key) => newest::<K>(store, cx, key, 1).await?.first().copied(),
    };
    let Some(id) = id else { return Ok(None) };
    match store.live::<K>(cx.tenant, id).await {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The record that a source calls so, when there is one. 1 read unit and 1 per 4 KB.
///
/// # Errors
/// When the store does not answer.
pub async fn called<K: Imported>(
    store: &Store,
    cx: &Accept,
    source: &str,
    value: &str,
) -> Result<Option<Record<K>>, StoreError> {
    let Some(id) = store
        .holder::<K>(cx.tenant, &format!("external.{source}"), value)
        .await?
    else {
        return Ok(None);
    };
    match store.live::<K>(cx.tenant, id).await {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The newest records that look so. 1 read unit: what an earlier row of a file made has to be seen by the next.
///
/// # Errors
/// When the store does not answer.
pub async fn newest<K: Stored>(
    store: &Store,
    cx: &Accept,
    key: &str,
    most: usize,
) -> Result<Vec<RecordId>, StoreError> {
    let query = Query {
        consistent: true,
        ..Query::newest(pointer_partition(K::NOUN, &format!("like#{key}")))
    };
    let page = store.query(cx.tenant, K::TABLE, &query, most, None).await?;
    let ids = page.items.iter().filter_map(|item| text_of(item, "sk"));
    Ok(ids
        .filter_map(|id| RecordId::parse(<K as Kind>::PREFIX, id).ok())
        .collect())
}
