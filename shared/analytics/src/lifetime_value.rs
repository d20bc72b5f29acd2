//! What a customer is worth over the next twelve months: expected purchases × expected spend × margin, discounted.
//!
//! Joins [`crate::bg_nbd`] and [`crate::gamma_gamma`] and never fails: where the data are too few each part falls back to
//! its documented prior, says so in its `basis`, and widens the interval.
//!
//! **Value.** The year is twelve equal months of 365.25/7/12 weeks. The purchases expected in month m are discounted as
//! if paid at its end: Σ (Y(m) − Y(m−1)) / (1+d)^(m/12) × expected spend × margin, where Y(m) are the purchases expected
//! by the end of month m and d is the yearly rate.
//!
//! **Interval.** Of the *expected* value, by the delta method: the variance of the value's logarithm is gᵀCg, where C is
//! the covariance of the fitted log-parameters (inverse Hessian) and g the gradient of the logarithm. It says how well
//! the model is known, not how much the customer's actual purchases will scatter around the expectation. The upper end
//! never passes what it would be if the customer were certainly active.

use crate::bg_nbd::{self, BgNbd, BgNbdFit, History};
use crate::fit::quadratic_form;
use crate::gamma_gamma::{self, GammaGammaFit, Spend};

/// Months in the horizon.
const MONTHS: usize = 12;

/// Weeks in the horizon of twelve months.
pub const YEAR_WEEKS: f64 = 365.25 / 7.0;

/// Step of the numeric gradient on log-parameters.
const STEP: f64 = 1e-3;

/// Exponents beyond this make the upper end meaningless, and are cut so that it stays finite.
const WIDEST: f64 = 20.0;

/// One customer as both models see it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Customer {
    /// When and how often.
    pub history: History,
    /// How much in a repeat purchase.
    pub spend: Spend,
}

impl Customer {
    /// The customer seen at the end of day `until`, from (day, amount) of each purchase in any order. Amounts of one day
    /// are one purchase; the first day's amount is left out of the mean spend, as in the published calibration. Nothing
    /// if the customer had not bought by then. An amount that is not finite counts as zero.
    #[must_use]
    pub fn from_purchases(purchases: &[(i64, f64)], until: i64) -> Option<Self> {
        let mut seen: Vec<(i64, f64)> = purchases.iter().copied().filter(|(day, _)| *day <= until).collect();
        // Amounts are ordered too, so that the sum does not depend on the order given.
        seen.sort_unstable_by(|l, r| l.0.cmp(&r.0).then(l.1.total_cmp(&r.1)));
        let days: Vec<i64> = seen.iter().map(|(day, _)| *day).collect();
        let history = History::from_days(&days, until)?;
        let first = seen.first()?.0;
        let repeated: f64 = seen
            .iter()
            .filter(|(day, amount)| *day > first && amount.is_finite())
            .map(|(_, amount)| amount)
            .sum();
        let mean = if history.frequency > 0 {
            repeated / f64::from(history.frequency)
        } else {
            0.0
        };
        Some(Self {
            history,
            spend: Spend {
                purchases: history.frequency,
                mean,
            },
        })
    }
}

/// What the tenant supposes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumptions {
    /// Share of spend that remains as margin, 0 to 1. 1 gives the value in sales.
    pub margin_rate: f64,
    /// Discount a year, for example 0.1. Not below 0.
    pub discount_rate: f64,
    /// Standard errors to each side of the estimate: 1.96 for a 95 % interval.
    pub standard_errors: f64,
}

impl Default for Assumptions {
    /// All of the spend, 10 % a year, a 95 % interval.
    fn default() -> Self {
        Self {
            margin_rate: 1.0,
            discount_rate: 0.1,
            standard_errors: 1.959_963_984_540_054,
        }
    }
}

/// A customer's value. All figures are finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// Probability that the customer is still active, 0 to 1.
    pub p_alive: f64,
    /// Purchases expected in the next twelve months.
    pub expected_purchases: f64,
    /// Amount expected per purchase, in the tenant's currency.
    pub expected_spend: f64,
    /// Discounted margin expected over the next twelve months, in the tenant's currency.
    pub clv: f64,
    /// Interval of `clv`; it always contains it.
    pub interval: (f64, f64),
}

/// Both fitted models.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Purchases and activity.
    pub bg_nbd: BgNbdFit,
    /// Spend per purchase.
    pub gamma_gamma: GammaGammaFit,
    /// Pearson's correlation of frequency and mean spend among repeating customers: the Gamma-Gamma model supposes that
    /// it is near zero. Nothing where it is not defined.
    pub frequency_spend_correlation: Option<f64>,
}

impl Model {
    /// Fits both models. Never fails: see `basis` of each part.
    #[must_use]
    pub fn fit(customers: &[Customer]) -> Self {
        Self::fit_with_typical_spend(customers, 0.0)
    }

    /// The same, with the amount of a typical purchase (for example the mean first purchase) for the case in which no
    /// customer has repeated and spend cannot be learnt.
    #[must_use]
    pub fn fit_with_typical_spend(customers: &[Customer], typical: f64) -> Self {
        let histories: Vec<History> = customers.iter().map(|c| c.history).collect();
        let spends: Vec<Spend> = customers.iter().map(|c| c.spend).collect();
        Self {
            bg_nbd: bg_nbd::fit_or_prior(&histories),
            gamma_gamma: gamma_gamma::fit_or_prior(&spends, typical),
            frequency_spend_correlation: correlation(spends.into_iter()),
        }
    }

    /// The same from histories with the number of customers that have each, rising by x, t_x and T, and the spend of each
    /// customer: so that the figures of a million customers need not be copied.
    #[must_use]
    pub fn fit_counted(
        histories: impl Iterator<Item = (History, u32)> + Clone,
        spends: impl Iterator<Item = Spend> + Clone,
        typical: f64,
    ) -> Self {
        Self {
            bg_nbd: bg_nbd::fit_counted_or_prior(histories),
            gamma_gamma: gamma_gamma::fit_each_or_prior(spends.clone(), typical),
            frequency_spend_correlation: correlation(spends),
        }
    }

    /// Values one customer.
    #[must_use]
    pub fn value(&self, customer: &Customer, assumptions: &Assumptions) -> Value {
        let bg_nbd = &self.bg_nbd.model;
        let margin = finite_or(assumptions.margin_rate, 1.0).max(0.0);
        let discount = 1.0 / (1.0 + finite_or(assumptions.discount_rate, 0.0).max(0.0));
        let reach = finite_or(assumptions.standard_errors, 0.0).max(0.0);
        let p_alive = bg_nbd.p_alive(&customer.history);
        let expected_spend = self.gamma_gamma.model.expected_spend(&customer.spend);
        let active = discounted_if_active(bg_nbd, &customer.history, discount, MONTHS);
        let if_active = active * expected_spend * margin;
        let clv = p_alive * if_active;
        let interval = self.interval(customer, discount, clv, if_active, reach);
        Value {
            p_alive,
            expected_purchases: bg_nbd.expected_purchases(&customer.history, YEAR_WEEKS),
            expected_spend,
            clv,
            interval,
        }
    }

    fn interval(&self, customer: &Customer, discount: f64, clv: f64, if_active: f64, reach: f64) -> (f64, f64) {
        if clv <= 0.0 {
            return (0.0, 0.0);
        }
        // Four steps a year are enough for a gradient: discounting within a quarter hardly depends on the parameters.
        const QUARTERS: usize = 4;
        let history = &customer.history;
        let mut of_alive = [0.0; 4];
        let mut of_active = [0.0; 4];
        for i in 0..4 {
            let (up, down) = (self.bg_nbd.model.nudged(i, STEP), self.bg_nbd.model.nudged(i, -STEP));
            of_alive[i] = slope(up.p_alive(history), down.p_alive(history));
            of_active[i] = slope(
                discounted_if_active(&up, history, discount, QUARTERS),
                discounted_if_active(&down, history, discount, QUARTERS),
            );
        }
        let together = std::array::from_fn(|i| of_alive[i] + of_active[i]);
        let of_spend = self.gamma_gamma.model.ln_expected_spend_gradient(&customer.spend);
        let spend_widening = self.gamma_gamma.basis.widening();
        let purchases_widening = self.bg_nbd.basis.widening();
        let spend_variance = quadratic_form(&self.gamma_gamma.covariance, &of_spend) * spend_widening * spend_widening;
        let half_width = |gradient: &[f64; 4]| {
            let purchases = quadratic_form(&self.bg_nbd.covariance, gradient) * purchases_widening * purchases_widening;
            (reach * (purchases + spend_variance).sqrt()).min(WIDEST)
        };
        let spread = half_width(&together);
        let ceiling = if_active * half_width(&of_active).exp();
        (clv * (-spread).exp(), (clv * spread.exp()).min(ceiling).max(clv))
    }
}

fn finite_or(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}

/// Slope of the logarithm between two values a step to either side; 0 where one of them vanishes.
fn slope(above: f64, below: f64) -> f64 {
    if above > 0.0 && below > 0.0 {
        (above.ln() - below.ln()) / (2.0 * STEP)
    } else {
        0.0
    }
}

/// Expected purchases of an active customer over the year, each discounted to now as if at the end of its period.
fn discounted_if_active(model: &BgNbd, history: &History, yearly: f64, periods: usize) -> f64 {
    // By parts: Σ dₘ (Eₘ − Eₘ₋₁) = d_last E_last + Σ (dₘ − dₘ₊₁) Eₘ.
    let factor = |period: usize| yearly.powf(period as f64 / periods as f64);
    let expected = |period: usize| model.expected_if_active(history, YEAR_WEEKS * period as f64 / periods as f64);
    let mut total = factor(periods) * expected(periods);
    for period in 1..periods {
        let step = factor(period) - factor(period + 1);
        if step > 0.0 {
            total += step * expected(period);
        }
    }
    total
}

fn correlation(spends: impl Iterator<Item = Spend>) -> Option<f64> {
    let mut usable: Vec<(f64, f64)> = spends
        .filter(|s| s.purchases > 0 && s.mean > 0.0 && s.mean.is_finite())
        .map(|s| (f64::from(s.purchases), s.mean))
        .collect();
    usable.sort_unstable_by(|l, r| l.0.total_cmp(&r.0).then(l.1.total_cmp(&r.1)));
    let n = usable.len() as f64;
    let (mean_x, mean_z) = (
        usable.iter().map(|u| u.0).sum::<f64>() / n,
        usable.iter().map(|u| u.1).sum::<f64>() / n,
    );
    let (mut xx, mut zz, mut xz) = (0.0, 0.0, 0.0);
    for (x, z) in usable {
        xx += (x - mean_x).powi(2);
        zz += (z - mean_z).powi(2);
        xz += (x - mean_x) * (z - mean_z);
    }
    let scale = (xx * zz).sqrt();
    (scale > 0.0 && scale.is_finite()).then(|| (xz / scale).clamp(-1.0, 1.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::fit::{Basis, Insufficient};

    fn customer(frequency: u32, recency_weeks: f64, age_weeks: f64, mean: f64) -> Customer {
        Customer {
            history: History {
                frequency,
                recency_weeks,
                age_weeks,
            },
            spend: Spend {
                purchases: frequency,
                mean,
            },
        }
    }

    fn handful() -> Vec<Customer> {
        vec![
            customer(0, 0.0, 30.0, 0.0),
            customer(4, 28.0, 30.0, 20.0),
            customer(1, 5.0, 40.0, 35.0),
            customer(0, 0.0, 10.0, 0.0),
            customer(9, 35.0, 38.0, 28.0),
        ]
    }

    #[test]
    fn purchases_of_a_day_are_one_and_the_first_is_no_repeat() {
        type Purchases = &'static [(i64, f64)];
        let cases: [(Purchases, i64, Option<Customer>); 4] = [
            (&[], 9, None),
            (&[(0, 50.0)], 14, Some(customer(0, 0.0, 2.0, 0.0))),
            (
                &[(7, 10.0), (0, 50.0), (7, 20.0), (14, 50.0)],
                21,
                Some(customer(2, 2.0, 3.0, 40.0)),
            ),
            (
                &[(0, 50.0), (7, f64::NAN), (30, 9.0)],
                21,
                Some(customer(1, 1.0, 3.0, 0.0)),
            ),
        ];
        for (purchases, until, expected) in cases {
            assert_eq!(Customer::from_purchases(purchases, until), expected, "{purchases:?}");
        }
    }

    #[test]
    fn without_discount_the_value_is_purchases_times_spend_times_margin() {
        let model = Model::fit(&handful());
        let assumptions = Assumptions {
            margin_rate: 0.4,
            discount_rate: 0.0,
            ..Assumptions::default()
        };
        for customer in handful() {
            let value = model.value(&customer, &assumptions);
            let product = value.expected_purchases * value.expected_spend * 0.4;
            assert!((value.clv - product).abs() < 1e-9 * product, "{value:?}");
            let later = model.value(
                &customer,
                &Assumptions {
                    discount_rate: 0.5,
                    ..assumptions
                },
            );
            assert!(
                later.clv < value.clv && later.clv > value.clv / 1.5,
                "discounted by less than the whole year"
            );
        }
    }

    #[test]
    fn a_small_tenant_is_shrunk_and_says_so() {
        let model = Model::fit(&handful());
        assert_eq!(
            model.bg_nbd.basis,
            Basis::SmallSample {
                prior_weight: 1.0 - 3.0 / 200.0
            }
        );
        assert!(model.bg_nbd.convergence.converged && model.gamma_gamma.convergence.converged);
        let wide = model.value(&handful()[1], &Assumptions::default());
        assert!(
            wide.interval.1 > 1.5 * wide.clv && wide.interval.0 < wide.clv / 1.5,
            "{wide:?}"
        );
    }

    #[test]
    fn the_interval_is_as_wide_as_the_uncertain_parameter_makes_it() {
        let (sure, unsure) = (Basis::MaximumLikelihood, Basis::Prior(Insufficient::OneCustomer));
        let once = Assumptions {
            discount_rate: 0.0,
            standard_errors: 1.0,
            ..Assumptions::default()
        };
        let twice = Assumptions {
            standard_errors: 2.0,
            ..once
        };
        let customer = customer(9, 35.0, 38.0, 28.0);
        let mut model = Model::fit(&handful());
        let fitted = model.clone();
        let ln_value = |model: &Model| model.value(&customer, &once).clv.ln();
        // Where one parameter alone is uncertain, by 0.01 on its logarithm, so is the value by 0.01 times its slope.
        for (parameter, basis, assumptions, factor) in [
            (0, sure, &once, 1.0),
            (1, sure, &once, 1.0),
            (2, sure, &twice, 2.0),
            (3, unsure, &once, 2.0),
            (1, unsure, &twice, 4.0),
        ] {
            let at = |by: f64| {
                let mut moved = fitted.clone();
                moved.bg_nbd.model = fitted.bg_nbd.model.nudged(parameter, by);
                ln_value(&moved)
            };
            let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
            (model.bg_nbd.basis, model.gamma_gamma.basis) = (basis, sure);
            (model.bg_nbd.covariance, model.gamma_gamma.covariance) = ([[0.0; 4]; 4], [[0.0; 3]; 3]);
            model.bg_nbd.covariance[parameter][parameter] = 1e-4;
            let value = model.value(&customer, assumptions);
            let half = (value.clv / value.interval.0).ln();
            assert!(
                (half - factor * 0.01 * slope.abs()).abs() < 1e-5,
                "{parameter}: {half} {slope}"
            );
            assert!(value.interval.1 >= value.clv && (value.interval.1 / value.clv).ln() <= half + 1e-12);
        }
        // The same of the spend, whose scale is its value where the customer's own says nothing.
        let stranger = handful()[0];
        for (basis, factor) in [(sure, 1.0), (unsure, 2.0)] {
            (model.bg_nbd.basis, model.gamma_gamma.basis) = (sure, basis);
            (model.bg_nbd.covariance, model.gamma_gamma.covariance) = ([[0.0; 4]; 4], [[0.0; 3]; 3]);
            model.gamma_gamma.covariance[2][2] = 1e-4;
            let value = model.value(&stranger, &once);
            for ratio in [value.clv / value.interval.0, value.interval.1 / value.clv] {
                assert!((ratio.ln() - factor * 0.01).abs() < 1e-9, "{ratio}");
            }
        }
    }

    #[test]
    fn nobody_repeated_still_gives_values() {
        let once = [customer(0, 0.0, 30.0, 0.0), customer(0, 0.0, 20.0, 0.0)];
        let model = Model::fit_with_typical_spend(&once, 60.0);
        assert_eq!(model.bg_nbd.basis, Basis::Prior(Insufficient::NobodyRepeated));
        assert_eq!(model.gamma_gamma.basis, Basis::Prior(Insufficient::NobodyRepeated));
        assert_eq!(model.frequency_spend_correlation, None);
        let value = model.value(&once[0], &Assumptions::default());
        assert!((value.expected_spend - 60.0).abs() < 1e-9);
        assert!(value.clv > 0.0 && value.interval.1 > value.clv && value.interval.1.is_finite());
    }

    #[test]
    fn correlation_by_hand() {
        let spend = |purchases, mean| Spend { purchases, mean };
        let cases: [(&[Spend], Option<f64>); 4] = [
            (&[], None),
            (&[spend(1, 5.0), spend(1, 9.0)], None),
            (&[spend(1, 5.0), spend(2, 10.0), spend(3, 15.0)], Some(1.0)),
            (&[spend(1, 4.0), spend(2, 2.0), spend(3, 3.0)], Some(-0.5)),
        ];
        for (data, expected) in cases {
            match (correlation(data.iter().copied()), expected) {
                (Some(got), Some(expected)) => assert!((got - expected).abs() < 1e-12),
                (got, expected) => assert_eq!(got, expected),
            }
        }
    }
}
