//! What holds for the forecast of every series.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use rapport_analytics::forecast::{self, Candidate, Forecast, Insufficient, Method, Options, Point};

/// Series as firms have them: zeros, steps, seasons, and some that are all of one value.
fn series() -> impl Strategy<Value = Vec<f64>> {
    let amount =
        || prop_oneof![2 => Just(0.0), 5 => (0..100_000_i32).prop_map(|c| f64::from(c) / 100.0), 1 => -500.0..500.0];
    prop_oneof![
        vec(amount(), 0..50),
        (0..60_usize, 0.0..9.0).prop_map(|(n, y)| vec![y; n]),
        (0..60_u32, 1.0..50.0, 0.0..1.0).prop_map(|(n, level, swing)| {
            let factor = |t: u32| 1.0 + swing * f64::from(t % 12) / 12.0;
            (0..n).map(|t| (level + f64::from(t)) * factor(t)).collect()
        }),
    ]
}

/// Anything a float can be.
fn wild() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(0.0),
        -1e15..1e15,
        -1e-300..1e-300
    ]
}

fn options() -> impl Strategy<Value = Options> {
    (0..20_usize, 0..14_usize, 0..9_usize, any::<bool>()).prop_map(|(horizon, season, last_periods, non_negative)| {
        Options {
            horizon,
            season,
            last_periods,
            non_negative,
        }
    })
}

fn points(found: &Forecast) -> impl Iterator<Item = &Point> {
    found
        .candidates
        .iter()
        .flat_map(|candidate| candidate.points.iter().flatten())
}

fn errors(found: &Forecast) -> Vec<Option<f64>> {
    found
        .candidates
        .iter()
        .map(|candidate| candidate.accuracy.map(|accuracy| accuracy.mae))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn intervals_hold_the_value_and_each_other(series in series(), options in options()) {
        let found = match forecast::forecast(&series, &options) {
            Ok(found) => found,
            Err(why) => {
                prop_assert_eq!(why, Insufficient::TooShort { given: series.len(), needed: 3 });
                prop_assert!(series.len() < 3);
                return Ok(());
            }
        };
        for point in points(&found) {
            let Point { value, interval_80: (low, high), interval_95: (lowest, highest) } = *point;
            prop_assert!(lowest <= low && low <= value && value <= high && high <= highest, "{point:?}");
            prop_assert!(lowest.is_finite() && highest.is_finite());
            prop_assert!(!options.non_negative || lowest >= 0.0);
        }
        prop_assert_eq!(found.points().len(), options.horizon.clamp(1, forecast::LONGEST_HORIZON));
        let least = found.of(found.chosen).unwrap().accuracy;
        for candidate in &found.candidates {
            let possible = candidate.points.is_ok() || candidate.points.as_ref().is_err_and(|why| why.key() != "not_an_amount");
            prop_assert!(possible);
            if let Some(accuracy) = candidate.accuracy {
                prop_assert!(accuracy.mae >= 0.0 && (0.0..=200.0).contains(&accuracy.smape) && accuracy.mase.is_none_or(|m| m >= 0.0));
                prop_assert!(candidate.points.is_err() || least.unwrap().mae <= accuracy.mae, "the smallest error is chosen");
            }
        }
    }

    #[test]
    fn the_unit_of_money_does_not_matter(series in series(), options in options()) {
        // A power of two, so that no rounding comes in between.
        let larger: Vec<f64> = series.iter().map(|y| y * 1_024.0).collect();
        if let (Ok(one), Ok(other)) = (forecast::forecast(&series, &options), forecast::forecast(&larger, &options)) {
            prop_assert_eq!(one.chosen, other.chosen);
            prop_assert_eq!(one.seasonality, other.seasonality);
            for (l, r) in points(&one).zip(points(&other)) {
                prop_assert_eq!(l.value * 1_024.0, r.value);
                prop_assert_eq!(l.interval_95.1 * 1_024.0, r.interval_95.1);
            }
            let scaled: Vec<Option<f64>> = errors(&one).iter().map(|mae| mae.map(|mae| mae * 1_024.0)).collect();
            prop_assert_eq!(scaled, errors(&other));
        }
    }

    #[test]
    fn errors_are_measured_before_the_future_is_known(series in series(), last in 0.0..1e6) {
        prop_assume!(series.len() >= 13);
        // The last value changes nothing that was forecast before it: with one last period, only what it is compared with.
        let options = Options { last_periods: 1, horizon: 1, non_negative: false, season: 0 };
        let mut other = series.clone();
        *other.last_mut().unwrap() = last;
        let before = forecast::forecast(&series[..series.len() - 1], &options).unwrap();
        let after = forecast::forecast(&other, &options).unwrap();
        for Candidate { method, points, .. } in &before.candidates {
            let (Ok(points), Some(accuracy)) = (points, after.of(*method).unwrap().accuracy) else { continue };
            let error = (points[0].value - last).abs();
            prop_assert!((accuracy.mae - error).abs() <= 1e-6 * (1.0 + error.abs()), "{method:?}: {} {error}", accuracy.mae);
        }
    }

    #[test]
    fn no_input_gives_a_figure_that_is_none(series in vec(wild(), 0..30), options in options()) {
        let found = forecast::forecast(&series, &options);
        let usable = series.iter().all(|y| y.is_finite() && y.abs() <= 1e15);
        prop_assert_eq!(found.is_ok(), usable && series.len() >= Method::Naive.needs(0));
        for point in found.iter().flat_map(points) {
            let Point { value, interval_80, interval_95 } = *point;
            for figure in [value, interval_80.0, interval_80.1, interval_95.0, interval_95.1] {
                prop_assert!(figure.is_finite(), "{point:?}");
            }
        }
        for accuracy in found.iter().flat_map(|found| &found.candidates).filter_map(|candidate| candidate.accuracy) {
            prop_assert!(accuracy.mae.is_finite() && accuracy.smape.is_finite() && accuracy.mase.is_none_or(f64::is_finite));
        }
    }

    #[test]
    fn dense_series_keep_every_amount(amounts in vec((0..80_i64, 0..1_000_u32), 0..40)) {
        let amounts: Vec<(i64, f64)> = amounts.into_iter().map(|(period, amount)| (period, f64::from(amount))).collect();
        let series = forecast::dense(&amounts, 79);
        prop_assert_eq!(series.iter().sum::<f64>(), amounts.iter().map(|(_, amount)| amount).sum::<f64>());
        prop_assert_eq!(series.is_empty(), amounts.is_empty());
    }
}
