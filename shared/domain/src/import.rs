//! Imports: a file of rows that become records, how its columns are understood, and how far the work is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::RecordId;
use crate::invalid::Invalid;
use crate::permission::Area;
use crate::settings::millis;

mod cell;
mod field;
mod header;
mod options;
mod order;
mod outcome;
mod row;

pub use cell::{amount, day};
pub use field::{FieldKind, ImportField, fields};
pub use header::{guess_fields, guess_options, is_data};
pub use options::{DayOrder, Existing, ImportOptions, ImportOptionsIn};
pub use order::{group, order_of};
pub use outcome::{Outcome, RowOutcome, Wrote, taken_back};
pub use row::{Fault, Mapping, combined, fault_of, record_of};

/// How long an import can be looked at and reverted once it is over, and a draft be started.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// A file may be this long, in bytes.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;
/// A file has at most so many rows, the headings left out.
pub const MOST_ROWS: usize = 20_000;
/// A file has at most so many columns.
pub const MOST_COLUMNS: usize = 200;
/// How often the work on one page of rows is begun before the import is given up.
pub const MOST_ATTEMPTS: u32 = 4;

/// What rows become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ImportKind {
    Contacts,
    Companies,
    Leads,
    Products,
    Orders,
}

impl ImportKind {
    /// The words, as in addresses.
    pub const WORDS: [&str; 5] = ["contacts", "companies", "leads", "products", "orders"];

    /// The kind of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }

    /// The noun of the records.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Contacts => "contact",
            Self::Companies => "company",
            Self::Leads => "lead",
            Self::Products => "product",
            Self::Orders => "order",
        }
    }

    /// The area of permissions of the records.
    #[must_use]
    pub const fn area(self) -> Area {
        match self {
            Self::Contacts | Self::Companies => Area::Contacts,
            Self::Leads => Area::Leads,
            Self::Products => Area::Products,
            Self::Orders => Area::Orders,
        }
    }
}

/// How far an import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportStatus {
    /// Its columns can be changed.
    Draft,
    /// Waits.
    Queued,
    /// Rows are being read.
    Running,
    /// All rows were read.
    Done,
    /// Could not go on; `error` says why. What was done stays and can be reverted.
    Failed,
    /// Was stopped. What was done stays and can be reverted.
    Cancelled,
    /// What it did is being taken back.
    Reverting,
    /// What it did was taken back.
    Reverted,
}

impl ImportStatus {
    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
        }
    }

    /// Whether rows are being read, or will be.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Whether it ended and left something that can be taken back.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A change of a draft.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImportIn {
    /// Columns by their index, and the fields they fill; null for none. Columns left out stay as they are.
    pub mapping: BTreeMap<String, Option<String>>,
    /// How rows are understood.
    pub options: ImportOptionsIn,
}

/// A column of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportColumn {
    /// Its place, from 0.
    pub index: usize,
    /// Its heading, shortened where it is long.
    pub name: String,
    /// At most three of its values, shortened.
    pub samples: Vec<String>,
    /// The field it fills.
    pub field: Option<String>,
}

/// What became of the rows. An order of several rows counts once in `created`, `updated`, `skipped` and `failed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportCounts {
    /// Rows of the file.
    pub rows: u32,
    /// Rows read so far.
    pub done: u32,
    /// Records created.
    pub created: u32,
    /// Records changed.
    pub updated: u32,
    /// Rows left out, or that changed nothing.
    pub skipped: u32,
    /// Rows with faults.
    pub failed: u32,
    /// Records taken back.
    pub reverted: u32,
    /// Records of which something was changed since, which stayed when the rest was taken back.
    #[serde(default)]
    pub kept: u32,
}

impl ImportCounts {
    /// Adds what became of further rows.
    pub fn add(&mut self, other: &Self) {
        self.done += other.done;
        self.created += other.created;
        self.updated += other.updated;
        self.skipped += other.skipped;
        self.failed += other.failed;
        self.reverted += other.reverted;
        self.kept += other.kept;
    }
}

/// The format of a file that was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum ImportFormat {
    Csv,
    Xlsx,
    Vcard,
}

/// A file of rows that become records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Import {
    /// The id.
    pub id: RecordId,
    /// What rows become.
    pub kind: ImportKind,
    /// What the file is called.
    pub name: String,
    /// How far it is.
    pub status: ImportStatus,
    /// Rows of the file, the headings left out.
    pub rows: u32,
    /// The file's format.
    pub format: ImportFormat,
    /// The encoding that the file was read in.
    pub encoding: String,
    /// What stands between the columns, where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// The columns.
    pub columns: Vec<ImportColumn>,
    /// How rows are understood.
    pub options: ImportOptions,
    /// What became of the rows.
    pub counts: ImportCounts,
    /// Whether `counts` tell what would happen, and nothing was written.
    pub dry_run: bool,
    /// Why it failed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the file came.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Who sent the file.
    pub created_by: String,
    /// When it was started.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Until when it is kept.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: u64,
}

impl Import {
    /// Which column fills which field.
    #[must_use]
    pub fn mapping(&self, fields: &[ImportField]) -> Mapping {
        let found = self.columns.iter().filter_map(|column| {
            let key = column.field.as_deref()?;
            let field = fields.iter().find(|field| field.key == key)?;
            Some((column.index, field.clone()))
        });
        Mapping(found.collect())
    }

    /// A draft with other columns or options. What a dry run counted is no longer true then.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    pub fn changed(&self, input: ImportIn, fields: &[ImportField]) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let mut next = self.clone();
        for (index, field) in input.mapping {
            let at = format!("mapping/{index}");
            let Some(column) = index
                .parse::<usize>()
                .ok()
                .and_then(|index| next.columns.get_mut(index))
            else {
                invalid.add(&at, "column_unknown", "the file has no such column");
                continue;
            };
            if let Some(key) = &field
                && !fields.iter().any(|field| field.key == *key)
            {
                invalid.add(&at, "field_unknown", "there is no such field: see /v1/imports/fields");
            }
            column.field = field;
        }
        let mut taken = BTreeSet::new();
        for column in &next.columns {
            if let Some(field) = &column.field
                && !taken.insert(field)
            {
                let at = format!("mapping/{}", column.index);
                invalid.add(&at, "mapped_twice", format!("another column fills {field} already"));
            }
        }
        next.options = next.options.changed(input.options, fields, &mut invalid);
        invalid.check()?;
        (next.counts, next.dry_run) = (Self::none_of(self.rows), false);
        Ok(next)
    }

    /// The counts before anything is done.
    #[must_use]
    pub fn none_of(rows: u32) -> ImportCounts {
        ImportCounts {
            rows,
            ..ImportCounts::default()
        }
    }

    /// An import in another status at a moment; one that is over is kept for a while from then on.
    #[must_use]
    pub fn in_status(&self, status: ImportStatus, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.status = status;
        next.updated_at = now.max(self.updated_at);
        if status == ImportStatus::Queued {
            (next.started_at, next.finished_at, next.error) = (Some(now), None, None);
            next.counts = Self::none_of(self.rows);
        }
        if status.is_over() || status == ImportStatus::Reverted {
            next.finished_at = Some(now);
            next.expires_at = now.saturating_add(KEPT).unwrap_or(now);
        }
        next
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::id::Prefix;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A draft of contacts whose columns fill these fields.
    fn draft(columns: &[Option<&str>]) -> Import {
        let columns: Vec<Value> = columns
            .iter()
            .enumerate()
            .map(|(index, field)| json!({"index": index, "name": "Heading", "samples": [], "field": field}))
            .collect();
        let import = json!({"id": RecordId::new(Prefix::Import), "kind": "contacts", "name": "people.csv", "status": "draft",
            "rows": 9, "format": "csv", "encoding": "utf-8", "columns": columns, "dry_run": true, "error": "the last try",
            "options": {"match": "email", "existing": "update", "day_order": "dmy", "decimal": ".", "source": "erp"},
            "counts": {"rows": 9, "done": 9, "created": 9, "updated": 0, "skipped": 0, "failed": 0, "reverted": 0},
            "created_at": "2026-11-22T00:00:00Z", "updated_at": "2026-11-22T00:00:00Z", "created_by": "usr_1",
            "expires_at": "2026-12-22T00:00:00Z", "version": 1});
        serde_json::from_value(import).unwrap()
    }

    #[test]
    fn a_kind_has_a_word_and_a_noun() {
        let nouns = ImportKind::WORDS.map(|word| ImportKind::from_word(word).unwrap().noun());
        assert_eq!(nouns, ["contact", "company", "lead", "product", "order"]);
        assert_eq!(ImportKind::from_word("tickets"), None);
    }

    #[test]
    fn a_status_says_whether_rows_are_read_and_whether_anything_can_be_taken_back() {
        use ImportStatus::*;
        for (status, word, under_way, over) in [
            (Draft, "draft", false, false),
            (Queued, "queued", true, false),
            (Running, "running", true, false),
            (Done, "done", false, true),
            (Failed, "failed", false, true),
            (Cancelled, "cancelled", false, true),
            (Reverting, "reverting", false, false),
            (Reverted, "reverted", false, false),
        ] {
            assert_eq!((status.as_str(), json!(status)), (word, json!(word)));
            assert_eq!((status.is_under_way(), status.is_over()), (under_way, over), "{word}");
        }
    }

    #[test]
    fn counts_of_further_rows_are_added_one_by_one() {
        let counts = |n: u32| ImportCounts {
            rows: 100,
            done: n,
            created: n + 1,
            updated: n + 2,
            skipped: n + 3,
            failed: n + 4,
            reverted: n + 5,
            kept: n + 6,
        };
        let mut sum = counts(10);
        sum.add(&counts(20));
        let expected = json!({"rows": 100, "done": 30, "created": 32, "updated": 34, "skipped": 36, "failed": 38,
            "reverted": 40, "kept": 42});
        assert_eq!(json!(sum), expected);
    }

    #[test]
    fn a_mapping_has_the_columns_whose_field_is_known() {
        let import = draft(&[Some("name"), None, Some("custom.gone"), Some("email")]);
        let mapping = import.mapping(&fields(ImportKind::Contacts, &[]));
        let found: Vec<(usize, &str)> = mapping.0.iter().map(|(column, field)| (*column, &*field.key)).collect();
        assert_eq!(found, [(0, "name"), (3, "email")]);
    }

    #[test]
    fn a_draft_takes_only_what_its_file_and_its_fields_have() {
        let known = fields(ImportKind::Contacts, &[]);
        let import = draft(&[Some("name"), None]);
        for (input, problems) in [
            (json!({}), vec![]),
            (json!({"mapping": {"0": null, "1": "name"}}), vec![]),
            (
                json!({"options": {"match": "external_id", "decimal": ",", "source": "shop"}}),
                vec![],
            ),
            (
                json!({"mapping": {"1": "shoe_size", "2": "email", "x": "email"}}),
                vec![
                    ("#/mapping/1", "field_unknown"),
                    ("#/mapping/2", "column_unknown"),
                    ("#/mapping/x", "column_unknown"),
                ],
            ),
            (json!({"mapping": {"1": "name"}}), vec![("#/mapping/1", "mapped_twice")]),
            (
                json!({"options": {"match": "name", "decimal": ";", "source": "Shop!"}}),
                vec![
                    ("#/options/match", "not_a_choice"),
                    ("#/options/decimal", "not_a_choice"),
                    ("#/options/source", "key_malformed"),
                ],
            ),
            (
                json!({"options": {"match": "shoe_size"}}),
                vec![("#/options/match", "not_a_choice")],
            ),
        ] {
            let changed = import.changed(serde_json::from_value(input.clone()).unwrap(), &known);
            let told = changed
                .as_ref()
                .err()
                .map_or(&[][..], |invalid| invalid.problems.as_slice());
            let told: Vec<(&str, &str)> = told.iter().map(|problem| (&*problem.pointer, problem.code)).collect();
            assert_eq!(told, problems, "{input}");
        }
    }

    #[test]
    fn what_a_dry_run_counted_is_forgotten_when_the_draft_changes() {
        let input = json!({"mapping": {"1": "email"}, "options": {"decimal": ","}});
        let changed = draft(&[Some("name"), None])
            .changed(
                serde_json::from_value(input).unwrap(),
                &fields(ImportKind::Contacts, &[]),
            )
            .unwrap();
        let found: Vec<_> = changed.columns.iter().map(|column| column.field.as_deref()).collect();
        assert_eq!(found, [Some("name"), Some("email")]);
        let options = &changed.options;
        assert_eq!(
            (&*options.r#match, options.decimal, &*options.source),
            ("email", ',', "erp")
        );
        let counts = ImportCounts {
            rows: 9,
            ..ImportCounts::default()
        };
        assert_eq!((changed.counts, changed.dry_run), (counts, false));
    }

    #[test]
    fn an_import_begins_anew_when_it_is_queued_and_is_kept_for_a_while_once_it_is_over() {
        use ImportStatus::*;
        let (start, now) = (at("2026-11-23T00:00:00Z"), at("2026-11-24T00:00:00Z"));
        let queued = draft(&[]).in_status(Queued, start);
        assert_eq!(
            (queued.started_at, queued.finished_at, queued.error.as_deref()),
            (Some(start), None, None)
        );
        assert_eq!((queued.counts.rows, queued.counts.done), (9, 0));
        let counted = Import {
            counts: draft(&[]).counts,
            ..queued
        };
        for (status, over) in [
            (Running, false),
            (Done, true),
            (Failed, true),
            (Cancelled, true),
            (Reverting, false),
            (Reverted, true),
        ] {
            let next = counted.in_status(status, now);
            assert_eq!(
                (next.status, next.updated_at, next.started_at),
                (status, now, Some(start))
            );
            assert_eq!(next.counts, counted.counts, "{status:?}");
            let (finished, expires) = if over {
                (Some(now), at("2026-12-24T00:00:00Z"))
            } else {
                (None, counted.expires_at)
            };
            assert_eq!((next.finished_at, next.expires_at), (finished, expires), "{status:?}");
        }
    }
}
