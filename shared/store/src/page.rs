//! Bounded reads: one query of one partition or index, so many rows, and where it ended.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use rapport_domain::TenantId;
use serde::{Deserialize, Serialize};

use crate::key::partition_of;
use crate::{Item, Key, Store, StoreError, Table, cost, number_of, text_of};

/// What is read: a partition of a table or of an index, and which part of it.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// The partition, without the tenant.
    pub partition: String,
    /// The index; its attributes are `<name>` and `<name>_at`. `None` reads the table.
    pub index: Option<&'static str>,
    /// The least sort key, inclusive.
    pub from: Option<String>,
    /// The greatest sort key, inclusive.
    pub to: Option<String>,
    /// From the end backwards.
    pub reverse: bool,
    /// Strongly consistent: twice the cost, and not for indexes.
    pub consistent: bool,
}

impl Query {
    /// A whole partition of a table, newest first.
    pub fn newest(partition: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            reverse: true,
            ..Self::default()
        }
    }

    /// A partition of an index, newest first.
    pub fn index(index: &'static str, partition: impl Into<String>) -> Self {
        Self {
            index: Some(index),
            ..Self::newest(partition)
        }
    }

    /// Everything in a partition whose sort key begins so, oldest first.
    pub fn prefix(partition: impl Into<String>, prefix: &str) -> Self {
        Self {
            partition: partition.into(),
            from: Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()),
            // Above every text that begins with the prefix: keys are printable, and this is not.
            to: Some(format!("{prefix}\u{10ffff}")),
            ..Self::default()
        }
    }
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The last item's sort key in the table.
    #[serde(rename = "s")]
    pub sk: String,
    /// Its partition in the table, without the tenant, where an index was read.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub pk: Option<String>,
    /// Its sort key in the index, where one was read.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Position {
    /// Just after a sort key of the partition that is read.
    #[must_use]
    pub fn after(sk: impl Into<String>) -> Self {
        Self {
            sk: sk.into(),
            pk: None,
            at: None,
        }
    }
}

/// So many items and where they ended.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The items.
    pub items: Vec<Item>,
    /// Where to go on; `None` at the end.
    pub next: Option<Position>,
}

impl Store {
    /// One page of items: at most `limit`, or as many as fit in 1 MB. Half a read unit per 4 KB, one when consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn query(
        &self,
        tenant: TenantId,
        table: Table,
        query: &Query,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<Items, StoreError> {
        let (pk, sk) = match query.index {
            Some(index) => (index.to_owned(), format!("{index}_at")),
            None => ("pk".to_owned(), "sk".to_owned()),
        };
        let full = partition_of(tenant, &query.partition);
        let mut request = self
            .client_for(tenant)
            .query()
            .table_name(self.table(table)?)
            .set_index_name(query.index.map(str::to_owned))
            .expression_attribute_names("#p", &pk)
            .expression_attribute_values(":p", AttributeValue::S(full.clone()))
            .scan_index_forward(!query.reverse)
            .consistent_read(query.consistent && query.index.is_none())
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let condition = match (&query.from, &query.to) {
            (None, None) => "#p = :p",
            (Some(_), None) => "#p = :p AND #s >= :from",
            (None, Some(_)) => "#p = :p AND #s <= :to",
            (Some(_), Some(_)) => "#p = :p AND #s BETWEEN :from AND :to",
        };
        request = request.key_condition_expression(condition);
        if query.from.is_some() || query.to.is_some() {
            if query.from > query.to && query.to.is_some() {
                return Ok(Items::default());
            }
            request = request.expression_attribute_names("#s", &sk);
            for (name, value) in [(":from", &query.from), (":to", &query.to)] {
                if let Some(value) = value {
                    request = request.expression_attribute_values(name, AttributeValue::S(value.clone()));
                }
            }
        }
        if let Some(after) = after {
            let table_pk = after
                .pk
                .as_ref()
                .map_or_else(|| full.clone(), |pk| partition_of(tenant, pk));
            request = request
                .exclusive_start_key("pk", AttributeValue::S(table_pk))
                .exclusive_start_key("sk", AttributeValue::S(after.sk.clone()));
            if query.index.is_some() {
                request = request
                    .exclusive_start_key(&pk, AttributeValue::S(full))
                    .exclusive_start_key(&sk, AttributeValue::S(after.at.clone().unwrap_or_default()));
            }
        }
        let answer = cost::waiting(request.send()).await?;
        cost::read(answer.consumed_capacity());
        let next = answer.last_evaluated_key.as_ref().map(|item| position(item, query));
        Ok(Items {
            items: answer.items.unwrap_or_default(),
            next,
        })
    }

    /// All items of a query, read in pages, at most `most`; for partitions that are small by their nature.
    ///
    /// # Errors
    /// When the store does not answer, or there are more.
    pub async fn query_all(
        &self,
        tenant: TenantId,
        table: Table,
        query: &Query,
        most: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = self
                .query(tenant, table, query, most + 1 - items.len(), after.as_ref())
                .await?;
            items.extend(page.items);
            if items.len() > most {
                return Err(StoreError::Internal(format!(
                    "more than {most} items in {}",
                    query.partition
                )));
            }
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }

    /// The ids behind pointers to one value, at most `limit`, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pointed(
        &self,
        tenant: TenantId,
        table: Table,
        noun: &str,
        value: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let query = Query::newest(crate::key::pointer_partition(noun, value));
        let page = self.query(tenant, table, &query, limit, None).await?;
        Ok(page
            .items
            .iter()
            .filter_map(|item| text_of(item, "sk"))
            .map(str::to_owned)
            .collect())
    }
}

/// The position just after an item.
#[must_use]
pub fn position(item: &Item, query: &Query) -> Position {
    let pk = text_of(item, "pk")
        .and_then(|pk| pk.split_once('#'))
        .map(|(_, rest)| rest.to_owned());
    Position {
        sk: text_of(item, "sk").unwrap_or_default().to_owned(),
        pk: pk.filter(|_| query.index.is_some()),
        at: query
            .index
            .and_then(|index| text_of(item, &format!("{index}_at")))
            .map(str::to_owned),
    }
}

/// A record's row: its JSON and what is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The id.
    pub id: String,
    /// The version.
    pub version: u64,
    /// The record as JSON, exactly as the API answers it.
    pub doc: String,
    /// Whether it is deleted (or merged away) and only waits for its final removal.
    pub gone: bool,
}

impl Row {
    /// Reads a row. `None` for items that are no records.
    #[must_use]
    pub fn read(item: &Item) -> Option<Self> {
        Some(Self {
            id: text_of(item, "sk")?.to_owned(),
            version: number_of(item, "v")?,
            doc: text_of(item, "doc")?.to_owned(),
            gone: item.contains_key("gone"),
        })
    }
}

/// The keys of records of one kind by their ids.
#[must_use]
pub fn record_keys(tenant: TenantId, noun: &str, ids: &[String]) -> Vec<Key> {
    ids.iter().map(|id| Key::new(tenant, noun, id.clone())).collect()
}
