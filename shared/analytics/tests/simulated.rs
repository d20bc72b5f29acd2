//! Customers simulated from known parameters: the fit finds them again, quickly, for a firm of any size.
#![allow(clippy::unwrap_used)]

use std::f64::consts::TAU;
use std::time::{Duration, Instant};

use rapport_analytics::bg_nbd::History;
use rapport_analytics::fit::Basis;
use rapport_analytics::gamma_gamma::Spend;
use rapport_analytics::lifetime_value::{Assumptions, Customer, Model};

/// SplitMix64: the same customers in every run.
struct Chance(u64);

impl Chance {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Marsaglia & Tsang's method, with a power of a uniform for shapes below 1.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = self.uniform().powf(1.0 / shape);
            return self.gamma(shape + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let normal = (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos();
            let v = (1.0 + normal / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// Customers of BG/NBD (0.6, 5, 0.9, 2.5) and Gamma-Gamma (4, 3.5, 20), first bought on any day of two years, seen by
/// whole days.
fn simulate(n: usize, seed: u64) -> Vec<Customer> {
    let mut chance = Chance(seed);
    (0..n)
        .map(|_| {
            let age_weeks = (7.0 + 723.0 * chance.uniform()).floor() / 7.0;
            let rate = chance.gamma(0.6) / 5.0;
            let (stays, leaves) = (chance.gamma(2.5), chance.gamma(0.9));
            let leaving = leaves / (leaves + stays);
            let nu = chance.gamma(3.5) / 20.0;
            let (mut frequency, mut recency_weeks, mut spent, mut now) = (0, 0.0, 0.0, 0.0);
            loop {
                now -= chance.uniform().ln() / rate;
                if now > age_weeks {
                    break;
                }
                frequency += 1;
                recency_weeks = now;
                spent += chance.gamma(4.0) / nu;
                if chance.uniform() < leaving {
                    break;
                }
            }
            let mean = if frequency > 0 {
                spent / f64::from(frequency)
            } else {
                0.0
            };
            Customer {
                history: History {
                    frequency,
                    recency_weeks: (recency_weeks * 7.0).floor() / 7.0,
                    age_weeks,
                },
                spend: Spend {
                    purchases: frequency,
                    mean: (mean * 100.0).round() / 100.0,
                },
            }
        })
        .collect()
}

fn within(what: &str, got: f64, expected: f64, share: f64) {
    assert!(
        (got / expected - 1.0).abs() < share,
        "{what}: got {got}, simulated {expected}"
    );
}

#[test]
fn a_hundred_thousand_customers_give_their_parameters_back() {
    let customers = simulate(100_000, 20_261_122);
    let started = Instant::now();
    let model = Model::fit(&customers);
    let fitting = started.elapsed();
    eprintln!("fitting 100,000 customers: {fitting:?}; {:?}", model.bg_nbd.convergence);
    assert_eq!(model.bg_nbd.basis, Basis::MaximumLikelihood);
    assert_eq!(model.gamma_gamma.basis, Basis::MaximumLikelihood);
    assert!(model.bg_nbd.convergence.converged && model.gamma_gamma.convergence.converged);
    let (purchases, spend) = (&model.bg_nbd.model, &model.gamma_gamma.model);
    within("r", purchases.r(), 0.6, 0.05);
    within("alpha", purchases.alpha(), 5.0, 0.07);
    within("a", purchases.a(), 0.9, 0.10);
    within("b", purchases.b(), 2.5, 0.10);
    within("p", spend.p(), 4.0, 0.05);
    within("q", spend.q(), 3.5, 0.05);
    within("v", spend.v(), 20.0, 0.10);
    let correlation = model.frequency_spend_correlation.unwrap();
    assert!(
        correlation.abs() < 0.02,
        "spend was simulated apart from frequency: {correlation}"
    );

    let started = Instant::now();
    let total: f64 = customers
        .iter()
        .take(10_000)
        .map(|c| model.value(c, &Assumptions::default()).clv)
        .sum();
    let valuing = started.elapsed();
    eprintln!("valuing 10,000 customers: {valuing:?}");
    assert!(total.is_finite() && total > 0.0);
    if !cfg!(debug_assertions) {
        assert!(fitting < Duration::from_secs(2), "{fitting:?}");
        assert!(valuing < Duration::from_secs(2), "{valuing:?}");
    }
}

#[test]
fn the_true_parameters_lie_in_the_intervals_of_the_fit() {
    // With 95 % intervals 7 × 20 figures should miss about 7 times; 20 misses have a chance below one in ten thousand.
    let truth = [0.6_f64.ln(), 5.0_f64.ln(), 0.9_f64.ln(), 2.5_f64.ln()];
    let spend_truth = [4.0_f64.ln(), 2.5_f64.ln(), 20.0_f64.ln()];
    let mut missed = 0;
    for seed in 0..20 {
        let model = Model::fit(&simulate(2_000, seed));
        let (purchases, spend) = (&model.bg_nbd, &model.gamma_gamma);
        assert!(purchases.convergence.converged && spend.convergence.converged);
        let found = [
            purchases.model.r(),
            purchases.model.alpha(),
            purchases.model.a(),
            purchases.model.b(),
        ];
        let found_spend = [spend.model.p(), spend.model.q() - 1.0, spend.model.v()];
        for i in 0..4 {
            let away = (found[i].ln() - truth[i]).abs();
            missed += usize::from(away > 1.96 * purchases.covariance[i][i].sqrt());
        }
        for i in 0..3 {
            let away = (found_spend[i].ln() - spend_truth[i]).abs();
            missed += usize::from(away > 1.96 * spend.covariance[i][i].sqrt());
        }
    }
    assert!(missed <= 20, "{missed} of 140 outside their 95 % interval");
}

#[test]
fn every_size_of_firm_gets_a_converged_model_and_finite_values() {
    for n in [2, 3, 5, 10, 30, 100, 300, 1_000] {
        for seed in 0..10 {
            let customers = simulate(n, 1_000 + seed);
            let model = Model::fit(&customers);
            assert!(model.bg_nbd.convergence.converged, "{n} {seed}: {:?}", model.bg_nbd);
            assert!(
                model.gamma_gamma.convergence.converged,
                "{n} {seed}: {:?}",
                model.gamma_gamma
            );
            for customer in &customers {
                let value = model.value(customer, &Assumptions::default());
                assert!(
                    value.interval.0 <= value.clv && value.clv <= value.interval.1,
                    "{value:?}"
                );
                assert!(value.interval.1.is_finite() && value.interval.0 >= 0.0, "{value:?}");
            }
        }
    }
}

#[test]
fn customers_who_never_leave_or_never_vary_are_weakly_identified_not_a_failure() {
    // 400 subscribers, each buying every four weeks for the same price plus a cent now and then.
    let customers: Vec<Customer> = (0..400_u32)
        .map(|i| {
            let frequency = 1 + i % 12;
            let weeks = 4.0 * f64::from(frequency);
            let mean = 9.99 + f64::from(i % 2) * 0.01;
            Customer {
                history: History {
                    frequency,
                    recency_weeks: weeks,
                    age_weeks: weeks + f64::from(i % 4),
                },
                spend: Spend {
                    purchases: frequency,
                    mean,
                },
            }
        })
        .collect();
    let model = Model::fit(&customers);
    assert!(
        matches!(model.bg_nbd.basis, Basis::WeaklyIdentified { .. }),
        "{:?}",
        model.bg_nbd
    );
    assert!(model.bg_nbd.convergence.converged, "{:?}", model.bg_nbd.convergence);
    for customer in &customers {
        let value = model.value(customer, &Assumptions::default());
        within("spend", value.expected_spend, 10.0, 0.01);
        within(
            "purchases in a year of four-week rhythm",
            value.expected_purchases,
            13.0,
            0.25,
        );
    }
}
