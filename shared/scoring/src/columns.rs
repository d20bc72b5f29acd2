//! A customer in 32 bytes: all that ranks, models and stages of life need, for everybody at once.
//!
//! The id is left out, since customers come in the order of their ids; of the last gap remains whether it was a loss, and
//! the margin is nobody's business here. Everything else is kept exactly.

use rapport_domain::{Prefix, RecordId};

use crate::customer::Customer;

/// One customer with at least one purchase.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Everything bought, in the smallest unit of the currency.
    pub monetary: i64,
    /// What was bought on the days after the first, in the smallest unit of the currency.
    repeated: i64,
    /// The last day of purchase, in days since 1970.
    last: i32,
    /// Days from the first purchase to the last, twice; one more if the last gap was a loss.
    span_and_returned: u32,
    /// Distinct days of purchase. Orders lie between 1900 and a year ahead, which is fewer days than fit until 2078.
    frequency: u16,
    /// Days of purchase after the first whose amount is known.
    repeats: u16,
    /// The customer's own 90 % interpurchase time in days; negative where there are purchases too few.
    rhythm: f32,
}

const _: () = assert!(size_of::<Row>() == 32, "everybody is held at once");

impl Row {
    /// The customer, where a silence of more than these days is a loss.
    #[must_use]
    pub fn new(customer: &Customer, lost_after_days: u32) -> Self {
        let span = (i64::from(customer.last) - i64::from(customer.first)).clamp(0, i64::from(i32::MAX)) as u32;
        let returned = customer
            .last_gap
            .is_some_and(|gap| i64::from(gap) > i64::from(lost_after_days));
        let small = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        Self {
            monetary: customer.monetary,
            repeated: customer.repeated,
            last: customer.last,
            span_and_returned: 2 * span + u32::from(returned),
            frequency: small(customer.frequency),
            repeats: small(customer.repeats),
            rhythm: customer.rhythm.unwrap_or(-1.0),
        }
    }

    /// The customer again, without id and margin. The last gap is so long that it was a loss, or not known.
    #[must_use]
    pub fn customer(&self) -> Customer {
        let returned = self.span_and_returned % 2 == 1;
        Customer {
            id: RecordId::from_u128(Prefix::Contact, 0),
            first: self.last.saturating_sub_unsigned(self.span()),
            last: self.last,
            frequency: self.frequency(),
            monetary: self.monetary,
            repeats: u32::from(self.repeats),
            repeated: self.repeated,
            rhythm: Some(self.rhythm).filter(|days| *days >= 0.0),
            // Only words need it.
            usual: None,
            last_gap: returned.then_some(i32::MAX),
            margin_rate: 0.0,
        }
    }

    /// Distinct days of purchase.
    #[must_use]
    pub fn frequency(&self) -> u32 {
        u32::from(self.frequency)
    }

    /// Recency in days, at the end of a day.
    #[must_use]
    pub fn recency(&self, day: i32) -> i64 {
        (i64::from(day) - i64::from(self.last)).max(0)
    }

    /// What was bought on the first day, in the smallest unit of the currency.
    #[must_use]
    pub const fn first_amount(&self) -> i64 {
        self.monetary.saturating_sub(self.repeated)
    }

    /// Purchases after the first, and the days from the first to the last one and to a day.
    #[must_use]
    pub fn history(&self, day: i32) -> [u32; 3] {
        let to_day = i64::from(day) - i64::from(self.last) + i64::from(self.span());
        let to_day = u32::try_from(to_day.max(0)).unwrap_or(u32::MAX);
        [self.frequency().saturating_sub(1), self.span(), to_day]
    }

    const fn span(&self) -> u32 {
        self.span_and_returned / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_keeps_all_but_what_is_not_needed() {
        // (first, last, frequency, repeats, rhythm, last gap) and whether that was a loss after 365 days
        let cases = [
            (100, 100, 1, 0, None, None, false),
            (100, 400, 9, 8, Some(31.5), Some(30), false),
            (-25_567, 21_000, 46_568, 46_567, Some(1.0), Some(365), false),
            (0, 366, 2, 0, None, Some(366), true),
        ];
        for (first, last, frequency, repeats, rhythm, last_gap, lost) in cases {
            let customer = Customer {
                id: RecordId::from_u128(Prefix::Contact, 7),
                first,
                last,
                frequency,
                monetary: i64::MAX - 3,
                repeats,
                repeated: -5,
                rhythm,
                usual: None,
                last_gap,
                margin_rate: 0.3,
            };
            let row = Row::new(&customer, 365);
            let expected = Customer {
                id: RecordId::from_u128(Prefix::Contact, 0),
                last_gap: lost.then_some(i32::MAX),
                margin_rate: 0.0,
                ..customer.clone()
            };
            assert_eq!(row.customer(), expected);
            assert_eq!(row.recency(last + 5), customer.recency(last + 5));
            let days = (last - first) as u32;
            assert_eq!(row.history(last + 5), [frequency - 1, days, days + 5]);
        }
    }
}
