//! What holds for screening, margins and turnover whatever the figures are.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use rapport_analytics::margin::{self, Activity, GrossMargin, PerActivity, Sale};
use rapport_analytics::screening::{self, Figures, Indicator, Screened, Weights};
use rapport_analytics::turnover::{self, Level};
use rust_decimal::Decimal;

fn value() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        // Few values, so that ties are common.
        6 => (-20..20_i32).prop_map(|v| Some(f64::from(v))),
        1 => prop_oneof![Just(f64::NAN), Just(f64::NEG_INFINITY), -1e300..1e300].prop_map(Some),
    ]
}

fn figures() -> impl Strategy<Value = Vec<Figures>> {
    vec(vec(value(), Indicator::ALL.len()), 0..60).prop_map(|rows| {
        let figure = |(id, values): (usize, Vec<Option<f64>>)| Figures {
            id: id as u128,
            values: values.try_into().unwrap(),
        };
        rows.into_iter().enumerate().map(figure).collect()
    })
}

fn weights() -> impl Strategy<Value = Weights> {
    vec(0..5_u32, 5).prop_map(|w| Weights::new(std::array::from_fn(|i| f64::from(w[i]))).unwrap_or_default())
}

fn amount() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (-1_000_000..1_000_000_i64).prop_map(|cents| Decimal::new(cents, 2)),
        Just(Decimal::MAX),
        Just(Decimal::MIN),
        Just(Decimal::ZERO)
    ]
}

fn cents() -> impl Strategy<Value = Decimal> {
    (0..1_000_000_i64).prop_map(|cents| Decimal::new(cents, 2))
}

fn per_activity(each: impl Strategy<Value = Decimal>) -> impl Strategy<Value = PerActivity> {
    vec(each, Activity::ALL.len()).prop_map(|figures| figures.try_into().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn percentiles_keep_the_order(values in vec(value(), 0..50)) {
        let places = screening::percentiles(&values);
        for (value, place) in values.iter().zip(&places) {
            prop_assert_eq!(place.is_some(), value.is_some_and(f64::is_finite));
            prop_assert!(place.is_none_or(|place| (0.0..=100.0).contains(&place)));
        }
        for (i, left) in values.iter().enumerate() {
            for (j, right) in values.iter().enumerate() {
                if let (Some(here), Some(there)) = (places[i], places[j]) {
                    prop_assert_eq!(left.partial_cmp(right), Some(here.total_cmp(&there)));
                }
            }
        }
        let known: Vec<f64> = places.into_iter().flatten().collect();
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        prop_assert!(known.is_empty() || (mean - 50.0).abs() < 1e-9, "the mean place is the middle");
    }

    #[test]
    fn screening_keeps_its_bounds(customers in figures(), weights in weights()) {
        let screened = screening::screen(&customers, &weights);
        prop_assert_eq!(screened.len(), customers.len());
        let mut ranks: Vec<usize> = screened.iter().filter_map(|s| s.rank).collect();
        ranks.sort_unstable();
        prop_assert!(ranks.iter().copied().eq(1..=ranks.len()), "ranks are 1, 2, 3, …");
        for one in &screened {
            prop_assert!((0.0..=1.0).contains(&one.coverage));
            prop_assert_eq!(one.total.is_some(), one.coverage > 0.0);
            prop_assert_eq!(one.total.is_some(), one.rank.is_some());
            let known = one.bases.iter().zip(weights.shares()).filter(|(base, weight)| base.is_some() && *weight > 0.0);
            let scores: Vec<f64> = known.filter_map(|(base, _)| *base).collect();
            if let Some(total) = one.total {
                let (low, high) = (scores.iter().copied().fold(100.0, f64::min), scores.iter().copied().fold(0.0, f64::max));
                prop_assert!(low - 1e-9 <= total && total <= high + 1e-9, "{one:?}");
            }
        }
        for (i, better) in screened.iter().enumerate() {
            for (j, worse) in screened.iter().enumerate() {
                let above = better.total.zip(worse.total).is_some_and(|(l, r)| l > r || (l == r && i < j));
                prop_assert!(!above || better.rank < worse.rank);
            }
        }
    }

    #[test]
    fn neither_order_nor_units_nor_the_size_of_weights_matter(
        (given, shuffled) in figures().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        weights in weights(),
    ) {
        let by_id = |customers: &[Figures], weights: &Weights| {
            let screened = screening::screen(customers, weights);
            let mut pairs: Vec<(u128, Screened)> = customers.iter().map(|c| c.id).zip(screened).collect();
            pairs.sort_unstable_by_key(|(id, _)| *id);
            pairs
        };
        let expected = by_id(&given, &weights);
        prop_assert_eq!(&by_id(&shuffled, &weights), &expected);
        let mut in_cents = given.clone();
        in_cents.iter_mut().for_each(|f| f.values = f.values.map(|v| v.map(|v| v / 2.0)));
        prop_assert_eq!(&by_id(&in_cents, &weights), &expected);
        let larger = Weights::new(weights.shares().map(|w| w * 1_024.0)).unwrap();
        let totals = |pairs: &[(u128, Screened)]| pairs.iter().map(|(_, s)| s.total).collect::<Vec<_>>();
        let other = by_id(&given, &larger);
        for (l, r) in totals(&other).into_iter().zip(totals(&expected)) {
            prop_assert!(l.zip(r).map_or(l == r, |(l, r)| (l - r).abs() < 1e-9));
        }
    }

    #[test]
    fn margins_add_up(sales in vec((amount(), prop::option::of(amount())), 0..20)) {
        let sales: Vec<Sale> = sales.into_iter().map(|(revenue, cost)| Sale { revenue, cost }).collect();
        let whole = GrossMargin::of(&sales);
        prop_assert!(whole.rate().is_none_or(f64::is_finite) && whole.coverage().is_none_or(f64::is_finite));
        prop_assert_eq!(whole.rate().is_some(), whole.costed_revenue > Decimal::ZERO);
        let huge = sales.iter().any(|s| [Some(s.revenue), s.cost].contains(&Some(Decimal::MAX)) || [Some(s.revenue), s.cost].contains(&Some(Decimal::MIN)));
        if !huge {
            let (left, right) = sales.split_at(sales.len() / 2);
            let (left, right) = (GrossMargin::of(left), GrossMargin::of(right));
            prop_assert_eq!(whole.margin(), left.margin() + right.margin());
            prop_assert_eq!(whole.revenue, left.revenue + right.revenue);
        }
    }

    #[test]
    fn profit_is_margin_less_what_it_cost(
        gross in cents(), counts in per_activity(cents()), rates in per_activity(cents()), discounts in cents(), returns in cents(),
    ) {
        let got = margin::profit(gross, &counts, &rates, discounts, returns);
        let work: Decimal = counts.iter().zip(&rates).map(|(count, rate)| count * rate).sum();
        prop_assert_eq!(got.profit, gross - work - discounts - returns);
        prop_assert_eq!(got.activity_cost, got.activity_costs.iter().sum::<Decimal>());
        prop_assert!(got.profit <= got.gross_margin);
    }

    #[test]
    fn profit_ends_where_decimals_do(
        gross in amount(), counts in per_activity(amount()), rates in per_activity(amount()), discounts in amount(), returns in amount(),
    ) {
        let got = margin::profit(gross, &counts, &rates, discounts, returns);
        prop_assert!(got.profit <= gross && got.activity_cost >= Decimal::ZERO);
    }

    #[test]
    fn average_stock_lies_between_the_levels(
        levels in vec((-30..60_i64, 0..10_000_i64), 0..20), first in -10..30_i64, length in 0..40_i64,
    ) {
        // One level a day, since of several the last given holds.
        let mut levels: Vec<Level> = levels.into_iter().map(|(day, cents)| Level { day, at_cost: Decimal::new(cents, 2) }).collect();
        levels.sort_by_key(|level| level.day);
        levels.dedup_by_key(|level| level.day);
        let last = first + length;
        let got = turnover::average_stock(&levels, first, last);
        levels.reverse();
        prop_assert_eq!(got, turnover::average_stock(&levels, first, last));
        // Day by day.
        let stock = |day: i64| levels.iter().filter(|level| level.day <= day).max_by_key(|level| level.day).map(|level| level.at_cost);
        let known: Vec<Decimal> = (first..=last).filter_map(stock).collect();
        prop_assert_eq!(got.map(|average| average.days).unwrap_or_default(), known.len() as i64);
        if let Some(average) = got {
            let expected = known.iter().sum::<Decimal>() / Decimal::from(known.len());
            prop_assert!((average.at_cost - expected).abs() < Decimal::new(1, 9));
        }
        let turned = turnover::turnover(Decimal::from(100), &levels, first, last);
        prop_assert_eq!(turned.is_some(), got.is_some_and(|average| average.at_cost > Decimal::ZERO));
        if let Some(turned) = turned {
            let period = turned.turns * turned.days_per_turn.unwrap();
            prop_assert!((period - turned.days as f64).abs() < 1e-6);
        }
    }
}
