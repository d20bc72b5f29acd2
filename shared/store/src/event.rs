//! The log of all changes: one item a version of a record. The audit, the timeline of a contact and the events feed are
//! three ways of reading it.
//!
//! Partition `<tenant>#<subject>`, sort key the version in ten digits (of a score `score#` before it, since a score is
//! told of under its contact's id). Index `by_feed` sorts a tenant's log by the time of appending, `by_contact` what
//! concerns a contact by the time of change.

use jiff::Timestamp;
use rapport_domain::TenantId;
use rapport_domain::event::Entry;

use crate::page::{Items, Position, Query};
use crate::records::{index_partition, sortable};
use crate::{Item, Key, Store, StoreError, Table, text, text_of};

/// The partition of the feed in its index.
pub(crate) const FEED: &str = "feed";

/// The sort key of a version of a record: versions sort as numbers do.
fn sort_key(noun: &str, version: u64) -> String {
    if noun == "score" {
        format!("score#{version:010}")
    } else {
        format!("{version:010}")
    }
}

/// An entry as found, and its place in the feed.
#[derive(Clone, Debug)]
pub struct Found {
    /// The entry.
    pub entry: Entry,
    /// Its place in the feed: the sort key of the index.
    pub place: String,
}

fn found(item: &Item) -> Result<Found, StoreError> {
    let entry = text_of(item, "doc").and_then(|doc| serde_json::from_str(doc).ok());
    Ok(Found {
        entry: entry.ok_or_else(|| StoreError::Internal("a stored event is unreadable".to_owned()))?,
        place: text_of(item, "by_feed_at").unwrap_or_default().to_owned(),
    })
}

/// So many entries and where they ended.
#[derive(Clone, Debug)]
pub struct Entries {
    /// The entries.
    pub entries: Vec<Found>,
    /// Where to go on; `None` at the end.
    pub next: Option<Position>,
}

fn entries(page: Items) -> Result<Entries, StoreError> {
    Ok(Entries {
        entries: page.items.iter().map(found).collect::<Result<_, _>>()?,
        next: page.next,
    })
}

impl Store {
    /// The item of an entry, appended at a moment.
    ///
    /// # Errors
    /// When it cannot be written as JSON: a fault of ours.
    pub fn entry_item(tenant: TenantId, entry: &Entry, appended: Timestamp) -> Result<Item, StoreError> {
        let sk = sort_key(&entry.noun, entry.version);
        let mut item = Key::new(tenant, &entry.subject, &sk).attributes();
        let doc = serde_json::to_string(entry).map_err(|error| StoreError::Internal(error.to_string()))?;
        item.insert("doc".to_owned(), text(doc));
        item.insert("by_feed".to_owned(), text(crate::key::partition_of(tenant, FEED)));
        // Never before the change itself, so that one record's versions stay in order though clocks differ.
        let place = format!("{}#{}#{sk}", sortable(appended.max(entry.time)), entry.subject);
        item.insert("by_feed_at".to_owned(), text(place));
        if let Some(contact) = entry.contact() {
            let partition = index_partition("event", "by_contact", contact);
            item.insert(
                "by_contact".to_owned(),
                text(crate::key::partition_of(tenant, &partition)),
            );
            let place = format!("{}#{}#{sk}", sortable(entry.time), entry.subject);
            item.insert("by_contact_at".to_owned(), text(place));
        }
        Ok(item)
    }

    /// Appends entries; one that is there already is replaced by the same. 1 write unit per KB and index.
    ///
    /// # Errors
    /// When the store does not answer; some may have been appended then.
    pub async fn append_entries(&self, items: Vec<Item>) -> Result<(), StoreError> {
        self.put_items(Table::Events, items).await
    }

    /// One version of a record. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn entry(&self, tenant: TenantId, noun: &str, subject: &str, version: u64) -> Result<Entry, StoreError> {
        let key = Key::new(tenant, subject, sort_key(noun, version));
        let item = self.get_item(Table::Events, &key).await?.ok_or(StoreError::Missing)?;
        Ok(found(&item)?.entry)
    }

    /// A tenant's log by the time of appending, from a place on (`from` inclusive) up to a moment.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn feed(
        &self,
        tenant: TenantId,
        from: String,
        until: Timestamp,
        limit: usize,
    ) -> Result<Entries, StoreError> {
        let query = Query {
            from: Some(from),
            to: Some(sortable(until)),
            reverse: false,
            ..Query::index("by_feed", FEED)
        };
        entries(self.query(tenant, Table::Events, &query, limit, None).await?)
    }

    /// What concerns a contact, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn timeline(
        &self,
        tenant: TenantId,
        contact: &str,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<Entries, StoreError> {
        let query = Query::index("by_contact", index_partition("event", "by_contact", contact));
        entries(self.query(tenant, Table::Events, &query, limit, after).await?)
    }

    /// The versions of a record, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn history(
        &self,
        tenant: TenantId,
        subject: &str,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<Entries, StoreError> {
        let query = versions(subject, u64::MAX);
        entries(self.query(tenant, Table::Events, &query, limit, after).await?)
    }

    /// The version that a record had at a moment: found by halving, since times rise with versions.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it was not there yet, or that the store does not answer.
    pub async fn entry_at(&self, tenant: TenantId, subject: &str, at: Timestamp) -> Result<Entry, StoreError> {
        let newest = async |most: u64| -> Result<Option<Entry>, StoreError> {
            let page = self
                .query(tenant, Table::Events, &versions(subject, most), 1, None)
                .await?;
            page.items.first().map(|item| Ok(found(item)?.entry)).transpose()
        };
        let last = newest(u64::MAX).await?.ok_or(StoreError::Missing)?;
        if last.time <= at {
            return Ok(last);
        }
        let mut best: Option<Entry> = None;
        // All versions up to `low` are known to lie before or to be none; those above `high` after.
        let (mut low, mut high) = (0, last.version - 1);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            match newest(middle).await? {
                Some(entry) if entry.time <= at => {
                    low = middle;
                    best = Some(entry);
                }
                Some(entry) => high = entry.version - 1,
                None => low = middle,
            }
        }
        match best {
            Some(entry) => Ok(entry),
            None => newest(low)
                .await?
                .filter(|entry| entry.time <= at)
                .ok_or(StoreError::Missing),
        }
    }
}

/// The versions of a record up to one, newest first.
fn versions(subject: &str, most: u64) -> Query {
    Query {
        from: Some("0".to_owned()),
        to: Some(if most > 9_999_999_999 {
            "9999999999".to_owned()
        } else {
            sort_key("", most)
        }),
        ..Query::newest(subject)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lies_where_three_questions_find_it() {
        let tenant = TenantId::new();
        let entry = |noun: &str, version| {
            let json = serde_json::json!({"noun":noun,"subject":"ord_1","version":version,"types":["order.updated"],
                "time":"2026-11-22T00:00:00.000Z","data":{"contact_id":"con_1"},"previous":{},"actor":"usr_1"});
            serde_json::from_value::<Entry>(json).unwrap()
        };
        let appended = "2026-11-22T00:00:01Z".parse().unwrap();
        let item = Store::entry_item(tenant, &entry("order", 12), appended).unwrap();
        for (name, expected) in [
            ("pk", format!("{tenant}#ord_1")),
            ("sk", "0000000012".to_owned()),
            ("by_feed", format!("{tenant}#feed")),
            ("by_feed_at", "2026-11-22T00:00:01.000Z#ord_1#0000000012".to_owned()),
            ("by_contact", format!("{tenant}#event#contact#con_1")),
            ("by_contact_at", "2026-11-22T00:00:00.000Z#ord_1#0000000012".to_owned()),
        ] {
            assert_eq!(text_of(&item, name), Some(expected.as_str()), "{name}");
        }
        assert_eq!(item.len(), 7);
        assert_eq!(found(&item).unwrap().entry, entry("order", 12));
        let score = Store::entry_item(tenant, &entry("score", 12), appended).unwrap();
        assert!(text_of(&score, "sk") > Some("9999999999"));
    }
}
