//! How many customers are what, counted with each recompute, so that a report looks at no customer.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rapport_analytics::churn::Stage;
use rapport_analytics::pareto::Grade;
use rapport_domain::score::date_of;
use rapport_domain::survey::Language;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::answer::Judge;
use crate::customer::{Customer, major};
use crate::model::Model;
use crate::reduce::Ranks;

/// Steps of the Lorenz curve.
pub const LORENZ_STEPS: usize = 100;

/// Grades in their order.
const GRADES: [Grade; 3] = [Grade::A, Grade::B, Grade::C];

/// Customers that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The key of what they have in common.
    pub key: String,
    /// How many they are.
    pub customers: u64,
    /// What they bought.
    pub revenue: Decimal,
}

/// The customers of a tenant, counted. Groups and months without customers are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Population {
    /// By grade, A first.
    pub grades: Vec<Group>,
    /// By stage of life, in the order of [`Stage::ALL`]: what the recompute stores with each score.
    pub lifecycle: Vec<Group>,
    /// The Lorenz curve: the share of revenue of the smallest 0, 1, … 100 % of customers, 0 to 1, four decimals. Customers
    /// whose returns exceed their purchases count as zero.
    pub lorenz: Vec<f64>,
    /// By the month of the first purchase, rising.
    pub started: Vec<Month>,
    /// The customers lost, by the month of the day on which they became so, rising: the last purchase, the days after which
    /// a silence is a loss, and one day more.
    pub stopped: Vec<Month>,
}

/// Customers of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "(i32, u64)", from = "(i32, u64)")]
pub struct Month {
    /// Months since the year 0.
    number: i32,
    /// How many they are.
    pub customers: u64,
}

impl From<(i32, u64)> for Month {
    fn from((number, customers): (i32, u64)) -> Self {
        Self { number, customers }
    }
}

impl From<Month> for (i32, u64) {
    fn from(month: Month) -> Self {
        (month.number, month.customers)
    }
}

impl Month {
    /// The first day of the month. `None` for a number that no calendar has.
    #[must_use]
    pub fn first_day(&self) -> Option<Date> {
        let year = i16::try_from(self.number.div_euclid(12)).ok()?;
        let month = i8::try_from(self.number.rem_euclid(12) + 1).ok()?;
        Date::new(year, month, 1).ok()
    }
}

/// The number of a day's month.
fn month_of(day: i32) -> i32 {
    let date = date_of(day);
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

/// Customers and what they bought, in the smallest unit of the currency.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) customers: u64,
    sum: i128,
}

impl Count {
    pub(crate) fn add(&mut self, monetary: i64) {
        self.customers += 1;
        self.sum += i128::from(monetary);
    }

    /// The sum, which ends where amounts do.
    pub(crate) fn revenue(&self) -> i64 {
        let end = if self.sum < 0 { i64::MIN } else { i64::MAX };
        i64::try_from(self.sum).unwrap_or(end)
    }
}

impl Population {
    /// Counts customers as the model judges them on its day.
    pub(crate) fn of<'a>(
        customers: impl Iterator<Item = (Customer, &'a Ranks)>,
        model: &Model,
        lorenz: Vec<f64>,
    ) -> Self {
        let judge = Judge::new(model, model.as_of, Language::En);
        let mut grades = [Count::default(); GRADES.len()];
        let mut stages = [Count::default(); Stage::ALL.len()];
        let (mut started, mut stopped) = (Months::default(), Months::default());
        for (customer, ranks) in customers {
            let stage = judge.verdict(&customer).stage;
            grades[ranks.grade as usize].add(customer.monetary);
            stages[stage as usize].add(customer.monetary);
            started.count(customer.first);
            if stage == Stage::Lost {
                let silence = i32::try_from(model.scoring.lost_after_days).unwrap_or(i32::MAX);
                stopped.count(customer.last.saturating_add(silence).saturating_add(1));
            }
        }
        let groups = |keys: Vec<&'static str>, counts: &[Count]| {
            let known = keys.into_iter().zip(counts).filter(|(_, count)| count.customers > 0);
            let group = |(key, count): (&str, &Count)| Group {
                key: key.to_owned(),
                customers: count.customers,
                revenue: major(count.revenue(), model.currency),
            };
            known.map(group).collect()
        };
        Self {
            grades: groups(GRADES.map(Grade::key).to_vec(), &grades),
            lifecycle: groups(Stage::ALL.map(Stage::key).to_vec(), &stages),
            lorenz,
            started: started.list(),
            stopped: stopped.list(),
        }
    }
}

/// Days counted by month. Days are few beside customers, and the calendar is asked once for each.
#[derive(Default)]
struct Months(BTreeMap<i32, u64>);

impl Months {
    fn count(&mut self, day: i32) {
        *self.0.entry(day).or_default() += 1;
    }

    fn list(self) -> Vec<Month> {
        let mut months: Vec<Month> = Vec::new();
        for (day, customers) in self.0 {
            let number = month_of(day);
            match months.last_mut() {
                Some(last) if last.number == number => last.customers += customers,
                _ => months.push(Month { number, customers }),
            }
        }
        months
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gaps::Gaps;
    use rapport_domain::settings::Settings;
    use rapport_domain::{Prefix, RecordId};

    fn day(text: &str) -> i32 {
        rapport_domain::score::day_number(text.parse().unwrap())
    }

    /// First and last purchase, days of purchase, gap before the last, amount in cents.
    fn customer(n: usize, (first, last, frequency, gap, monetary): (&str, &str, u32, i32, i64)) -> Customer {
        Customer {
            id: RecordId::from_u128(Prefix::Contact, n as u128),
            first: day(first),
            last: day(last),
            frequency,
            monetary,
            repeats: frequency - 1,
            repeated: monetary / 2,
            rhythm: None,
            usual: None,
            last_gap: (frequency > 1).then_some(gap),
            margin_rate: 0.3,
        }
    }

    #[test]
    fn everybody_is_counted_once() {
        let customers = [
            ("2024-12-31", "2025-01-01", 2, 1, 10_000),
            ("2025-01-01", "2026-05-30", 3, 400, 5_000),
            ("2025-01-31", "2026-06-01", 2, 490, 20_000),
            ("2025-02-01", "2025-06-01", 2, 120, 0),
            ("2026-05-01", "2026-05-01", 1, 0, 2_500),
            ("2025-05-30", "2025-05-30", 1, 0, 2_500),
        ];
        let customers: Vec<Customer> = customers.into_iter().enumerate().map(|(n, c)| customer(n, c)).collect();
        let (scoring, now) = (Settings::default().scoring, "2026-06-02T00:00:00Z".parse().unwrap());
        let as_of = day("2026-06-01");
        let (ranks, model) = crate::reduce(
            &customers,
            &Gaps::default(),
            as_of,
            "USD".parse().unwrap(),
            &scoring,
            now,
        );
        let months = |months: &[Month]| -> Vec<(String, u64)> {
            let named = |month: &Month| {
                (
                    month.first_day().unwrap().strftime("%Y-%m").to_string(),
                    month.customers,
                )
            };
            months.iter().map(named).collect()
        };
        let of = |text: &str, customers| (text.to_owned(), customers);
        let population = &model.population;
        assert_eq!(
            months(&population.started),
            [
                of("2024-12", 1),
                of("2025-01", 2),
                of("2025-02", 1),
                of("2025-05", 1),
                of("2026-05", 1)
            ]
        );
        // 366 days after 2025-01-01 and 2025-05-30; the purchase of 2025-06-01 is 365 days ago, which is not yet a loss.
        assert_eq!(months(&population.stopped), [of("2026-01", 1), of("2026-05", 1)]);
        let judge = Judge::new(&model, as_of, Language::En);
        for stage in Stage::ALL {
            let expected = customers.iter().filter(|c| judge.verdict(c).stage == stage).count() as u64;
            let got = population.lifecycle.iter().find(|group| group.key == stage.key());
            assert_eq!(got.map_or(0, |group| group.customers), expected, "{stage:?}");
        }
        for grade in GRADES {
            let alike = ranks.iter().zip(&customers).filter(|(ranks, _)| ranks.grade == grade);
            let cents: i64 = alike.map(|(_, customer)| customer.monetary).sum();
            let got = population.grades.iter().find(|group| group.key == grade.key());
            assert_eq!(
                got.map(|group| group.revenue).unwrap_or_default(),
                Decimal::new(cents, 2),
                "{grade:?}"
            );
        }
        assert_eq!(
            (population.lorenz[0], population.lorenz[50], population.lorenz[100]),
            (0.0, 0.125, 1.0)
        );
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (text, first) in [
            ("1970-01-01", "1970-01-01"),
            ("1969-12-31", "1969-12-01"),
            ("2024-02-29", "2024-02-01"),
            ("1900-01-01", "1900-01-01"),
        ] {
            let month = Month::from((month_of(day(text)), 1));
            assert_eq!(month.first_day(), first.parse().ok(), "{text}");
        }
        for odd in [i32::MIN, i32::MAX] {
            assert_eq!(Month::from((odd, 1)).first_day(), None);
            assert_eq!(month_of(odd), month_of(odd.clamp(-719_528, 2_932_896)));
        }
    }
}
