//! Screening customers on five bases: yearly purchases, profitability, safety, future and cooperation.
//!
//! Each indicator is scaled by its percentile among the tenant's own customers, so that amounts, shares and days can be
//! added and one giant order does not press everybody else to zero. The score of a base is the mean of its indicators'
//! percentiles; the total is the mean of the bases' scores by the tenant's weights. What is not known counts neither way:
//! its weight is spread over what is known, in proportion, and [`Screened::coverage`] says how much was known.
//!
//! A percentile says where a customer stands in this firm, not how good the firm's customers are. What follows from the
//! score is a decision of people, which this module does not make.

/// What a customer is screened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// How much is bought in a year.
    Purchases,
    /// What is earned with it.
    Profitability,
    /// Whether it is paid, in time and within the credit line.
    Safety,
    /// What is still to come.
    Future,
    /// How well it goes together.
    Cooperation,
}

impl Base {
    /// All bases.
    pub const ALL: [Self; 5] = [
        Self::Purchases,
        Self::Profitability,
        Self::Safety,
        Self::Future,
        Self::Cooperation,
    ];

    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Purchases => "purchases",
            Self::Profitability => "profitability",
            Self::Safety => "safety",
            Self::Future => "future",
            Self::Cooperation => "cooperation",
        }
    }
}

/// A figure by which a base is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Indicator {
    /// Bought in the last year.
    YearlyPurchases,
    /// Profit of the last year, after what the customer cost.
    YearlyProfit,
    /// What is overdue; less is better.
    OverdueBalance,
    /// The share of the credit line that is used; less is better.
    CreditUse,
    /// Days paid late on average; less is better.
    PaymentDelay,
    /// Growth of purchases over the year before, as a ratio.
    Growth,
    /// The expected value of the next twelve months.
    ExpectedValue,
    /// The share of purchases that came back; less is better.
    ReturnRate,
    /// Complaints per order; less is better.
    ComplaintRate,
    /// The share of messages, surveys and campaigns that was answered.
    ResponseRate,
}

impl Indicator {
    /// All indicators.
    pub const ALL: [Self; 10] = [
        Self::YearlyPurchases,
        Self::YearlyProfit,
        Self::OverdueBalance,
        Self::CreditUse,
        Self::PaymentDelay,
        Self::Growth,
        Self::ExpectedValue,
        Self::ReturnRate,
        Self::ComplaintRate,
        Self::ResponseRate,
    ];

    /// The base it belongs to.
    #[must_use]
    pub const fn base(self) -> Base {
        match self {
            Self::YearlyPurchases => Base::Purchases,
            Self::YearlyProfit => Base::Profitability,
            Self::OverdueBalance | Self::CreditUse | Self::PaymentDelay => Base::Safety,
            Self::Growth | Self::ExpectedValue => Base::Future,
            Self::ReturnRate | Self::ComplaintRate | Self::ResponseRate => Base::Cooperation,
        }
    }

    /// Whether less is better.
    #[must_use]
    pub const fn less_is_better(self) -> bool {
        matches!(
            self,
            Self::OverdueBalance | Self::CreditUse | Self::PaymentDelay | Self::ReturnRate | Self::ComplaintRate
        )
    }

    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::YearlyPurchases => "yearly_purchases",
            Self::YearlyProfit => "yearly_profit",
            Self::OverdueBalance => "overdue_balance",
            Self::CreditUse => "credit_use",
            Self::PaymentDelay => "payment_delay",
            Self::Growth => "growth",
            Self::ExpectedValue => "expected_value",
            Self::ReturnRate => "return_rate",
            Self::ComplaintRate => "complaint_rate",
            Self::ResponseRate => "response_rate",
        }
    }
}

/// What is known of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// The customer's id; it breaks ties, the lower id ranking higher.
    pub id: u128,
    /// The figures, in the order of [`Indicator::ALL`]; nothing, or a figure that is not finite, where it is not known.
    pub values: [Option<f64>; Indicator::ALL.len()],
}

/// The tenant's weights of the bases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights([f64; 5]);

impl Weights {
    /// Weights in the order of [`Base::ALL`], in any unit; nothing if one is negative or not finite or all are zero.
    #[must_use]
    pub fn new(weights: [f64; 5]) -> Option<Self> {
        let sum: f64 = weights.iter().sum();
        let possible = weights.iter().all(|w| *w >= 0.0) && sum > 0.0 && sum.is_finite();
        possible.then(|| Self(weights.map(|w| w / sum)))
    }

    /// The shares that the bases have in the total, in the order of [`Base::ALL`]; they add up to 1.
    #[must_use]
    pub const fn shares(&self) -> [f64; 5] {
        self.0
    }
}

impl Default for Weights {
    /// All bases alike.
    fn default() -> Self {
        Self([0.2; 5])
    }
}

/// One customer screened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Screened {
    /// The percentile of each indicator, 0 to 100, more always being better, in the order of [`Indicator::ALL`].
    pub percentiles: [Option<f64>; Indicator::ALL.len()],
    /// The score of each base, 0 to 100, in the order of [`Base::ALL`]; nothing where no indicator of it is known.
    pub bases: [Option<f64>; 5],
    /// The total, 0 to 100; nothing where no base that has a weight is known.
    pub total: Option<f64>,
    /// The share of the weights that stands on known bases, 0 to 1.
    pub coverage: f64,
    /// 1 for the best total; nothing without one.
    pub rank: Option<usize>,
}

/// The place of each value among all known ones, from 0 for the smallest to 100 for the largest. Equal values share the
/// middle of their places; where all are equal, and where only one is known, that is 50.
#[must_use]
pub fn percentiles(values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut known: Vec<(f64, usize)> = (0..values.len())
        .filter_map(|i| values[i].filter(|value| value.is_finite()).map(|value| (value, i)))
        .collect();
    known.sort_unstable_by(|l, r| l.0.total_cmp(&r.0));
    let mut places = vec![None; values.len()];
    let highest = known.len().saturating_sub(1);
    let mut below = 0;
    for ties in known.chunk_by(|l, r| l.0 == r.0) {
        let middle = below as f64 + (ties.len() - 1) as f64 / 2.0;
        let place = if highest == 0 {
            50.0
        } else {
            100.0 * middle / highest as f64
        };
        for (_, i) in ties {
            places[*i] = Some(place);
        }
        below += ties.len();
    }
    places
}

/// Screens all customers of a tenant. The results come in the order of the input.
#[must_use]
pub fn screen(customers: &[Figures], weights: &Weights) -> Vec<Screened> {
    let mut columns: Vec<Vec<Option<f64>>> = Vec::with_capacity(Indicator::ALL.len());
    for (i, indicator) in Indicator::ALL.iter().enumerate() {
        let values: Vec<Option<f64>> = customers.iter().map(|customer| customer.values[i]).collect();
        let mut column = percentiles(&values);
        if indicator.less_is_better() {
            column.iter_mut().flatten().for_each(|place| *place = 100.0 - *place);
        }
        columns.push(column);
    }
    let mut screened: Vec<Screened> = (0..customers.len())
        .map(|i| score(std::array::from_fn(|indicator| columns[indicator][i]), weights))
        .collect();
    let mut order: Vec<(f64, u128, usize)> = (0..customers.len())
        .filter_map(|i| screened[i].total.map(|total| (total, customers[i].id, i)))
        .collect();
    order.sort_unstable_by(|l, r| r.0.total_cmp(&l.0).then(l.1.cmp(&r.1)));
    for (place, (_, _, i)) in order.into_iter().enumerate() {
        screened[i].rank = Some(place + 1);
    }
    screened
}

fn score(percentiles: [Option<f64>; Indicator::ALL.len()], weights: &Weights) -> Screened {
    let bases = Base::ALL.map(|base| {
        let of_base = Indicator::ALL
            .iter()
            .zip(percentiles)
            .filter(|(indicator, _)| indicator.base() == base);
        let known: Vec<f64> = of_base.filter_map(|(_, place)| place).collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    });
    let (mut coverage, mut sum) = (0.0, 0.0);
    for (base, weight) in bases.iter().zip(weights.0) {
        if let Some(score) = base {
            coverage += weight;
            sum += weight * score;
        }
    }
    Screened {
        percentiles,
        bases,
        total: (coverage > 0.0).then(|| (sum / coverage).clamp(0.0, 100.0)),
        coverage: coverage.min(1.0),
        rank: None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_hand() {
        type Values = &'static [Option<f64>];
        let cases: [(Values, Values); 8] = [
            (&[], &[]),
            (&[None], &[None]),
            (&[Some(7.0)], &[Some(50.0)]),
            (&[Some(7.0), None, Some(7.0)], &[Some(50.0), None, Some(50.0)]),
            (
                &[Some(3.0), Some(1.0), Some(2.0)],
                &[Some(100.0), Some(0.0), Some(50.0)],
            ),
            (
                &[Some(1.0), Some(2.0), Some(2.0), Some(2.0), Some(9.0)],
                &[Some(0.0), Some(50.0), Some(50.0), Some(50.0), Some(100.0)],
            ),
            (
                &[Some(0.0), Some(-0.0), Some(5.0)],
                &[Some(25.0), Some(25.0), Some(100.0)],
            ),
            (
                &[Some(f64::NAN), Some(1.0), Some(f64::INFINITY), Some(2.0)],
                &[None, Some(0.0), None, Some(100.0)],
            ),
        ];
        for (values, expected) in cases {
            assert_eq!(percentiles(values), expected, "{values:?}");
        }
    }

    fn figures(id: u128, known: &[(Indicator, f64)]) -> Figures {
        let mut figures = Figures {
            id,
            ..Figures::default()
        };
        for (indicator, value) in known {
            let at = Indicator::ALL.iter().position(|i| i == indicator).unwrap();
            figures.values[at] = Some(*value);
        }
        figures
    }

    #[test]
    fn three_customers_by_hand() {
        use Indicator::{Growth, OverdueBalance, PaymentDelay, YearlyProfit, YearlyPurchases};
        let customers = [
            // 100 on purchases, 0 on profit, safety (100 + 0) / 2.
            figures(
                1,
                &[
                    (YearlyPurchases, 900.0),
                    (YearlyProfit, -5.0),
                    (OverdueBalance, 0.0),
                    (PaymentDelay, 60.0),
                ],
            ),
            // 50 on purchases, 100 on profit, safety (0 + 100) / 2.
            figures(
                2,
                &[
                    (YearlyPurchases, 50.0),
                    (YearlyProfit, 20.0),
                    (OverdueBalance, 10.0),
                    (PaymentDelay, 1.0),
                ],
            ),
            // 0 on purchases; growth alone is known of the future, and nobody else's.
            figures(3, &[(YearlyPurchases, 10.0), (Growth, 2.0)]),
        ];
        let weights = Weights::new([60.0, 20.0, 20.0, 0.0, 0.0]).unwrap();
        let got = screen(&customers, &weights);
        let expected = [
            (
                [Some(100.0), Some(0.0), Some(50.0), None, None],
                Some(70.0),
                1.0,
                Some(1),
            ),
            (
                [Some(50.0), Some(100.0), Some(50.0), None, None],
                Some(60.0),
                1.0,
                Some(2),
            ),
            ([Some(0.0), None, None, Some(50.0), None], Some(0.0), 0.6, Some(3)),
        ];
        for (screened, (bases, total, coverage, rank)) in got.iter().zip(expected) {
            assert_eq!((screened.bases, screened.rank), (bases, rank));
            let differ = screened.total.zip(total).map(|(l, r)| (l - r).abs());
            assert!(
                differ.unwrap() < 1e-9 && (screened.coverage - coverage).abs() < 1e-9,
                "{screened:?}"
            );
        }
        // Only the future counts: one customer has any of it.
        let got = screen(&customers, &Weights::new([0.0, 0.0, 0.0, 1.0, 0.0]).unwrap());
        let totals: Vec<(Option<f64>, Option<usize>)> = got.iter().map(|s| (s.total, s.rank)).collect();
        assert_eq!(totals, [(None, None), (None, None), (Some(50.0), Some(1))]);
        assert!(screen(&[], &weights).is_empty());
    }

    #[test]
    fn each_indicator_has_its_key_and_its_better_end() {
        // (key, base, percentile of the one who has more)
        let expected = [
            ("yearly_purchases", "purchases", 100.0),
            ("yearly_profit", "profitability", 100.0),
            ("overdue_balance", "safety", 0.0),
            ("credit_use", "safety", 0.0),
            ("payment_delay", "safety", 0.0),
            ("growth", "future", 100.0),
            ("expected_value", "future", 100.0),
            ("return_rate", "cooperation", 0.0),
            ("complaint_rate", "cooperation", 0.0),
            ("response_rate", "cooperation", 100.0),
        ];
        for (i, (indicator, (key, base, of_more))) in Indicator::ALL.into_iter().zip(expected).enumerate() {
            assert_eq!((indicator.key(), indicator.base().key()), (key, base));
            let customers = [figures(1, &[(indicator, 1.0)]), figures(2, &[(indicator, 2.0)])];
            let got = screen(&customers, &Weights::default());
            assert_eq!(got[1].percentiles[i], Some(of_more), "{key}");
            assert_eq!(got[0].percentiles[i], Some(100.0 - of_more), "{key}");
        }
    }

    #[test]
    fn weights_that_cannot_be() {
        for weights in [
            [0.0; 5],
            [1.0, -1.0, 1.0, 1.0, 1.0],
            [f64::NAN, 1.0, 1.0, 1.0, 1.0],
            [f64::INFINITY, 1.0, 1.0, 1.0, 1.0],
            [f64::MAX; 5],
        ] {
            assert_eq!(Weights::new(weights), None, "{weights:?}");
        }
        assert_eq!(Weights::new([7.0; 5]).map(|w| w.shares()), Some([0.2; 5]));
    }
}
