//! How concentrated revenue is: the 80/20 shares, the Lorenz curve and Gini coefficient, and grades A, B, C.
//!
//! Amounts are revenue or margin per customer over any period; the caller chooses. An amount below zero (more returned
//! than bought) or not finite counts as zero, since a negative share of a whole means nothing. Where the total is zero
//! all shares are zero and every customer is graded C.

/// One customer's contribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contribution {
    /// The customer's id; it breaks ties, the lower id ranking higher.
    pub id: u128,
    /// Revenue or margin in the tenant's currency.
    pub amount: f64,
}

impl Contribution {
    fn counted(&self) -> f64 {
        if self.amount.is_finite() {
            self.amount.max(0.0)
        } else {
            0.0
        }
    }
}

/// Cumulative shares of revenue at which grade A and grade B end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuts {
    a: f64,
    b: f64,
}

impl Cuts {
    /// Cut points; nothing unless 0 < a ≤ b ≤ 1.
    #[must_use]
    pub fn new(a: f64, b: f64) -> Option<Self> {
        (a > 0.0 && a <= b && b <= 1.0).then_some(Self { a, b })
    }
}

impl Default for Cuts {
    /// The usual ABC analysis: A makes the first 80 % of revenue, B the next 15 %.
    fn default() -> Self {
        Self { a: 0.80, b: 0.95 }
    }
}

/// Grade by cumulative share. A customer belongs to the grade in which the customer's share begins, so the one that
/// crosses a cut is still above it and the largest is always A. Customers without revenue are C.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// The few that make most of the revenue.
    A,
    /// The next.
    B,
    /// The many that make little.
    C,
}

impl Grade {
    /// The grade as one letter.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        }
    }
}

/// Where one customer stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// 1 for the largest.
    pub rank: usize,
    /// Rank over number of customers, above 0 and at most 1: 0.05 means among the top 5 %.
    pub share_rank: f64,
    /// The customer's share of the total, 0 to 1.
    pub share: f64,
    /// Share of the total of this customer and all larger ones, 0 to 1.
    pub cumulative_share: f64,
    /// Grade by the cut points.
    pub grade: Grade,
}

/// A point of the Lorenz curve, smallest customers first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LorenzPoint {
    /// Share of customers, 0 to 1.
    pub customers: f64,
    /// Share of revenue that these customers make, 0 to 1.
    pub revenue: f64,
}

/// The concentration of revenue over all customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Pareto {
    /// Number of customers.
    pub customers: usize,
    /// Total of the counted amounts.
    pub total: f64,
    /// Share of revenue of the top 20 % of customers, 0 to 1; where 20 % is no whole number the next customer counts in
    /// part.
    pub top_20_percent_share: f64,
    /// The smallest number of customers that makes 80 % of revenue; 0 where there is no revenue.
    pub customers_for_80_percent: usize,
    /// The same as a share of all customers, 0 to 1.
    pub customers_for_80_percent_share: f64,
    /// Gini coefficient: 0 if all are equal, (n − 1)/n if one customer makes everything.
    pub gini: f64,
    /// Each customer's standing, in the order of the input.
    pub standings: Vec<Standing>,
    /// Cumulative share after 0, 1, … customers, largest first.
    cumulative: Vec<f64>,
}

/// Analyses the concentration of revenue.
#[must_use]
pub fn analyse(contributions: &[Contribution], cuts: Cuts) -> Pareto {
    let amount = |i: u32| contributions[i as usize].counted();
    let mut order: Vec<u32> = (0..contributions.len() as u32).collect();
    order.sort_unstable_by(|&l, &r| {
        let id = |i: u32| contributions[i as usize].id;
        amount(r).total_cmp(&amount(l)).then(id(l).cmp(&id(r)))
    });
    let mut standings = vec![
        Standing {
            rank: 0,
            share_rank: 0.0,
            share: 0.0,
            cumulative_share: 0.0,
            grade: Grade::C
        };
        order.len()
    ];
    let pareto = over(&order, amount, cuts, |i, standing| standings[i as usize] = standing);
    Pareto { standings, ..pareto }
}

/// The same for customers in compact columns, who come in the order of their ids: of equal ones the earlier ranks higher.
/// Each amount is asked for by position, and each standing is told instead of kept: `standings` of the answer is empty.
/// Twelve bytes a customer are needed.
#[must_use]
pub fn analyse_by_position(
    customers: usize,
    amount: impl Fn(u32) -> f64,
    cuts: Cuts,
    told: impl FnMut(u32, Standing),
) -> Pareto {
    let amount = |i: u32| {
        Contribution {
            id: 0,
            amount: amount(i),
        }
        .counted()
    };
    let mut order: Vec<u32> = (0..customers as u32).collect();
    order.sort_unstable_by(|&l, &r| amount(r).total_cmp(&amount(l)).then(l.cmp(&r)));
    over(&order, amount, cuts, told)
}

/// The concentration over positions in order, the largest amount first.
fn over(order: &[u32], amount: impl Fn(u32) -> f64, cuts: Cuts, mut told: impl FnMut(u32, Standing)) -> Pareto {
    let n = order.len();
    // Shares are taken of the largest amount first, so that no sum can overflow.
    let largest = order.first().map_or(0.0, |&i| amount(i));
    let unit = if largest > 0.0 { largest } else { 1.0 };
    let mut cumulative = Vec::with_capacity(n + 1);
    let mut sum = 0.0;
    cumulative.push(0.0);
    for &i in order {
        sum += amount(i) / unit;
        cumulative.push(sum);
    }
    let share_of = |part: f64| if sum > 0.0 { (part / sum).clamp(0.0, 1.0) } else { 0.0 };
    cumulative.iter_mut().for_each(|part| *part = share_of(*part));
    for (position, &i) in order.iter().enumerate() {
        let (rank, scaled) = (position + 1, amount(i) / unit);
        let standing = Standing {
            rank,
            share_rank: rank as f64 / n as f64,
            share: share_of(scaled),
            cumulative_share: cumulative[rank],
            grade: grade(cumulative[position], scaled, cuts),
        };
        told(i, standing);
    }
    let customers_for_80_percent = if sum > 0.0 {
        cumulative.partition_point(|share| *share < 0.8 - ROUNDING)
    } else {
        0
    };
    Pareto {
        customers: n,
        total: (sum * unit).min(f64::MAX),
        top_20_percent_share: top_share(&cumulative, 0.2),
        customers_for_80_percent,
        customers_for_80_percent_share: customers_for_80_percent as f64 / n.max(1) as f64,
        gini: gini(&cumulative),
        standings: Vec::new(),
        cumulative,
    }
}

impl Pareto {
    /// Share of revenue of the top `share` (0 to 1) of customers, interpolated between whole customers.
    #[must_use]
    pub fn share_of_top(&self, share: f64) -> f64 {
        top_share(&self.cumulative, share)
    }

    /// The Lorenz curve at `steps` equal steps of customers: `steps` + 1 points from (0, 0) to (1, 1), smallest
    /// customers first. Without revenue the curve is the diagonal.
    #[must_use]
    pub fn lorenz(&self, steps: usize) -> Vec<LorenzPoint> {
        let steps = steps.max(1);
        (0..=steps)
            .map(|step| {
                let customers = step as f64 / steps as f64;
                let has_revenue = self.cumulative.last().is_some_and(|all| *all > 0.0);
                let revenue = if has_revenue {
                    (1.0 - self.share_of_top(1.0 - customers)).max(0.0)
                } else {
                    customers
                };
                LorenzPoint { customers, revenue }
            })
            .collect()
    }
}

/// Sums of shares are exact to about this; a cut that is met exactly must not depend on the last bit.
const ROUNDING: f64 = 1e-12;

fn grade(share_before: f64, amount: f64, cuts: Cuts) -> Grade {
    if amount <= 0.0 {
        Grade::C
    } else if share_before < cuts.a - ROUNDING {
        Grade::A
    } else if share_before < cuts.b - ROUNDING {
        Grade::B
    } else {
        Grade::C
    }
}

fn top_share(cumulative: &[f64], share: f64) -> f64 {
    let n = cumulative.len().saturating_sub(1);
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let place = share * n as f64;
    let whole = (place.floor() as usize).min(n);
    let here = cumulative[whole];
    let next = cumulative[(whole + 1).min(n)];
    here + (place - whole as f64) * (next - here)
}

/// Twice the area between the Lorenz curve and the diagonal.
fn gini(cumulative: &[f64]) -> f64 {
    let n = cumulative.len().saturating_sub(1);
    if n == 0 || cumulative[n] <= 0.0 {
        return 0.0;
    }
    let area: f64 = cumulative.windows(2).map(|pair| 0.5 * (pair[0] + pair[1])).sum::<f64>() / n as f64;
    (2.0 * area - 1.0).clamp(0.0, 1.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(amounts: &[f64]) -> Pareto {
        let contributions: Vec<Contribution> = amounts
            .iter()
            .enumerate()
            .map(|(i, &amount)| Contribution { id: i as u128, amount })
            .collect();
        analyse(&contributions, Cuts::default())
    }

    #[test]
    fn figures_by_hand() {
        // (amounts, total, share of top 20 %, customers for 80 %, Gini)
        let cases: [(&[f64], f64, f64, usize, f64); 10] = [
            (&[], 0.0, 0.0, 0, 0.0),
            (&[0.0, 0.0], 0.0, 0.0, 0, 0.0),
            (&[-5.0, f64::NAN], 0.0, 0.0, 0, 0.0),
            (&[7.0], 7.0, 0.2, 1, 0.0),
            (&[10.0, 10.0, 10.0, 10.0, 10.0], 50.0, 0.2, 4, 0.0),
            (&[0.0, 0.0, 0.0, 0.0, 9.0], 9.0, 1.0, 1, 0.8),
            (&[80.0, 5.0, 5.0, 5.0, 5.0], 100.0, 0.8, 1, 0.6),
            (&[4.0, 1.0, 2.0, 3.0, 5.0], 15.0, 1.0 / 3.0, 3, 4.0 / 15.0),
            (&[-3.0, 9.0, 1.0, 0.0, 0.0], 10.0, 0.9, 1, 0.76),
            (&[f64::MAX, f64::MAX], f64::MAX, 0.2, 2, 0.0),
        ];
        for (amounts, total, top, customers, gini) in cases {
            let got = of(amounts);
            assert!(
                (got.total - total).abs() <= 1e-12 * total,
                "{amounts:?}: total {}",
                got.total
            );
            assert!(
                (got.top_20_percent_share - top).abs() < 1e-12,
                "{amounts:?}: {}",
                got.top_20_percent_share
            );
            assert_eq!(got.customers_for_80_percent, customers, "{amounts:?}");
            assert!((got.gini - gini).abs() < 1e-12, "{amounts:?}: Gini {}", got.gini);
        }
    }

    #[test]
    fn grades_follow_the_cuts() {
        // Shares 50, 30, 10, 5, 5, 0 %, given out of order.
        let got = of(&[5.0, 50.0, 0.0, 30.0, 10.0, 5.0]);
        let grades: Vec<&str> = got.standings.iter().map(|s| s.grade.key()).collect();
        assert_eq!(grades, ["B", "A", "C", "A", "B", "C"]);
        let ranks: Vec<usize> = got.standings.iter().map(|s| s.rank).collect();
        assert_eq!(ranks, [4, 1, 6, 2, 3, 5]);
        assert!((got.standings[3].cumulative_share - 0.8).abs() < 1e-12);
        assert!((got.standings[3].share - 0.3).abs() < 1e-12);
        assert!((got.standings[1].share_rank - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn cuts_are_checked() {
        let cases = [
            (0.8, 0.95, true),
            (0.5, 0.5, true),
            (0.0, 0.5, false),
            (0.9, 0.8, false),
            (0.5, 1.1, false),
            (f64::NAN, 0.9, false),
        ];
        for (a, b, valid) in cases {
            assert_eq!(Cuts::new(a, b).is_some(), valid, "{a} {b}");
        }
    }

    #[test]
    fn lorenz_curve_by_hand() {
        let curve = of(&[1.0, 2.0, 3.0, 4.0]).lorenz(4);
        let expected = [(0.0, 0.0), (0.25, 0.1), (0.5, 0.3), (0.75, 0.6), (1.0, 1.0)];
        for (point, (customers, revenue)) in curve.iter().zip(expected) {
            assert!((point.customers - customers).abs() < 1e-12 && (point.revenue - revenue).abs() < 1e-12);
        }
        assert_eq!(
            of(&[]).lorenz(2)[1],
            LorenzPoint {
                customers: 0.5,
                revenue: 0.5
            }
        );
    }
}
