//! Comma-separated values by RFC 4180, in UTF-8 with a mark at the beginning, by which Excel knows it.

use ::csv::{Terminator, WriterBuilder};
use rapport_domain::text::harmless;

use super::{Cell, FileError, Table};

/// The mark of UTF-8.
const MARK: &str = "\u{feff}";

/// The file.
///
/// # Errors
/// Never for a table whose rows are as long as its columns are many.
pub fn file(table: &Table) -> Result<Vec<u8>, FileError> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(MARK.as_bytes().to_vec());
    let failed = |error: ::csv::Error| FileError(error.to_string());
    writer
        .write_record(table.columns.iter().map(|column| column.name.as_str()))
        .map_err(failed)?;
    for row in &table.rows {
        let fields = row.iter().map(|cell| match cell {
            Cell::Empty => String::new(),
            Cell::Text(text) => harmless(text).into_owned(),
            Cell::Number(number) => number.to_string(),
        });
        writer.write_record(fields).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| FileError(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::answer;
    use super::*;

    #[test]
    fn a_report_reads_back_as_it_was() {
        let table = Table::of(&answer(), "en");
        let bytes = file(&table).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let body = text.strip_prefix(MARK).unwrap();
        assert!(body.starts_with("key,title,currency,sales,share,forecast,forecast_low,forecast_high\r\n"));
        let mut reader = ::csv::Reader::from_reader(body.as_bytes());
        let rows: Vec<Vec<String>> = reader
            .records()
            .map(|row| row.unwrap().iter().map(str::to_owned).collect())
            .collect();
        assert_eq!(
            rows[0],
            ["con_1", "'=HYPERLINK(\"x\")", "USD", "-13.5", "0.25", "", "", ""]
        );
        assert_eq!(rows[1][1], "李, \"Ann\"\r\n");
        assert_eq!(rows[3], ["total", "Total", "EUR", "4.2", "1", "7", "1", "10"]);
        assert_eq!(rows.len(), 4);
    }
}
