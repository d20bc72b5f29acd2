//! Reports as files: what was asked for, how far it is, and where the file is.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::RecordId;
use crate::settings::millis;

/// How long a file can be fetched.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How often the making of a file is begun before it is given up.
pub const MOST_ATTEMPTS: u32 = 5;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportFormat)]
pub enum Format {
    /// Comma-separated values, RFC 4180, UTF-8 with a mark at the beginning.
    Csv,
    /// A workbook of Excel.
    Xlsx,
}

impl Format {
    /// The words, as in addresses.
    pub const WORDS: [&str; 2] = ["csv", "xlsx"];

    /// The word, which is the file's extension.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The format of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Csv, Self::Xlsx].into_iter().find(|format| format.word() == word)
    }

    /// The media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReportExportStatus)]
pub enum ExportStatus {
    /// Waits.
    Queued,
    /// Is being made.
    Running,
    /// Can be fetched.
    Done,
    /// Could not be made; `error` says why.
    Failed,
}

impl ExportStatus {
    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// A report, or the rows behind one of its numbers, as a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ReportExport)]
pub struct Export {
    /// The id.
    pub id: RecordId,
    /// How far it is.
    pub status: ExportStatus,
    /// The report.
    pub report: String,
    /// The format.
    pub format: Format,
    /// Whether it lists the rows behind a number, rather than the report.
    pub of_rows: bool,
    /// What was asked, in the words of the report's query.
    #[schema(value_type = Vec<Vec<String>>)]
    pub query: Vec<(String, String)>,
    /// How many rows the file has, headings left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// How many bytes all parts of the file have together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// In how many parts it is: each is a file by itself, `?part=2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<u32>,
    /// When it was asked for.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Who asked.
    pub created_by: String,
    /// When it was done or given up.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    /// Where the file is, once it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Until when it can be fetched.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Why it could not be made, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a file that was made amounts to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Rows, headings left out.
    pub rows: u64,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Parts.
    pub parts: u32,
}

impl Export {
    /// An export that waits.
    #[must_use]
    pub fn asked(
        id: RecordId,
        report: &str,
        format: Format,
        of_rows: bool,
        query: Vec<(String, String)>,
        (by, now): (&str, Timestamp),
    ) -> Self {
        Self {
            id,
            status: ExportStatus::Queued,
            report: report.to_owned(),
            format,
            of_rows,
            query,
            rows: None,
            bytes: None,
            parts: None,
            created_at: now,
            created_by: by.to_owned(),
            finished_at: None,
            file: None,
            expires_at: now.saturating_add(KEPT).unwrap_or(now),
            error: None,
        }
    }

    /// It is being made.
    #[must_use]
    pub fn running(&self) -> Self {
        Self {
            status: ExportStatus::Running,
            ..self.clone()
        }
    }

    /// Its file is there.
    #[must_use]
    pub fn done(&self, made: Made, now: Timestamp) -> Self {
        Self {
            status: ExportStatus::Done,
            rows: Some(made.rows),
            bytes: Some(made.bytes),
            parts: Some(made.parts),
            finished_at: Some(now),
            file: Some(format!("/v1/report-exports/{}/file", self.id)),
            ..self.clone()
        }
    }

    /// It was given up.
    #[must_use]
    pub fn failed(&self, why: &str, now: Timestamp) -> Self {
        Self {
            status: ExportStatus::Failed,
            finished_at: Some(now),
            error: Some(why.to_owned()),
            ..self.clone()
        }
    }

    /// What the file, or a part of it from 1, is called on the caller's disk.
    #[must_use]
    pub fn file_name(&self, part: u32) -> String {
        let of = |name: &str| {
            let value = self.query.iter().find(|(known, _)| known == name);
            value.map(|(_, value)| format!("-{value}")).unwrap_or_default()
        };
        let rows = if self.of_rows { "-rows" } else { "" };
        let part = match self.parts {
            Some(parts) if parts > 1 => format!("-part-{part}"),
            _ => String::new(),
        };
        let name = format!("{}{rows}{}{}{part}", self.report, of("from"), of("to"));
        file_name(&name, self.format)
    }
}

/// A name that any disk takes and no header is broken by: letters, digits and hyphens of ASCII.
#[must_use]
pub fn file_name(name: &str, format: Format) -> String {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .take(100)
        .collect();
    format!("{name}.{}", format.word())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::id::Prefix;

    #[test]
    fn an_export_says_how_far_it_is() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let query = vec![("from".to_owned(), "2026-01-01".to_owned())];
        let id = RecordId::new(Prefix::Export);
        let asked = Export::asked(id, "sales", Format::Csv, true, query, ("usr_1", now));
        assert_eq!(asked.expires_at.to_string(), "2026-11-29T00:00:00Z");
        assert_eq!(asked.file_name(1), "sales-rows-2026-01-01.csv");
        let made = Made {
            rows: 7,
            bytes: 9,
            parts: 2,
        };
        let done = asked.running().done(made, now);
        assert_eq!((done.rows, done.status), (Some(7), ExportStatus::Done));
        assert_eq!(done.file_name(2), "sales-rows-2026-01-01-part-2.csv");
        let text = serde_json::to_string(&asked).unwrap();
        assert!(!text.contains("null"), "{text}");
        assert_eq!(serde_json::from_str::<Export>(&text).unwrap(), asked);
        let failed = asked.failed("too much", now);
        assert!(failed.status.is_over() && failed.file.is_none());
    }

    #[test]
    fn a_file_name_breaks_no_header() {
        for (name, expected) in [
            ("sales", "sales.csv"),
            ("a\"\r\nb/../c", "a___b____c.csv"),
            ("销售", "__.csv"),
        ] {
            assert_eq!(file_name(name, Format::Csv), expected);
        }
    }

    #[test]
    fn a_format_is_known_by_its_word_and_has_a_media_type() {
        for (word, format, media_type) in [
            ("csv", Some(Format::Csv), Some("text/csv; charset=utf-8")),
            (
                "xlsx",
                Some(Format::Xlsx),
                Some("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            ),
            ("pdf", None, None),
            ("", None, None),
        ] {
            let found = Format::from_word(word);
            assert_eq!((found, found.map(Format::content_type)), (format, media_type), "{word}");
        }
    }

    #[test]
    fn each_step_of_an_export_says_what_is_known_by_then() {
        let asked_at: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let now = asked_at + SignedDuration::from_mins(1);
        let id = RecordId::new(Prefix::Export);
        let asked = Export::asked(id, "sales", Format::Xlsx, false, vec![], ("usr_1", asked_at));
        let made = Made {
            rows: 7,
            bytes: 9,
            parts: 1,
        };
        let file = format!("/v1/report-exports/{id}/file");
        let running = asked.running();
        for (export, status, over, numbers, finished_at, file, error) in [
            (
                &asked,
                ExportStatus::Queued,
                false,
                (None, None, None),
                None,
                None,
                None,
            ),
            (
                &running,
                ExportStatus::Running,
                false,
                (None, None, None),
                None,
                None,
                None,
            ),
            (
                &running.done(made, now),
                ExportStatus::Done,
                true,
                (Some(7), Some(9), Some(1)),
                Some(now),
                Some(file.as_str()),
                None,
            ),
            (
                &running.failed("too much", now),
                ExportStatus::Failed,
                true,
                (None, None, None),
                Some(now),
                None,
                Some("too much"),
            ),
        ] {
            assert_eq!((export.status, export.status.is_over()), (status, over));
            assert_eq!((export.rows, export.bytes, export.parts), numbers, "{status:?}");
            assert_eq!(
                (export.finished_at, export.file.as_deref(), export.error.as_deref()),
                (finished_at, file, error),
                "{status:?}"
            );
        }
    }

    #[test]
    fn a_file_is_called_by_its_days_and_numbered_only_among_several_parts() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let days = [("group", "day"), ("to", "2026-01-31"), ("from", "2026-01-01")];
        for (query, parts, name) in [
            (&[][..], 1, "sales.csv"),
            (&days[..1], 1, "sales.csv"),
            (&days[..2], 1, "sales-2026-01-31.csv"),
            (&days, 1, "sales-2026-01-01-2026-01-31.csv"),
            (&days, 2, "sales-2026-01-01-2026-01-31-part-1.csv"),
        ] {
            let query = query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let id = RecordId::new(Prefix::Export);
            let asked = Export::asked(id, "sales", Format::Csv, false, query, ("usr_1", now));
            let made = Made {
                parts,
                ..Made::default()
            };
            assert_eq!(asked.done(made, now).file_name(1), name);
        }
    }
}
