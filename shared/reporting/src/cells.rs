//! Sums by cell: a dimension, a key in it, a currency. Cells of different days add up to those of a month.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::measure::{Measure, Sums};
use rust_decimal::Decimal;

macro_rules! words {
    ($(#[doc = $enum_doc:literal])* $enum:ident { $($(#[doc = $doc:literal])* $name:ident = $word:literal,)* }) => {
        $(#[doc = $enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $enum { $($(#[doc = $doc])* $name,)* }
        impl $enum {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// The word in keys, messages and addresses.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word,)* } }
            /// What a word stands for.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.word() == word)
            }
        }
    };
}

words! {
    /// A kind of fact. Each has sheets of its own.
    Family {
        /// Orders, a sheet a month.
        Sales = "sales",
        /// Contacts, one sheet.
        Contacts = "contacts",
        /// Companies, one sheet.
        Companies = "companies",
        /// Products and what lay in stock; facts only.
        Stock = "stock",
        /// Tickets, a sheet a month.
        Service = "service",
    }
}

words! {
    /// By what sums are kept apart.
    Dimension {
        /// The day, `2026-11-22`.
        Day = "day",
        /// The product: its id, or `sku:…`, or `name:…` where it was never declared.
        Product = "product",
        /// The contact.
        Customer = "customer",
        /// The company.
        Company = "company",
        /// The user who looks after the record.
        Owner = "owner",
        /// The channel.
        Channel = "channel",
        /// The kind of company.
        Kind = "kind",
        /// The industry of a company.
        Industry = "industry",
        /// The size of a company.
        Size = "size",
        /// Province or state.
        Region = "region",
        /// The country.
        Country = "country",
        /// The occupation of a person.
        Occupation = "occupation",
        /// The year of birth.
        BirthYear = "birth_year",
        /// The sex.
        Gender = "gender",
    }
}

impl Family {
    /// The dimensions its sums are kept by.
    #[must_use]
    pub const fn dimensions(self) -> &'static [Dimension] {
        use Dimension as D;
        match self {
            Self::Sales => &[D::Day, D::Product, D::Customer, D::Company, D::Owner, D::Channel],
            Self::Contacts => &[D::Occupation, D::BirthYear, D::Gender, D::Region, D::Country],
            Self::Companies => &[D::Kind, D::Industry, D::Size, D::Region, D::Country],
            Self::Stock => &[],
            Self::Service => &[D::Day, D::Customer, D::Company],
        }
    }

    /// Whether its facts have a day, and its sheets are months.
    #[must_use]
    pub const fn is_dated(self) -> bool {
        matches!(self, Self::Sales | Self::Service)
    }

    /// Whether its sums are kept.
    #[must_use]
    pub const fn has_sheets(self) -> bool {
        !self.dimensions().is_empty()
    }
}

/// The key of records that say nothing in a dimension.
pub const NONE: &str = "-";

/// Where sums belong: dimension, key, currency (empty where nothing is money).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The dimension.
    pub dimension: Dimension,
    /// The key in it; [`NONE`] where the record has none.
    pub key: String,
    /// ISO 4217, or empty.
    pub currency: String,
}

/// Sums by cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells(BTreeMap<Cell, Sums>);

/// What one fact adds to one cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The cell.
    pub cell: Cell,
    /// The values; none is zero, none comes twice.
    pub values: Vec<(Measure, Decimal)>,
}

impl Cells {
    /// Adds what a fact adds.
    pub fn add(&mut self, entries: &[Entry]) {
        for entry in entries.iter().filter(|entry| !entry.values.is_empty()) {
            let sums = self.0.entry(entry.cell.clone()).or_default();
            for (measure, value) in &entry.values {
                sums.add(*measure, *value);
            }
        }
    }

    /// Adds other cells.
    pub fn merge(&mut self, other: Self) {
        for (cell, sums) in other.0 {
            match self.0.entry(cell) {
                std::collections::btree_map::Entry::Occupied(mut known) => known.get_mut().merge(&sums),
                std::collections::btree_map::Entry::Vacant(place) => {
                    place.insert(sums);
                }
            }
        }
    }

    /// The cells of one dimension.
    #[must_use]
    pub fn of(&self, dimension: Dimension) -> Self {
        let own = self.0.iter().filter(|(cell, _)| cell.dimension == dimension);
        Self(own.map(|(cell, sums)| (cell.clone(), sums.clone())).collect())
    }

    /// Keeps only some.
    pub fn keep(&mut self, wanted: impl Fn(&Cell) -> bool) {
        self.0.retain(|cell, _| wanted(cell));
    }

    /// The same with amounts in currencies that have a rate converted into one currency; others stay as they are.
    #[must_use]
    pub fn converted(&self, rates: &BTreeMap<String, Decimal>, into: &str) -> Self {
        let mut all = Self::default();
        for (cell, sums) in &self.0 {
            let one = match rates.get(&cell.currency) {
                Some(rate) if cell.currency != into => {
                    let cell = Cell {
                        currency: into.to_owned(),
                        ..cell.clone()
                    };
                    let sums = sums.map(|measure, value| convert(measure, value, *rate));
                    (cell, sums)
                }
                _ => (cell.clone(), sums.clone()),
            };
            all.merge(Self(BTreeMap::from([one])));
        }
        all
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Cell, &Sums)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As texts of about `most` bytes at most, in order. Nothing makes no text.
    #[must_use]
    pub fn chunks(&self, most: usize) -> Vec<String> {
        let mut chunks: Vec<String> = Vec::new();
        for (cell, sums) in &self.0 {
            let line = serde_json::to_string(&(cell.dimension, &cell.key, &cell.currency, sums)).unwrap_or_default();
            match chunks.last_mut() {
                Some(chunk) if chunk.len() + line.len() < most => {
                    chunk.push('\n');
                    chunk.push_str(&line);
                }
                _ => chunks.push(line),
            }
        }
        chunks
    }

    /// Adds a text of [`Cells::chunks`].
    ///
    /// # Errors
    /// When it is none.
    pub fn read(&mut self, chunk: &str) -> Result<(), serde_json::Error> {
        for line in chunk.lines() {
            let (dimension, key, currency, sums): (Dimension, String, String, Sums) = serde_json::from_str(line)?;
            let cell = Cell {
                dimension,
                key,
                currency,
            };
            self.merge(Self(BTreeMap::from([(cell, sums)])));
        }
        Ok(())
    }
}

/// A measure's value in another currency: only money changes.
#[must_use]
pub fn convert(measure: Measure, value: Decimal, rate: Decimal) -> Decimal {
    if measure.unit().is_money() {
        value.saturating_mul(rate).normalize()
    } else {
        value
    }
}
