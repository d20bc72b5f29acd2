//! A workbook of Excel: the table on the first sheet, how its numbers come about on the second. Texts are never formulas.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::{Cell, FileError, Table};
use crate::measure::Unit;

/// A cell of Excel holds so many characters.
const MOST_CHARACTERS: usize = 32_767;
/// Columns are as wide as their texts, in characters, within these bounds.
const WIDTHS: (usize, usize) = (8, 60);
/// How many rows are looked at for the width of a column.
const LOOKED_AT: usize = 500;

/// The file.
///
/// # Errors
/// When the table has more rows or columns than a sheet.
pub fn file(table: &Table) -> Result<Vec<u8>, FileError> {
    written(table).map_err(|error| FileError(error.to_string()))
}

fn written(table: &Table) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let bold = Format::new().set_bold();
    let sheet = workbook.add_worksheet().set_name("Report")?;
    for (column, at) in table.columns.iter().zip(0u16..) {
        sheet.write_string_with_format(0, at, &column.name, &bold)?;
    }
    let formats: Vec<(Format, Format)> = table
        .columns
        .iter()
        .map(|column| {
            let format = Format::new().set_num_format(pattern(column.unit));
            (format.clone(), format.set_bold())
        })
        .collect();
    let first_total = table.rows.len().saturating_sub(table.totals);
    for ((row, at), line) in table.rows.iter().zip(1u32..).zip(0usize..) {
        for ((cell, column), (plain, total)) in row.iter().zip(0u16..).zip(&formats) {
            write(
                sheet,
                (at, column),
                cell,
                if line < first_total { plain } else { total },
            )?;
        }
    }
    let heads = table.columns.iter().map(|column| column.name.as_str());
    for ((width, head), at) in widths(&table.rows, table.columns.len())
        .into_iter()
        .zip(heads)
        .zip(0u16..)
    {
        sheet.set_column_width(at, chars(width.max(head.chars().count() + 1)))?;
    }
    sheet.set_freeze_panes(1, 0)?;

    let sheet = workbook.add_worksheet().set_name("Explain")?;
    let plain = Format::new();
    for (line, at) in table.explain.iter().zip(0u32..) {
        // Single pairs have their name before them, explained numbers their headings above.
        let is_heading = line.first() == Some(&Cell::Text("number".to_owned()));
        for (cell, column) in line.iter().zip(0u16..) {
            let format = if is_heading || column == 0 { &bold } else { &plain };
            write(sheet, (at, column), cell, format)?;
        }
    }
    for (width, at) in widths(&table.explain, 7).into_iter().zip(0u16..) {
        sheet.set_column_width(at, chars(width))?;
    }
    workbook.save_to_buffer()
}

fn write(sheet: &mut Worksheet, (row, column): (u32, u16), cell: &Cell, format: &Format) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => {
            let text: String = text.chars().take(MOST_CHARACTERS).collect();
            sheet.write_string_with_format(row, column, text, format)?;
        }
        Cell::Number(number) => match exact(*number) {
            Some(value) => {
                sheet.write_number_with_format(row, column, value, format)?;
            }
            None => {
                sheet.write_string_with_format(row, column, number.to_string(), format)?;
            }
        },
    }
    Ok(())
}

/// The number as Excel keeps it, in 15 digits; none where digits would be lost: then it stays a text.
fn exact(number: Decimal) -> Option<f64> {
    let value = number.normalize();
    if value.mantissa().unsigned_abs() >= 10u128.pow(15) {
        return None;
    }
    value.to_f64()
}

/// How Excel shows numbers of a unit.
const fn pattern(unit: Option<Unit>) -> &'static str {
    match unit {
        None => "General",
        Some(Unit::Count) => "#,##0",
        Some(Unit::Money | Unit::MoneyDays) => "#,##0.00",
        Some(Unit::Quantity) => "#,##0.###",
        Some(Unit::Share) => "0.00%",
        Some(Unit::Days | Unit::Times | Unit::Points) => "0.00",
    }
}

fn widths(rows: &[Vec<Cell>], columns: usize) -> Vec<usize> {
    let mut widths = vec![WIDTHS.0; columns];
    for row in rows.iter().take(LOOKED_AT).filter(|row| row.len() != 2) {
        for (cell, width) in row.iter().zip(&mut widths) {
            let own = match cell {
                Cell::Empty => 0,
                // Chinese characters are twice as wide.
                Cell::Text(text) => text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum(),
                Cell::Number(number) => number.to_string().len() + 3,
            };
            *width = (*width).max(own + 1).min(WIDTHS.1);
        }
    }
    widths
}

fn chars(width: usize) -> f64 {
    f64::from(u32::try_from(width).unwrap_or(u32::MAX))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::tests::answer;
    use super::*;
    use calamine::{Data, Reader as _, Xlsx, open_workbook_from_rs};

    #[test]
    fn another_reader_finds_numbers_as_numbers_and_texts_as_texts() {
        let table = Table::of(&answer(), "en");
        let bytes = file(&table).unwrap();
        let mut book: Xlsx<_> = open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
        assert_eq!(book.sheet_names(), ["Report", "Explain"]);
        let sheet = book.worksheet_range("Report").unwrap();
        let at = |row, column| sheet.get_value((row, column)).cloned().unwrap();
        assert_eq!(at(0, 3), Data::String("sales".to_owned()));
        assert_eq!(at(1, 1), Data::String("=HYPERLINK(\"x\")".to_owned()));
        assert_eq!(at(1, 3), Data::Float(-13.5));
        assert_eq!(at(1, 4), Data::Float(0.25));
        assert_eq!(at(3, 4), Data::Empty);
        assert_eq!(at(4, 3), Data::Float(4.2));
        let formulas = book.worksheet_formula("Report").unwrap();
        assert!(formulas.used_cells().all(|(_, _, formula)| formula.is_empty()));
        let explain = book.worksheet_range("Explain").unwrap();
        assert!(
            explain
                .used_cells()
                .any(|(_, _, cell)| *cell == Data::String("=sum of sales".to_owned()))
        );
    }

    #[test]
    fn no_digit_is_lost() {
        for (number, expected) in [
            ("0.1", Some(0.1)),
            ("999999999999999", Some(999_999_999_999_999.0)),
            ("1234567890123456", None),
            ("12345678901234.56", None),
            ("1000000000000000000", None),
        ] {
            assert_eq!(exact(number.parse().unwrap()), expected, "{number}");
        }
    }
}
