//! Workbooks of Excel: the first sheet, its values as they would be written in text. What unpacks to too much is refused
//! before anything of it is read.

use std::io::{self, Cursor, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, DataRef, ExcelDateTime, Reader as _, Xlsx};
use rapport_domain::Invalid;
use rapport_domain::import::MOST_COLUMNS;

use super::{MOST_TEXT, Rows, refused, too_long};

/// All parts of a workbook together unpack to at most this, in bytes.
const MOST_UNPACKED: u64 = 64 * 1024 * 1024;
/// A workbook has at most so many parts.
const MOST_PARTS: usize = 2_000;

/// The rows of the first sheet.
pub(super) fn read(bytes: &[u8]) -> Result<Rows, Invalid> {
    unpacked(bytes)?;
    // The reader is another's: whatever it stumbles over in a forged file is an unreadable file.
    catch_unwind(AssertUnwindSafe(|| rows(bytes))).unwrap_or_else(|_| Err(unreadable()))
}

/// What is said of a workbook that the reader cannot make sense of.
pub(super) fn unreadable() -> Invalid {
    refused(
        "file_unreadable",
        "the workbook cannot be read: save it again, or save it as CSV",
    )
}

/// Insists on bounds by unpacking once: what a workbook says of its own sizes may be a lie.
fn unpacked(bytes: &[u8]) -> Result<(), Invalid> {
    let large = || {
        refused(
            "too_large",
            "the workbook unpacks to more than 64 MB: save the rows as CSV",
        )
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    if archive.len() > MOST_PARTS {
        return Err(large());
    }
    let mut left = MOST_UNPACKED;
    for place in 0..archive.len() {
        let part = archive.by_index(place).map_err(|_| unreadable())?;
        let length = io::copy(&mut part.take(left + 1), &mut io::sink())
            .map_err(|_| refused("file_unreadable", "the workbook is damaged: save it again"))?;
        left = left.checked_sub(length).ok_or_else(large)?;
    }
    Ok(())
}

fn rows(bytes: &[u8]) -> Result<Rows, Invalid> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    let name = book.sheet_names().first().cloned();
    let name = name.ok_or_else(|| refused("file_empty", "the workbook has no sheet"))?;
    let mut cells = book.worksheet_cells_reader(&name).map_err(|_| unreadable())?;
    let mut rows = Rows::default();
    let mut row: Vec<String> = Vec::new();
    let mut present = 0;
    let mut copied = 0;
    while let Some(cell) = cells.next_cell().map_err(|_| unreadable())? {
        let (at, column) = cell.get_position();
        let text = text(cell.get_value());
        if text.is_empty() {
            continue;
        }
        // A text may stand in the file once and be named by every cell, each of which makes a copy: no row of copies is
        // put together that will be refused.
        copied += text.len();
        if copied > MOST_TEXT {
            return Err(too_long());
        }
        if at != present {
            rows.push(present + 1, std::mem::take(&mut row))?;
            present = at;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        // One cell far to the right makes no memory: the row is refused when it is complete.
        let column = column.min(MOST_COLUMNS);
        if row.len() <= column {
            row.resize(column + 1, String::new());
        }
        if let Some(place) = row.get_mut(column) {
            *place = text;
        }
    }
    rows.push(present + 1, row)?;
    Ok(rows)
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => plain(*number),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(at) => moment(at),
        DataRef::Error(error) => Data::Error(error.clone()).to_string(),
    }
}

/// A number with the 15 digits that Excel shows, without an exponent.
fn plain(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    let shown: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    shown.to_string()
}

/// A day, with the time of day where there is one.
fn moment(at: &ExcelDateTime) -> String {
    // Numbers below the first day are times of day or lengths.
    if !at.is_datetime() || at.as_f64() < 1.0 || at.as_f64() > 2_958_466.0 {
        return plain(at.as_f64());
    }
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}
