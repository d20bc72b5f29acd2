//! Files of rows: text with delimiters in whatever encoding, workbooks of Excel, cards of contacts. All are bounded.

mod card;
mod delimited;
mod workbook;

use rapport_domain::Invalid;
use rapport_domain::import::{
    ImportColumn, ImportFormat, ImportKind, ImportOptions, MOST_COLUMNS, MOST_ROWS, fields, guess_fields,
    guess_options, is_data,
};
use rapport_domain::record::Rules;
use rapport_domain::settings::Settings;
use serde::{Deserialize, Serialize};

/// Rows of one page: what one message works on, and how rows are kept.
pub const PAGE: usize = 100;
/// All cells together have at most so many bytes: a workbook may name one long text in many cells.
const MOST_TEXT: usize = 16 * 1024 * 1024;
/// How much of a heading and of a sample is shown, in bytes.
const SHOWN: (usize, usize) = (120, 60);
/// How many rows are looked at to guess what columns mean.
const LOOKED_AT: usize = 200;

/// A row: its number in the file, headings being row 1, and its cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row(pub u32, pub Vec<String>);

/// A file as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its format.
    pub format: ImportFormat,
    /// The encoding it was read in.
    pub encoding: String,
    /// What stands between columns, where it is text.
    pub delimiter: Option<char>,
    /// The headings.
    pub headings: Vec<String>,
    /// The rows that have something in them.
    pub rows: Vec<Row>,
}

/// Why a file is refused, with words what to do.
fn refused(code: &'static str, detail: impl Into<String>) -> Invalid {
    Invalid::one("", code, detail)
}

fn too_long() -> Invalid {
    refused("too_large", "the cells hold more than 16 MB of text: split the file")
}

/// Rows as they are read, within bounds.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    width: usize,
    bytes: usize,
}

impl Rows {
    /// Adds a row, unless nothing is in it.
    fn push(&mut self, number: u32, mut cells: Vec<String>) -> Result<(), Invalid> {
        while cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.is_empty() {
            return Ok(());
        }
        if cells.len() > MOST_COLUMNS {
            return Err(refused(
                "too_many_columns",
                format!("a file has at most {MOST_COLUMNS} columns: leave out those that are not needed"),
            ));
        }
        // The headings are one more.
        if self.rows.len() > MOST_ROWS {
            return Err(refused(
                "too_many_rows",
                format!("a file has at most {MOST_ROWS} rows: split it and import the parts one after the other"),
            ));
        }
        self.bytes += cells.iter().map(String::len).sum::<usize>();
        if self.bytes > MOST_TEXT {
            return Err(too_long());
        }
        self.width = self.width.max(cells.len());
        self.rows.push(Row(number, cells));
        Ok(())
    }
}

/// Whether a file is a workbook of Excel, or pretends to be one.
#[must_use]
pub fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// What is said of a workbook that what reads it stumbles over. [`read`] says it where panics can be caught; a program that ends by
/// one has to say it itself.
#[must_use]
pub fn unreadable_workbook() -> Invalid {
    workbook::unreadable()
}

/// Reads a file. What it is shows in its first bytes; a name or type may be wrong.
///
/// # Errors
/// [`Invalid`] saying why it cannot be read, and what to do.
pub fn read(bytes: &[u8], settings: &Settings) -> Result<File, Invalid> {
    let (format, encoding, delimiter, rows, headed) = if is_workbook(bytes) {
        (
            ImportFormat::Xlsx,
            "UTF-8".to_owned(),
            None,
            workbook::read(bytes)?,
            false,
        )
    } else if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(refused(
            "file_unreadable",
            "this is a workbook of an old kind: save it as .xlsx or CSV",
        ));
    } else {
        let (text, encoding) = delimited::decode(bytes, &settings.country)?;
        if card::is_card(&text) {
            (ImportFormat::Vcard, encoding, None, card::read(&text)?, true)
        } else {
            let (rows, delimiter) = delimited::read(&text)?;
            (ImportFormat::Csv, encoding, Some(delimiter), rows, false)
        }
    };
    let Rows { mut rows, width, .. } = rows;
    let empty = || refused("file_empty", "the file has no rows below its headings");
    let first = rows.first().ok_or_else(empty)?;
    let named = |place: usize| format!("Column {}", place + 1);
    let mut headings: Vec<String> = if !headed && is_data(&first.1, settings) {
        (0..width).map(named).collect()
    } else {
        rows.remove(0).1
    };
    headings.resize(width, String::new());
    if rows.is_empty() {
        return Err(empty());
    }
    if rows.len() > MOST_ROWS {
        return Err(refused(
            "too_many_rows",
            format!("a file has at most {MOST_ROWS} rows: split it"),
        ));
    }
    Ok(File {
        format,
        encoding,
        delimiter,
        headings,
        rows,
    })
}

/// A text of at most so many bytes, without control characters.
fn shortened(text: &str, most: usize) -> String {
    let mut short = String::new();
    for c in text.trim().chars().filter(|c| !c.is_control()) {
        if short.len() + c.len_utf8() > most {
            short.push('…');
            break;
        }
        short.push(c);
    }
    short
}

impl File {
    /// The columns with what they are likely to mean, and how rows are likely to be understood.
    #[must_use]
    pub fn columns(&self, kind: ImportKind, rules: &Rules) -> (Vec<ImportColumn>, ImportOptions) {
        let fields = fields(kind, &rules.fields);
        let values = |column: usize| -> Vec<String> {
            let cells = self.rows.iter().take(LOOKED_AT).filter_map(|row| row.1.get(column));
            let filled = cells.map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
            filled.map(str::to_owned).collect()
        };
        let samples: Vec<Vec<String>> = (0..self.headings.len()).map(values).collect();
        let guessed = guess_fields(&fields, &self.headings, &samples, &rules.settings);
        let options = guess_options(kind, &fields, &guessed, &samples, &rules.settings);
        let columns = self.headings.iter().zip(samples).zip(guessed).enumerate();
        let columns = columns.map(|(index, ((heading, values), field))| ImportColumn {
            index,
            name: shortened(heading, SHOWN.0),
            samples: values.iter().take(3).map(|value| shortened(value, SHOWN.1)).collect(),
            field,
        });
        (columns.collect(), options)
    }
}
