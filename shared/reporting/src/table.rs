//! A report as a table: one row for each group and currency, then the totals; and the rows behind a number, in files of a
//! size that can be answered. How a table becomes a file is in [`csv`] and [`xlsx`].

pub mod csv;
pub mod xlsx;

use rapport_domain::export::Format;
use rapport_domain::settings::millis;
use rust_decimal::Decimal;

use crate::answer::{Answer, Number, Numbers, Part};
use crate::measure::Unit;

/// What a place of a table holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// A text.
    Text(String),
    /// A number.
    Number(Decimal),
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// The unit of its numbers; none where it holds texts.
    pub unit: Option<Unit>,
}

impl Column {
    /// A column of texts.
    #[must_use]
    pub fn text(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            unit: None,
        }
    }

    /// A column of numbers.
    #[must_use]
    pub fn number(name: impl Into<String>, unit: Unit) -> Self {
        Self {
            name: name.into(),
            unit: Some(unit),
        }
    }
}

/// A table with its headings, and how its numbers come about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each as long as there are columns.
    pub rows: Vec<Vec<Cell>>,
    /// How many of the last rows are totals.
    pub totals: usize,
    /// The second sheet: what the table says, and how each total comes about.
    pub explain: Vec<Vec<Cell>>,
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn number(value: Option<Decimal>) -> Cell {
    value.map_or(Cell::Empty, |value| Cell::Number(value.normalize()))
}

/// The columns of numbers in the order in which they first come, and whether they have intervals.
fn columns(answer: &Answer) -> Vec<(&'static str, Unit, bool)> {
    let mut columns: Vec<(&'static str, Unit, bool)> = Vec::new();
    let all = answer
        .parts
        .iter()
        .flat_map(|part| std::iter::once(&part.totals).chain(part.groups.iter().map(|group| &group.numbers)));
    for (name, number) in all.flat_map(|numbers| &numbers.0) {
        match columns.iter_mut().find(|(known, ..)| known == name) {
            Some((_, _, interval)) => *interval |= number.interval.is_some(),
            None => columns.push((name, number.unit, number.interval.is_some())),
        }
    }
    columns
}

impl Table {
    /// A report: columns `key`, `title`, `currency`, then each number, with the ends of its 95 % interval where it has one.
    #[must_use]
    pub fn of(answer: &Answer, locale: &str) -> Self {
        let numbers = columns(answer);
        let mut columns: Vec<Column> = ["key", "title", "currency"].map(Column::text).into();
        for (name, unit, interval) in &numbers {
            columns.push(Column::number(*name, *unit));
            if *interval {
                columns.push(Column::number(format!("{name}_low"), *unit));
                columns.push(Column::number(format!("{name}_high"), *unit));
            }
        }
        let line = |key: &str, title: &str, part: &Part, own: &Numbers| {
            let currency = part.currency.as_deref().map_or(Cell::Empty, text);
            let mut cells = vec![text(key), text(title), currency];
            for (name, _, interval) in &numbers {
                let one = own.get(name);
                cells.push(number(one.and_then(|number| number.value)));
                if *interval {
                    let ends = one.and_then(|number| number.interval);
                    cells.push(number(ends.map(|(low, _)| low)));
                    cells.push(number(ends.map(|(_, high)| high)));
                }
            }
            cells
        };
        let mut rows = Vec::new();
        for part in &answer.parts {
            rows.extend(
                part.groups
                    .iter()
                    .map(|group| line(&group.key, &group.title, part, &group.numbers)),
            );
        }
        let total = if locale.starts_with("zh") { "合计" } else { "Total" };
        rows.extend(answer.parts.iter().map(|part| line("total", total, part, &part.totals)));
        Self {
            columns,
            rows,
            totals: answer.parts.len(),
            explain: explain(answer),
        }
    }

    /// The file.
    ///
    /// # Errors
    /// When the table cannot be written in the format, in words.
    pub fn file(&self, format: Format) -> Result<Vec<u8>, FileError> {
        match format {
            Format::Csv => csv::file(self),
            Format::Xlsx => xlsx::file(self),
        }
    }
}

/// That a table cannot be written as a file.
#[derive(Debug, thiserror::Error)]
#[error("the table cannot be written: {0}")]
pub struct FileError(String);

/// What the report looks at, and how its totals come about.
fn explain(answer: &Answer) -> Vec<Vec<Cell>> {
    let pair = |name: &str, value: String| vec![text(name), text(value)];
    let mut lines = vec![
        pair("report", answer.name.to_owned()),
        pair("title", answer.title.to_owned()),
        pair("from", answer.from.to_string()),
        pair("to", answer.to.to_string()),
        pair("by", answer.by.clone()),
        pair("as_of", millis::text(answer.as_of)),
    ];
    if answer.settling {
        lines.push(pair("settling", "some of these sums are being made anew".to_owned()));
    }
    lines.extend(
        answer
            .insufficient_data
            .map(|why| pair("insufficient_data", why.to_owned())),
    );
    lines.extend(answer.notes.iter().map(|note| pair("note", note.clone())));
    for part in &answer.parts {
        let currency = part.currency.as_deref().unwrap_or_default();
        for (from, rate) in &part.converted {
            lines.push(pair("converted", format!("1 {from} = {rate} {currency}")));
        }
        if part.groups_left_out > 0 {
            let left_out = format!("{} {currency}", part.groups_left_out);
            lines.push(pair("groups_left_out", left_out.trim_end().to_owned()));
        }
    }
    lines.push(Vec::new());
    lines.push(
        ["number", "currency", "value", "formula", "filter", "rows", "as_of"]
            .map(text)
            .into(),
    );
    for part in &answer.parts {
        for (name, number) in &part.totals.0 {
            lines.push(explained(name, part.currency.as_deref(), number));
        }
    }
    lines
}

fn explained(name: &str, currency: Option<&str>, of: &Number) -> Vec<Cell> {
    vec![
        text(name),
        currency.map_or(Cell::Empty, text),
        number(of.value),
        text(&of.explain.formula),
        text(&of.explain.filter),
        Cell::Number(of.explain.rows.into()),
        text(millis::text(of.explain.as_of)),
    ]
}

/// How much a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most so many rows, headings left out.
    pub rows: usize,
    /// At most about so many bytes of cells.
    pub bytes: usize,
}

/// A function answers 6 MB at most, a third of which is lost where bytes travel as text.
pub const PART: Limits = Limits {
    rows: 20_000,
    bytes: 3_500_000,
};

/// Takes rows one after the other and gives a table whenever one is full.
#[derive(Clone, Debug)]
pub struct Parts {
    head: Table,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
    limits: Limits,
    given: bool,
}

impl Parts {
    /// Parts with the columns and the second sheet of `head`.
    #[must_use]
    pub fn new(head: Table, limits: Limits) -> Self {
        Self {
            head: Table {
                rows: Vec::new(),
                totals: 0,
                ..head
            },
            rows: Vec::new(),
            bytes: 0,
            limits,
            given: false,
        }
    }

    /// Takes a row; gives the table before it where it does not fit in there any more.
    pub fn push(&mut self, row: Vec<Cell>) -> Option<Table> {
        let bytes: usize = row.iter().map(width).sum();
        let full =
            !self.rows.is_empty() && (self.rows.len() >= self.limits.rows || self.bytes + bytes > self.limits.bytes);
        let table = full.then(|| self.take());
        self.bytes += bytes;
        self.rows.push(row);
        table
    }

    /// What is left; an empty table where there was no row at all.
    pub fn last(mut self) -> Option<Table> {
        (!self.rows.is_empty() || !self.given).then(|| self.take())
    }

    fn take(&mut self) -> Table {
        self.given = true;
        self.bytes = 0;
        Table {
            rows: std::mem::take(&mut self.rows),
            ..self.head.clone()
        }
    }
}

/// About how many bytes a cell takes in a file.
fn width(cell: &Cell) -> usize {
    match cell {
        Cell::Empty => 1,
        Cell::Text(text) => text.len() + 3,
        Cell::Number(number) => number.to_string().len() + 1,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::answer::{Explain, Group};

    fn some(unit: Unit, value: Option<&str>) -> Number {
        Number {
            value: value.map(|value| value.parse().unwrap()),
            unit,
            rows: None,
            of: Numbers::default(),
            interval: None,
            explain: Explain {
                formula: "=sum of sales".to_owned(),
                filter: "currency".to_owned(),
                rows: 3,
                as_of: "2026-11-22T00:00:00Z".parse().unwrap(),
            },
        }
    }

    /// A report in two currencies, one of whose customers has a name that a spreadsheet would compute.
    pub(crate) fn answer() -> Answer {
        let numbers = |sales: &str, share: Option<&str>| {
            Numbers(vec![
                ("sales", some(Unit::Money, Some(sales))),
                ("share", some(Unit::Share, share)),
            ])
        };
        let group = |key: &str, title: &str, numbers: Numbers| Group {
            key: key.to_owned(),
            title: title.to_owned(),
            numbers,
        };
        let part = |currency: &str, totals: Numbers, groups: Vec<Group>| Part {
            currency: Some(currency.to_owned()),
            converted: Vec::new(),
            totals,
            groups,
            groups_left_out: 2,
        };
        let mut forecast = some(Unit::Money, Some("7"));
        forecast.interval = Some((Decimal::ONE, Decimal::TEN));
        let mut eur = numbers("4.20", Some("1"));
        eur.push("forecast", forecast);
        Answer {
            name: "sales",
            title: "Sales",
            from: "2026-01-01".parse().unwrap(),
            to: "2026-12-31".parse().unwrap(),
            by: "customer".to_owned(),
            as_of: "2026-11-22T00:00:00Z".parse().unwrap(),
            settling: false,
            insufficient_data: None,
            notes: vec!["a note".to_owned()],
            parts: vec![
                part(
                    "USD",
                    numbers("-12.50", None),
                    vec![
                        group("con_1", "=HYPERLINK(\"x\")", numbers("-13.50", Some("0.25"))),
                        group("con_2", "李, \"Ann\"\r\n", numbers("1", None)),
                    ],
                ),
                part("EUR", eur, Vec::new()),
            ],
        }
    }

    #[test]
    fn groups_come_first_and_totals_last_a_row_for_each_currency() {
        let table = Table::of(&answer(), "zh-CN");
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "key",
                "title",
                "currency",
                "sales",
                "share",
                "forecast",
                "forecast_low",
                "forecast_high"
            ]
        );
        assert_eq!((table.rows.len(), table.totals), (4, 2));
        assert!(table.rows.iter().all(|row| row.len() == names.len()));
        let eur = &table.rows[3];
        assert_eq!(eur[..3], [text("total"), text("合计"), text("EUR")]);
        assert_eq!(eur[3], Cell::Number("4.2".parse().unwrap()));
        assert_eq!(eur[7], Cell::Number(Decimal::TEN));
        assert_eq!(table.rows[2][4], Cell::Empty, "a share of nothing is nothing");
        // Two numbers of the first part, three of the second.
        let explained = table.explain.iter().filter(|line| line.len() == 7).count();
        assert_eq!(explained, 1 + 5);
    }

    #[test]
    fn parts_are_cut_by_rows_and_by_bytes_and_nothing_is_lost() {
        let head = || Table {
            columns: vec![Column::text("a")],
            ..Table::default()
        };
        for (rows, bytes, lengths, expected) in [
            (2, 1_000, &[1, 1, 1, 1, 1][..], &[2, 2, 1][..]),
            (2, 1_000, &[1, 1], &[2]),
            (2, 1_000, &[], &[0]),
            (9, 20, &[7, 7, 7], &[2, 1]),
            // One that is too long by itself has a part of its own.
            (9, 20, &[7, 90, 7], &[1, 1, 1]),
        ] {
            let mut parts = Parts::new(head(), Limits { rows, bytes });
            let mut tables: Vec<Table> = lengths
                .iter()
                .filter_map(|length| parts.push(vec![text("x".repeat(*length))]))
                .collect();
            tables.extend(parts.last());
            let sizes: Vec<usize> = tables.iter().map(|table| table.rows.len()).collect();
            assert_eq!(sizes, expected, "{rows} {bytes} {lengths:?}");
            let written: Vec<usize> = tables
                .iter()
                .flat_map(|table| &table.rows)
                .map(|row| width(&row[0]) - 3)
                .collect();
            assert_eq!(written, lengths);
        }
    }
}
