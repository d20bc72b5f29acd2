//! What ranks and models need to know of one customer, in 64 bytes, and pages of customers as bytes.

use rapport_analytics::bg_nbd::History;
use rapport_analytics::churn;
use rapport_analytics::gamma_gamma::Spend;
use rapport_analytics::lifetime_value;
use rapport_domain::score::Figures;
use rapport_domain::{Currency, Prefix, RecordId};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::gaps::Gaps;

/// Days in a week: the models count in weeks.
const DAYS_PER_WEEK: f64 = 7.0;

/// One customer with at least one purchase.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// The contact.
    pub id: RecordId,
    /// The first day of purchase, in days since 1970.
    pub first: i32,
    /// The last.
    pub last: i32,
    /// Distinct days of purchase.
    pub frequency: u32,
    /// Everything bought, in the smallest unit of the currency.
    pub monetary: i64,
    /// Days of purchase after the first whose amount is known.
    pub repeats: u32,
    /// What was bought on them, in the smallest unit of the currency.
    pub repeated: i64,
    /// The customer's own 90 % interpurchase time in days, where there are purchases enough.
    pub rhythm: Option<f32>,
    /// The customer's own median gap between days of purchase, where there are gaps enough.
    pub usual: Option<f32>,
    /// Days between the last two purchases.
    pub last_gap: Option<i32>,
    /// The share of what was bought that is margin: the known one, and the tenant's rate for the rest.
    pub margin_rate: f32,
}

impl Customer {
    /// The customer at the end of a day. `None` without a purchase by then, and where figures do not reach back so far
    /// ([`Figures::until`]).
    #[must_use]
    pub fn at(id: RecordId, figures: &Figures, day: i32, margin_rate: Decimal) -> Option<Self> {
        let seen = if figures.last().is_some_and(|last| last > day) {
            figures.until(day)?
        } else {
            figures.clone()
        };
        let (first, last) = (seen.first()?.clone(), seen.last()?);
        let numbers = seen.day_numbers();
        let first_amount = first.1.unwrap_or_default();
        let total = seen.monetary();
        Some(Self {
            id,
            first: first.0,
            last,
            frequency: seen.frequency(),
            monetary: minor(total, seen.currency),
            repeats: seen.valued_days() - u32::from(first.1.is_some()),
            repeated: minor(total - first_amount, seen.currency),
            rhythm: churn::own_rhythm_days(&numbers).map(|days| days as f32),
            usual: churn::usual_gap_days(&numbers).map(|days| days as f32),
            last_gap: match numbers[..] {
                [.., before, last] => i32::try_from(last - before).ok(),
                _ => None,
            },
            margin_rate: rate(figures, margin_rate),
        })
    }

    /// Recency in days, at the end of a day.
    #[must_use]
    pub fn recency(&self, day: i32) -> i64 {
        (i64::from(day) - i64::from(self.last)).max(0)
    }

    /// What the models know of the customer at the end of a day.
    #[must_use]
    pub fn for_models(&self, day: i32, currency: Currency) -> lifetime_value::Customer {
        let since_first = |day: i32| i64::from(day) - i64::from(self.first);
        lifetime_value::Customer {
            history: history(
                self.frequency.saturating_sub(1),
                since_first(self.last),
                since_first(day),
            ),
            spend: Spend {
                purchases: self.repeats,
                mean: if self.repeats == 0 {
                    0.0
                } else {
                    float(self.repeated, currency) / f64::from(self.repeats)
                },
            },
        }
    }
}

/// A history from repeat purchases and the days from the first purchase to the last and to the day looked at.
pub(crate) fn history(repeats: u32, to_last: i64, to_day: i64) -> History {
    let weeks = |days: i64| days as f64 / DAYS_PER_WEEK;
    History {
        frequency: repeats,
        recency_weeks: weeks(to_last),
        age_weeks: weeks(to_day),
    }
}

/// An amount in the smallest unit of its currency.
#[must_use]
pub fn minor(amount: Decimal, currency: Currency) -> i64 {
    let scaled = currency.round(amount) * Decimal::from(10_u64.pow(currency.places()));
    let otherwise = if amount.is_sign_negative() { i64::MIN } else { i64::MAX };
    scaled.round().to_i64().unwrap_or(otherwise)
}

/// An amount from the smallest unit of its currency.
#[must_use]
pub fn major(minor: i64, currency: Currency) -> Decimal {
    Decimal::new(minor, currency.places())
}

/// An amount for ranks and models, from the smallest unit of its currency.
#[must_use]
pub fn float(minor: i64, currency: Currency) -> f64 {
    minor as f64 / 10_f64.powi(i32::try_from(currency.places()).unwrap_or(2))
}

/// Σ margin / Σ amount, where the margin of what has none is the tenant's rate; between 0 and 1.
fn rate(figures: &Figures, otherwise: Decimal) -> f32 {
    let total = figures.monetary();
    if total <= Decimal::ZERO {
        return otherwise.to_f32().unwrap_or(0.0);
    }
    let unknown = (total - figures.margin_of).max(Decimal::ZERO);
    let share = (figures.margin + unknown * otherwise) / total;
    share.clamp(Decimal::ZERO, Decimal::ONE).to_f32().unwrap_or(0.0)
}

/// A page of customers and the gaps between their purchases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The customers, in the order of their ids.
    pub customers: Vec<Customer>,
    /// The gaps.
    pub gaps: Gaps,
}

/// The form of the bytes: a page of another form is not read.
const FORM: u8 = 2;

impl Page {
    /// The page as bytes: 64 a customer, eight a distinct gap.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.customers.len() * 64);
        bytes.push(FORM);
        bytes.extend(u32::try_from(self.customers.len()).unwrap_or(0).to_le_bytes());
        for customer in &self.customers {
            let Customer {
                id,
                first,
                last,
                frequency,
                monetary,
                repeats,
                repeated,
                rhythm,
                usual,
                last_gap,
                margin_rate,
            } = customer;
            bytes.extend(id.as_u128().to_le_bytes());
            bytes.extend(first.to_le_bytes());
            bytes.extend(last.to_le_bytes());
            bytes.extend(frequency.to_le_bytes());
            bytes.extend(monetary.to_le_bytes());
            bytes.extend(repeats.to_le_bytes());
            bytes.extend(repeated.to_le_bytes());
            bytes.extend(rhythm.unwrap_or(-1.0).to_le_bytes());
            bytes.extend(usual.unwrap_or(-1.0).to_le_bytes());
            bytes.extend(last_gap.unwrap_or(-1).to_le_bytes());
            bytes.extend(margin_rate.to_le_bytes());
        }
        self.gaps.encode(&mut bytes);
        bytes
    }

    /// The page from its bytes. `None` when they are no page.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if u8::from_le_bytes(reader.take()?) != FORM {
            return None;
        }
        let n = u32::from_le_bytes(reader.take()?);
        let customers = (0..n)
            .map(|_| {
                Some(Customer {
                    id: RecordId::from_u128(Prefix::Contact, u128::from_le_bytes(reader.take()?)),
                    first: i32::from_le_bytes(reader.take()?),
                    last: i32::from_le_bytes(reader.take()?),
                    frequency: u32::from_le_bytes(reader.take()?),
                    monetary: i64::from_le_bytes(reader.take()?),
                    repeats: u32::from_le_bytes(reader.take()?),
                    repeated: i64::from_le_bytes(reader.take()?),
                    rhythm: Some(f32::from_le_bytes(reader.take()?)).filter(|days| *days >= 0.0),
                    usual: Some(f32::from_le_bytes(reader.take()?)).filter(|days| *days >= 0.0),
                    last_gap: Some(i32::from_le_bytes(reader.take()?)).filter(|days| *days >= 0),
                    margin_rate: f32::from_le_bytes(reader.take()?),
                })
            })
            .collect::<Option<_>>()?;
        let gaps = Gaps::decode(&mut reader)?;
        Some(Self { customers, gaps })
    }
}

/// Takes bytes from the front.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl Reader<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::score::Contribution;

    fn id(n: u128) -> RecordId {
        RecordId::from_u128(Prefix::Contact, n)
    }

    fn figures(days: &[(i32, &str)]) -> Figures {
        let contributions: Vec<Contribution> = days
            .iter()
            .map(|(day, amount)| Contribution {
                day: *day,
                amount: amount.parse().unwrap(),
                margin: None,
                currency: "USD".parse().unwrap(),
            })
            .collect();
        Figures::of(&contributions, "USD".parse().unwrap())
    }

    #[test]
    fn a_customer_is_what_the_mathematics_makes_of_the_purchases() {
        type Days = &'static [(i32, &'static str)];
        let cases: [(Days, i32); 6] = [
            (&[(0, "50.00")], 14),
            (&[(0, "50.00"), (7, "10.00"), (7, "20.00"), (14, "50.00")], 21),
            (&[(0, "50.00"), (7, "0.00"), (30, "9.99")], 21),
            (&[(0, "50.00"), (7, "0.00"), (30, "9.99")], 300),
            (&[(3, "29.33"), (20, "29.73"), (200, "14.96"), (210, "1.01")], 273),
            (&[(9, "1.00")], 8),
        ];
        let usd: Currency = "USD".parse().unwrap();
        for (days, until) in cases {
            let customer = Customer::at(id(7), &figures(days), until, Decimal::ONE);
            let purchases: Vec<(i64, f64)> = days.iter().map(|(d, a)| (i64::from(*d), a.parse().unwrap())).collect();
            let expected = lifetime_value::Customer::from_purchases(&purchases, i64::from(until));
            match (&customer, &expected) {
                (Some(customer), Some(expected)) => {
                    let got = customer.for_models(until, usd);
                    assert_eq!(got.history, expected.history, "{days:?}");
                    assert_eq!(got.spend.purchases, expected.spend.purchases, "{days:?}");
                    assert!((got.spend.mean - expected.spend.mean).abs() < 1e-9, "{days:?}");
                }
                _ => assert!(customer.is_none() && expected.is_none(), "{days:?}"),
            }
        }
    }

    #[test]
    fn known_margins_come_before_the_rate() {
        let mut known = figures(&[(0, "60"), (5, "40")]);
        for (margin, of, expected) in [
            ("0", "0", 0.3),
            ("30", "60", 0.42),
            ("55", "100", 0.55),
            ("-90", "100", 0.0),
        ] {
            known.margin = margin.parse().unwrap();
            known.margin_of = of.parse().unwrap();
            let customer = Customer::at(id(1), &known, 9, Decimal::new(3, 1)).unwrap();
            assert!((customer.margin_rate - expected).abs() < 1e-6, "{margin} of {of}");
        }
    }

    #[test]
    fn amounts_keep_every_smallest_unit() {
        for (amount, currency, expected) in [
            ("12.34", "USD", 1_234),
            ("-0.01", "USD", -1),
            ("1250", "JPY", 1_250),
            ("1.234", "KWD", 1_234),
            ("79228162514264337593543950335", "JPY", i64::MAX),
        ] {
            let currency: Currency = currency.parse().unwrap();
            let got = minor(amount.parse().unwrap(), currency);
            assert_eq!(got, expected, "{amount} {currency}");
            if got < i64::MAX {
                assert_eq!(major(got, currency), amount.parse().unwrap());
            }
        }
    }

    #[test]
    fn pages_come_back_and_broken_ones_do_not() {
        let mut page = Page::default();
        for n in 0..50_u32 {
            let days: Vec<(i32, &str)> = (0..=(n % 7)).map(|d| ((d * d) as i32, "3.25")).collect();
            let figures = figures(&days);
            page.gaps.count(&figures.day_numbers());
            page.customers
                .push(Customer::at(id(u128::from(n) << 70), &figures, 99, Decimal::ONE).unwrap());
        }
        let bytes = page.encode();
        assert_eq!(Page::decode(&bytes).as_ref(), Some(&page));
        for cut in [0, 1, 4, 5, 64, bytes.len() - 1] {
            assert_eq!(Page::decode(&bytes[..cut]), None, "{cut}");
        }
        assert_eq!(Page::decode(&Page::default().encode()), Some(Page::default()));
    }
}
