//! The only crate that names DynamoDB: keys, conditional writes, pages, unique values, idempotent answers.
//!
//! No key can be built without a tenant ([`key::Key`]); every write is one conditional put or one transaction
//! ([`write::Write`]); every read is bounded ([`page`]). What a record is and may become is in `rapport_domain`.

pub mod archive;
pub mod association;
pub mod clients;
pub mod cost;
pub mod cursor;
pub mod erase;
pub mod error;
pub mod event;
pub mod export;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod kept;
pub mod key;
pub mod merge;
pub mod operator;
pub mod packed;
pub mod page;
pub mod records;
pub mod report;
pub mod score;
pub mod search;
pub mod settings;
pub mod survey;
pub mod ticket;
pub mod timer;
pub mod usage;
pub mod webhook;
pub mod win_back;
pub mod write;

mod company;
mod contact;
mod lead;
mod order;
mod product;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use futures::future::{join, join_all};
use rapport_domain::TenantId;

pub use clients::Clients;
pub use cost::Cost;
pub use error::StoreError;
pub use kept::Kept;
pub use key::{Key, Table};
pub use records::{Accept, Stored};
pub use timer::Timer;
pub use write::Write;

/// One item as DynamoDB gives it.
pub type Item = std::collections::HashMap<String, AttributeValue>;

/// The names of the tables, as the template gives them.
#[derive(Clone, Debug, Default)]
pub struct TableNames(BTreeMap<Table, String>);

impl TableNames {
    /// Reads `TABLE_LEADS`, `TABLE_CONTACTS`, … A function is given only the tables it may touch.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Self {
        Self(
            Table::ALL
                .iter()
                .filter_map(|&table| Some((table, lookup(table.variable())?)))
                .collect(),
        )
    }

    /// The name of one.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when this function was not given the table.
    pub fn get(&self, table: Table) -> Result<&str, StoreError> {
        self.0.get(&table).map(String::as_str).ok_or_else(|| {
            StoreError::Internal(format!(
                "{} is not set: this function may not use the table",
                table.variable()
            ))
        })
    }
}

/// The store: clients and the names of the tables.
#[derive(Clone)]
pub struct Store {
    clients: Clients,
    tables: Arc<TableNames>,
    cursor_key: Arc<[u8]>,
}

impl Store {
    /// A store over clients. `cursor_key` signs cursors.
    #[must_use]
    pub fn new(clients: impl Into<Clients>, tables: TableNames, cursor_key: &[u8]) -> Self {
        Self {
            clients: clients.into(),
            tables: Arc::new(tables),
            cursor_key: cursor_key.into(),
        }
    }

    /// The name of a table.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when this function was not given it.
    pub fn table(&self, table: Table) -> Result<&str, StoreError> {
        self.tables.get(table)
    }

    /// Reads one item, strongly consistent: 1 read unit per 4 KB, also when there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn get_item(&self, table: Table, key: &Key) -> Result<Option<Item>, StoreError> {
        let request = self
            .client_of_key(key)
            .get_item()
            .table_name(self.table(table)?)
            .key("pk", AttributeValue::S(key.pk().to_owned()))
            .key("sk", AttributeValue::S(key.sk().to_owned()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = cost::waiting(request.send()).await?;
        cost::read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Makes the connections that the first request would otherwise make, as many as it reads from at once, and where each tenant has
    /// credentials of its own, the one to where they come from. They are made by reads as requests have them, of a tenant that is
    /// nobody: what is answered does not matter, a refusal neither.
    pub async fn prime(&self, at_once: usize) {
        let nothing = Key::new(TenantId::new(), "settings", "-");
        let items = async {
            let request = self
                .client_of_key(&nothing)
                .query()
                .table_name(self.table(Table::Identity)?)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", AttributeValue::S(nothing.pk().to_owned()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            Ok::<_, StoreError>(request.send().await?)
        };
        let item = join_all((1..at_once).map(|_| self.get_item(Table::Identity, &nothing)));
        let _ = join(item, items).await;
    }

    /// Reads up to 100 items, in no order; strongly consistent when asked. Retries what DynamoDB leaves unprocessed.
    ///
    /// # Errors
    /// When the store does not answer, or leaves keys unread for too long.
    pub async fn get_items(&self, table: Table, keys: &[Key], consistent: bool) -> Result<Vec<Item>, StoreError> {
        use aws_sdk_dynamodb::types::KeysAndAttributes;
        let name = self.table(table)?;
        let client = self.client_of(keys.iter().map(Key::pk))?;
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(100) {
            let keys = chunk.iter().map(Key::attributes).collect();
            let request = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(consistent)
                .build()
                .map_err(|error| StoreError::Internal(error.to_string()))?;
            let mut pending = Some(request);
            let mut pause = Duration::from_millis(20);
            while let Some(request) = pending.take() {
                let answer = client
                    .batch_get_item()
                    .request_items(name, request)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await?;
                answer
                    .consumed_capacity()
                    .iter()
                    .for_each(|capacity| cost::read(Some(capacity)));
                found.extend(answer.responses.unwrap_or_default().into_values().flatten());
                pending = answer.unprocessed_keys.and_then(|mut left| left.remove(name));
                if pending.is_some() {
                    if pause > Duration::from_secs(2) {
                        return Err(StoreError::Unavailable("keys stay unprocessed".to_owned()));
                    }
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Ok(found)
    }

    /// Deletes one item whatever it holds. For things without versions: pointers, sessions, messages done with.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn delete_item(&self, table: Table, key: &Key) -> Result<(), StoreError> {
        let answer = self
            .client_of_key(key)
            .delete_item()
            .table_name(self.table(table)?)
            .set_key(Some(key.attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        cost::write(answer.consumed_capacity());
        Ok(())
    }

    /// Puts items without conditions, 25 a call, retrying what is left unprocessed. Each lands or the call fails; some may have landed then.
    ///
    /// # Errors
    /// When the store does not answer or leaves items unprocessed for too long.
    pub async fn put_items(&self, table: Table, items: Vec<Item>) -> Result<(), StoreError> {
        use aws_sdk_dynamodb::types::{PutRequest, WriteRequest};
        let client = self.client_of(items.iter().map(clients::partition))?;
        let requests = items.into_iter().map(|item| {
            let put = PutRequest::builder()
                .set_item(Some(item))
                .build()
                .map_err(|e| StoreError::Internal(e.to_string()))?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        self.write_requests(&client, table, requests.collect::<Result<_, StoreError>>()?)
            .await
    }

    /// Deletes items without conditions, 25 a call, like [`Store::put_items`].
    ///
    /// # Errors
    /// When the store does not answer or leaves items unprocessed for too long.
    pub async fn delete_items(&self, table: Table, keys: &[Key]) -> Result<(), StoreError> {
        use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
        let client = self.client_of(keys.iter().map(Key::pk))?;
        let requests = keys.iter().map(|key| {
            let delete = DeleteRequest::builder()
                .set_key(Some(key.attributes()))
                .build()
                .map_err(|e| StoreError::Internal(e.to_string()))?;
            Ok(WriteRequest::builder().delete_request(delete).build())
        });
        self.write_requests(&client, table, requests.collect::<Result<_, StoreError>>()?)
            .await
    }

    async fn write_requests(
        &self,
        client: &aws_sdk_dynamodb::Client,
        table: Table,
        requests: Vec<aws_sdk_dynamodb::types::WriteRequest>,
    ) -> Result<(), StoreError> {
        let name = self.table(table)?;
        for chunk in requests.chunks(25) {
            let mut pending = chunk.to_vec();
            let mut pause = Duration::from_millis(20);
            while !pending.is_empty() {
                let answer = client
                    .batch_write_item()
                    .request_items(name, std::mem::take(&mut pending))
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await?;
                answer
                    .consumed_capacity()
                    .iter()
                    .for_each(|capacity| cost::write(Some(capacity)));
                pending = answer
                    .unprocessed_items
                    .and_then(|mut left| left.remove(name))
                    .unwrap_or_default();
                if !pending.is_empty() {
                    if pause > Duration::from_secs(2) {
                        return Err(StoreError::Unavailable("writes stay unprocessed".to_owned()));
                    }
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        Ok(())
    }
}

/// A text attribute.
#[must_use]
pub fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
#[must_use]
pub fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// The text of an attribute, when it is one.
#[must_use]
pub fn text_of<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// The whole number of an attribute, when it is one.
#[must_use]
pub fn number_of<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)
        .and_then(|value| value.as_n().ok())
        .and_then(|text| text.parse().ok())
}
