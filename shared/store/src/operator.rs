//! What the operator works with: the directory of all tenants, and the list of what the operator did.
//!
//! Both lie outside tenants' partitions and hold nothing that a tenant recorded.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::Timestamp;
use rapport_domain::TenantId;
use serde::{Deserialize, Serialize};

use crate::key::{DIRECTORY_SHARDS, directory_partition};
use crate::records::sortable;
use crate::{Item, Key, Store, StoreError, Table, cost, number, text, text_of};

/// An action is kept for so many seconds: four hundred days.
const KEPT_SECONDS: i64 = 400 * 24 * 3_600;

/// Where a page of the directory ended: the shard, and the last tenant in it.
pub type InDirectory = (u8, String);

/// Something the operator did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Action {
    /// When.
    #[serde(with = "rapport_domain::settings::millis")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who: the name of the key.
    pub operator: String,
    /// What: `suspend`.
    pub action: String,
    /// Whose tenant it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub tenant: Option<TenantId>,
    /// The particulars, in the operator's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The request.
    pub request: String,
}

/// The month that an action is filed under.
fn month(at: Timestamp) -> String {
    sortable(at).chars().take(7).collect()
}

impl Store {
    /// A page of the directory of tenants, shard by shard: at most `limit`, and where to go on. Half a read unit for each
    /// shard that is looked into, and for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tenants(
        &self,
        limit: usize,
        after: Option<InDirectory>,
    ) -> Result<(Vec<TenantId>, Option<InDirectory>), StoreError> {
        let mut found: Vec<InDirectory> = Vec::new();
        let (mut shard, mut last) = after.map_or((0, None), |(shard, last)| (shard, Some(last)));
        while shard < DIRECTORY_SHARDS {
            // One more than is asked for tells whether there are more.
            let wanted = limit + 1 - found.len();
            let partition = directory_partition(shard);
            let (items, more) = self.outside(&partition, last.take(), wanted, false).await?;
            found.extend(
                items
                    .iter()
                    .filter_map(|item| Some((shard, text_of(item, "sk")?.to_owned()))),
            );
            if found.len() > limit {
                found.truncate(limit);
                let next = found.last().cloned();
                return Ok((read(&found)?, next));
            }
            match more {
                Some(id) => last = Some(id),
                None => shard += 1,
            }
        }
        Ok((read(&found)?, None))
    }

    /// Notes what the operator is about to do. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer: then it is not to be done.
    pub async fn note_action(&self, action: &Action) -> Result<(), StoreError> {
        // Ids of requests sort by time.
        let mut item = Key::operator(&month(action.at), &action.request).attributes();
        let doc = serde_json::to_string(action).map_err(|error| StoreError::Internal(error.to_string()))?;
        item.insert("doc".to_owned(), text(doc));
        item.insert("expires".to_owned(), number(action.at.as_second() + KEPT_SECONDS));
        self.put_items(Table::Identity, vec![item]).await
    }

    /// What the operator did in a month, newest first: at most `limit`, and where to go on.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn actions(
        &self,
        month: &str,
        limit: usize,
        after: Option<String>,
    ) -> Result<(Vec<Action>, Option<String>), StoreError> {
        let partition = Key::operator(month, "");
        let (items, next) = self.outside(partition.pk(), after, limit, true).await?;
        let actions = items
            .iter()
            .map(|item| text_of(item, "doc").and_then(|doc| serde_json::from_str(doc).ok()));
        let actions = actions.collect::<Option<_>>();
        let broken = || StoreError::Internal("a stored action is unreadable".to_owned());
        Ok((actions.ok_or_else(broken)?, next))
    }

    /// A page of a partition that is no tenant's.
    async fn outside(
        &self,
        partition: &str,
        after: Option<String>,
        limit: usize,
        reverse: bool,
    ) -> Result<(Vec<Item>, Option<String>), StoreError> {
        let start = after.map(|sk| {
            Item::from([
                ("pk".to_owned(), AttributeValue::S(partition.to_owned())),
                ("sk".to_owned(), AttributeValue::S(sk)),
            ])
        });
        let answer = self
            .client_for_no_tenant()
            .query()
            .table_name(self.table(Table::Identity)?)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
            .set_exclusive_start_key(start)
            .scan_index_forward(!reverse)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        cost::read(answer.consumed_capacity());
        let next = answer.last_evaluated_key().and_then(|key| text_of(key, "sk"));
        let next = next.map(str::to_owned);
        Ok((answer.items.unwrap_or_default(), next))
    }
}

fn read(found: &[InDirectory]) -> Result<Vec<TenantId>, StoreError> {
    let ids = found.iter().map(|(_, id)| TenantId::parse(id));
    ids.collect::<Result<_, _>>()
        .map_err(|error| StoreError::Internal(format!("a line of the directory is unreadable: {error}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_filed_under_its_month() {
        for (at, filed) in [
            ("2026-11-30T23:59:59.999Z", "2026-11"),
            ("2026-12-01T00:00:00Z", "2026-12"),
        ] {
            assert_eq!(month(at.parse().unwrap()), filed);
        }
    }
}
