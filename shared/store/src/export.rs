//! How reports as files are stored, all in Reports, and how schedules that mail them are.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | `report_export` | export | how far it is, who asked and with which permissions, how often it was begun |
//! | `report_file#<export>` | attempt `#` part `#` n | a part of the file, compressed, in chunks |
//! | `report_schedule` | schedule | a schedule, as any record; its timer is set with it |
//!
//! Each attempt writes chunks of its own, and the export names the one that is whole: what a broken attempt left is never
//! mixed into the file, and expires with it.

use jiff::Timestamp;
use rapport_domain::export::Export;
use rapport_domain::permission::Scopes;
use rapport_domain::schedule::Schedule;
use rapport_domain::{Kind as _, Prefix, Record, RecordId, TenantId};
use serde_json::json;

use crate::idempotency::{Answer, Idempotency};
use crate::page::Query;
use crate::records::{Filter, Stored, sortable};
use crate::{Accept, Item, Key, Store, StoreError, Table, Timer, Write, number, number_of, packed, text, text_of};

/// The queue of exports and schedules, by its word in timers.
pub const QUEUE: &str = "report_exports";
/// How much of a part one item takes, in bytes: an item has at most 400 KB in all.
const CHUNK_BYTES: usize = 300 * 1024;
/// A part has at most so many chunks.
const MOST_CHUNKS: usize = 100;

const EXPORT: &str = "report_export";

/// An export as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptExport {
    /// The export.
    pub export: Export,
    /// What whoever asked was permitted.
    pub scopes: Scopes,
    /// How often its making was begun.
    pub attempts: u32,
    version: u64,
}

fn export_key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, EXPORT, id.to_string())
}

fn doc(export: &Export) -> Result<String, StoreError> {
    serde_json::to_string(export).map_err(|error| StoreError::Internal(error.to_string()))
}

impl KeptExport {
    fn read(item: &Item) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Internal("a stored export is unreadable".to_owned());
        let part = |name: &str| text_of(item, name).ok_or_else(unreadable);
        Ok(Self {
            export: serde_json::from_str(part("doc")?).map_err(|_| unreadable())?,
            scopes: Scopes::parse(part("scopes")?).ok_or_else(unreadable)?,
            attempts: number_of(item, "attempts").ok_or_else(unreadable)?,
            version: number_of(item, "v").ok_or_else(unreadable)?,
        })
    }

    fn item(&self, tenant: TenantId) -> Result<Item, StoreError> {
        let mut item = export_key(tenant, self.export.id).attributes();
        item.insert("doc".to_owned(), text(doc(&self.export)?));
        item.insert("scopes".to_owned(), text(self.scopes.to_string()));
        item.insert("attempts".to_owned(), number(self.attempts));
        item.insert("v".to_owned(), number(self.version));
        item.insert("rid".to_owned(), text(RecordId::new(Prefix::Request).to_string()));
        item.insert("expires".to_owned(), number(self.export.expires_at.as_second()));
        Ok(item)
    }
}

// Exports.
impl Store {
    /// Keeps an export that was asked for, with the answer to the request that asked. 2 write units, more with the answer.
    ///
    /// # Errors
    /// [`StoreError::Answered`], [`StoreError::KeyReused`], or that the store does not answer.
    pub async fn ask_export(
        &self,
        tenant: TenantId,
        export: &Export,
        scopes: Scopes,
        (location, idempotency): (&str, Option<&Idempotency>),
    ) -> Result<(), StoreError> {
        let kept = KeptExport {
            export: export.clone(),
            scopes,
            attempts: 0,
            version: 1,
        };
        let mut write = Write::new(tenant);
        write.put_new(self, Table::Reports, kept.item(tenant)?, "the export exists")?;
        if let Some(idempotency) = idempotency {
            let answer = Answer {
                status: 202,
                location: Some(location.to_owned()),
                etag: None,
                body: doc(export)?,
            };
            write.answer(self, idempotency, &answer, export.created_at)?;
        }
        let work = Box::pin(write.commit(self));
        self.once(tenant, idempotency, export.created_at, work).await
    }

    /// An export that has not expired. 1 read unit.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn export(&self, tenant: TenantId, id: RecordId, now: Timestamp) -> Result<KeptExport, StoreError> {
        let item = self.get_item(Table::Reports, &export_key(tenant, id)).await?;
        let kept = KeptExport::read(&item.ok_or(StoreError::Missing)?)?;
        if kept.export.expires_at <= now {
            return Err(StoreError::Missing);
        }
        Ok(kept)
    }

    /// The latest exports, newest first. Half a read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn exports(&self, tenant: TenantId, limit: usize, now: Timestamp) -> Result<Vec<KeptExport>, StoreError> {
        let page = self
            .query(tenant, Table::Reports, &Query::newest(EXPORT), limit, None)
            .await?;
        let mut found = page.items.iter().map(KeptExport::read).collect::<Result<Vec<_>, _>>()?;
        found.retain(|kept| kept.export.expires_at > now);
        Ok(found)
    }

    /// Notes that the making of an export is begun once more.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn begin_export(&self, tenant: TenantId, kept: &KeptExport) -> Result<KeptExport, StoreError> {
        let next = KeptExport {
            export: kept.export.running(),
            attempts: kept.attempts + 1,
            ..kept.clone()
        };
        self.save_export(tenant, next).await
    }

    /// Notes how an export ended.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn end_export(&self, tenant: TenantId, kept: &KeptExport, export: Export) -> Result<(), StoreError> {
        let next = KeptExport { export, ..kept.clone() };
        self.save_export(tenant, next).await.map(drop)
    }

    async fn save_export(&self, tenant: TenantId, mut kept: KeptExport) -> Result<KeptExport, StoreError> {
        let before = kept.version;
        kept.version += 1;
        let mut write = Write::new(tenant);
        write.record(self, Table::Reports, kept.item(tenant)?, before)?;
        write.commit(self).await?;
        Ok(kept)
    }

    /// Keeps a part of the file, counted from 1, for the present attempt. 1 write unit per KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_file_part(
        &self,
        tenant: TenantId,
        kept: &KeptExport,
        part: u32,
        compressed: &[u8],
    ) -> Result<(), StoreError> {
        if compressed.len().div_ceil(CHUNK_BYTES) > MOST_CHUNKS {
            return Err(StoreError::Internal("a part of a file is too large".to_owned()));
        }
        let partition = format!("report_file#{}", kept.export.id);
        let place = |n| {
            Key::new(
                tenant,
                &partition,
                format!("{}{n:03}", part_prefix(kept.attempts, part)),
            )
        };
        let expires = kept.export.expires_at.as_second();
        self.put_in_chunks(Table::Reports, compressed, CHUNK_BYTES, expires, place)
            .await
    }

    /// A part of the file, compressed; nothing where there is none. 1 read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn file_part(&self, tenant: TenantId, kept: &KeptExport, part: u32) -> Result<Vec<u8>, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::prefix(
                format!("report_file#{}", kept.export.id),
                &part_prefix(kept.attempts, part),
            )
        };
        let items = self.query_all(tenant, Table::Reports, &query, MOST_CHUNKS).await?;
        Ok(packed::joined(&items))
    }
}

fn part_prefix(attempt: u32, part: u32) -> String {
    format!("{attempt:02}#{part:05}#")
}

impl Stored for Schedule {
    const TABLE: Table = Table::Reports;
    const PLURAL: &'static str = "report-schedules";
    const FILTERS: &'static [Filter] = &[Filter::equal("enabled").of(&["true", "false"])];

    fn indexes(_: &Record<Self>) -> Vec<(&'static str, String, String)> {
        // A tenant has few: they are listed by id and sifted.
        Vec::new()
    }

    async fn complete(
        store: &Store,
        cx: &Accept,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        set_timer(store, cx.tenant, None, record, write)
    }

    fn resume(store: &Store, cx: &Accept, record: &Record<Self>, write: &mut Write) -> Result<(), StoreError> {
        set_timer(store, cx.tenant, None, record, write)
    }

    async fn complete_change(
        store: &Store,
        cx: &Accept,
        old: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        set_timer(store, cx.tenant, Some(old), record, write)
    }
}

/// When a schedule is due next; never once it is deleted.
fn next(record: &Record<Schedule>) -> Option<Timestamp> {
    record
        .body
        .next_at
        .filter(|_| record.body.enabled && record.meta.deleted_at.is_none())
}

fn timer_id(tenant: TenantId, schedule: RecordId) -> String {
    format!("{tenant}#{schedule}")
}

/// The timer of a schedule. Its message is `ReportScheduleDueV1`, written out here since this crate knows no queues; the
/// worker's tests hold the two together.
#[must_use]
pub fn due_timer(tenant: TenantId, schedule: RecordId, due: Timestamp) -> Timer {
    let message = json!({
        "tenant": tenant,
        "type": "report_schedule_due_v1",
        "schedule": schedule,
        "due": sortable(due),
    });
    Timer {
        id: timer_id(tenant, schedule),
        due,
        queue: QUEUE.to_owned(),
        envelope: message.to_string(),
    }
}

/// Takes back the timer that is needed no more and sets the one that is, with the record.
fn set_timer(
    store: &Store,
    tenant: TenantId,
    old: Option<&Record<Schedule>>,
    new: &Record<Schedule>,
    write: &mut Write,
) -> Result<(), StoreError> {
    let (before, after) = (old.and_then(next), next(new));
    if before == after {
        return Ok(());
    }
    let id = new.meta.id;
    if let Some(before) = before {
        write.no_timer(store, &timer_id(tenant, id), before)?;
    }
    if let Some(after) = after {
        write.timer(store, &due_timer(tenant, id, after))?;
    }
    Ok(())
}

impl Store {
    /// How many schedules a tenant has that are not deleted, up to `most` and one more. Half a read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_schedules(&self, tenant: TenantId, most: usize) -> Result<usize, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::newest(Schedule::NOUN)
        };
        let mut after = None;
        let mut count = 0;
        loop {
            let page = self
                .query(tenant, Table::Reports, &query, 1_000, after.as_ref())
                .await?;
            count += page.items.iter().filter(|item| !item.contains_key("gone")).count();
            after = page.next;
            if after.is_none() || count > most {
                return Ok(count);
            }
        }
    }
}
