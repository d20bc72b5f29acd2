//! Loyalty: who buys again, how much of their needs they buy here, what they think, and the level that this makes.
//!
//! The levels follow R. Oliver (1999), "Whence consumer loyalty?", *Journal of Marketing* 63: one first prefers by what one
//! knows, then likes, then buys again. That buying again with a low opinion is no loyalty is Dick & Basu (1994), *Journal
//! of the Academy of Marketing Science* 22(2).
//!
//! | level | rule, the first that holds |
//! |---|---|
//! | behavioural | bought on two days of the period or more; and, where asked, finds at least half of what is needed here, and does not deny liking it (4 or more) |
//! | affective | agrees to like it (5 or more) |
//! | cognitive | agrees that it is better than what competitors offer (5 or more) |
//! | none | otherwise |
//!
//! Opinions are agreement from 1 to 7 with one sentence each; an answer off that scale counts as not given.

use crate::survey::{self, Agreement, Estimate};

/// The lowest agreement.
const LOWEST: u8 = 1;
/// The highest agreement.
const HIGHEST: u8 = 7;
/// Neither agreement nor denial.
const NEUTRAL: u8 = 4;
/// From here on somebody agrees.
const AGREES: u8 = 5;
/// The share of needs from which a firm is the customer's first source.
const FIRST_SOURCE: f64 = 0.5;

/// What is known of one customer over a period.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    /// Distinct days of purchase in the period.
    pub purchase_days: u32,
    /// The share of what the customer needs of our kind that is bought here, 0 to 1, as asked ([`share_of_wallet`]).
    pub share_of_needs: Option<f64>,
    /// "What they offer is better than what their competitors offer."
    pub preference: Option<u8>,
    /// "I like buying there."
    pub liking: Option<u8>,
    /// "I would go elsewhere if it were cheaper there."
    pub price_sensitivity: Option<u8>,
    /// Days from the first contact to the first purchase.
    pub days_to_decide: Option<f64>,
}

/// How deep loyalty goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// No sign of it.
    None,
    /// Prefers on information.
    Cognitive,
    /// Likes.
    Affective,
    /// Buys again.
    Behavioural,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Self; 4] = [Self::None, Self::Cognitive, Self::Affective, Self::Behavioural];

    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Cognitive => "cognitive",
            Self::Affective => "affective",
            Self::Behavioural => "behavioural",
        }
    }
}

fn on_scale(answer: Option<u8>) -> Option<u8> {
    answer.filter(|answer| (LOWEST..=HIGHEST).contains(answer))
}

fn share(share: Option<f64>) -> Option<f64> {
    share.filter(|share| (0.0..=1.0).contains(share))
}

/// The level of one customer by the rule of this module.
#[must_use]
pub fn level(evidence: &Evidence) -> Level {
    let liking = on_scale(evidence.liking);
    let first_source = share(evidence.share_of_needs).is_none_or(|share| share >= FIRST_SOURCE);
    if evidence.purchase_days >= 2 && first_source && liking.is_none_or(|liking| liking >= NEUTRAL) {
        Level::Behavioural
    } else if liking.is_some_and(|liking| liking >= AGREES) {
        Level::Affective
    } else if on_scale(evidence.preference).is_some_and(|preference| preference >= AGREES) {
        Level::Cognitive
    } else {
        Level::None
    }
}

/// The share of a customer's needs that is bought here, 0 to 1, from what is spent here and elsewhere; nothing where
/// nothing is spent, and for amounts that are negative or not finite.
#[must_use]
pub fn share_of_wallet(here: f64, elsewhere: f64) -> Option<f64> {
    // Halves, so that the sum of two large amounts is finite.
    let (here, elsewhere) = (here / 2.0, elsewhere / 2.0);
    let whole = here + elsewhere;
    (here >= 0.0 && elsewhere >= 0.0 && whole > 0.0 && whole.is_finite()).then(|| here / whole)
}

/// The repeat purchase rate: of the customers who bought in the period, the share that did so on two days or more.
/// Nothing where nobody bought.
#[must_use]
pub fn repeat_purchase_rate(purchase_days: &[u32]) -> Option<Estimate> {
    let at_least = |days: u32| purchase_days.iter().filter(|bought| **bought >= days).count();
    survey::share(at_least(2), at_least(1))
}

/// The loyalty of all customers together. What nobody was asked is nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loyalty {
    /// The repeat purchase rate.
    pub repeat_purchase_rate: Option<Estimate>,
    /// The mean share of needs that is bought here.
    pub share_of_needs: Option<Estimate>,
    /// Agreement that the offer is better than that of competitors.
    pub preference: Option<Agreement>,
    /// Agreement to liking it.
    pub liking: Option<Agreement>,
    /// Agreement that price decides: the more, the less loyal.
    pub price_sensitivity: Option<Agreement>,
    /// The median time to decide, in days.
    pub days_to_decide: Option<f64>,
    /// Customers on each level, in the order of [`Level::ALL`].
    pub levels: [usize; 4],
}

/// The loyalty of all customers together.
#[must_use]
pub fn summarise(customers: &[Evidence]) -> Loyalty {
    let days: Vec<u32> = customers.iter().map(|customer| customer.purchase_days).collect();
    let shares: Vec<f64> = customers
        .iter()
        .filter_map(|customer| share(customer.share_of_needs))
        .collect();
    let opinion = |of: fn(&Evidence) -> Option<u8>| {
        let answers: Vec<u8> = customers.iter().filter_map(|customer| on_scale(of(customer))).collect();
        survey::agreement(&answers).ok().flatten()
    };
    let decided = customers.iter().filter_map(|customer| customer.days_to_decide);
    let mut levels = [0; 4];
    for customer in customers {
        levels[level(customer) as usize] += 1;
    }
    Loyalty {
        repeat_purchase_rate: repeat_purchase_rate(&days),
        share_of_needs: survey::mean(&shares, 0.0, 1.0),
        preference: opinion(|customer| customer.preference),
        liking: opinion(|customer| customer.liking),
        price_sensitivity: opinion(|customer| customer.price_sensitivity),
        days_to_decide: median(decided.filter(|days| days.is_finite() && *days >= 0.0).collect()),
        levels,
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (
        values.get(values.len().checked_sub(1)? / 2)?,
        values.get(values.len() / 2)?,
    );
    Some(low + (high - low) / 2.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_told_by_stable_keys() {
        assert_eq!(
            Level::ALL.map(Level::key),
            ["none", "cognitive", "affective", "behavioural"]
        );
    }

    #[test]
    fn levels_by_the_rule() {
        // (days of purchase, share of needs, liking, preference) → level
        let cases = [
            (0, None, None, None, Level::None),
            (1, None, None, None, Level::None),
            (2, None, None, None, Level::Behavioural),
            (9, Some(0.5), Some(4), None, Level::Behavioural),
            (9, Some(0.49), Some(4), None, Level::None),
            (9, Some(0.1), Some(6), Some(6), Level::Affective),
            (9, None, Some(3), Some(7), Level::Cognitive),
            (9, None, Some(1), Some(2), Level::None),
            (1, Some(1.0), Some(5), Some(1), Level::Affective),
            (0, None, Some(4), Some(5), Level::Cognitive),
            (9, Some(f64::NAN), Some(0), Some(8), Level::Behavioural),
            (0, Some(7.0), Some(9), Some(8), Level::None),
        ];
        for (purchase_days, share_of_needs, liking, preference, expected) in cases {
            let evidence = Evidence {
                purchase_days,
                share_of_needs,
                preference,
                liking,
                ..Evidence::default()
            };
            assert_eq!(level(&evidence), expected, "{evidence:?}");
        }
    }

    #[test]
    fn shares_of_wallets() {
        for (here, elsewhere, expected) in [
            (30.0, 70.0, Some(0.3)),
            (5.0, 0.0, Some(1.0)),
            (0.0, 5.0, Some(0.0)),
            (0.0, 0.0, None),
            (-1.0, 5.0, None),
            (f64::NAN, 5.0, None),
            (5.0, f64::INFINITY, None),
            (f64::MAX, f64::MAX, Some(0.5)),
        ] {
            assert_eq!(
                share_of_wallet(here, elsewhere),
                expected,
                "{here} of {here} + {elsewhere}"
            );
        }
    }

    #[test]
    fn a_firm_as_a_whole() {
        let customer = |purchase_days, liking, days_to_decide| Evidence {
            purchase_days,
            liking,
            days_to_decide,
            share_of_needs: liking.map(|l| f64::from(l) / 10.0),
            ..Evidence::default()
        };
        let got = summarise(&[
            customer(3, Some(7), Some(4.0)),
            customer(1, Some(5), Some(10.0)),
            customer(1, None, Some(1.0)),
            customer(0, None, None),
            customer(2, Some(9), Some(-2.0)),
        ]);
        let rate = got.repeat_purchase_rate.unwrap();
        assert_eq!((rate.value, rate.n), (0.5, 4));
        assert_eq!(got.levels, [2, 0, 1, 2]);
        let liking = got.liking.unwrap();
        assert_eq!((liking.mean.value, liking.mean.n, liking.agreeing.value), (6.0, 2, 1.0));
        assert!((got.share_of_needs.unwrap().value - 0.7).abs() < 1e-12);
        assert_eq!(
            (got.days_to_decide, got.preference, got.price_sensitivity),
            (Some(4.0), None, None)
        );
        let nobody = summarise(&[]);
        assert_eq!(
            (nobody.repeat_purchase_rate, nobody.levels, nobody.days_to_decide),
            (None, [0; 4], None)
        );
        assert_eq!(median(vec![1.0, 2.0, 4.0, 9.0]), Some(3.0));
    }
}
