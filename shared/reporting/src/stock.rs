//! How much of a product lay in stock, and since when.

use jiff::civil::Date;
use rapport_domain::RecordId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::period::Days;

/// The most levels of one product that are kept, the newest.
pub const MOST_LEVELS: usize = 1_000;

/// What lay in stock from a day on, until the next level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// From this day.
    pub day: Date,
    /// Units; an oversold product has none.
    pub units: Decimal,
    /// What one of them cost; absent where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Decimal>,
}

/// A product and its levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The product.
    pub product: RecordId,
    /// Its name.
    pub name: String,
    /// Its category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The currency of costs, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The levels, rising by day, one a day.
    pub levels: Vec<Level>,
}

/// A span in which the level did not change, and its share of an average.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The days.
    pub days: Days,
    /// Units.
    pub units: Decimal,
    /// Their value at cost × these days ÷ all days looked at: these sum to the average stock.
    pub value: Decimal,
}

impl Stock {
    /// The spans of some days in which stock at a known cost lay there, up to `today`. Days before the first level and
    /// after today are left out, and the average is over those that remain: `None` where none does.
    #[must_use]
    pub fn held(&self, days: Days, today: Date) -> Option<Vec<Held>> {
        let first = self.levels.iter().find(|level| level.cost.is_some())?;
        let days = Days {
            from: days.from.max(first.day),
            to: days.to.min(today),
        };
        if days.from > days.to {
            return None;
        }
        let all = Decimal::from(days.count());
        let mut held = Vec::new();
        for (n, level) in self.levels.iter().enumerate() {
            let until = self
                .levels
                .get(n + 1)
                .map_or(Date::MAX, |next| next.day.saturating_sub(jiff::Span::new().days(1)));
            let span = Days {
                from: level.day.max(days.from),
                to: until.min(days.to),
            };
            let Some(cost) = level.cost.filter(|_| span.from <= span.to) else {
                continue;
            };
            let units = level.units.max(Decimal::ZERO);
            let value = units
                .checked_mul(cost)
                .and_then(|value| value.checked_mul(Decimal::from(span.count())))
                .map_or(Decimal::ZERO, |value| (value / all).round_dp(6).normalize());
            if !value.is_zero() {
                held.push(Held {
                    days: span,
                    units,
                    value,
                });
            }
        }
        Some(held)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Prefix;

    #[test]
    fn the_average_weighs_levels_by_their_days() {
        let level = |day: &str, units: i64, cost: Option<i64>| Level {
            day: day.parse().unwrap(),
            units: units.into(),
            cost: cost.map(Decimal::from),
        };
        let of = |levels: Vec<Level>, from: &str, to: &str| {
            let stock = Stock {
                product: RecordId::from_u128(Prefix::Product, 1),
                name: "Tea".to_owned(),
                category: None,
                currency: None,
                levels,
            };
            let days = Days {
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
            };
            let held = stock.held(days, "2026-06-30".parse().unwrap())?;
            Some(held.iter().map(|held| held.value).sum::<Decimal>())
        };
        let two = || vec![level("2026-01-01", 10, Some(3)), level("2026-01-11", 20, Some(3))];
        for (levels, from, to, expected) in [
            (two(), "2026-01-01", "2026-01-20", Some(45)),
            (two(), "2026-01-11", "2026-01-20", Some(60)),
            (two(), "2025-12-22", "2026-01-10", Some(30)),
            (two(), "2025-01-01", "2025-12-31", None),
            (two(), "2026-07-01", "2026-07-31", None),
            (vec![], "2026-01-01", "2026-01-20", None),
            (vec![level("2026-01-01", 10, None)], "2026-01-01", "2026-01-20", None),
            (
                vec![level("2026-01-01", -4, Some(3))],
                "2026-01-01",
                "2026-01-20",
                Some(0),
            ),
        ] {
            assert_eq!(of(levels, from, to), expected.map(Decimal::from), "{from}");
        }
    }
}
