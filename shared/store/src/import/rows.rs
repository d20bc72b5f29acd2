//! The rows of imports: the pages of the file, what rows wrote, what became of them.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use rapport_domain::import::{ImportCounts, RowOutcome, Wrote};
use rapport_domain::{RecordId, TenantId};
use serde::de::DeserializeOwned;

use super::{KeptImport, MOST_CHUNKS, json, of, pack, phase_key, read, unpack, unreadable};
use crate::page::{Position, Query};
use crate::{Item, Key, Store, StoreError, Table, Write, number, text, text_of};

/// From here on pages are those of what was taken back.
pub const REVERTED: u32 = 50_000;
/// What it means that a row may no longer write.
pub const STOPPED: &str = "the import was stopped";
/// What it means that a row wrote already.
const WROTE: &str = "the row wrote already";
/// What it means that a page was counted already.
const COUNTED: &str = "the page was counted already";

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

fn place(run: u32, page: u32) -> String {
    format!("{run:04}#{page:05}")
}

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
