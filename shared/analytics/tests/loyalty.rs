//! What holds for loyalty and for figures of surveys beside each other, whatever the answers are.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use rapport_analytics::loyalty::{self, Evidence, Level};
use rapport_analytics::survey::{self, Direction, Estimate};

fn evidence() -> impl Strategy<Value = Evidence> {
    let opinion = || prop::option::of(0..9_u8);
    let share = prop_oneof![Just(None), (0.0..1.0).prop_map(Some), any::<f64>().prop_map(Some)];
    (
        0..5_u32,
        share,
        opinion(),
        opinion(),
        opinion(),
        prop::option::of(any::<f64>()),
    )
        .prop_map(
            |(purchase_days, share_of_needs, preference, liking, price_sensitivity, days_to_decide)| Evidence {
                purchase_days,
                share_of_needs,
                preference,
                liking,
                price_sensitivity,
                days_to_decide,
            },
        )
}

fn figures() -> impl Strategy<Value = Vec<(i64, Estimate)>> {
    let figure = (0..100_usize, 1..100_usize).prop_map(|(hits, more)| survey::share(hits, hits + more).unwrap());
    vec((-20..20_i64, figure), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_firm_is_the_sum_of_its_customers(
        (given, shuffled) in vec(evidence(), 0..50).prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
    ) {
        let got = loyalty::summarise(&given);
        // Printed, since NaN among the evidence would not equal itself.
        prop_assert_eq!(format!("{got:?}"), format!("{:?}", loyalty::summarise(&shuffled)));
        prop_assert_eq!(got.levels.iter().sum::<usize>(), given.len());
        for (level, count) in Level::ALL.iter().zip(got.levels) {
            prop_assert_eq!(count, given.iter().filter(|customer| loyalty::level(customer) == *level).count());
        }
        for share in [got.repeat_purchase_rate, got.share_of_needs].into_iter().flatten() {
            prop_assert!(0.0 <= share.low && share.low <= share.value && share.value <= share.high && share.high <= 1.0);
        }
        for opinion in [got.preference, got.liking, got.price_sensitivity].into_iter().flatten() {
            prop_assert!((1.0..=7.0).contains(&opinion.mean.value) && (0.0..=1.0).contains(&opinion.agreeing.value));
        }
        prop_assert!(got.days_to_decide.is_none_or(|days| days.is_finite() && days >= 0.0));
    }

    #[test]
    fn more_purchases_and_a_better_opinion_never_lower_the_level(mut customer in evidence(), more in 0..4_u32) {
        let asked = |answer: Option<u8>| answer.filter(|answer| (1..7).contains(answer));
        let before = loyalty::level(&customer);
        customer.purchase_days += more;
        prop_assert!(loyalty::level(&customer) >= before);
        let before = loyalty::level(&customer);
        customer.liking = asked(customer.liking).map(|answer| answer + 1).or(customer.liking);
        prop_assert!(loyalty::level(&customer) >= before);
    }

    #[test]
    fn differences_of_scores_keep_their_bounds(first in (0..80_usize, 0..80_usize, 0..80_usize), second in (0..80_usize, 0..80_usize, 0..80_usize), seed in any::<u64>()) {
        let of = |(p, a, d): (usize, usize, usize)| survey::nps_of_counts(p, a, d);
        let (first, second) = (of(first), of(second));
        let got = survey::difference_of_nps(&first, &second, seed);
        prop_assert_eq!(got.is_some(), first.score.is_some() && second.score.is_some());
        if let Some(got) = got {
            prop_assert!(-200.0 <= got.low && got.low <= got.value && got.value <= got.high && got.high <= 200.0);
            let back = survey::difference_of_nps(&second, &first, seed).unwrap();
            prop_assert_eq!((got.value, got.n), (-back.value, back.n));
        }
    }

    #[test]
    fn trends_know_neither_order_nor_origin((given, shuffled) in figures().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())), shift in -500..500_i64) {
        let got = survey::trend(&given);
        let distinct = given.iter().any(|(period, _)| *period != given[0].0);
        prop_assert_eq!(got.is_some(), distinct);
        prop_assert_eq!(&got, &survey::trend(&shuffled));
        let Some(got) = got else { return Ok(()) };
        let later: Vec<(i64, Estimate)> = given.iter().map(|(period, figure)| (period + shift, *figure)).collect();
        let moved = survey::trend(&later).unwrap();
        prop_assert!((got.slope.value - moved.slope.value).abs() < 1e-9 && (got.slope.high - moved.slope.high).abs() < 1e-9);
        let mirrored: Vec<(i64, Estimate)> = given.iter().map(|(period, figure)| (-period, *figure)).collect();
        let mirrored = survey::trend(&mirrored).unwrap();
        prop_assert!((got.slope.value + mirrored.slope.value).abs() < 1e-9);
        prop_assert_eq!(got.direction == Direction::Rising, got.slope.low > 0.0);
        prop_assert!(got.slope.low <= got.slope.value && got.slope.value <= got.slope.high);
    }
}
