//! What is bought together: frequent item sets and the association rules they support.
//!
//! Sources: R. Agrawal & R. Srikant (1994), "Fast algorithms for mining association rules", VLDB, for rules; J. Han, J. Pei
//! & Y. Yin (2000), "Mining frequent patterns without candidate generation", SIGMOD, for the search; S. Brin et al. (1997),
//! SIGMOD, for lift and conviction; G. Piatetsky-Shapiro (1991) for leverage.
//!
//! Items are numbers that the caller gives to products; a basket is the items of one order or of one customer, and an item
//! that stands twice in a basket counts once. An empty basket is a basket too. This module does not say why things go
//! together, nor what to offer to whom beyond [`suggest`].

mod frequent_patterns;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

/// The longest item set that is looked for, whatever is asked: rules from longer ones are neither read nor trusted.
pub const LONGEST_SET: usize = 12;

/// How far the search for item sets goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Baskets that must hold a set for it to count as frequent; 0 is taken as 1.
    pub min_support: u32,
    /// Items of the largest set, at most [`LONGEST_SET`].
    pub max_length: usize,
    /// Sets that are kept at most. Where there would be more, the support asked for is doubled until they fit, and
    /// [`ItemSets::min_support`] says what was used.
    pub max_sets: usize,
}

impl Default for Limits {
    /// Two baskets, sets of up to four items, a hundred thousand sets.
    fn default() -> Self {
        Self {
            min_support: 2,
            max_length: 4,
            max_sets: 100_000,
        }
    }
}

/// Items that stand together in at least [`ItemSets::min_support`] baskets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSet {
    /// The items, rising.
    pub items: Vec<u32>,
    /// Baskets that hold all of them.
    pub count: u32,
}

/// All frequent item sets of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemSets {
    /// Baskets looked at.
    pub baskets: usize,
    /// The support, as a number of baskets, that the sets reach.
    pub min_support: u32,
    /// The sets: shorter ones first, those of one length by their items.
    pub sets: Vec<ItemSet>,
}

impl ItemSets {
    /// The share of baskets, 0 to 1, that a count makes; 0 without baskets.
    #[must_use]
    pub fn support(&self, count: u32) -> f64 {
        match self.baskets {
            0 => 0.0,
            baskets => f64::from(count) / baskets as f64,
        }
    }
}

/// The number of baskets that makes a share of all, rounded up, at least 1.
#[must_use]
pub fn baskets_for_share(share: f64, baskets: usize) -> u32 {
    // A millionth of a basket less, so that 0.6 · 5 computed a little above 3 is still 3.
    let least = (share.clamp(0.0, 1.0) * baskets as f64 - 1e-6).ceil();
    (least as u32).max(1)
}

/// All item sets that stand in enough baskets, found by FP-growth. Exact: every set within the limits is found.
#[must_use]
pub fn item_sets<B: AsRef<[u32]>>(baskets: &[B], limits: &Limits) -> ItemSets {
    let max_length = limits.max_length.min(LONGEST_SET);
    let mut min_support = limits.min_support.max(1);
    loop {
        if let Some(sets) = frequent_patterns::grow(baskets, min_support, max_length, limits.max_sets) {
            return ItemSets {
                baskets: baskets.len(),
                min_support,
                sets: ordered(sets),
            };
        }
        min_support = min_support.saturating_mul(2);
    }
}

fn ordered(mut sets: Vec<ItemSet>) -> Vec<ItemSet> {
    let by_length = |l: &ItemSet, r: &ItemSet| l.items.len().cmp(&r.items.len()).then_with(|| l.items.cmp(&r.items));
    sets.sort_unstable_by(by_length);
    sets
}

/// Which rules are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Least confidence, 0 to 1.
    pub min_confidence: f64,
    /// Least lift; above 1 the two sides stand together more often than by chance.
    pub min_lift: f64,
    /// Items of the longest right side.
    pub max_consequent: usize,
    /// Rules that are kept at most: the first in the order of [`rules`].
    pub max_rules: usize,
}

impl Default for Thresholds {
    /// Rules better than chance that name one item, a thousand at most.
    fn default() -> Self {
        Self {
            min_confidence: 0.1,
            min_lift: 1.0,
            max_consequent: 1,
            max_rules: 1_000,
        }
    }
}

/// "Who buys the antecedent buys the consequent too." With A and C the shares of baskets that hold either side:
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The items of the left side, rising.
    pub antecedent: Vec<u32>,
    /// The items of the right side, rising.
    pub consequent: Vec<u32>,
    /// Baskets that hold both sides.
    pub count: u32,
    /// Baskets that hold the left side.
    pub antecedent_count: u32,
    /// Baskets that hold the right side.
    pub consequent_count: u32,
    /// Share of baskets that hold both sides, 0 to 1.
    pub support: f64,
    /// Share of the baskets with the left side that hold the right side as well: support / A, 0 to 1.
    pub confidence: f64,
    /// How many times as often as by chance both stand together: support / (A · C).
    pub lift: f64,
    /// Share of baskets beyond those expected by chance: support − A · C, −0.25 to 0.25.
    pub leverage: f64,
    /// How many times as often the rule would fail by chance as it does: (1 − C) / (1 − confidence). Nothing where it
    /// never fails, since the figure would be infinite.
    pub conviction: Option<f64>,
}

impl Rule {
    fn new(antecedent: Side, consequent: Side, count: u32, baskets: usize) -> Self {
        let n = baskets as f64;
        let share = |count: u32| f64::from(count) / n;
        let (with, left, right) = (
            f64::from(count),
            f64::from(antecedent.count),
            f64::from(consequent.count),
        );
        let confidence = with / left;
        let fails = 1.0 - confidence;
        Self {
            antecedent: antecedent.items,
            consequent: consequent.items,
            count,
            antecedent_count: antecedent.count,
            consequent_count: consequent.count,
            support: share(count),
            confidence,
            lift: with * n / (left * right),
            leverage: share(count) - share(antecedent.count) * share(consequent.count),
            conviction: (fails > 0.0).then(|| (1.0 - share(consequent.count)) / fails),
        }
    }

    /// Higher lift first, then higher confidence, then more baskets, then the items of the left and of the right side.
    fn order(&self, other: &Self) -> Ordering {
        let figures = |rule: &Self| (rule.lift, rule.confidence, rule.count);
        let (l, r) = (figures(self), figures(other));
        (r.0.total_cmp(&l.0))
            .then(r.1.total_cmp(&l.1))
            .then(r.2.cmp(&l.2))
            .then_with(|| self.antecedent.cmp(&other.antecedent))
            .then_with(|| self.consequent.cmp(&other.consequent))
    }
}

/// One side of a rule.
struct Side {
    items: Vec<u32>,
    count: u32,
}

/// The rules that the item sets support: higher lift first, then higher confidence, then more baskets, then by the items of
/// both sides. The order is total, so that a limited number is always the same one.
#[must_use]
pub fn rules(found: &ItemSets, thresholds: &Thresholds) -> Vec<Rule> {
    let counts: HashMap<&[u32], u32> = found.sets.iter().map(|set| (set.items.as_slice(), set.count)).collect();
    let mut kept: Vec<Rule> = Vec::new();
    for set in found.sets.iter().filter(|set| set.items.len() > 1) {
        // Each way to part the set: a bit for each item of the right side.
        for right in 1..(1_u32 << set.items.len()) - 1 {
            if right.count_ones() as usize > thresholds.max_consequent {
                continue;
            }
            let side = |mask: u32| {
                let chosen = set.items.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 1);
                let items: Vec<u32> = chosen.map(|(_, item)| *item).collect();
                let count = *counts.get(items.as_slice())?;
                Some(Side { items, count })
            };
            let (Some(antecedent), Some(consequent)) = (side(!right), side(right)) else {
                continue;
            };
            let rule = Rule::new(antecedent, consequent, set.count, found.baskets);
            if rule.confidence >= thresholds.min_confidence && rule.lift >= thresholds.min_lift {
                kept.push(rule);
            }
        }
        // Twice as many as are wanted are held at most, however many there are.
        if kept.len() > thresholds.max_rules.saturating_mul(2).max(1_024) {
            first(&mut kept, thresholds.max_rules);
        }
    }
    first(&mut kept, thresholds.max_rules);
    kept
}

fn first(rules: &mut Vec<Rule>, most: usize) {
    rules.sort_unstable_by(Rule::order);
    rules.truncate(most);
}

/// What to offer to somebody who has `owned` (rising): for each item that is not among them and that a rule with a fitting
/// left side and that single right side names, the best such rule by confidence. Highest confidence first, then as [`rules`].
#[must_use]
pub fn suggest<'a>(rules: &'a [Rule], owned: &[u32], most: usize) -> Vec<&'a Rule> {
    let has = |item: &u32| owned.binary_search(item).is_ok();
    let better = |l: &Rule, r: &Rule| r.confidence.total_cmp(&l.confidence).then_with(|| l.order(r));
    let mut best: BTreeMap<u32, &Rule> = BTreeMap::new();
    for rule in rules {
        let [item] = rule.consequent[..] else { continue };
        if has(&item) || !rule.antecedent.iter().all(has) {
            continue;
        }
        let held = best.entry(item).or_insert(rule);
        if better(rule, held) == Ordering::Less {
            *held = rule;
        }
    }
    let mut offers: Vec<&Rule> = best.into_values().collect();
    offers.sort_unstable_by(|l, r| better(l, r));
    offers.truncate(most);
    offers
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MILK: u32 = 1;
    const ONION: u32 = 2;
    const NUTMEG: u32 = 3;
    const BEANS: u32 = 4;
    const EGGS: u32 = 5;
    const YOGURT: u32 = 6;
    const DILL: u32 = 7;
    const APPLE: u32 = 8;
    const UNICORN: u32 = 9;
    const CORN: u32 = 10;
    const ICE_CREAM: u32 = 11;

    /// The grocery example of the field; onions stand twice in the last basket.
    fn groceries() -> [Vec<u32>; 5] {
        [
            vec![MILK, ONION, NUTMEG, BEANS, EGGS, YOGURT],
            vec![DILL, ONION, NUTMEG, BEANS, EGGS, YOGURT],
            vec![MILK, APPLE, BEANS, EGGS],
            vec![MILK, UNICORN, CORN, BEANS, YOGURT],
            vec![CORN, ONION, ONION, BEANS, ICE_CREAM, EGGS],
        ]
    }

    fn found() -> ItemSets {
        let limits = Limits {
            min_support: baskets_for_share(0.6, 5),
            ..Limits::default()
        };
        item_sets(&groceries(), &limits)
    }

    #[test]
    fn the_grocery_example_has_eleven_item_sets() {
        let expected: [(&[u32], u32); 11] = [
            (&[MILK], 3),
            (&[ONION], 3),
            (&[BEANS], 5),
            (&[EGGS], 4),
            (&[YOGURT], 3),
            (&[MILK, BEANS], 3),
            (&[ONION, BEANS], 3),
            (&[ONION, EGGS], 3),
            (&[BEANS, EGGS], 4),
            (&[BEANS, YOGURT], 3),
            (&[ONION, BEANS, EGGS], 3),
        ];
        let found = found();
        let got: Vec<(&[u32], u32)> = found.sets.iter().map(|set| (set.items.as_slice(), set.count)).collect();
        assert_eq!(got, expected);
        assert_eq!((found.min_support, found.support(3), found.support(4)), (3, 0.6, 0.8));
    }

    #[test]
    fn the_grocery_example_has_six_rules_of_lift_1_2() {
        let thresholds = Thresholds {
            min_confidence: 0.0,
            min_lift: 1.2,
            max_consequent: LONGEST_SET,
            max_rules: 100,
        };
        // (left, right, support, confidence, lift, leverage, conviction)
        type Line = (&'static [u32], &'static [u32], f64, f64, f64, f64, Option<f64>);
        let expected: [Line; 6] = [
            (&[ONION], &[BEANS, EGGS], 0.6, 1.0, 1.25, 0.12, None),
            (&[ONION], &[EGGS], 0.6, 1.0, 1.25, 0.12, None),
            (&[ONION, BEANS], &[EGGS], 0.6, 1.0, 1.25, 0.12, None),
            (&[BEANS, EGGS], &[ONION], 0.6, 0.75, 1.25, 0.12, Some(1.6)),
            (&[EGGS], &[ONION], 0.6, 0.75, 1.25, 0.12, Some(1.6)),
            (&[EGGS], &[ONION, BEANS], 0.6, 0.75, 1.25, 0.12, Some(1.6)),
        ];
        let got = rules(&found(), &thresholds);
        assert_eq!(got.len(), expected.len(), "{got:#?}");
        for (rule, (antecedent, consequent, support, confidence, lift, leverage, conviction)) in
            got.iter().zip(expected)
        {
            assert_eq!((&rule.antecedent[..], &rule.consequent[..]), (antecedent, consequent));
            for (figure, expected) in [
                (rule.support, support),
                (rule.confidence, confidence),
                (rule.lift, lift),
                (rule.leverage, leverage),
            ] {
                assert!((figure - expected).abs() < 1e-12, "{rule:?}");
            }
            match (rule.conviction, conviction) {
                (Some(got), Some(expected)) => assert!((got - expected).abs() < 1e-12, "{rule:?}"),
                (got, expected) => assert_eq!(got, expected, "{rule:?}"),
            }
        }
        let two = Thresholds {
            max_rules: 2,
            ..thresholds
        };
        assert_eq!(rules(&found(), &two), got[..2]);
        let one_item = Thresholds {
            max_consequent: 1,
            ..thresholds
        };
        assert_eq!(rules(&found(), &one_item).len(), 4);
    }

    #[test]
    fn offers_are_what_is_not_owned_yet() {
        let rules = rules(&found(), &Thresholds::default());
        let cases: [(&[u32], usize, &[u32]); 6] = [
            (&[], 9, &[]),
            (&[ONION], 9, &[EGGS, BEANS]),
            (&[ONION], 1, &[EGGS]),
            (&[BEANS, EGGS], 9, &[ONION, MILK, YOGURT]),
            (&[ONION, BEANS, EGGS], 9, &[MILK, YOGURT]),
            (&[APPLE], 9, &[]),
        ];
        for (owned, most, expected) in cases {
            let offers: Vec<u32> = suggest(&rules, owned, most)
                .iter()
                .map(|rule| rule.consequent[0])
                .collect();
            assert_eq!(offers, expected, "{owned:?}");
        }
    }

    #[test]
    fn odd_logs_have_clear_answers() {
        let none: [Vec<u32>; 0] = [];
        let empty = item_sets(&none, &Limits::default());
        assert_eq!((empty.baskets, empty.sets.len(), empty.support(3)), (0, 0, 0.0));
        assert!(rules(&empty, &Thresholds::default()).is_empty());
        let limits = |min_support, max_length, max_sets| Limits {
            min_support,
            max_length,
            max_sets,
        };
        // (baskets, limits, sets, support used)
        let cases: [(&[&[u32]], Limits, usize, u32); 8] = [
            (&[&[], &[]], limits(1, 4, 9), 0, 1),
            (&[&[7]], limits(0, 4, 9), 1, 1),
            (&[&[7, 7, 7]], limits(2, 4, 9), 0, 2),
            (&[&[1, 2, 3]], limits(1, 4, 9), 7, 1),
            (&[&[1, 2, 3]], limits(1, 2, 9), 6, 1),
            (&[&[1, 2, 3]], limits(1, 0, 9), 0, 1),
            (&[&[1, 2, 3], &[u32::MAX, 1], &[1, 2]], limits(1, 4, 3), 3, 2),
            (&[&[1, 2], &[1, 2]], limits(1, 4, 0), 0, 4),
        ];
        for (baskets, limits, sets, used) in cases {
            let found = item_sets(baskets, &limits);
            assert_eq!(
                (found.sets.len(), found.min_support),
                (sets, used),
                "{baskets:?} {limits:?}"
            );
        }
        let long: Vec<u32> = (0..64).collect();
        let found = item_sets(&[long], &limits(1, 99, 1_000));
        assert!(found.sets.is_empty(), "2⁶⁴ sets of one basket are not listed");
    }

    #[test]
    fn shares_of_baskets_are_rounded_up() {
        for (share, baskets, expected) in [
            (0.6, 5, 3),
            (0.5, 5, 3),
            (0.0, 5, 1),
            (1.0, 5, 5),
            (7.0, 5, 5),
            (0.01, 0, 1),
            (f64::NAN, 5, 1),
        ] {
            assert_eq!(baskets_for_share(share, baskets), expected, "{share} of {baskets}");
        }
    }
}
