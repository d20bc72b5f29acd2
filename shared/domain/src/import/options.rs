//! How an import understands its rows, and what it does with records that are there.

use serde::{Deserialize, Serialize};

use super::ImportField;
use crate::invalid::Invalid;
use crate::record::is_source;

/// What is done with a row whose record is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportExisting)]
pub enum Existing {
    /// The record takes what the row says; what the row leaves out stays.
    #[default]
    Update,
    /// The row is left out.
    Skip,
    /// A further record is created, also where it looks like another.
    Create,
}

/// In which order days are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImportDayOrder)]
pub enum DayOrder {
    /// 31.12.2026
    #[default]
    Dmy,
    /// 12/31/2026
    Mdy,
    /// 2026/12/31
    Ymd,
}

/// How an import understands its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportOptions {
    /// The field by which a record is known that is there already: one of those with `match`.
    pub r#match: String,
    /// What is done then.
    pub existing: Existing,
    /// In which order days are written. Days that begin with a year are understood anyhow.
    pub day_order: DayOrder,
    /// What stands before the decimals: `.` or `,`.
    pub decimal: char,
    /// The source under which `external_id` is kept.
    pub source: String,
}

/// A change of [`ImportOptions`]: what it leaves out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct ImportOptionsIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#match: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing: Option<Existing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_order: Option<DayOrder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl ImportOptions {
    /// The same with some of it changed; what is wrong with that is noted.
    pub(super) fn changed(&self, input: ImportOptionsIn, fields: &[ImportField], invalid: &mut Invalid) -> Self {
        let ImportOptionsIn {
            r#match,
            existing,
            day_order,
            decimal,
            source,
        } = input;
        if let Some(key) = &r#match
            && !fields.iter().any(|field| field.matches && field.key == *key)
        {
            invalid.add("options/match", "not_a_choice", "records are not known by this field");
        }
        if decimal.is_some_and(|mark| !matches!(mark, '.' | ',')) {
            invalid.add("options/decimal", "not_a_choice", "decimals follow a point or a comma");
        }
        if source.as_deref().is_some_and(|source| !is_source(source)) {
            let detail = "a source is a-z, 0-9, _ and -, at most 40 characters, and not 'email'";
            invalid.add("options/source", "key_malformed", detail);
        }
        Self {
            r#match: r#match.unwrap_or_else(|| self.r#match.clone()),
            existing: existing.unwrap_or(self.existing),
            day_order: day_order.unwrap_or(self.day_order),
            decimal: decimal.unwrap_or(self.decimal),
            source: source.unwrap_or_else(|| self.source.clone()),
        }
    }
}
