//! The catalogue of reports, and what they have in common: what is asked, what is read, how numbers are made.

pub mod book;
pub mod composition;
pub mod forecast;
pub mod loyalty;
pub mod pareto;
pub mod products;
pub mod profitability;
pub mod receivables;
pub mod sales;
pub mod screening;
pub mod started_stopped;
pub mod trading;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use rapport_domain::score::Score;
use rapport_domain::settings::Settings;
use rapport_scoring::Model;
use rust_decimal::Decimal;

use crate::answer::Answer;
use crate::cells::{Cells, Dimension, Family};
use crate::period::Days;
use crate::stock::Stock;

/// A text in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Simplified Chinese.
    pub zh: &'static str,
}

impl Text {
    /// The text in a locale.
    #[must_use]
    pub fn of(self, locale: &str) -> &'static str {
        if locale.starts_with("zh") { self.zh } else { self.en }
    }
}

/// What is asked of a report.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The days.
    pub days: Days,
    /// The grouping, one of the report's.
    pub by: &'static str,
    /// At most so many groups.
    pub limit: usize,
    /// Whether amounts in other currencies are converted by the tenant's rates.
    pub convert: bool,
    /// The tenant's present day.
    pub today: Date,
}

/// Sheets that a report reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The family.
    pub family: Family,
    /// The dimension.
    pub dimension: Dimension,
    /// Of a family with days, the days.
    pub days: Days,
}

/// What was read: sums by sheet for each need, and what a report may know besides.
#[derive(Debug)]
pub struct Source<'a> {
    /// Sums of each family and dimension, by sheet.
    pub sheets: BTreeMap<(Family, Dimension), BTreeMap<String, Cells>>,
    /// The model of the last recompute.
    pub model: Option<&'a Model>,
    /// Products and their stock.
    pub stock: &'a [Stock],
    /// The scores of all customers; `None` where they are too many for one answer.
    pub scores: Option<&'a [Score]>,
    /// The settings.
    pub settings: &'a Settings,
    /// Everything up to this moment is in the sheets.
    pub as_of: Timestamp,
}

impl Source<'_> {
    /// All sums of a dimension in some days: of the sheets of those months, and of days exactly where the dimension is the
    /// day.
    #[must_use]
    pub fn cells(&self, family: Family, dimension: Dimension, days: Days) -> Cells {
        let mut all = Cells::default();
        let months = days.months();
        for (sheet, cells) in self.sheets.get(&(family, dimension)).into_iter().flatten() {
            if family.is_dated() && !months.contains(sheet) {
                continue;
            }
            all.merge(cells.clone());
        }
        if dimension == Dimension::Day {
            all.keep(|cell| cell.key.parse().is_ok_and(|day| days.has(day)));
        }
        all
    }
}

/// A report of the catalogue.
#[derive(Clone, Copy)]
pub struct Definition {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its title.
    pub title: Text,
    /// What it tells.
    pub detail: Text,
    /// By what it can be grouped; the first unless asked otherwise.
    pub by: &'static [&'static str],
    /// Whether it looks at days; else it tells how things stand.
    pub is_dated: bool,
    /// How many months it looks at unless asked otherwise, this one the last.
    pub months: i32,
    /// Whether it needs the model of the last recompute.
    pub needs_model: bool,
    /// Whether it needs the stock of products.
    pub needs_stock: bool,
    /// Whether it needs the scores of customers, where they are few enough.
    pub needs_scores: bool,
    /// What it reads.
    pub needs: fn(&Ask) -> Vec<Need>,
    /// Its numbers.
    pub answer: fn(&Ask, &Source<'_>) -> Answer,
}

impl std::fmt::Debug for Definition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Definition")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Every report.
pub const ALL: &[Definition] = &[
    sales::DEFINITION,
    trading::DEFINITION,
    products::SALES,
    products::MARGIN,
    products::TURNOVER,
    composition::DEFINITION,
    started_stopped::DEFINITION,
    pareto::DEFINITION,
    profitability::DEFINITION,
    screening::DEFINITION,
    loyalty::DEFINITION,
    forecast::DEFINITION,
    receivables::DEFINITION,
];

/// The report of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Definition> {
    ALL.iter().find(|definition| definition.name == name)
}

/// A rate of the tenant's: what one unit of a currency is worth in the tenant's own.
#[must_use]
pub fn rates(settings: &Settings) -> BTreeMap<String, Decimal> {
    settings
        .rates
        .iter()
        .map(|(currency, rate)| (currency.clone(), rate.0))
        .collect()
}
