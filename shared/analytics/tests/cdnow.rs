//! The published figures of the CDNOW sample (Fader, Hardie & Lee 2005; Fader & Hardie 2013): 2,357 customers, calibrated
//! on 39 weeks, checked on the next 39. The data are not part of this project: the path to `CDNOW_sample.txt` is taken
//! from the environment variable `CDNOW_SAMPLE`. Without it these tests say so and check only what needs no data.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;

use rapport_analytics::bg_nbd::{self, BgNbd, History};
use rapport_analytics::fit::Basis;
use rapport_analytics::gamma_gamma::{self, Spend};
use rapport_analytics::lifetime_value::{Assumptions, Customer, Model};
use rapport_analytics::rfm::{self, Figures};

/// Days since 1 January 1970 of a date in the proleptic Gregorian calendar, written yyyymmdd.
fn day(yyyymmdd: i64) -> i64 {
    let (year, month, day) = (yyyymmdd / 10_000, yyyymmdd / 100 % 100, yyyymmdd % 100);
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Each customer's (day, dollars), by the sample's customer number.
fn sample() -> Option<BTreeMap<u32, Vec<(i64, f64)>>> {
    let path = std::env::var_os("CDNOW_SAMPLE")?;
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("CDNOW_SAMPLE names {}, which cannot be read: {error}", path.display()));
    let mut customers: BTreeMap<u32, Vec<(i64, f64)>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, customer, date, _, dollars] = fields[..] else {
            panic!("not a CDNOW line: {line}")
        };
        customers
            .entry(customer.parse().unwrap())
            .or_default()
            .push((day(date.parse().unwrap()), dollars.parse().unwrap()));
    }
    Some(customers)
}

fn close(what: &str, got: f64, expected: f64, tolerance: f64) {
    assert!(
        (got - expected).abs() <= tolerance,
        "{what}: got {got}, published {expected}"
    );
}

#[test]
fn published_figures() {
    let Some(log) = sample() else {
        eprintln!("CDNOW_SAMPLE is not set: the figures that need the data are not checked in this run");
        let published = BgNbd::new(0.2426, 4.4135, 0.7929, 2.4258).unwrap();
        let customer = History {
            frequency: 2,
            recency_weeks: 30.43,
            age_weeks: 38.86,
        };
        close(
            "next 39 weeks",
            published.expected_purchases(&customer, 39.0),
            1.2259,
            2e-4,
        );
        return;
    };
    let (until, end) = (day(19_970_930), day(19_980_630));
    assert_eq!(log.values().map(Vec::len).sum::<usize>(), 6_919);
    let customers: Vec<Customer> = log
        .values()
        .map(|p| Customer::from_purchases(p, until).unwrap())
        .collect();
    let histories: Vec<History> = customers.iter().map(|c| c.history).collect();
    let spends: Vec<Spend> = customers.iter().map(|c| c.spend).collect();
    assert_eq!(customers.len(), 2_357);
    assert_eq!(histories.iter().map(|h| h.frequency).sum::<u32>(), 2_457);
    assert_eq!(histories.iter().filter(|h| h.frequency > 0).count(), 946);

    let ones = BgNbd::new(1.0, 1.0, 1.0, 1.0).unwrap();
    // That figure was published for times rounded to a hundredth of a week.
    let hundredth = |weeks: f64| (weeks * 100.0).round() / 100.0;
    let rounded: Vec<History> = histories
        .iter()
        .map(|h| History {
            recency_weeks: hundredth(h.recency_weeks),
            age_weeks: hundredth(h.age_weeks),
            ..*h
        })
        .collect();
    close(
        "log-likelihood at (1, 1, 1, 1)",
        ones.log_likelihood(&rounded),
        -13_887.69,
        0.01,
    );

    let started = std::time::Instant::now();
    let fitted = bg_nbd::fit(&histories).unwrap();
    eprintln!(
        "BG/NBD on {} customers: {:?}, {:?}",
        customers.len(),
        started.elapsed(),
        fitted.convergence
    );
    assert!(fitted.convergence.converged);
    assert_eq!(fitted.basis, Basis::MaximumLikelihood);
    close("r", fitted.model.r(), 0.2426, 1e-4);
    close("alpha", fitted.model.alpha(), 4.4135, 1e-3);
    close("a", fitted.model.a(), 0.7929, 1e-3);
    close("b", fitted.model.b(), 2.4258, 2e-3);
    close("BG/NBD log-likelihood", fitted.log_likelihood, -9_582.43, 0.01);

    let started = std::time::Instant::now();
    let spend = gamma_gamma::fit(&spends).unwrap();
    eprintln!(
        "Gamma-Gamma on {} customers: {:?}, {:?}",
        spend.customers,
        started.elapsed(),
        spend.convergence
    );
    assert!(spend.convergence.converged);
    assert_eq!((spend.customers, spend.basis), (946, Basis::MaximumLikelihood));
    close("p", spend.model.p(), 6.2488, 2e-3);
    close("q", spend.model.q(), 3.7446, 1e-3);
    close("v", spend.model.v(), 15.4477, 1e-2);
    close("Gamma-Gamma log-likelihood", spend.log_likelihood, -4_055.92, 0.01);
    close("mean spend", spend.model.mean_spend(), 35.17, 0.01);

    let first = *log.values().flatten().map(|(day, _)| day).min().unwrap();
    assert_eq!(first, day(19_970_101));
    let customer = History {
        frequency: 2,
        recency_weeks: 30.43,
        age_weeks: 38.86,
    };
    close(
        "x = 2, t_x = 30.43, T = 38.86",
        fitted.model.expected_purchases(&customer, 39.0),
        1.2259,
        2e-4,
    );
    let predicted: f64 = histories.iter().map(|h| fitted.model.expected_purchases(h, 39.0)).sum();
    close("predicted in the hold-out", predicted, 1_653.4, 0.5);
    let actual: usize = log
        .values()
        .map(|purchases| {
            let mut days: Vec<i64> = purchases
                .iter()
                .map(|p| p.0)
                .filter(|d| *d > until && *d <= end)
                .collect();
            days.sort_unstable();
            days.dedup();
            days.len()
        })
        .sum();
    assert_eq!(actual, 1_882);

    let model = Model::fit(&customers);
    let values: Vec<_> = customers
        .iter()
        .map(|c| model.value(c, &Assumptions::default()))
        .collect();
    for value in &values {
        assert!((0.0..=1.0).contains(&value.p_alive));
        assert!(
            value.interval.0 <= value.clv && value.clv <= value.interval.1,
            "{value:?}"
        );
    }

    // The Python package lifetimes 0.11.3 gives these with time = 12, freq = "W" and a monthly rate of 1.1^(1/12) − 1. Its
    // months are 4.345 weeks, ours a twelfth of the mean year.
    for (value, yardstick) in values.iter().zip([36.716, 4.694, 8.447]) {
        close("value of the first customers", value.clv, yardstick, 0.002 * yardstick);
    }
    let total: f64 = values.iter().map(|value| value.clv).sum();
    close("value of all customers", total, 72_362.6, 0.002 * 72_362.6);

    let figures: Vec<Figures> = log
        .iter()
        .map(|(id, purchases)| {
            let seen = purchases.iter().filter(|(day, _)| *day <= until);
            Figures {
                id: u128::from(*id),
                recency_days: until - seen.clone().map(|p| p.0).max().unwrap(),
                frequency: u32::try_from(seen.clone().count()).unwrap(),
                monetary: seen.map(|p| p.1).sum(),
            }
        })
        .collect();
    let mut sizes = [0_usize; 125];
    for cell in rfm::nested(&figures) {
        sizes[usize::from(25 * (cell.r - 1) + 5 * (cell.f - 1) + cell.m - 1)] += 1;
    }
    assert!(
        sizes.iter().all(|size| (18..=19).contains(size)),
        "2,357 in 125 cells: 18 or 19 in each"
    );
}
