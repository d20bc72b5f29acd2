//! Gross margin, and what is left of it after the work that a customer makes.
//!
//! Activity-based costing (R. Cooper & R. Kaplan 1991, "Profit priorities from activity-based costing", *Harvard Business
//! Review* 69(3)): profit = gross margin − Σ (activities × the tenant's rate) − discounts − returns. Amounts are of one
//! currency and decimal, since they are shown as money and have to add up. Sums end at the largest decimal there is.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// What was sold and what it had cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sale {
    /// What the customer paid, less returns.
    pub revenue: Decimal,
    /// What the goods had cost; nothing where it is not known.
    pub cost: Option<Decimal>,
}

/// The gross margin of some sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GrossMargin {
    /// Revenue of all sales.
    pub revenue: Decimal,
    /// Revenue of the sales whose cost is known.
    pub costed_revenue: Decimal,
    /// What these had cost.
    pub cost: Decimal,
}

impl GrossMargin {
    /// The gross margin of sales.
    #[must_use]
    pub fn of<'a>(sales: impl IntoIterator<Item = &'a Sale>) -> Self {
        let mut sum = Self::default();
        for Sale { revenue, cost } in sales {
            sum.revenue = sum.revenue.saturating_add(*revenue);
            if let Some(cost) = cost {
                sum.costed_revenue = sum.costed_revenue.saturating_add(*revenue);
                sum.cost = sum.cost.saturating_add(*cost);
            }
        }
        sum
    }

    /// Revenue less cost, of the sales whose cost is known.
    #[must_use]
    pub fn margin(&self) -> Decimal {
        self.costed_revenue.saturating_sub(self.cost)
    }

    /// The margin as a share of the revenue that it was made with; below 0 for a loss. Nothing unless that revenue is above
    /// 0.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        ratio(self.margin(), self.costed_revenue)
    }

    /// The share of revenue whose cost is known; nothing unless there is revenue.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        ratio(self.costed_revenue, self.revenue)
    }
}

/// One amount as a share of another; nothing unless that is above 0.
fn ratio(part: Decimal, whole: Decimal) -> Option<f64> {
    let (part, whole) = (part.to_f64()?, whole.to_f64()?);
    (whole > 0.0).then(|| part / whole).filter(|ratio| ratio.is_finite())
}

/// Work that a customer makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Activity {
    /// A visit.
    Visit,
    /// A telephone call.
    Call,
    /// An e-mail written by hand.
    Email,
    /// An hour of work on tickets.
    TicketHour,
    /// A contact by a campaign.
    CampaignContact,
    /// A delivery.
    Delivery,
}

impl Activity {
    /// All activities.
    pub const ALL: [Self; 6] = [
        Self::Visit,
        Self::Call,
        Self::Email,
        Self::TicketHour,
        Self::CampaignContact,
        Self::Delivery,
    ];

    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Call => "call",
            Self::Email => "email",
            Self::TicketHour => "ticket_hour",
            Self::CampaignContact => "campaign_contact",
            Self::Delivery => "delivery",
        }
    }
}

/// One figure for each activity, in the order of [`Activity::ALL`]: counts (hours may be fractions), or rates.
pub type PerActivity = [Decimal; Activity::ALL.len()];

/// What a customer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profit {
    /// The gross margin.
    pub gross_margin: Decimal,
    /// What each activity cost, in the order of [`Activity::ALL`].
    pub activity_costs: PerActivity,
    /// What all of them cost.
    pub activity_cost: Decimal,
    /// Discounts that were not yet taken off the revenue.
    pub discounts: Decimal,
    /// Returns that were not yet taken off the revenue.
    pub returns: Decimal,
    /// Gross margin − cost of activities − discounts − returns.
    pub profit: Decimal,
}

/// The profit that a customer leaves. Counts, rates, discounts and returns below zero count as zero.
#[must_use]
pub fn profit(
    gross_margin: Decimal,
    counts: &PerActivity,
    rates: &PerActivity,
    discounts: Decimal,
    returns: Decimal,
) -> Profit {
    let not_below_zero = |amount: Decimal| amount.max(Decimal::ZERO);
    let activity_costs: PerActivity =
        std::array::from_fn(|i| not_below_zero(counts[i]).saturating_mul(not_below_zero(rates[i])));
    let activity_cost = activity_costs
        .iter()
        .fold(Decimal::ZERO, |sum, cost| sum.saturating_add(*cost));
    let (discounts, returns) = (not_below_zero(discounts), not_below_zero(returns));
    let profit = [activity_cost, discounts, returns]
        .into_iter()
        .fold(gross_margin, Decimal::saturating_sub);
    Profit {
        gross_margin,
        activity_costs,
        activity_cost,
        discounts,
        returns,
        profit,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn activities_are_told_by_stable_keys() {
        let keys = Activity::ALL.map(Activity::key);
        assert_eq!(
            keys,
            ["visit", "call", "email", "ticket_hour", "campaign_contact", "delivery"]
        );
    }

    #[test]
    fn gross_margin_by_hand() {
        type Line = (&'static str, Option<&'static str>);
        // (revenue, cost) → revenue, margin, rate, coverage
        type Case = (&'static [Line], &'static str, &'static str, Option<f64>, Option<f64>);
        let cases: [Case; 6] = [
            (&[], "0", "0", None, None),
            (&[("100.00", Some("60.00"))], "100.00", "40.00", Some(0.4), Some(1.0)),
            (
                &[("100", Some("60")), ("50", None)],
                "150",
                "40",
                Some(0.4),
                Some(2.0 / 3.0),
            ),
            (&[("50", None)], "50", "0", None, Some(0.0)),
            (&[("20", Some("25"))], "20", "-5", Some(-0.25), Some(1.0)),
            (&[("20", Some("15")), ("-30", Some("-20"))], "-10", "-5", None, None),
        ];
        for (lines, revenue, margin, rate, coverage) in cases {
            let sales: Vec<Sale> = lines
                .iter()
                .map(|(revenue, cost)| Sale {
                    revenue: d(revenue),
                    cost: cost.map(d),
                })
                .collect();
            let got = GrossMargin::of(&sales);
            assert_eq!((got.revenue, got.margin()), (d(revenue), d(margin)), "{lines:?}");
            assert_eq!((got.rate(), got.coverage()), (rate, coverage), "{lines:?}");
        }
        let huge = Sale {
            revenue: Decimal::MAX,
            cost: Some(Decimal::MIN),
        };
        let got = GrossMargin::of(&[huge, huge]);
        assert_eq!((got.revenue, got.margin()), (Decimal::MAX, Decimal::MAX));
    }

    #[test]
    fn work_comes_off_the_margin() {
        let counts = ["2", "10", "40", "1.5", "100", "4"].map(d);
        let rates = ["80", "5", "1.20", "45", "0.35", "12"].map(d);
        let got = profit(d("1000"), &counts, &rates, d("50"), d("20.50"));
        assert_eq!(got.activity_costs, ["160", "50", "48", "67.5", "35", "48"].map(d));
        assert_eq!((got.activity_cost, got.profit), (d("408.5"), d("521")));
        let odd = profit(d("10"), &counts.map(|c| -c), &rates, d("-5"), d("30"));
        assert_eq!(
            (odd.activity_cost, odd.discounts, odd.profit),
            (d("0"), d("0"), d("-20"))
        );
        let huge = profit(
            Decimal::MIN,
            &[Decimal::MAX; 6],
            &[Decimal::MAX; 6],
            Decimal::MAX,
            Decimal::MAX,
        );
        assert_eq!(huge.profit, Decimal::MIN);
    }
}
