//! What is due when, of all tenants: sixteen partitions by the hash of a timer's id, each in the order of due times.
//!
//! A timer is a message that waits: the queue's name and the body, both texts, since this crate knows no queues. It is
//! set in the same transaction as what it is about, sent by `functions/timers` when due and then deleted; a timer may
//! therefore be sent twice, and whoever gets it looks at what is there now. Delays of up to 15 minutes can go by the
//! queue itself.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::records::sortable;
use crate::{Item, Key, Store, StoreError, Table, Write, cost, text, text_of};

/// How many partitions there are.
pub const SHARDS: u8 = 16;

/// A message that is to be sent at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    /// What it is for; begins with the tenant's id: `tnt_…#tkt_…#resolution`. A second one with the same id and
    /// moment replaces the first.
    pub id: String,
    /// The moment.
    pub due: Timestamp,
    /// The queue by its word: `ticket_deadlines`.
    pub queue: String,
    /// The body of the message.
    pub envelope: String,
}

impl Timer {
    /// The partition that an id belongs to.
    #[must_use]
    pub fn shard(id: &str) -> u8 {
        Sha256::digest(id.as_bytes())[0] % SHARDS
    }

    /// Where the timer lies.
    #[must_use]
    pub fn key(&self) -> Key {
        Self::key_of(&self.id, self.due)
    }

    /// Where the timer with this id and moment lies, whatever its message.
    #[must_use]
    pub fn key_of(id: &str, due: Timestamp) -> Key {
        Key::timer(Self::shard(id), format!("{}#{id}", sortable(due)))
    }

    fn item(&self) -> Item {
        let mut item = self.key().attributes();
        item.insert("queue".to_owned(), text(&self.queue));
        item.insert("message".to_owned(), text(&self.envelope));
        item
    }

    fn read(item: &Item) -> Option<Self> {
        let (due, id) = text_of(item, "sk")?.split_once('#')?;
        Some(Self {
            id: id.to_owned(),
            due: due.parse().ok()?,
            queue: text_of(item, "queue")?.to_owned(),
            envelope: text_of(item, "message")?.to_owned(),
        })
    }
}

impl Write {
    /// Sets a timer together with the rest.
    ///
    /// # Errors
    /// When this function was not given the table of timers.
    pub fn timer(&mut self, store: &Store, timer: &Timer) -> Result<(), StoreError> {
        self.put(store, Table::Timers, timer.item())
    }

    /// Takes a timer back together with the rest; one that is not there is as good.
    ///
    /// # Errors
    /// When this function was not given the table of timers.
    pub fn no_timer(&mut self, store: &Store, id: &str, due: Timestamp) -> Result<(), StoreError> {
        self.delete(store, Table::Timers, &Timer::key_of(id, due))
    }
}

impl Store {
    /// Sets a timer by itself. 1 write unit per KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn set_timer(&self, timer: &Timer) -> Result<(), StoreError> {
        self.put_items(Table::Timers, vec![timer.item()]).await
    }

    /// Takes a timer back; one that is not there is as good. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clear_timer(&self, id: &str, due: Timestamp) -> Result<(), StoreError> {
        self.delete_item(Table::Timers, &Timer::key_of(id, due)).await
    }

    /// Takes many timers back, 25 a call.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clear_timers(&self, timers: &[Timer]) -> Result<(), StoreError> {
        let keys: Vec<Key> = timers.iter().map(Timer::key).collect();
        self.delete_items(Table::Timers, &keys).await
    }

    /// The timers of a shard that are due at `until` or before, earliest first, at most `limit`; those after `after`
    /// where it is given. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer, or holds something else there.
    pub async fn due_timers(
        &self,
        shard: u8,
        until: Timestamp,
        limit: usize,
        after: Option<&Timer>,
    ) -> Result<Vec<Timer>, StoreError> {
        let partition = Key::timer(shard, "");
        let answer = self
            .client_for_no_tenant()
            .query()
            .table_name(self.table(Table::Timers)?)
            .key_condition_expression("pk = :pk AND sk <= :until")
            .expression_attribute_values(":pk", AttributeValue::S(partition.pk().to_owned()))
            // `#` and all that may follow it sort before this.
            .expression_attribute_values(":until", AttributeValue::S(format!("{}$", sortable(until))))
            .set_exclusive_start_key(after.map(|timer| timer.key().attributes()))
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        cost::read(answer.consumed_capacity());
        answer
            .items
            .unwrap_or_default()
            .iter()
            .map(|item| {
                Timer::read(item).ok_or_else(|| StoreError::Internal("a stored timer is unreadable".to_owned()))
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_survives_its_item_and_sorts_by_due_time() {
        let timer = |due: &str| Timer {
            id: "tnt_1#tkt_1#resolution".to_owned(),
            due: due.parse().unwrap(),
            queue: "ticket_deadlines".to_owned(),
            envelope: "{}".to_owned(),
        };
        let (early, late) = (timer("2026-11-22T03:04:05Z"), timer("2026-11-22T03:04:05.001Z"));
        assert_eq!(Timer::read(&early.item()).unwrap(), early);
        assert!(early.key().sk() < late.key().sk());
        assert_eq!(early.key().pk(), late.key().pk());
        let bound = format!("{}$", sortable(early.due));
        assert!(early.key().sk() <= bound.as_str() && late.key().sk() > bound.as_str());
    }

    #[test]
    fn ids_spread_over_all_shards() {
        let shards: std::collections::BTreeSet<u8> = (0..500).map(|n| Timer::shard(&format!("id{n}"))).collect();
        assert_eq!(shards.len(), usize::from(SHARDS));
        // SHA-256 of it begins with 0xba. What was set once has to be found by whatever comes after.
        assert_eq!(Timer::shard("abc"), 10);
    }
}
