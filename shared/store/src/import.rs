//! How imports are stored, all in Imports.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | `import` | import | how far it is, which run and page it is at |
//! | `import_phase#<import>` | `-` | the run that may write; every row insists on it in its own transaction |
//! | `import_file#<import>` | page `#` n | the headings (page 0) and the rows, compressed, in chunks |
//! | `import_wrote#<import>` | row `#` part | what a row wrote, put with that very write: no row writes twice |
//! | `import_page#<import>` | run `#` page | what became of the rows of a page, in numbers; sums are made of these |
//! | `import_outcome#<import>` | run `#` page | the same row by row, compressed |
//!
//! All but the import itself expire by themselves, some time after it.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use rapport_domain::import::{Import, ImportCounts, ImportStatus, RowOutcome, Wrote};
use rapport_domain::{Prefix, RecordId, TenantId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::idempotency::{Answer, Idempotency};
use crate::page::{Position, Query};
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, packed, text, text_of};

/// How much of a page one item takes, in bytes: an item has at most 400 KB in all.
const CHUNK_BYTES: usize = 300 * 1024;
/// A file has at most so many items.
const MOST_CHUNKS: usize = 1_000;
/// Longer than a draft waits, a run lasts and its end is kept.
const PARTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);
/// From here on pages are those of what was taken back.
pub const REVERTED: u32 = 50_000;
/// What it means that a row may no longer write.
pub const STOPPED: &str = "the import was stopped";
/// What it means that a row wrote already.
const WROTE: &str = "the row wrote already";
/// What it means that a page was counted already.
const COUNTED: &str = "the page was counted already";

const IMPORT: &str = "import";

/// An import as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptImport {
    /// The import.
    pub import: Import,
    /// Counts how often it was started, dry runs too.
    pub run: u32,
    /// The page that is worked on.
    pub page: u32,
    /// How often that was begun.
    pub attempts: u32,
}

/// What a row wrote beside its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The customer of an order, made with its first one.
    Customer,
    /// The record itself.
    Record,
}

impl Part {
    /// What wrote at a place.
    #[must_use]
    pub fn of(place: &str) -> Self {
        if place.ends_with("#1") {
            Self::Customer
        } else {
            Self::Record
        }
    }
}

fn import_key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, IMPORT, id.to_string())
}

fn phase_key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, &format!("import_phase#{id}"), "-")
}

fn of(noun: &str, id: RecordId) -> String {
    format!("{noun}#{id}")
}

fn place(run: u32, page: u32) -> String {
    format!("{run:04}#{page:05}")
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}

fn unreadable() -> StoreError {
    StoreError::Internal("a stored import is unreadable".to_owned())
}

fn read<T: DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    let doc = text_of(item, "doc").ok_or_else(unreadable)?;
    serde_json::from_str(doc).map_err(|_| unreadable())
}

/// Packs a value.
fn pack<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    packed::pack(json(value)?.as_bytes()).map_err(|error| StoreError::Internal(error.to_string()))
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let bytes = packed::unpack_at_most(bytes, packed::MOST_ROWS_BYTES).map_err(|_| unreadable())?;
    serde_json::from_slice(&bytes).map_err(|_| unreadable())
}

impl KeptImport {
    fn read(item: &Item) -> Result<Self, StoreError> {
        let part = |name: &str| number_of(item, name).ok_or_else(unreadable);
        Ok(Self {
            import: read(item)?,
            run: part("run")?,
            page: part("page")?,
            attempts: part("attempts")?,
        })
    }

    fn item(&self, tenant: TenantId) -> Result<Item, StoreError> {
        let mut item = import_key(tenant, self.import.id).attributes();
        item.insert("doc".to_owned(), text(json(&self.import)?));
        for (name, value) in [("run", self.run), ("page", self.page), ("attempts", self.attempts)] {
            item.insert(name.to_owned(), number(value));
        }
        item.insert("v".to_owned(), number(self.import.version));
        item.insert("rid".to_owned(), text(RecordId::new(Prefix::Request).to_string()));
        item.insert("expires".to_owned(), number(self.import.expires_at.as_second()));
        Ok(item)
    }

    /// What its rows insist on: that this run is not over.
    fn phase(&self) -> String {
        let open = self.import.status.is_under_way() && !self.import.dry_run;
        format!("{}#{}", if open { "open" } else { "shut" }, self.run)
    }

    fn phase_item(&self, tenant: TenantId) -> Item {
        let mut item = phase_key(tenant, self.import.id).attributes();
        item.insert("phase".to_owned(), text(self.phase()));
        item.insert("expires".to_owned(), number(self.parts_expire()));
        item
    }

    fn parts_expire(&self) -> i64 {
        let at = self.import.created_at.saturating_add(PARTS_KEPT);
        at.map_or(i64::MAX, Timestamp::as_second)
    }
}

// The import itself.
impl Store {
    /// Keeps an import and its pages: the headings first, then the rows. 1 write unit per KB of compressed rows.
    ///
    /// # Errors
    /// [`StoreError::Answered`], [`StoreError::KeyReused`], or that the store does not answer.
    pub async fn create_import<T: Serialize>(
        &self,
        tenant: TenantId,
        import: &Import,
        pages: &[T],
        idempotency: Option<&Idempotency>,
    ) -> Result<(), StoreError> {
        if let Some(idempotency) = idempotency {
            self.check_idempotency(tenant, idempotency, import.created_at).await?;
        }
        let kept = KeptImport {
            import: import.clone(),
            run: 0,
            page: 0,
            attempts: 0,
        };
        let mut items = Vec::new();
        for (page, value) in pages.iter().enumerate() {
            for (chunk, bytes) in pack(value)?.chunks(CHUNK_BYTES).enumerate() {
                let key = Key::new(tenant, &of("import_file", import.id), format!("{page:05}#{chunk:03}"));
                let mut item = key.attributes();
                item.insert("b".to_owned(), AttributeValue::B(Blob::new(bytes)));
                item.insert("expires".to_owned(), number(kept.parts_expire()));
                items.push(item);
            }
        }
        self.put_items(Table::Imports, items).await?;
        let mut write = Write::new(tenant);
        write.put_new(self, Table::Imports, kept.item(tenant)?, "the import exists")?;
        if let Some(idempotency) = idempotency {
            let answer = Answer {
                status: 201,
                location: Some(format!("/v1/imports/{}", import.id)),
                etag: Some("\"1\"".to_owned()),
                body: json(import)?,
            };
            write.answer(self, idempotency, &answer, import.created_at)?;
        }
        write.commit(self).await
    }

    /// An import that has not expired. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn import(&self, tenant: TenantId, id: RecordId, now: Timestamp) -> Result<KeptImport, StoreError> {
        let item = self.get_item(Table::Imports, &import_key(tenant, id)).await?;
        let kept = KeptImport::read(&item.ok_or(StoreError::Missing)?)?;
        if kept.import.expires_at <= now {
            return Err(StoreError::Missing);
        }
        Ok(kept)
    }

    /// A page of imports, newest first. Half a read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn imports(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<Import>, Option<Position>), StoreError> {
        let page = self
            .query(tenant, Table::Imports, &Query::newest(IMPORT), limit, after)
            .await?;
        let found = page.items.iter().map(read).collect::<Result<_, _>>()?;
        Ok((found, page.next))
    }

    /// Changes an import that has the version of `kept`, and says who may write from now on. Its version is counted on.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn save_import(&self, tenant: TenantId, mut kept: KeptImport) -> Result<KeptImport, StoreError> {
        let before = kept.import.version;
        kept.import.version += 1;
        let mut write = Write::new(tenant);
        write.record(self, Table::Imports, kept.item(tenant)?, before)?;
        write.put(self, Table::Imports, kept.phase_item(tenant))?;
        write.commit(self).await?;
        Ok(kept)
    }

    /// Removes an import and its file. What its rows wrote stays; it cannot be taken back any more.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn delete_import(
        &self,
        tenant: TenantId,
        mut kept: KeptImport,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let id = kept.import.id;
        // Expired from now on, so that nobody starts what is about to go.
        kept.import.expires_at = now;
        kept.import.status = ImportStatus::Cancelled;
        self.save_import(tenant, kept).await?;
        let query = Query::prefix(of("import_file", id), "");
        let mut keys = vec![import_key(tenant, id)];
        let mut after = None;
        loop {
            let page = self
                .query(tenant, Table::Imports, &query, MOST_CHUNKS, after.as_ref())
                .await?;
            let places = page.items.iter().filter_map(|item| text_of(item, "sk"));
            keys.extend(places.map(|sk| Key::new(tenant, &of("import_file", id), sk)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        self.delete_items(Table::Imports, &keys).await
    }
}

// Its rows and what became of them.
impl Store {
    /// The pages from one to another, inclusive. 1 read unit for each 8 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn import_pages<T: DeserializeOwned>(
        &self,
        tenant: TenantId,
        id: RecordId,
        (first, last): (usize, usize),
    ) -> Result<Vec<T>, StoreError> {
        let query = Query {
            from: Some(format!("{first:05}#")),
            to: Some(format!("{last:05}#~")),
            ..Query::prefix(of("import_file", id), "")
        };
        let items = self.query_all(tenant, Table::Imports, &query, MOST_CHUNKS).await?;
        let mut pages: Vec<(&str, Vec<u8>)> = Vec::new();
        for item in &items {
            let (page, _) = text_of(item, "sk")
                .and_then(|sk| sk.split_once('#'))
                .ok_or_else(unreadable)?;
            let bytes = item
                .get("b")
                .and_then(|value| value.as_b().ok())
                .ok_or_else(unreadable)?;
            match pages.last_mut() {
                Some((last, all)) if *last == page => all.extend_from_slice(bytes.as_ref()),
                _ => pages.push((page, bytes.as_ref().to_vec())),
            }
        }
        pages.iter().map(|(_, bytes)| unpack(bytes)).collect()
    }

    /// What a row wrote, if it did. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn import_wrote(
        &self,
        tenant: TenantId,
        id: RecordId,
        (row, part): (u32, Part),
    ) -> Result<Option<Wrote>, StoreError> {
        let key = Key::new(tenant, &of("import_wrote", id), wrote_place(row, part));
        let item = self.get_item(Table::Imports, &key).await?;
        item.as_ref().map(read).transpose()
    }

    /// What rows wrote, the last first, from before a place on; with the place of each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn import_writes(
        &self,
        tenant: TenantId,
        id: RecordId,
        limit: usize,
        before: Option<&str>,
    ) -> Result<Vec<(String, Wrote)>, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::newest(of("import_wrote", id))
        };
        let after = before.map(Position::after);
        let page = self
            .query(tenant, Table::Imports, &query, limit, after.as_ref())
            .await?;
        let found = page.items.iter().map(|item| {
            let place = text_of(item, "sk").ok_or_else(unreadable)?.to_owned();
            Ok((place, read(item)?))
        });
        found.collect()
    }

    /// Adds to a write that a row does it: once, and only while its run goes on.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn note_wrote(
        &self,
        write: &mut Write,
        kept: &KeptImport,
        part: Part,
        wrote: &Wrote,
    ) -> Result<(), StoreError> {
        let tenant = write.tenant();
        let check = ConditionCheck::builder()
            .table_name(self.table(Table::Imports)?)
            .set_key(Some(phase_key(tenant, kept.import.id).attributes()))
            .condition_expression("phase = :phase")
            .expression_attribute_values(":phase", text(kept.phase()))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        write.other(TransactWriteItem::builder().condition_check(check).build(), STOPPED);
        let item = wrote_item(tenant, kept, part, wrote)?;
        write.put_new(self, Table::Imports, item, WROTE)
    }

    /// Adds to a write that it takes back what a row wrote.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn note_taken_back(
        &self,
        write: &mut Write,
        kept: &KeptImport,
        (place, wrote): (&str, &Wrote),
    ) -> Result<(), StoreError> {
        let item = wrote_item(write.tenant(), kept, Part::of(place), wrote)?;
        write.put(self, Table::Imports, item)
    }

    /// Keeps what became of the rows of a page, unless that is kept already. Nothing of `outcomes` is kept where there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn count_import_page(
        &self,
        tenant: TenantId,
        kept: &KeptImport,
        page: u32,
        (counts, outcomes): (&ImportCounts, &[RowOutcome]),
    ) -> Result<(), StoreError> {
        let place = place(kept.run, page);
        let item = |noun: &str, name: &str, value: AttributeValue| {
            let mut item = Key::new(tenant, &of(noun, kept.import.id), place.clone()).attributes();
            item.insert(name.to_owned(), value);
            item.insert("expires".to_owned(), number(kept.parts_expire()));
            item
        };
        let mut write = Write::new(tenant);
        let counted = item("import_page", "doc", text(json(counts)?));
        write.put_new(self, Table::Imports, counted, COUNTED)?;
        if !outcomes.is_empty() {
            let bytes = AttributeValue::B(Blob::new(pack(&outcomes)?));
            write.put(self, Table::Imports, item("import_outcome", "b", bytes))?;
        }
        match write.commit(self).await {
            Err(StoreError::Conflict { detail, .. }) if detail == COUNTED => Ok(()),
            outcome => outcome,
        }
    }

    /// The numbers of each page of a run that was counted, by page.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn import_counts(
        &self,
        tenant: TenantId,
        kept: &KeptImport,
    ) -> Result<Vec<(u32, ImportCounts)>, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::prefix(of("import_page", kept.import.id), &format!("{:04}#", kept.run))
        };
        let items = self.query_all(tenant, Table::Imports, &query, MOST_CHUNKS).await?;
        let found = items.iter().map(|item| {
            let (_, page) = text_of(item, "sk")
                .and_then(|sk| sk.split_once('#'))
                .ok_or_else(unreadable)?;
            Ok((page.parse().map_err(|_| unreadable())?, read(item)?))
        });
        found.collect()
    }

    /// What became of the rows of the present run's pages, from one to another, inclusive.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn import_outcomes(
        &self,
        tenant: TenantId,
        kept: &KeptImport,
        (first, last): (u32, u32),
    ) -> Result<Vec<RowOutcome>, StoreError> {
        let query = Query {
            from: Some(place(kept.run, first)),
            to: Some(place(kept.run, last)),
            consistent: true,
            ..Query::prefix(of("import_outcome", kept.import.id), "")
        };
        let items = self.query_all(tenant, Table::Imports, &query, MOST_CHUNKS).await?;
        let mut outcomes = Vec::new();
        for item in &items {
            let bytes = item
                .get("b")
                .and_then(|value| value.as_b().ok())
                .ok_or_else(unreadable)?;
            outcomes.extend(unpack::<Vec<RowOutcome>>(bytes.as_ref())?);
        }
        Ok(outcomes)
    }
}

fn wrote_place(row: u32, part: Part) -> String {
    // What is taken back goes backwards: the order before its customer.
    format!("{row:06}#{}", if part == Part::Customer { 1 } else { 2 })
}

fn wrote_item(tenant: TenantId, kept: &KeptImport, part: Part, wrote: &Wrote) -> Result<Item, StoreError> {
    let key = Key::new(
        tenant,
        &of("import_wrote", kept.import.id),
        wrote_place(wrote.row, part),
    );
    let mut item = key.attributes();
    item.insert("doc".to_owned(), text(json(wrote)?));
    item.insert("expires".to_owned(), number(kept.parts_expire()));
    Ok(item)
}
