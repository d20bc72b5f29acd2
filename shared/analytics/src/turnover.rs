//! How often the stock of a product turns over: cost of goods sold / average stock at cost, and the days that one turn
//! takes.
//!
//! The stock is a step function of levels at the end of days; its average is weighted by time, since a stock that was
//! counted often in one month would otherwise weigh more there. Days before the first level known are not counted.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// The stock at the end of a day, which stays until the next level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Days since any fixed day.
    pub day: i64,
    /// The stock at cost, in one currency; below zero (sold before it was booked) counts as zero.
    pub at_cost: Decimal,
}

/// The average stock over some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AverageStock {
    /// The mean over the days, at cost.
    pub at_cost: Decimal,
    /// Days whose stock is known.
    pub days: i64,
}

/// The time-weighted average over the days `first` to `last`, both included. Of several levels of one day the last given
/// holds. Nothing where no day's stock is known.
#[must_use]
pub fn average_stock(levels: &[Level], first: i64, last: i64) -> Option<AverageStock> {
    let mut levels: Vec<Level> = levels.iter().copied().filter(|level| level.day <= last).collect();
    // Stable, so that levels of one day keep their order.
    levels.sort_by_key(|level| level.day);
    let (mut sum, mut days) = (Decimal::ZERO, 0_i64);
    for (i, level) in levels.iter().enumerate() {
        let begins = level.day.max(first);
        let ends = levels.get(i + 1).map_or(last.saturating_add(1), |next| next.day);
        let held = ends.saturating_sub(begins).max(0);
        let amount = level.at_cost.max(Decimal::ZERO);
        sum = sum.saturating_add(amount.saturating_mul(Decimal::from(held)));
        days = days.saturating_add(held);
    }
    let at_cost = sum.checked_div(Decimal::from(days))?;
    Some(AverageStock { at_cost, days })
}

/// How fast a product sells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turnover {
    /// The average stock at cost.
    pub average_stock: Decimal,
    /// Days of the period whose stock is known.
    pub days: i64,
    /// Turns in these days, 0 or more.
    pub turns: f64,
    /// Days for one turn; nothing where nothing was sold.
    pub days_per_turn: Option<f64>,
}

/// The turnover of a product over the days `first` to `last`, from the cost of the goods sold on the days whose stock is
/// known. Nothing where no stock is known, and where it was zero all the time. A cost below zero (more returned than sold)
/// counts as zero.
#[must_use]
pub fn turnover(cost_of_goods_sold: Decimal, levels: &[Level], first: i64, last: i64) -> Option<Turnover> {
    let average = average_stock(levels, first, last)?;
    let stock = average.at_cost.to_f64().filter(|stock| *stock > 0.0)?;
    let turns = cost_of_goods_sold.to_f64()?.max(0.0) / stock;
    Some(Turnover {
        average_stock: average.at_cost,
        days: average.days,
        turns,
        days_per_turn: (turns > 0.0)
            .then(|| average.days as f64 / turns)
            .filter(|days| days.is_finite()),
    })
    .filter(|turnover| turnover.turns.is_finite())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn level(day: i64, at_cost: i64) -> Level {
        Level {
            day,
            at_cost: Decimal::from(at_cost),
        }
    }

    #[test]
    fn stock_is_weighted_by_time() {
        // Days 1 to 10; (levels, average, days)
        type Average = Option<(i64, i64)>;
        let cases: [(&[Level], Average); 9] = [
            (&[], None),
            (&[level(11, 5)], None),
            (&[level(1, 100)], Some((100, 10))),
            (&[level(-50, 100)], Some((100, 10))),
            (&[level(1, 100), level(6, 0)], Some((50, 10))),
            (&[level(6, 0), level(1, 100)], Some((50, 10))),
            (&[level(-9, 7), level(0, 100), level(10, 200)], Some((110, 10))),
            (&[level(6, 80), level(9, 30)], Some((60, 5))),
            (&[level(1, -40), level(6, 10), level(6, 20)], Some((10, 10))),
        ];
        for (levels, expected) in cases {
            let got = average_stock(levels, 1, 10).map(|average| (average.at_cost, average.days));
            assert_eq!(
                got,
                expected.map(|(at_cost, days)| (Decimal::from(at_cost), days)),
                "{levels:?}"
            );
        }
    }

    #[test]
    fn turns_and_days() {
        let year = [level(0, 400), level(183, 200)];
        let got = turnover(Decimal::from(1_200), &year, 1, 365).unwrap();
        let average = (182.0 * 400.0 + 183.0 * 200.0) / 365.0;
        assert!((got.turns - 1_200.0 / average).abs() < 1e-9);
        assert!((got.days_per_turn.unwrap() - 365.0 * average / 1_200.0).abs() < 1e-9);
        let unsold = turnover(Decimal::from(-3), &year, 1, 365).unwrap();
        assert_eq!((unsold.turns, unsold.days_per_turn), (0.0, None));
        for levels in [&[level(1, 0)][..], &[]] {
            assert_eq!(turnover(Decimal::from(9), levels, 1, 365), None, "{levels:?}");
        }
        let huge = Level {
            day: i64::MIN,
            at_cost: Decimal::MAX,
        };
        assert_eq!(
            turnover(Decimal::MAX, &[huge], i64::MIN, i64::MAX).map(|t| t.days),
            Some(i64::MAX)
        );
        assert_eq!(turnover(Decimal::MAX, &[huge], 5, 4), None);
    }
}
