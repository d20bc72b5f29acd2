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

mod rows;

use jiff::{SignedDuration, Timestamp};
use rapport_domain::import::{Import, ImportStatus};
use rapport_domain::{Prefix, RecordId, TenantId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::idempotency::{Answer, Idempotency};
use crate::page::{Position, Query};
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, packed, text, text_of};

pub use rows::{Part, REVERTED, STOPPED};

/// How much of a page one item takes, in bytes: an item has at most 400 KB in all.
const CHUNK_BYTES: usize = 300 * 1024;
/// A file has at most so many items.
const MOST_CHUNKS: usize = 1_000;
/// Longer than a draft waits, a run lasts and its end is kept.
const PARTS_KEPT: SignedDuration = SignedDuration::from_hours(24 * 90);

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

fn import_key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, IMPORT, id.to_string())
}

fn phase_key(tenant: TenantId, id: RecordId) -> Key {
    Key::new(tenant, &format!("import_phase#{id}"), "-")
}

fn of(noun: &str, id: RecordId) -> String {
    format!("{noun}#{id}")
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
                items.push(packed::chunk(&key, bytes, kept.parts_expire()));
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
