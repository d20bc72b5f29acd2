//! Recency, frequency and monetary value: in which fifth a customer stands, and the segment that follows.
//!
//! Source: Arthur Hughes, *Strategic Database Marketing*, and dbmarketing.com/articles/Art149.htm. This is a ranking of
//! customers against each other, not a forecast ([`crate::bg_nbd`]).
//!
//! **Nested** (Hughes' own, [`nested`]): all customers are sorted by recency and cut into five equal parts, each part by
//! frequency into five, each of those by monetary value into five: 125 cells of near equal size, 555 best. F is then
//! relative to customers of like recency, and M to those of like recency and frequency. **Independent**
//! ([`independent`]): three separate cuts over all customers; the cells differ in size.
//!
//! **Ties** are broken by id, the lower id ranking better, so that the parts stay equal and the answer does not depend
//! on the order of the input. **Equal parts** differ by at most one customer. **Few customers**: the customer at position
//! i of n (best first) falls in the part that holds the middle of its place, (i + ½)/n. One customer alone scores 3, two
//! score 4 and 2, three 5 3 1, four 5 4 2 1. So below 125 customers the nested M, below 25 the nested F and below 5 all
//! scores use fewer values, and a customer with nobody to compare to stands in the middle.

use std::cmp::Ordering;

/// What is ranked of one customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// The customer's id; it breaks ties.
    pub id: u128,
    /// Days since the last purchase, smaller is better.
    pub recency_days: i64,
    /// Number of purchases.
    pub frequency: u32,
    /// Amount spent, in the tenant's currency, for ranking only. `NaN` ranks last.
    pub monetary: f64,
}

/// Scores of one customer, each 1 to 5, 5 best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scores {
    /// Recency.
    pub r: u8,
    /// Frequency.
    pub f: u8,
    /// Monetary value.
    pub m: u8,
}

impl Scores {
    /// The cell as three digits, such as `543`.
    #[must_use]
    pub fn cell(self) -> String {
        format!("{}{}{}", self.r, self.f, self.m)
    }

    /// The named segment of the cell.
    #[must_use]
    pub const fn segment(self) -> Segment {
        Segment::of(self)
    }
}

/// Scores by Hughes' nested fifths, in the order of the input.
#[must_use]
pub fn nested(customers: &[Figures]) -> Vec<Scores> {
    let of = |i: u32| &customers[i as usize];
    nested_with(
        customers.len(),
        |l, r| by_recency(of(l), of(r)),
        |l, r| by_frequency(of(l), of(r)),
        |l, r| by_monetary(of(l), of(r)),
    )
}

/// The same for customers in compact columns, who come in the order of their ids: of equal ones the earlier ranks better.
/// Each figure is asked for by position; amounts are in the smallest unit of the currency. Four bytes a customer are
/// needed beside the scores.
#[must_use]
pub fn nested_by_position(
    customers: usize,
    recency_days: impl Fn(u32) -> i64,
    frequency: impl Fn(u32) -> u32,
    monetary: impl Fn(u32) -> i64,
) -> Vec<Scores> {
    nested_with(
        customers,
        |l, r| recency_days(l).cmp(&recency_days(r)).then(l.cmp(&r)),
        |l, r| frequency(r).cmp(&frequency(l)).then(l.cmp(&r)),
        |l, r| monetary(r).cmp(&monetary(l)).then(l.cmp(&r)),
    )
}

/// Nested fifths of positions, the better first by each order. The orders are total.
fn nested_with(
    customers: usize,
    by_recency: impl Fn(u32, u32) -> Ordering,
    by_frequency: impl Fn(u32, u32) -> Ordering,
    by_monetary: impl Fn(u32, u32) -> Ordering,
) -> Vec<Scores> {
    let mut scores = vec![MIDDLE; customers];
    let mut order: Vec<u32> = (0..customers as u32).collect();
    order.sort_unstable_by(|l, r| by_recency(*l, *r));
    for (r, fifth) in fifths(&mut order) {
        fifth.sort_unstable_by(|l, r| by_frequency(*l, *r));
        for (f, cell) in fifths(fifth) {
            cell.sort_unstable_by(|l, r| by_monetary(*l, *r));
            for (m, members) in fifths(cell) {
                for &member in members.iter() {
                    scores[member as usize] = Scores { r, f, m };
                }
            }
        }
    }
    scores
}

/// Scores by three independent cuts over all customers, in the order of the input.
#[must_use]
pub fn independent(customers: &[Figures]) -> Vec<Scores> {
    let mut scores = vec![MIDDLE; customers.len()];
    let mut order: Vec<usize> = (0..customers.len()).collect();
    order.sort_unstable_by(|&l, &r| by_recency(&customers[l], &customers[r]));
    for (r, members) in fifths(&mut order) {
        members.iter().for_each(|&member| scores[member].r = r);
    }
    order.sort_unstable_by(|&l, &r| by_frequency(&customers[l], &customers[r]));
    for (f, members) in fifths(&mut order) {
        members.iter().for_each(|&member| scores[member].f = f);
    }
    order.sort_unstable_by(|&l, &r| by_monetary(&customers[l], &customers[r]));
    for (m, members) in fifths(&mut order) {
        members.iter().for_each(|&member| scores[member].m = m);
    }
    scores
}

const MIDDLE: Scores = Scores { r: 3, f: 3, m: 3 };

/// Cuts a slice, best first, into five parts with their scores.
fn fifths<T>(best_first: &mut [T]) -> impl Iterator<Item = (u8, &mut [T])> {
    let n = best_first.len();
    // Part g begins at the first i with (2i + 1) · 5 ≥ 2n · g.
    let begin = move |part: usize| (2 * n * part).div_ceil(5).saturating_sub(1).div_ceil(2);
    let mut rest = best_first;
    (0..5_u8).map(move |part| {
        let size = if part == 4 {
            rest.len()
        } else {
            begin(usize::from(part) + 1) - begin(usize::from(part))
        };
        let (members, after) = std::mem::take(&mut rest).split_at_mut(size);
        rest = after;
        (5 - part, members)
    })
}

fn by_recency(l: &Figures, r: &Figures) -> Ordering {
    l.recency_days.cmp(&r.recency_days).then(l.id.cmp(&r.id))
}

fn by_frequency(l: &Figures, r: &Figures) -> Ordering {
    r.frequency.cmp(&l.frequency).then(l.id.cmp(&r.id))
}

fn by_monetary(l: &Figures, r: &Figures) -> Ordering {
    // Adding zero makes −0 and 0 equal.
    let amount = |c: &Figures| {
        if c.monetary.is_nan() {
            f64::NEG_INFINITY
        } else {
            c.monetary + 0.0
        }
    };
    amount(r).total_cmp(&amount(l)).then(l.id.cmp(&r.id))
}

/// The named segments, each a set of cells; every cell belongs to exactly one.
///
/// | segment | R | F | M |
/// |---|---|---|---|
/// | champions | 4–5 | 4–5 | 4–5 |
/// | loyal | 4–5 | 4–5 | 1–3 |
/// | loyal | 3 | 4–5 | any |
/// | potential_loyalist | 4–5 | 2–3 | any |
/// | new | 5 | 1 | any |
/// | promising | 4 | 1 | any |
/// | needs_attention | 3 | 3 | any |
/// | about_to_sleep | 3 | 1–2 | any |
/// | cannot_lose | 1–2 | 4–5 | 4–5 |
/// | at_risk | 1–2 | 4–5 | 1–3 |
/// | at_risk | 1–2 | 3 | any |
/// | hibernating | 2 | 1–2 | any |
/// | lost | 1 | 1–2 | any |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// Bought lately, often and for much.
    Champions,
    /// Buy often.
    Loyal,
    /// Bought lately and more than once.
    PotentialLoyalist,
    /// Bought just now, and seldom before.
    New,
    /// Bought lately, and seldom before.
    Promising,
    /// In the middle by recency and frequency.
    NeedsAttention,
    /// Fading, and never frequent.
    AboutToSleep,
    /// Bought often, but not lately.
    AtRisk,
    /// Bought often and for much, but not lately.
    CannotLose,
    /// Not lately, and seldom.
    Hibernating,
    /// Longest ago, and seldom.
    Lost,
}

impl Segment {
    /// All segments, best first.
    pub const ALL: [Self; 11] = [
        Self::Champions,
        Self::Loyal,
        Self::PotentialLoyalist,
        Self::New,
        Self::Promising,
        Self::NeedsAttention,
        Self::AboutToSleep,
        Self::AtRisk,
        Self::CannotLose,
        Self::Hibernating,
        Self::Lost,
    ];

    /// The segment of a cell. Scores outside 1 to 5 count as the nearest.
    #[must_use]
    pub const fn of(scores: Scores) -> Self {
        match (scores.r, scores.f, scores.m) {
            (4.., 4.., 4..) => Self::Champions,
            (3.., 4.., _) => Self::Loyal,
            (4.., 2..=3, _) => Self::PotentialLoyalist,
            (5.., _, _) => Self::New,
            (4, _, _) => Self::Promising,
            (3, 3, _) => Self::NeedsAttention,
            (3, _, _) => Self::AboutToSleep,
            (_, 4.., 4..) => Self::CannotLose,
            (_, 4.., _) | (_, 3, _) => Self::AtRisk,
            (2, _, _) => Self::Hibernating,
            (0..=1, _, _) => Self::Lost,
        }
    }

    /// The stable key, as in `GET /v1/segments/{key}/members`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Champions => "champions",
            Self::Loyal => "loyal",
            Self::PotentialLoyalist => "potential_loyalist",
            Self::New => "new",
            Self::Promising => "promising",
            Self::NeedsAttention => "needs_attention",
            Self::AboutToSleep => "about_to_sleep",
            Self::AtRisk => "at_risk",
            Self::CannotLose => "cannot_lose",
            Self::Hibernating => "hibernating",
            Self::Lost => "lost",
        }
    }

    /// The segment with this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.key() == key)
    }
}

/// The share of answers at which a mailing pays for itself: cost per piece over net profit per sale (Hughes). Mail the
/// cells whose test answered better. Nothing if the profit is not positive, for then no share of answers pays.
#[must_use]
pub fn break_even_response(cost_per_piece: f64, net_profit_per_sale: f64) -> Option<f64> {
    let response = cost_per_piece / net_profit_per_sale;
    (net_profit_per_sale > 0.0 && cost_per_piece >= 0.0 && response.is_finite()).then_some(response)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ranked(n: usize) -> Vec<Figures> {
        // The id alone decides: customer 0 is best.
        (0..n)
            .map(|i| Figures {
                id: i as u128,
                recency_days: 7,
                frequency: 2,
                monetary: 5.0,
            })
            .collect()
    }

    #[test]
    fn few_customers_stand_around_the_middle() {
        let cases: [(usize, &[u8]); 8] = [
            (0, &[]),
            (1, &[3]),
            (2, &[4, 2]),
            (3, &[5, 3, 1]),
            (4, &[5, 4, 2, 1]),
            (5, &[5, 4, 3, 2, 1]),
            (6, &[5, 4, 3, 3, 2, 1]),
            (10, &[5, 5, 4, 4, 3, 3, 2, 2, 1, 1]),
        ];
        for (n, expected) in cases {
            let got: Vec<u8> = independent(&ranked(n)).iter().map(|s| s.r).collect();
            assert_eq!(got, expected, "{n}");
            let nested: Vec<u8> = nested(&ranked(n)).iter().map(|s| s.r).collect();
            assert_eq!(nested, expected, "{n}");
        }
    }

    #[test]
    fn hundred_and_twenty_five_customers_fill_hundred_and_twenty_five_cells() {
        let customers: Vec<Figures> = (0..125_u32)
            .map(|i| Figures {
                id: u128::from(i),
                recency_days: i64::from(i / 25),
                frequency: i / 5 % 5,
                monetary: f64::from(i % 5),
            })
            .collect();
        for (i, scores) in nested(&customers).iter().enumerate() {
            let expected = Scores {
                r: 5 - (i / 25) as u8,
                f: 1 + (i / 5 % 5) as u8,
                m: 1 + (i % 5) as u8,
            };
            assert_eq!(*scores, expected);
        }
    }

    #[test]
    fn nested_frequency_is_relative_to_like_recency() {
        let customer = |id, recency_days, frequency| Figures {
            id,
            recency_days,
            frequency,
            monetary: 1.0,
        };
        // The five most recent bought once to five times, the twenty others a hundred times each.
        let customers: Vec<Figures> = (0..25)
            .map(|i| {
                if i < 5 {
                    customer(i, 0, 1 + i as u32)
                } else {
                    customer(i, i as i64, 100)
                }
            })
            .collect();
        assert_eq!(nested(&customers)[4].f, 5);
        assert_eq!(independent(&customers)[4].f, 1);
    }

    #[test]
    fn cells_have_their_segment() {
        let cases = [
            ("555", Segment::Champions),
            ("444", Segment::Champions),
            ("543", Segment::Loyal),
            ("355", Segment::Loyal),
            ("531", Segment::PotentialLoyalist),
            ("425", Segment::PotentialLoyalist),
            ("515", Segment::New),
            ("411", Segment::Promising),
            ("333", Segment::NeedsAttention),
            ("325", Segment::AboutToSleep),
            ("311", Segment::AboutToSleep),
            ("254", Segment::CannotLose),
            ("145", Segment::CannotLose),
            ("143", Segment::AtRisk),
            ("235", Segment::AtRisk),
            ("222", Segment::Hibernating),
            ("111", Segment::Lost),
            ("125", Segment::Lost),
        ];
        for (cell, segment) in cases {
            let digits: Vec<u8> = cell.bytes().map(|b| b - b'0').collect();
            let scores = Scores {
                r: digits[0],
                f: digits[1],
                m: digits[2],
            };
            assert_eq!(scores.segment(), segment, "{cell}");
            assert_eq!(scores.cell(), cell);
            assert_eq!(Segment::from_key(segment.key()), Some(segment));
        }
        assert_eq!(Segment::from_key("vip"), None);
    }

    #[test]
    fn odd_amounts_rank_without_panic() {
        let customer = |id, monetary| Figures {
            id,
            recency_days: 1,
            frequency: 1,
            monetary,
        };
        let customers = [
            customer(0, f64::NAN),
            customer(1, -5.0),
            customer(2, -0.0),
            customer(3, 0.0),
            customer(4, 9.0),
        ];
        let m: Vec<u8> = independent(&customers).iter().map(|s| s.m).collect();
        assert_eq!(m, [1, 2, 4, 3, 5]);
    }

    #[test]
    fn break_even() {
        let cases = [
            (0.5, 40.0, Some(0.0125)),
            (1.0, 0.0, None),
            (1.0, -3.0, None),
            (f64::NAN, 3.0, None),
            (0.0, 3.0, Some(0.0)),
        ];
        for (cost, profit, expected) in cases {
            assert_eq!(break_even_response(cost, profit), expected, "{cost} {profit}");
        }
    }
}
