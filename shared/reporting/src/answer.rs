//! A report as it is answered: numbers that say how they came about and where their rows are.

use jiff::Timestamp;
use jiff::civil::Date;
use rapport_domain::settings::millis;
use rust_decimal::Decimal;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::measure::Unit;

/// How a number comes about.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ReportExplain)]
pub struct Explain {
    /// What is computed: `sum of sales`, `margin ÷ costed`.
    pub formula: String,
    /// Over what: `placed_on 2026-01-01 to 2026-01-31, currency CNY`.
    pub filter: String,
    /// How many records went into it.
    pub rows: u64,
    /// How things stood at this moment.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// A number of a report.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ReportNumber)]
pub struct Number {
    /// The value, a decimal in a string; null where there is none, such as a share of nothing.
    #[schema(value_type = Option<String>)]
    pub value: Option<Decimal>,
    /// The unit.
    pub unit: Unit,
    /// Where exactly the records behind it are listed, each with what it adds: these sum to `value`. Absent for numbers that
    /// are computed from others (`of`) or estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<String>,
    /// The numbers it is computed from.
    #[serde(skip_serializing_if = "Numbers::is_empty")]
    #[schema(value_type = Object)]
    pub of: Numbers,
    /// The 95 % interval of an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub interval: Option<(Decimal, Decimal)>,
    /// How it comes about.
    pub explain: Explain,
}

/// Numbers by name, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers(pub Vec<(&'static str, Number)>);

impl Numbers {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Number> {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| number)
    }

    /// The value of a number; zero where there is none.
    #[must_use]
    pub fn value(&self, name: &str) -> Decimal {
        self.get(name).and_then(|number| number.value).unwrap_or_default()
    }

    /// Adds one.
    pub fn push(&mut self, name: &'static str, number: Number) {
        self.0.push((name, number));
    }
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, number) in &self.0 {
            map.serialize_entry(name, number)?;
        }
        map.end()
    }
}

impl Number {
    /// One number over another, in a share, in days or in times; null where the other is zero. Four decimal places.
    #[must_use]
    pub fn ratio(
        unit: Unit,
        formula: &str,
        (name, numerator): (&'static str, Self),
        (under, denominator): (&'static str, Self),
    ) -> Self {
        let (above, below) = (numerator.value, denominator.value);
        let value = above
            .zip(below.filter(|below| !below.is_zero()))
            .and_then(|(above, below)| above.checked_div(below))
            .map(|value| value.round_dp(4).normalize());
        let explain = Explain {
            formula: formula.to_owned(),
            filter: numerator.explain.filter.clone(),
            rows: numerator.explain.rows.max(denominator.explain.rows),
            as_of: numerator.explain.as_of,
        };
        Self {
            value,
            unit,
            rows: None,
            of: Numbers(vec![(name, numerator), (under, denominator)]),
            interval: None,
            explain,
        }
    }

    /// The difference of two numbers.
    #[must_use]
    pub fn difference(
        unit: Unit,
        formula: &str,
        (name, from): (&'static str, Self),
        (under, less): (&'static str, Self),
    ) -> Self {
        let value = from.value.unwrap_or_default() - less.value.unwrap_or_default();
        let explain = Explain {
            formula: formula.to_owned(),
            filter: from.explain.filter.clone(),
            rows: from.explain.rows.max(less.explain.rows),
            as_of: from.explain.as_of,
        };
        Self {
            value: Some(value.normalize()),
            unit,
            rows: None,
            of: Numbers(vec![(name, from), (under, less)]),
            interval: None,
            explain,
        }
    }
}

/// The numbers of one day, product, customer, …
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ReportGroup)]
pub struct Group {
    /// The key: `2026-01`, an id, a word; `-` for records that say nothing.
    pub key: String,
    /// What people call it.
    pub title: String,
    /// The numbers.
    #[schema(value_type = Object)]
    pub numbers: Numbers,
}

/// The numbers in one currency.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = ReportPart)]
pub struct Part {
    /// The currency of its amounts; absent where nothing is money. Currencies are never added: each has a part of its own,
    /// unless `convert=true` asked for the tenant's rates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The rates by which amounts in other currencies were converted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Vec<String>>)]
    pub converted: Vec<(String, Decimal)>,
    /// Over all groups.
    #[schema(value_type = Object)]
    pub totals: Numbers,
    /// The groups.
    pub groups: Vec<Group>,
    /// Groups beyond `limit`, which are in the totals.
    pub groups_left_out: usize,
}

/// A report. Changes of the last seconds may not be in it yet.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = Report)]
pub struct Answer {
    /// The report.
    pub name: &'static str,
    /// Its title, in the tenant's language.
    pub title: &'static str,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// By what it is grouped.
    pub by: String,
    /// How things stood at this moment.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Whether some of these sums are being made anew this moment.
    pub settling: bool,
    /// Why there is nothing or not enough: `no_orders`, `not_scored`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insufficient_data: Option<&'static str>,
    /// What to know when reading it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// One part for each currency.
    pub parts: Vec<Part>,
}
