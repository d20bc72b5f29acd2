//! Item sets and rules against counting every subset by hand, and what holds for every log.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use rapport_analytics::association::{self, ItemSets, LONGEST_SET, Limits, Thresholds};

fn baskets() -> impl Strategy<Value = Vec<Vec<u32>>> {
    // Few items, so that sets repeat; some stand twice in a basket.
    vec(vec(0..9_u32, 0..8), 0..60)
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..6_u32, 0..7_usize).prop_map(|(min_support, max_length)| Limits {
        min_support,
        max_length,
        max_sets: 1_000,
    })
}

/// Every subset of every basket, counted.
fn by_counting(baskets: &[Vec<u32>], limits: &Limits) -> BTreeMap<Vec<u32>, u32> {
    let mut counts: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    for basket in baskets {
        let items: Vec<u32> = basket.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        for mask in 1_u32..1 << items.len() {
            if mask.count_ones() as usize <= limits.max_length {
                let subset = (0..items.len()).filter(|i| mask >> i & 1 == 1).map(|i| items[i]);
                *counts.entry(subset.collect()).or_default() += 1;
            }
        }
    }
    counts.retain(|_, count| *count >= limits.min_support);
    counts
}

fn as_map(found: &ItemSets) -> BTreeMap<Vec<u32>, u32> {
    found.sets.iter().map(|set| (set.items.clone(), set.count)).collect()
}

const EVERY_RULE: Thresholds = Thresholds {
    min_confidence: 0.0,
    min_lift: 0.0,
    max_consequent: LONGEST_SET,
    max_rules: usize::MAX,
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn growth_finds_what_counting_finds(baskets in baskets(), limits in limits()) {
        let found = association::item_sets(&baskets, &limits);
        prop_assert_eq!(as_map(&found), by_counting(&baskets, &limits));
        let order: Vec<(usize, &[u32])> = found.sets.iter().map(|s| (s.items.len(), s.items.as_slice())).collect();
        prop_assert!(order.is_sorted_by(|l, r| l < r), "each set once, in order");
    }

    #[test]
    fn more_sets_than_wanted_raise_the_support(baskets in baskets(), limits in limits(), max_sets in 0..40_usize) {
        let limits = Limits { max_sets, ..limits };
        let found = association::item_sets(&baskets, &limits);
        prop_assert!(found.sets.len() <= max_sets);
        let used = Limits { min_support: found.min_support, ..limits };
        prop_assert_eq!(as_map(&found), by_counting(&baskets, &used));
        if found.min_support > limits.min_support.max(1) {
            let before = Limits { min_support: found.min_support / 2, ..limits };
            prop_assert!(by_counting(&baskets, &before).len() > max_sets);
        }
    }

    #[test]
    fn neither_the_order_nor_repeated_items_matter(
        (given, shuffled) in baskets().prop_flat_map(|b| (Just(b.clone()), Just(b).prop_shuffle())),
    ) {
        let doubled: Vec<Vec<u32>> = shuffled.iter().map(|basket| basket.iter().rev().chain(basket).copied().collect()).collect();
        let limits = Limits::default();
        prop_assert_eq!(association::item_sets(&given, &limits), association::item_sets(&doubled, &limits));
    }

    #[test]
    fn the_names_of_items_do_not_matter(baskets in baskets(), by in 1..1_000_000_u32) {
        let renamed: Vec<Vec<u32>> = baskets.iter().map(|basket| basket.iter().map(|item| item + by).collect()).collect();
        let limits = Limits { max_length: 6, ..Limits::default() };
        let mut found = association::item_sets(&baskets, &limits);
        found.sets.iter_mut().for_each(|set| set.items.iter_mut().for_each(|item| *item += by));
        prop_assert_eq!(found, association::item_sets(&renamed, &limits));
    }

    #[test]
    fn a_log_twice_has_the_same_rules(baskets in baskets()) {
        let twice: Vec<Vec<u32>> = baskets.iter().chain(&baskets).cloned().collect();
        let found = |baskets: &[Vec<u32>], min_support| {
            let sets = association::item_sets(baskets, &Limits { min_support, ..Limits::default() });
            association::rules(&sets, &EVERY_RULE)
        };
        let (once, twice) = (found(&baskets, 2), found(&twice, 4));
        prop_assert_eq!(once.len(), twice.len());
        let by_sides: BTreeMap<_, _> = twice.iter().map(|r| ((&r.antecedent, &r.consequent), r)).collect();
        for rule in &once {
            let same = by_sides[&(&rule.antecedent, &rule.consequent)];
            prop_assert_eq!(2 * rule.count, same.count);
            for (l, r) in [(rule.confidence, same.confidence), (rule.lift, same.lift), (rule.leverage, same.leverage)] {
                prop_assert!((l - r).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn rules_keep_their_bounds(baskets in baskets(), limits in limits()) {
        let found = association::item_sets(&baskets, &limits);
        let rules = association::rules(&found, &EVERY_RULE);
        let ways: usize = found.sets.iter().map(|set| (1 << set.items.len()) - 2).sum();
        prop_assert_eq!(rules.len(), ways, "every way to part every set");
        for rule in &rules {
            prop_assert!(rule.count <= rule.antecedent_count.min(rule.consequent_count));
            prop_assert!(rule.support > 0.0 && rule.support <= rule.confidence && rule.confidence <= 1.0);
            prop_assert!(rule.lift >= rule.confidence && rule.lift.is_finite());
            prop_assert!((-0.25..=0.25).contains(&rule.leverage));
            prop_assert_eq!(rule.conviction.is_none(), rule.count == rule.antecedent_count);
            prop_assert!(rule.conviction.is_none_or(|c| c.is_finite() && c >= 0.0));
            // Above, at and below chance are so by every measure.
            let above = |by: f64| if by.abs() < 1e-9 { 0 } else { by.signum() as i32 };
            prop_assert_eq!(above(rule.lift - 1.0), above(rule.leverage));
            if let Some(conviction) = rule.conviction {
                prop_assert_eq!(above(conviction - 1.0), above(rule.leverage));
            }
        }
        let few = Thresholds { max_rules: 5, ..EVERY_RULE };
        prop_assert_eq!(&association::rules(&found, &few)[..], &rules[..rules.len().min(5)]);
        let one = Thresholds { max_consequent: 1, min_lift: 1.1, min_confidence: 0.3, ..EVERY_RULE };
        let kept: Vec<_> = rules.iter().filter(|r| r.consequent.len() == 1 && r.lift >= 1.1 && r.confidence >= 0.3).cloned().collect();
        prop_assert_eq!(association::rules(&found, &one), kept);
    }
}
