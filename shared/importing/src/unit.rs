//! What rows are taken together: each by itself, those of one order as one.

use rapport_domain::import::{
    Fault, Import, ImportKind, ImportOptions, Mapping, Outcome, RowOutcome, fields, group, order_of, record_of,
};
use rapport_domain::settings::Settings;
use rapport_store::Accept;
use serde_json::{Map, Value};

use crate::file::Row;

/// The rows of one record.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// Its rows, one at least but for an order.
    pub rows: Vec<&'a Row>,
}

impl<'a> Unit<'a> {
    /// The number of its first row.
    #[must_use]
    pub fn row(&self) -> u32 {
        self.rows.first().map_or(0, |row| row.0)
    }

    /// The cells of its first row.
    #[must_use]
    pub fn cells(&self) -> &'a [String] {
        self.rows.first().map_or(&[], |row| &row.1)
    }

    /// What became of it.
    #[must_use]
    pub fn became(&self, outcome: Outcome, mut faults: Vec<Fault>) -> RowOutcome {
        // What is told of one row is bounded, however many columns are wrong.
        faults.truncate(10);
        RowOutcome {
            row: self.row(),
            further: self.rows.iter().skip(1).map(|row| row.0).collect(),
            outcome,
            faults,
        }
    }

    /// The record of the rows, as it would be sent to the API.
    ///
    /// # Errors
    /// What is wrong with the cells.
    pub fn record(&self, of: &Reading<'_>) -> Result<Map<String, Value>, Vec<Fault>> {
        match of.import.kind {
            ImportKind::Orders => {
                let rows: Vec<&[String]> = self.rows.iter().map(|row| row.1.as_slice()).collect();
                order_of(&of.mapping, &rows, of.options(), of.settings)
            }
            _ => record_of(&of.mapping, self.cells(), of.options(), of.settings),
        }
    }
}

/// How the rows of an import are read.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The import.
    pub import: &'a Import,
    /// Which columns fill which fields.
    pub mapping: Mapping,
    /// The tenant's settings.
    pub settings: &'a Settings,
}

impl<'a> Reading<'a> {
    /// How an import reads its rows.
    #[must_use]
    pub fn new(import: &'a Import, cx: &'a Accept) -> Self {
        Self {
            import,
            mapping: import.mapping(&fields(import.kind, &cx.rules.fields)),
            settings: &cx.rules.settings,
        }
    }

    /// How cells are understood.
    #[must_use]
    pub const fn options(&self) -> &'a ImportOptions {
        &self.import.options
    }

    /// The units that begin among the rows from one place to another; of orders, with all rows wherever they are.
    #[must_use]
    pub fn units<'r>(&self, rows: &'r [Row], (from, to): (usize, usize)) -> Vec<Unit<'r>> {
        let places = from..to.min(rows.len());
        if self.import.kind != ImportKind::Orders {
            let own = rows.get(places).unwrap_or_default();
            return own.iter().map(|row| Unit { rows: vec![row] }).collect();
        }
        let groups = group(&self.mapping, rows.iter().map(|row| row.1.as_slice()));
        let begun = groups
            .into_iter()
            .filter(|group| group.first().is_some_and(|first| places.contains(first)));
        begun
            .map(|group| Unit {
                rows: group.into_iter().filter_map(|place| rows.get(place)).collect(),
            })
            .collect()
    }
}
