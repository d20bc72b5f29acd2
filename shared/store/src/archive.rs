//! How archives are stored, and how what is in one is read and put back. All of the files lie in Imports.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | `archive` | archive | how far it is, and where the work on it goes on |
//! | `archive_file#<archive>` | n | a chunk of the file |
//! | `archive_piece#<archive>` | file `#` digest `#` n | a chunk of one file of lines, before all of them are put together |
//!
//! All expire with the archive. What is put back bears the mark by which the stream knows that it is no news.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use rapport_domain::account::Account;
use rapport_domain::archive::{Archive, ArchiveStatus, PART_BYTES};
use rapport_domain::event::Entry;
use rapport_domain::screening::Screening;
use rapport_domain::ticket::Message;
use rapport_domain::{Prefix, Record, RecordId, TenantId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::packed::joined;
use crate::page::{Items, Position, Query};
use crate::records::{QUIET, Stored};
use crate::survey::Pause;
use crate::{Accept, Item, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// How much of a file one item takes, in bytes: an item has at most 400 KB in all, and a part of an upload is so many of them.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks of a part of an upload.
const CHUNKS_OF_PART: usize = (PART_BYTES as usize) / CHUNK_BYTES;

const ARCHIVE: &str = "archive";

/// An archive as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptArchive {
    /// The archive.
    pub archive: Archive,
    /// Where the work on it goes on, as the worker wrote it.
    pub state: Value,
    /// Until when somebody works on it.
    pub busy_until: Option<Timestamp>,
    version: u64,
}

impl KeptArchive {
    fn read(item: &Item) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Internal("a stored archive is unreadable".to_owned());
        let part = |name: &str| text_of(item, name).ok_or_else(unreadable);
        Ok(Self {
            archive: serde_json::from_str(part("doc")?).map_err(|_| unreadable())?,
            state: serde_json::from_str(part("state")?).map_err(|_| unreadable())?,
            busy_until: text_of(item, "busy_until").and_then(|at| at.parse().ok()),
            version: number_of(item, "v").ok_or_else(unreadable)?,
        })
    }

    fn item(&self, tenant: TenantId) -> Result<Item, StoreError> {
        let json = serde_json::to_string(&self.archive).map_err(|error| StoreError::Internal(error.to_string()))?;
        let mut item = archive_key(tenant, self.archive.id).attributes();
        item.insert("doc".to_owned(), text(json));
        item.insert("state".to_owned(), text(self.state.to_string()));
        if let Some(until) = self.busy_until {
            item.insert("busy_until".to_owned(), text(until.to_string()));
        }
        item.insert("v".to_owned(), number(self.version));
        item.insert("rid".to_owned(), text(RecordId::new(Prefix::Request).to_string()));
        item.insert("expires".to_owned(), number(self.archive.expires_at.as_second()));
        Ok(item)
    }
}

fn archive_key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, ARCHIVE, id.to_string())
}

fn file_partition(id: RecordId) -> String {
    format!("archive_file#{id}")
}

fn piece_partition(id: RecordId) -> String {
    format!("archive_piece#{id}")
}

// The archive and its bytes.
impl Store {
    /// Keeps a new archive. 2 write units.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_archive(&self, tenant: TenantId, archive: Archive) -> Result<KeptArchive, StoreError> {
        let kept = KeptArchive {
            archive,
            state: Value::Null,
            busy_until: None,
            version: 1,
        };
        let mut write = Write::new(tenant);
        write.put_new(self, Table::Imports, kept.item(tenant)?, "the archive exists")?;
        write.commit(self).await?;
        Ok(kept)
    }

    /// An archive that has not expired. 1 read unit.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn archive(&self, tenant: TenantId, id: RecordId, now: Timestamp) -> Result<KeptArchive, StoreError> {
        let item = self.get_item(Table::Imports, &archive_key(tenant, id)).await?;
        let kept = KeptArchive::read(&item.ok_or(StoreError::Missing)?)?;
        if kept.archive.expires_at <= now {
            return Err(StoreError::Missing);
        }
        Ok(kept)
    }

    /// The latest archives as they are now, newest first. 1 read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn archives(&self, tenant: TenantId, limit: usize, now: Timestamp) -> Result<Vec<Archive>, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::newest(ARCHIVE)
        };
        let page = self.query(tenant, Table::Imports, &query, limit, None).await?;
        let found = page
            .items
            .iter()
            .map(KeptArchive::read)
            .collect::<Result<Vec<_>, _>>()?;
        let known = found.into_iter().map(|kept| kept.archive);
        Ok(known.filter(|archive| archive.expires_at > now).collect())
    }

    /// Notes how far an archive is.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn save_archive(&self, tenant: TenantId, mut kept: KeptArchive) -> Result<KeptArchive, StoreError> {
        let before = kept.version;
        kept.version += 1;
        let mut write = Write::new(tenant);
        write.record(self, Table::Imports, kept.item(tenant)?, before)?;
        write.commit(self).await?;
        Ok(kept)
    }

    /// Has an archive be moved in: the account says so together with it, so that of several archives one is. 4 write units.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed one of them meanwhile.
    pub async fn begin_move_in(
        &self,
        tenant: TenantId,
        mut kept: KeptArchive,
        (account, expected): (&Account, u64),
        request: &str,
    ) -> Result<KeptArchive, StoreError> {
        let before = kept.version;
        kept.version += 1;
        kept.archive.status = ArchiveStatus::Queued;
        let mut write = Write::new(tenant);
        self.write_account(&mut write, account, expected, request)?;
        write.record(self, Table::Imports, kept.item(tenant)?, before)?;
        write.commit(self).await?;
        self.forget_rules(tenant);
        Ok(kept)
    }

    async fn archive_chunks(
        &self,
        tenant: TenantId,
        partition: String,
        from: String,
        to: String,
    ) -> Result<Vec<u8>, StoreError> {
        let query = Query {
            from: Some(from),
            to: Some(to),
            consistent: true,
            ..Query::prefix(partition, "")
        };
        let items = self.query_all(tenant, Table::Imports, &query, 1_000).await?;
        Ok(joined(&items))
    }

    /// Keeps a part of the file, counted from 1. 1 write unit per KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_archive_part(
        &self,
        tenant: TenantId,
        archive: &Archive,
        part: usize,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let first = part.saturating_sub(1) * CHUNKS_OF_PART;
        let partition = file_partition(archive.id);
        let place = |n| Key::new(tenant, &partition, format!("{:05}", first + n));
        let expires = archive.expires_at.as_second();
        self.put_in_chunks(Table::Imports, bytes, CHUNK_BYTES, expires, place)
            .await
    }

    /// A span of the file, both ends included. 1 read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn archive_bytes(
        &self,
        tenant: TenantId,
        id: RecordId,
        (from, to): (u64, u64),
    ) -> Result<Vec<u8>, StoreError> {
        let chunk = |at: u64| usize::try_from(at).unwrap_or(usize::MAX) / CHUNK_BYTES;
        let (first, last) = (chunk(from), chunk(to));
        let bytes = self
            .archive_chunks(tenant, file_partition(id), format!("{first:05}"), format!("{last:05}"))
            .await?;
        let skip = usize::try_from(from).unwrap_or(usize::MAX) - first * CHUNK_BYTES;
        let take = usize::try_from(to - from).unwrap_or(usize::MAX).saturating_add(1);
        Ok(bytes.into_iter().skip(skip).take(take).collect())
    }

    /// Keeps one file of lines until all are put together, by its place and the digest of its lines: whoever was killed may have kept
    /// another in the same place. 1 write unit per KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_archive_piece(
        &self,
        tenant: TenantId,
        archive: &Archive,
        (n, digest): (usize, &str),
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let partition = piece_partition(archive.id);
        let place = |chunk| Key::new(tenant, &partition, format!("{n:05}#{digest}#{chunk:05}"));
        let expires = archive.expires_at.as_second();
        self.put_in_chunks(Table::Imports, bytes, CHUNK_BYTES, expires, place)
            .await
    }

    /// One file of lines. 1 read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn archive_piece(
        &self,
        tenant: TenantId,
        id: RecordId,
        (n, digest): (usize, &str),
    ) -> Result<Vec<u8>, StoreError> {
        let place = format!("{n:05}#{digest}#");
        let end = format!("{place}~");
        self.archive_chunks(tenant, piece_partition(id), place, end).await
    }
}

/// A score as a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScoreLine {
    /// Its version.
    pub version: u64,
    /// What must change for it to be written again.
    pub stable: String,
    /// The score as it is answered.
    pub score: Value,
}

/// An event as a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventLine {
    /// When it was appended to the feed.
    pub appended: Timestamp,
    /// The event's entry.
    pub entry: Entry,
}

/// The last number given of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterLine {
    /// `order`, `ticket`.
    pub counter: String,
    /// The number.
    pub last: u64,
}

fn unreadable(what: &str) -> StoreError {
    StoreError::Internal(format!("a stored {what} is unreadable"))
}

fn parsed<T: DeserializeOwned>(item: &Item, what: &str) -> Result<T, StoreError> {
    let doc = text_of(item, "doc").ok_or_else(|| unreadable(what))?;
    serde_json::from_str(doc).map_err(|_| unreadable(what))
}

fn line<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}

// What lines are made of.
impl Store {
    /// A page of a kind's records, deleted and merged ones too, oldest first: each as it is answered. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn lines_of<K: Stored>(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<String>, Option<Position>), StoreError> {
        let page = self.page_of(tenant, K::TABLE, K::NOUN, limit, after).await?;
        let docs = page.items.iter().filter_map(|item| text_of(item, "doc"));
        Ok((docs.map(str::to_owned).collect(), page.next))
    }

    async fn page_of(
        &self,
        tenant: TenantId,
        table: Table,
        partition: &str,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<Items, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::prefix(partition, "")
        };
        self.query(tenant, table, &query, limit, after).await
    }

    /// The messages of a ticket, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn message_lines(&self, tenant: TenantId, ticket: RecordId) -> Result<Vec<String>, StoreError> {
        let partition = crate::ticket::conversation(ticket);
        self.docs_of(tenant, Table::Tickets, &partition).await
    }

    /// The decisions after screening of a contact, oldest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn screening_lines(&self, tenant: TenantId, contact: RecordId) -> Result<Vec<String>, StoreError> {
        let partition = crate::report::screenings_of(contact);
        self.docs_of(tenant, Table::Reports, &partition).await
    }

    async fn docs_of(&self, tenant: TenantId, table: Table, partition: &str) -> Result<Vec<String>, StoreError> {
        let (mut lines, mut after) = (Vec::new(), None);
        loop {
            let page = self.page_of(tenant, table, partition, 1_000, after.as_ref()).await?;
            let docs = page.items.iter().filter_map(|item| text_of(item, "doc"));
            lines.extend(docs.map(str::to_owned));
            after = page.next;
            if after.is_none() {
                return Ok(lines);
            }
        }
    }

    /// Until when a contact is not asked again, where he was asked: no line or one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pause_lines(&self, tenant: TenantId, contact: RecordId) -> Result<Vec<String>, StoreError> {
        let pause = self.pause_of(tenant, contact).await?;
        pause.iter().map(line).collect()
    }

    /// A page of scores.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn score_lines(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<String>, Option<Position>), StoreError> {
        let page = self
            .page_of(tenant, Table::Scores, crate::score::NOUN, limit, after)
            .await?;
        let lines = page.items.iter().map(|item| {
            line(&ScoreLine {
                version: number_of(item, "v").unwrap_or(1),
                stable: text_of(item, "stable").unwrap_or_default().to_owned(),
                score: parsed(item, "score")?,
            })
        });
        Ok((lines.collect::<Result<_, _>>()?, page.next))
    }

    /// A page of events, in the order of the feed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn event_lines(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<String>, Option<Position>), StoreError> {
        let query = Query {
            reverse: false,
            ..Query::index("by_feed", crate::event::FEED)
        };
        let page = self.query(tenant, Table::Events, &query, limit, after).await?;
        let lines = page.items.iter().map(|item| {
            let place = text_of(item, "by_feed_at").and_then(|place| place.split('#').next());
            let appended = place.and_then(|at| at.parse().ok());
            line(&EventLine {
                appended: appended.ok_or_else(|| unreadable("event"))?,
                entry: parsed(item, "event")?,
            })
        });
        Ok((lines.collect::<Result<_, _>>()?, page.next))
    }

    /// The last numbers given of a table's series.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn counter_lines(&self, tenant: TenantId, table: Table) -> Result<Vec<String>, StoreError> {
        let page = self.page_of(tenant, table, "counter", 100, None).await?;
        let counters = page.items.iter().filter_map(|item| {
            let (counter, last) = (text_of(item, "sk")?.to_owned(), number_of(item, "n")?);
            Some(CounterLine { counter, last })
        });
        counters.map(|counter| line(&counter)).collect()
    }

    /// Whether a tenant has recorded anything of a kind, built-in things left out.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn has_any<K: Stored>(&self, tenant: TenantId) -> Result<bool, StoreError> {
        let (lines, _) = self.lines_of::<K>(tenant, 10, None).await?;
        let built_in = |line: &String| {
            let doc: Value = serde_json::from_str(line).unwrap_or_default();
            doc["built_in"] == true
        };
        Ok(lines.iter().any(|line| !built_in(line)))
    }
}

// Putting back.
impl Store {
    /// Puts a record back as it was, with its unique values, pointers and timers; one that is there already is left as it is. `cx` must
    /// be quiet.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when another record holds one of its unique values, or that the store does not answer.
    pub async fn put_back<K: Stored>(&self, cx: &Accept, record: &Record<K>) -> Result<(), StoreError> {
        let mut write = Write::new(cx.tenant);
        K::resume(self, cx, record, &mut write)?;
        let planned = self.plan_complete(cx, record.clone(), write)?;
        match planned.write.commit(self).await {
            Ok(()) | Err(StoreError::Stale(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Of lines for the same place the last counts: one call may not name a place twice.
    async fn put_back_items(&self, table: Table, items: Vec<Item>) -> Result<(), StoreError> {
        let place = |item: &Item| ["pk", "sk"].map(|part| text_of(item, part).unwrap_or_default().to_owned());
        let items: BTreeMap<[String; 2], Item> = items.into_iter().map(|item| (place(&item), item)).collect();
        self.put_items(table, items.into_values().collect()).await
    }

    /// Those of some records that are there. What is to be put back beside another is left: a record that came while the archive was made
    /// may be missing in it, and nothing would lead to what is kept beside it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn those_there<K: Stored>(
        &self,
        tenant: TenantId,
        ids: impl IntoIterator<Item = RecordId>,
    ) -> Result<BTreeSet<RecordId>, StoreError> {
        let ids: BTreeSet<RecordId> = ids.into_iter().collect();
        let keys: Vec<Key> = ids.iter().map(|id| Key::record(tenant, K::NOUN, *id)).collect();
        let found = self.get_items(K::TABLE, &keys, true).await?;
        let ids = found
            .iter()
            .filter_map(|item| RecordId::parse(K::PREFIX, text_of(item, "sk")?).ok());
        Ok(ids.collect())
    }

    /// Puts messages of tickets back.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_back_messages(&self, tenant: TenantId, messages: &[Message]) -> Result<(), StoreError> {
        let items = messages.iter().map(|message| {
            let mut item = Key::new(
                tenant,
                &crate::ticket::conversation(message.ticket_id),
                message.id.to_string(),
            )
            .attributes();
            item.insert("kind".to_owned(), text("message"));
            item.insert("doc".to_owned(), text(line(message)?));
            Ok(item)
        });
        let items = items.collect::<Result<Vec<_>, StoreError>>()?;
        self.put_back_items(Table::Tickets, items).await
    }

    /// Puts decisions after screening back.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_back_screenings(&self, tenant: TenantId, screenings: &[Screening]) -> Result<(), StoreError> {
        let items = screenings.iter().map(|one| crate::report::screening_item(tenant, one));
        let items = items.collect::<Result<Vec<_>, _>>()?;
        self.put_back_items(Table::Reports, items).await
    }

    /// Puts back until when contacts are not asked again.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_back_pauses(&self, tenant: TenantId, pauses: &[Pause]) -> Result<(), StoreError> {
        let items = pauses.iter().map(|pause| pause.item(tenant)).collect();
        self.put_back_items(Table::Surveys, items).await
    }

    /// Puts scores back.
    ///
    /// # Errors
    /// When one is none, or the store does not answer.
    pub async fn put_back_scores(
        &self,
        tenant: TenantId,
        scores: &[ScoreLine],
        request: &str,
    ) -> Result<(), StoreError> {
        let items = scores.iter().map(|score| {
            let mut item = crate::score::row_of(tenant, score.version, &score.stable, &score.score, request)?;
            item.insert(QUIET.to_owned(), AttributeValue::Bool(true));
            Ok(item)
        });
        let items = items.collect::<Result<Vec<_>, StoreError>>()?;
        self.put_back_items(Table::Scores, items).await
    }

    /// Puts events back, in their places in the feed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_back_events(&self, tenant: TenantId, events: &[EventLine]) -> Result<(), StoreError> {
        let items = events
            .iter()
            .map(|event| Self::entry_item(tenant, &event.entry, event.appended))
            .collect::<Result<Vec<_>, _>>()?;
        self.append_entries(items).await
    }

    /// Sets the last number given of a series.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_back_counter(&self, tenant: TenantId, table: Table, line: &CounterLine) -> Result<(), StoreError> {
        let mut item = Key::new(tenant, "counter", line.counter.clone()).attributes();
        item.insert("n".to_owned(), number(line.last));
        self.put_items(table, vec![item]).await
    }
}
