use super::*;

/// International airline passengers in thousands, monthly 1949–1960 (Box & Jenkins 1976, series G).
const AIR_PASSENGERS: [f64; 144] = [
    112.0, 118.0, 132.0, 129.0, 121.0, 135.0, 148.0, 148.0, 136.0, 119.0, 104.0, 118.0, //
    115.0, 126.0, 141.0, 135.0, 125.0, 149.0, 170.0, 170.0, 158.0, 133.0, 114.0, 140.0, //
    145.0, 150.0, 178.0, 163.0, 172.0, 178.0, 199.0, 199.0, 184.0, 162.0, 146.0, 166.0, //
    171.0, 180.0, 193.0, 181.0, 183.0, 218.0, 230.0, 242.0, 209.0, 191.0, 172.0, 194.0, //
    196.0, 196.0, 236.0, 235.0, 229.0, 243.0, 264.0, 272.0, 237.0, 211.0, 180.0, 201.0, //
    204.0, 188.0, 235.0, 227.0, 234.0, 264.0, 302.0, 293.0, 259.0, 229.0, 203.0, 229.0, //
    242.0, 233.0, 267.0, 269.0, 270.0, 315.0, 364.0, 347.0, 312.0, 274.0, 237.0, 278.0, //
    284.0, 277.0, 317.0, 313.0, 318.0, 374.0, 413.0, 405.0, 355.0, 306.0, 271.0, 306.0, //
    315.0, 301.0, 356.0, 348.0, 355.0, 422.0, 465.0, 467.0, 404.0, 347.0, 305.0, 336.0, //
    340.0, 318.0, 362.0, 348.0, 363.0, 435.0, 491.0, 505.0, 404.0, 359.0, 310.0, 337.0, //
    360.0, 342.0, 406.0, 396.0, 420.0, 472.0, 548.0, 559.0, 463.0, 407.0, 362.0, 405.0, //
    417.0, 391.0, 419.0, 461.0, 472.0, 535.0, 622.0, 606.0, 508.0, 461.0, 390.0, 432.0,
];

const NO_SEASON: Options = Options {
    horizon: 3,
    season: 0,
    last_periods: 3,
    non_negative: false,
};

fn values(candidate: Option<&Candidate>) -> Vec<f64> {
    candidate
        .unwrap()
        .points
        .as_ref()
        .unwrap()
        .iter()
        .map(|point| point.value)
        .collect()
}

#[test]
fn methods_and_reasons_are_told_by_stable_keys() {
    let keys = Method::ALL.map(Method::key);
    assert_eq!(keys, ["naive", "seasonal_naive", "combination", "ets"]);
    let reasons = [
        Insufficient::TooShort { given: 1, needed: 3 },
        Insufficient::NotAnAmount { at: 0 },
        Insufficient::NoModel,
    ];
    assert_eq!(
        reasons.map(Insufficient::key),
        ["too_short", "not_an_amount", "no_model"]
    );
}

#[test]
fn ets_of_the_airline_passengers_as_published() {
    let fitted = ets::fit(&AIR_PASSENGERS).unwrap();
    assert_eq!(fitted.model(), "M,A,N");
    for (got, published) in [(fitted.log_likelihood(), -831.488), (fitted.aic(), 1_672.977)] {
        assert!((got - published).abs() < 5e-4, "{got}, published {published}");
    }
}

#[test]
fn deviations_are_what_any_interval_of_the_model_is_made_of() {
    let fitted = ets::fit(&AIR_PASSENGERS).unwrap();
    let outlook = fitted.outlook(3).unwrap();
    let wide = fitted.interval_95(3);
    assert_eq!(wide.len(), 3);
    for (h, (low, high)) in wide.into_iter().enumerate() {
        let half = Z_95 * outlook.deviations[h];
        let ratio = 0.5 * (high - low) / half;
        assert!((ratio - 1.0).abs() < 1e-6, "{h}: {ratio}");
    }
}

#[test]
fn the_airline_passengers_have_a_season_and_it_is_used() {
    let found = forecast(
        &AIR_PASSENGERS,
        &Options {
            horizon: 12,
            last_periods: 12,
            ..Options::default()
        },
    )
    .unwrap();
    assert_eq!(found.seasonality, Some(Seasonality::Multiplicative));
    let error = |method| found.of(method).unwrap().accuracy.unwrap();
    for method in [Method::Combination, Method::Ets] {
        assert!(error(method).mae < 0.6 * error(Method::SeasonalNaive).mae, "{method:?}");
        let ahead = values(found.of(method));
        let highest = (0..12).max_by(|l, r| ahead[*l].total_cmp(&ahead[*r])).unwrap();
        assert_eq!(highest, 6, "July: {ahead:?}");
    }
    assert!(error(Method::SeasonalNaive).mae < error(Method::Naive).mae);
    assert!(matches!(found.chosen, Method::Combination | Method::Ets));
    assert_eq!(error(Method::Naive).forecasts, 12 * 13 / 2);
}

#[test]
fn naive_forecasts_by_hand() {
    let series = [1.0, 2.0, 3.0, 5.0, 4.0, 6.0, 7.0];
    let options = Options {
        horizon: 4,
        season: 3,
        last_periods: 2,
        non_negative: false,
    };
    let found = forecast(&series, &options).unwrap();
    assert_eq!(values(found.of(Method::Naive)), [7.0; 4]);
    assert_eq!(values(found.of(Method::SeasonalNaive)), [4.0, 6.0, 7.0, 4.0]);
    // Origin 4 after 1 2 3 5 4: 4 for 6 and for 7. Origin 5 after … 6: 6 for 7. Steps before: 1, 1, 2, 1.
    let naive = found.of(Method::Naive).unwrap().accuracy.unwrap();
    let smape = (200.0 * 2.0 / 10.0 + 200.0 * 3.0 / 11.0 + 200.0 / 13.0) / 3.0;
    for (got, expected) in [
        (naive.mae, 2.0),
        (naive.smape, smape),
        (naive.mase.unwrap(), 2.0 / 1.25),
    ] {
        assert!((got - expected).abs() < 1e-9, "{naive:?}");
    }
    assert_eq!(naive.forecasts, 3);
    // Steps 1, 1, 2, −1, 2, 1: mean square 2; the variance doubles at the second step.
    let points = found.of(Method::Naive).unwrap().points.clone().unwrap();
    for (h, point) in points.iter().enumerate() {
        let half = Z_95 * (2.0 * (h + 1) as f64).sqrt();
        assert!((point.interval_95.1 - 7.0 - half).abs() < 1e-9 && (7.0 - half - point.interval_95.0).abs() < 1e-9);
    }
    // Seasonal steps 4, 2, 3, 2: mean square 33/4, once more from the fourth period on.
    let points = found.of(Method::SeasonalNaive).unwrap().points.clone().unwrap();
    for (point, variance) in points.iter().zip([8.25, 8.25, 8.25, 16.5_f64]) {
        assert!((point.interval_80.1 - point.value - Z_80 * variance.sqrt()).abs() < 1e-9);
    }
}

#[test]
fn odd_series_have_clear_answers() {
    use Insufficient::{NotAnAmount, TooShort};
    let too_short = |given| Err(TooShort { given, needed: 3 });
    let growing: Vec<f64> = (0..30)
        .map(|t| 100.0 + 10.0 * f64::from(t) + f64::from(t % 2))
        .collect();
    let gap: Vec<f64> = (0..40)
        .map(|t| if (10..30).contains(&t) { 0.0 } else { 50.0 })
        .collect();
    let cases: [(&[f64], Result<Method, Insufficient>); 12] = [
        (&[], too_short(0)),
        (&[5.0], too_short(1)),
        (&[5.0, 6.0], too_short(2)),
        (&[5.0, 6.0, 7.0], Ok(Method::Naive)),
        (&[0.0; 24], Ok(Method::Naive)),
        (&[7.5; 24], Ok(Method::Naive)),
        (&[5.0, f64::NAN, 7.0], Err(NotAnAmount { at: 1 })),
        (&[5.0, 6.0, f64::INFINITY], Err(NotAnAmount { at: 2 })),
        (&[-1e16, 6.0, 7.0], Err(NotAnAmount { at: 0 })),
        (&growing, Ok(Method::Ets)),
        (&gap, Ok(Method::Naive)),
        (&[1e15, -1e15, 1e15, -1e15, 1e15, 0.0, 1e-300], Ok(Method::Naive)),
    ];
    for (series, expected) in cases {
        let found = forecast(series, &NO_SEASON);
        assert_eq!(
            found.as_ref().map(|found| found.chosen).map_err(|e| *e),
            expected,
            "{series:?}"
        );
        if let Ok(found) = found {
            assert_eq!(found.points().len(), 3, "{series:?}");
        }
    }
    for constant in [0.0, 7.5] {
        let found = forecast(&[constant; 24], &NO_SEASON).unwrap();
        for candidate in found.candidates.iter().filter(|candidate| candidate.points.is_ok()) {
            assert_eq!(values(Some(candidate)), [constant; 3], "{:?}", candidate.method);
            let accuracy = candidate.accuracy.unwrap();
            assert_eq!((accuracy.mae, accuracy.smape, accuracy.mase), (0.0, 0.0, None));
        }
    }
    let five = forecast(&[5.0, 4.0, 6.0, 5.0, 7.0], &Options::default()).unwrap();
    let why = |method| five.of(method).unwrap().points.clone().err();
    assert_eq!(why(Method::Combination), None);
    assert_eq!(why(Method::SeasonalNaive), Some(TooShort { given: 5, needed: 14 }));
    assert_eq!(why(Method::Ets), Some(TooShort { given: 5, needed: 12 }));
}

#[test]
fn sales_are_never_negative() {
    let falling: Vec<f64> = (0..20).map(|t| f64::from(100 - 5 * t) + f64::from(t % 3)).collect();
    let options = Options {
        horizon: 24,
        ..Options::default()
    };
    let found = forecast(&falling, &options).unwrap();
    for candidate in &found.candidates {
        for point in candidate.points.iter().flatten() {
            assert!(point.interval_95.0 >= 0.0 && point.value >= 0.0, "{point:?}");
        }
    }
    let free = Options {
        non_negative: false,
        ..options
    };
    let lowest = values(forecast(&falling, &free).unwrap().of(Method::Ets))
        .into_iter()
        .fold(0.0, f64::min);
    assert!(lowest < -50.0, "{lowest}");
}

#[test]
fn periods_without_an_amount_are_zero() {
    type Amounts = &'static [(i64, f64)];
    let cases: [(Amounts, i64, &[f64]); 6] = [
        (&[], 5, &[]),
        (&[(9, 1.0)], 5, &[]),
        (&[(5, 1.0)], 5, &[1.0]),
        (&[(3, 1.0), (5, 2.0), (3, 0.5), (6, 9.0)], 5, &[1.5, 0.0, 2.0]),
        (&[(3, 1.0)], 5, &[1.0, 0.0, 0.0]),
        (&[(i64::MAX, 1.0)], i64::MAX, &[1.0]),
    ];
    for (amounts, last, expected) in cases {
        assert_eq!(dense(amounts, last), expected, "{amounts:?}");
    }
    let decade = dense(&[(i64::MIN, 8.0), (0, 4.0)], 0);
    assert_eq!((decade.len(), decade.iter().sum::<f64>()), (MAX_VALUES, 4.0));
}
