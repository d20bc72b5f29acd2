//! Scores of customers: what one order contributes, the figures that follow from all contributions, and the score as it
//! is answered.
//!
//! Figures are computed from one contribution per order, never counted up, so that repeats, refunds and disorder cannot
//! falsify them. What is estimated from figures (ranks, probabilities, value) is computed in `rapport_scoring`; here are
//! only exact sums and the shapes of what is stored and answered.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::id::RecordId;
use crate::money::{Currency, Money};

/// Figures list at most this many days of purchase, the newest; older ones are summed up.
pub const MOST_DAYS: usize = 400;

/// Days since 1 January 1970.
#[must_use]
pub fn day_number(date: Date) -> i32 {
    let epoch = Date::constant(1970, 1, 1);
    date.since(epoch).map_or(0, |span| span.get_days())
}

/// The date of a day number; the nearest possible date for a number out of range.
#[must_use]
pub fn date_of(day: i32) -> Date {
    Date::constant(1970, 1, 1).saturating_add(jiff::Span::new().days(i64::from(day.clamp(-719_528, 2_932_896))))
}

/// What one order adds to its customer's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The day of purchase, in days since 1970.
    pub day: i32,
    /// The amount net of refunds.
    pub amount: Decimal,
    /// The gross margin of it, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub margin: Option<Decimal>,
    /// The order's currency.
    pub currency: Currency,
}

/// One day of purchase: its number and the amount, absent where everything bought that day was in another currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Day(pub i32, #[serde(default)] pub Option<Decimal>);

/// The days before those listed, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Older {
    /// The first day and its amount.
    pub first: Day,
    /// The last of them.
    pub last: i32,
    /// How many days.
    pub days: u32,
    /// How many of them have an amount.
    pub valued: u32,
    /// The sum of the amounts.
    pub amount: Decimal,
}

/// A customer's figures: days of purchase with amounts, and what is needed of margins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// The currency of the amounts: the tenant's when they were computed.
    pub currency: Currency,
    /// Orders counted.
    pub orders: u32,
    /// Orders among them in other currencies: they count for recency and frequency, not for amounts.
    pub foreign: u32,
    /// The known gross margin.
    pub margin: Decimal,
    /// The amount whose margin is known.
    pub margin_of: Decimal,
    /// Days before those listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<Older>,
    /// Days of purchase, rising, at most [`MOST_DAYS`].
    pub days: Vec<Day>,
}

impl Figures {
    /// The figures of all contributions of a customer, in any order. Several on one day count once.
    #[must_use]
    pub fn of(contributions: &[Contribution], currency: Currency) -> Self {
        let mut sorted: Vec<&Contribution> = contributions.iter().collect();
        sorted.sort_unstable_by_key(|contribution| contribution.day);
        let mut figures = Self {
            currency,
            orders: u32::try_from(sorted.len()).unwrap_or(u32::MAX),
            foreign: 0,
            margin: Decimal::ZERO,
            margin_of: Decimal::ZERO,
            older: None,
            days: Vec::new(),
        };
        for contribution in sorted {
            if figures.days.last().is_none_or(|last| last.0 != contribution.day) {
                figures.days.push(Day(contribution.day, None));
            }
            if contribution.currency != currency {
                figures.foreign += 1;
                continue;
            }
            if let Some(Day(_, amount)) = figures.days.last_mut() {
                *amount = Some(amount.unwrap_or_default() + contribution.amount);
            }
            if let Some(margin) = contribution.margin {
                figures.margin += margin;
                figures.margin_of += contribution.amount;
            }
        }
        // Sums of the same amounts in another order may differ in trailing zeros.
        figures.margin = figures.margin.normalize();
        figures.margin_of = figures.margin_of.normalize();
        for Day(_, amount) in &mut figures.days {
            *amount = amount.map(|amount| amount.normalize());
        }
        figures.summarise();
        figures
    }

    fn summarise(&mut self) {
        let surplus = self.days.len().saturating_sub(MOST_DAYS);
        let older: Vec<Day> = self.days.drain(..surplus).collect();
        let (Some(first), Some(last)) = (older.first(), older.last()) else {
            return;
        };
        self.older = Some(Older {
            first: first.clone(),
            last: last.0,
            days: u32::try_from(older.len()).unwrap_or(u32::MAX),
            valued: u32::try_from(older.iter().filter(|day| day.1.is_some()).count()).unwrap_or(u32::MAX),
            amount: older.iter().filter_map(|day| day.1).sum::<Decimal>().normalize(),
        });
    }

    /// Whether there is any purchase.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Frequency: distinct days of purchase.
    #[must_use]
    pub fn frequency(&self) -> u32 {
        let listed = u32::try_from(self.days.len()).unwrap_or(u32::MAX);
        listed.saturating_add(self.older.as_ref().map_or(0, |older| older.days))
    }

    /// The first day of purchase and its amount.
    #[must_use]
    pub fn first(&self) -> Option<&Day> {
        self.older
            .as_ref()
            .map(|older| &older.first)
            .or_else(|| self.days.first())
    }

    /// The last day of purchase.
    #[must_use]
    pub fn last(&self) -> Option<i32> {
        self.days.last().map(|day| day.0)
    }

    /// Monetary value: everything bought, net of refunds, in [`Figures::currency`].
    #[must_use]
    pub fn monetary(&self) -> Decimal {
        let listed: Decimal = self.days.iter().filter_map(|day| day.1).sum();
        listed + self.older.as_ref().map_or(Decimal::ZERO, |older| older.amount)
    }

    /// Days of purchase whose amount is known.
    #[must_use]
    pub fn valued_days(&self) -> u32 {
        let listed = self.days.iter().filter(|day| day.1.is_some()).count();
        u32::try_from(listed)
            .unwrap_or(u32::MAX)
            .saturating_add(self.older.as_ref().map_or(0, |older| older.valued))
    }

    /// The listed days, rising.
    #[must_use]
    pub fn day_numbers(&self) -> Vec<i64> {
        self.days.iter().map(|day| i64::from(day.0)).collect()
    }

    /// The figures as they stood at the end of a day: orders and margins stay those of all time. `None` when the day lies
    /// among the days that are only summed up, so that the contributions themselves have to be looked at.
    #[must_use]
    pub fn until(&self, day: i32) -> Option<Self> {
        if self.older.as_ref().is_some_and(|older| older.last > day) {
            return None;
        }
        let mut figures = self.clone();
        figures.days.retain(|listed| listed.0 <= day);
        if figures.days.is_empty()
            && let Some(older) = &figures.older
            && older.last <= day
        {
            // Nothing listed is left, and the last of the older days has no amount of its own here.
            return None;
        }
        Some(figures)
    }
}

/// Recency, frequency and monetary value: the figures, and the ranks of the last recompute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rfm {
    /// Days since the last purchase.
    pub recency_days: i64,
    /// Distinct days of purchase.
    pub frequency: u32,
    /// Everything bought, net of refunds.
    pub monetary: Money,
    /// The mean of a day of purchase.
    pub average: Money,
    /// The first day of purchase.
    #[schema(value_type = String)]
    pub first_purchase_on: Date,
    /// The last day of purchase.
    #[schema(value_type = String)]
    pub last_purchase_on: Date,
    /// Orders in other currencies: they count for recency and frequency, not for money.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub other_currency_orders: u32,
    /// Recency's fifth, 5 the most recent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r: Option<u8>,
    /// Frequency's fifth among customers of like recency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f: Option<u8>,
    /// Monetary value's fifth among customers of like recency and frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<u8>,
    /// The three together: `543`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// The key of the segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// How much of the revenue a customer makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Pareto {
    /// `A`, `B` or `C` by cumulative share of revenue.
    pub grade: String,
    /// Among the top so much of all customers by revenue: 0.05 is the top 5 %, in whole hundredths.
    pub share_rank: f64,
}

/// What a model rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Basis {
    /// `maximum_likelihood`, `small_sample`, `weakly_identified` or `prior`.
    pub basis: String,
    /// The weight of the prior, 0 to 1.
    pub prior_weight: f64,
    /// Why the model could not be learnt from the tenant's own customers: `nobody_repeated`, `one_customer`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insufficient_data: Option<String>,
    /// Whether the search for the maximum ended at one.
    pub converged: bool,
    /// Customers it learnt from.
    pub customers: u64,
}

/// The BG/NBD model of repeat purchases; time is in weeks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BgNbd {
    /// Shape of the purchase rates.
    pub r: f64,
    /// Scale of the purchase rates, in weeks.
    pub alpha: f64,
    /// First shape of the probability of leaving.
    pub a: f64,
    /// Second shape of the probability of leaving.
    pub b: f64,
    /// Log-likelihood of the customers' histories.
    pub log_likelihood: f64,
    /// Customers with a repeat purchase.
    pub repeaters: u64,
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// The Gamma-Gamma model of spend per purchase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct GammaGamma {
    /// Shape of a customer's purchases around the customer's mean.
    pub p: f64,
    /// Shape of the spread between customers.
    pub q: f64,
    /// Scale, in the tenant's currency.
    pub v: f64,
    /// Log-likelihood of the customers' mean spends.
    pub log_likelihood: f64,
    /// The population's mean spend per purchase, in the tenant's currency.
    pub mean_spend: f64,
    /// What it rests on.
    #[serde(flatten)]
    pub basis: Basis,
}

/// How concentrated revenue is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Concentration {
    /// The share of revenue of the top 20 % of customers.
    pub top_20_percent_share: f64,
    /// The share of customers that makes 80 % of revenue.
    pub customers_for_80_percent: f64,
    /// Gini's coefficient: 0 where all are equal.
    pub gini: f64,
}

/// What a recompute found out about all customers together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelAnswer {
    /// The last day that was looked at, in the tenant's time zone.
    #[schema(value_type = String)]
    pub until: Date,
    /// Customers with a purchase by then.
    pub customers: u64,
    /// Repeat purchases.
    pub bg_nbd: BgNbd,
    /// Spend.
    pub gamma_gamma: GammaGamma,
    /// Concentration.
    pub pareto: Concentration,
    /// The correlation of frequency and mean spend among repeating customers, which Gamma-Gamma supposes to be near zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency_spend_correlation: Option<f64>,
    /// Nine of ten purchases follow the one before within so many days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub common_rhythm_days: Option<f64>,
}

/// One segment and how many customers stand in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SegmentAnswer {
    /// The stable key.
    pub key: String,
    /// Its name in the tenant's language.
    pub name: String,
    /// Customers in it.
    pub members: u64,
    /// What they bought in all, net of refunds.
    pub revenue: Money,
}

/// What the next twelve months with a customer are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Value {
    /// The probability that the customer still buys.
    pub p_alive: f64,
    /// Orders (days of purchase) expected within twelve months.
    pub expected_orders_12m: f64,
    /// The margin expected within twelve months, discounted.
    pub clv_12m: Money,
    /// The 95 % interval of that expectation.
    pub interval: (Money, Money),
    /// What the estimate rests on.
    pub model: Basis,
}

/// Why a customer seems to be leaving, in words and with the numbers beside them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChurnDetail {
    /// The words, in the tenant's language: `last order 94 days ago, usually every 31`.
    pub text: String,
    /// Days since the last purchase.
    pub days_since_last: i64,
    /// The customer's own median gap between days of purchase, in days; absent below two gaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual_days: Option<f64>,
    /// The 90 % interpurchase time that the silence is held against, in days: the customer's own, or that of all
    /// customers; absent where neither is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rhythm_days: Option<f64>,
    /// Whether `rhythm_days` is that of all customers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rhythm_of_all: bool,
}

/// Whether a customer is leaving.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Churn {
    /// 0 to 1.
    pub risk: f64,
    /// Whether the last recompute raised an alert.
    pub alert: bool,
    /// Which rule raised it: `low_p_alive`, `past_rhythm` or `both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in words and figures; absent without an alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<ChurnDetail>,
}

/// A customer's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Score {
    /// The customer.
    pub contact_id: RecordId,
    /// Recency, frequency, monetary value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rfm: Option<Rfm>,
    /// Share of revenue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pareto: Option<Pareto>,
    /// The next twelve months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether the customer is leaving.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churn: Option<Churn>,
    /// The stage of life at the last recompute or purchase: `customer`, `repeat`, `loyal`, `at_risk`, `lost`, `won_back`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// Why something is missing: `no_purchases`, or `not_scored` before the first recompute after the first purchase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insufficient_data: Option<String>,
    /// The day the figures are of, in the tenant's time zone.
    #[schema(value_type = String)]
    pub as_of: Date,
    /// When ranks were last computed.
    #[serde(
        default,
        with = "crate::settings::millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub scored_at: Option<Timestamp>,
    /// How each number comes about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub explain: Option<serde_json::Value>,
}

/// How far a recompute is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobStatus {
    /// Waits for its turn.
    Queued,
    /// At work.
    Running,
    /// Finished.
    Done,
    /// Given up.
    Failed,
    /// Called off.
    Cancelled,
}

impl JobStatus {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A recompute as a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Recompute {
    /// The job.
    pub id: RecordId,
    /// Always `segments.recompute`.
    pub kind: String,
    /// How far it is.
    pub status: JobStatus,
    /// The day a separate run was asked for; absent where the scores themselves are recomputed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<Date>,
    /// The last day looked at, in the tenant's time zone.
    #[schema(value_type = String)]
    pub as_of: Date,
    /// When it was asked for.
    #[serde(with = "crate::settings::millis")]
    pub created_at: Timestamp,
    /// When it began.
    #[serde(
        default,
        with = "crate::settings::millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(
        default,
        with = "crate::settings::millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    pub finished_at: Option<Timestamp>,
    /// Pages of customers: in all, once known, and written.
    pub pages: u64,
    /// Pages written.
    pub pages_done: u64,
    /// Customers scored.
    pub customers: u64,
    /// Scores that changed.
    pub changed: u64,
    /// What went wrong.
    pub errors: Vec<String>,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bought(day: i32, amount: &str, currency: &str) -> Contribution {
        Contribution {
            day,
            amount: amount.parse().unwrap(),
            margin: None,
            currency: currency.parse().unwrap(),
        }
    }

    #[test]
    fn days_and_dates_are_the_same_thing() {
        for (date, day) in [
            ("1970-01-01", 0),
            ("1969-12-31", -1),
            ("1997-09-30", 10_134),
            ("0000-01-01", -719_528),
            ("9999-12-31", 2_932_896),
        ] {
            let date: Date = date.parse().unwrap();
            assert_eq!(day_number(date), day, "{date}");
            assert_eq!(date_of(day), date);
        }
        assert_eq!(date_of(i32::MAX).year(), 9999);
    }

    #[test]
    fn figures_follow_from_contributions_in_any_order() {
        // contributions; frequency, monetary, first, last, foreign orders
        type Case = (Vec<Contribution>, u32, &'static str, Option<i32>, Option<i32>, u32);
        let cases: [Case; 5] = [
            (vec![], 0, "0", None, None, 0),
            (vec![bought(5, "10.00", "USD")], 1, "10", Some(5), Some(5), 0),
            (
                vec![
                    bought(9, "1.50", "USD"),
                    bought(5, "10", "USD"),
                    bought(9, "2.50", "USD"),
                ],
                2,
                "14",
                Some(5),
                Some(9),
                0,
            ),
            (
                vec![bought(5, "10", "USD"), bought(20, "99", "EUR")],
                2,
                "10",
                Some(5),
                Some(20),
                1,
            ),
            (
                vec![bought(5, "0", "USD"), bought(7, "3", "USD")],
                2,
                "3",
                Some(5),
                Some(7),
                0,
            ),
        ];
        for (mut contributions, frequency, monetary, first, last, foreign) in cases {
            let usd: Currency = "USD".parse().unwrap();
            let figures = Figures::of(&contributions, usd);
            assert_eq!(figures.frequency(), frequency, "{contributions:?}");
            assert_eq!(figures.monetary(), monetary.parse().unwrap(), "{contributions:?}");
            assert_eq!(figures.first().map(|day| day.0), first);
            assert_eq!(figures.last(), last);
            assert_eq!(figures.foreign, foreign);
            contributions.reverse();
            assert_eq!(Figures::of(&contributions, usd), figures);
            let json = serde_json::to_string(&figures).unwrap();
            assert_eq!(serde_json::from_str::<Figures>(&json).unwrap(), figures, "{json}");
        }
    }

    #[test]
    fn many_days_are_summed_up_and_none_is_lost() {
        let usd: Currency = "USD".parse().unwrap();
        let contributions: Vec<Contribution> = (0..1_000).map(|day| bought(day, "2.5", "USD")).collect();
        let figures = Figures::of(&contributions, usd);
        assert_eq!(figures.days.len(), MOST_DAYS);
        assert_eq!((figures.frequency(), figures.valued_days()), (1_000, 1_000));
        assert_eq!(figures.monetary(), "2500".parse().unwrap());
        assert_eq!((figures.first().map(|day| day.0), figures.last()), (Some(0), Some(999)));
        assert_eq!(figures.until(300), None);
        assert_eq!(figures.until(599), None);
        let seen = figures.until(600).unwrap();
        assert_eq!((seen.frequency(), seen.last()), (601, Some(600)));
        assert_eq!(seen.monetary(), "1502.5".parse().unwrap());
    }

    #[test]
    fn until_cuts_what_came_later() {
        let usd: Currency = "USD".parse().unwrap();
        let figures = Figures::of(&[bought(5, "10", "USD"), bought(9, "4", "USD")], usd);
        for (day, frequency, monetary) in [(4, 0, "0"), (5, 1, "10"), (8, 1, "10"), (9, 2, "14"), (99, 2, "14")] {
            let seen = figures.until(day).unwrap();
            assert_eq!(
                (seen.frequency(), seen.monetary()),
                (frequency, monetary.parse().unwrap())
            );
        }
    }

    #[test]
    fn margins_are_summed_where_they_are_known() {
        let with = |margin: &str, contribution: Contribution| Contribution {
            margin: Some(margin.parse().unwrap()),
            ..contribution
        };
        let contributions = [
            with("4", bought(5, "10", "USD")),
            with("1.5", bought(9, "5", "USD")),
            bought(9, "7", "USD"),
            with("99", bought(9, "100", "EUR")),
        ];
        let figures = Figures::of(&contributions, "USD".parse().unwrap());
        assert_eq!(
            (figures.margin, figures.margin_of),
            ("5.5".parse().unwrap(), "15".parse().unwrap())
        );
        assert_eq!(figures.day_numbers(), [5, 9]);
        assert!(!figures.is_empty());
        let none = Figures::of(&[], "USD".parse().unwrap());
        assert!(none.is_empty() && none.day_numbers().is_empty());
    }

    #[test]
    fn orders_in_other_currencies_are_told_where_there_are_any() {
        for (orders, told) in [(0, None), (1, Some(1)), (2, Some(2))] {
            let money = Money::new(Decimal::TEN, "USD".parse().unwrap());
            let rfm = Rfm {
                recency_days: 1,
                frequency: 1,
                monetary: money,
                average: money,
                first_purchase_on: date_of(1),
                last_purchase_on: date_of(1),
                other_currency_orders: orders,
                r: None,
                f: None,
                m: None,
                cell: None,
                segment: None,
            };
            let json = serde_json::to_value(rfm).unwrap();
            let found = json.get("other_currency_orders").and_then(serde_json::Value::as_u64);
            assert_eq!(found, told);
        }
    }

    #[test]
    fn a_job_is_over_once_nothing_more_will_happen() {
        for (status, word, over) in [
            (JobStatus::Queued, "queued", false),
            (JobStatus::Running, "running", false),
            (JobStatus::Done, "done", true),
            (JobStatus::Failed, "failed", true),
            (JobStatus::Cancelled, "cancelled", true),
        ] {
            assert_eq!((status.as_str(), status.is_over()), (word, over));
            assert_eq!(JobStatus::from_text(word), Some(status), "{word}");
        }
        assert_eq!(JobStatus::from_text("asleep"), None);
    }
}
