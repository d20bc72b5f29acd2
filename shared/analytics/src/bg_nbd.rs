//! The BG/NBD model of repeat purchases: who is still active, and how many purchases will follow.
//!
//! Source: P. Fader, B. Hardie & K. Lee (2005), "Counting your customers the easy way: an alternative to the
//! Pareto/NBD model", *Marketing Science* 24(2), 275–284, doi 10.1287/mksc.1040.0098. While active a customer buys at a
//! rate λ ~ Gamma(r, α); after each purchase the customer leaves with probability p ~ Beta(a, b). Time is in weeks; the
//! unit changes α and the log-likelihood, not the predictions.
//!
//! This is not a model of spend ([`crate::gamma_gamma`]) nor of value ([`crate::lifetime_value`]).
//!
//! **Fit.** Maximum likelihood over the logarithms of r, α, a, b by BFGS with the exact gradient, on rows grouped by
//! equal (x, t_x, T). **Small samples.** Below [`FULL_SAMPLE_REPEATERS`](crate::fit::FULL_SAMPLE_REPEATERS) customers
//! with a repeat purchase the log-parameters are drawn toward a prior: r = 0.5, a = 0.8, b = 2.5 (near the published
//! estimates for the CDNOW cohort), and α such that the prior's mean rate r/α is the tenant's own: (Σx + ½) / ΣT.

use std::collections::HashSet;

use statrs::function::gamma::{digamma, ln_gamma};

use crate::fit::{self, Basis, Convergence, Insufficient};

/// Centre of the prior for r.
pub const PRIOR_R: f64 = 0.5;
/// Centre of the prior for a.
pub const PRIOR_A: f64 = 0.8;
/// Centre of the prior for b.
pub const PRIOR_B: f64 = 2.5;

/// Days in a week, for figures kept in days.
const DAYS_PER_WEEK: f64 = 7.0;

/// What the model needs to know of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct History {
    /// x: purchases after the first, several on one day counted once.
    pub frequency: u32,
    /// t_x: weeks from the first purchase to the last; 0 without a repeat purchase.
    pub recency_weeks: f64,
    /// T: weeks from the first purchase to the end of observation.
    pub age_weeks: f64,
}

impl History {
    /// The history seen at the end of day `until`, from the days of purchase in any order (days since any fixed day).
    /// Purchases on one day count once; later ones are not seen. Nothing if the customer had not bought by then.
    #[must_use]
    pub fn from_days(days: &[i64], until: i64) -> Option<Self> {
        let mut seen: Vec<i64> = days.iter().copied().filter(|day| *day <= until).collect();
        seen.sort_unstable();
        seen.dedup();
        let (first, last) = (*seen.first()?, *seen.last()?);
        let weeks = |from: i64, to: i64| to.saturating_sub(from) as f64 / DAYS_PER_WEEK;
        Some(Self {
            frequency: u32::try_from(seen.len() - 1).unwrap_or(u32::MAX),
            recency_weeks: weeks(first, last),
            age_weeks: weeks(first, until),
        })
    }

    /// The same with impossible figures made possible: T finite and not negative, 0 ≤ t_x ≤ T, and t_x = 0 when x = 0.
    fn cleaned(self) -> Self {
        let age_weeks = if self.age_weeks.is_finite() {
            self.age_weeks.max(0.0)
        } else {
            0.0
        };
        let recency_weeks = match self.frequency {
            0 => 0.0,
            _ if self.recency_weeks.is_finite() => self.recency_weeks.clamp(0.0, age_weeks),
            _ => 0.0,
        };
        Self {
            frequency: self.frequency,
            recency_weeks,
            age_weeks,
        }
    }
}

/// The four parameters, each positive and finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BgNbd {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

impl BgNbd {
    /// A model with known parameters (α in weeks); nothing unless each lies between 10⁻⁹ and 10⁹.
    #[must_use]
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Option<Self> {
        let possible = [r, alpha, a, b].iter().all(|p| (1e-9..=1e9).contains(p));
        possible.then_some(Self { r, alpha, a, b })
    }

    /// Shape of the purchase rates.
    #[must_use]
    pub const fn r(&self) -> f64 {
        self.r
    }

    /// Scale of the purchase rates, in weeks: the mean rate is r/α a week.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// First shape of the probability of leaving after a purchase, whose mean is a/(a+b).
    #[must_use]
    pub const fn a(&self) -> f64 {
        self.a
    }

    /// Second shape of the probability of leaving after a purchase.
    #[must_use]
    pub const fn b(&self) -> f64 {
        self.b
    }

    /// Log-likelihood of the histories (equation 6 of the paper, summed over customers).
    #[must_use]
    pub fn log_likelihood(&self, histories: &[History]) -> f64 {
        Grouped::new(histories).log_likelihood(self)
    }

    /// The odds of having left, given the history: 0 without a repeat purchase.
    fn odds_of_having_left(&self, history: &History) -> f64 {
        if history.frequency == 0 {
            return 0.0;
        }
        let x = f64::from(history.frequency);
        let since = ((self.alpha + history.age_weeks) / (self.alpha + history.recency_weeks)).ln();
        (self.a / (self.b + x - 1.0)) * ((self.r + x) * since).exp()
    }

    /// P(alive): the probability that the customer is still active at the end of observation, in 0..=1.
    ///
    /// The model lets customers leave only after a repeat purchase, so it is 1 for those who bought once; for them the
    /// rhythm of other customers is the better alarm ([`crate::churn`]).
    #[must_use]
    pub fn p_alive(&self, history: &History) -> f64 {
        1.0 / (1.0 + self.odds_of_having_left(&history.cleaned()))
    }

    /// Conditional expectation of the number of purchases in the next `weeks` (equation 10 of the paper). Finite, and
    /// not negative; not above the figure of a customer who is certainly active and never leaves.
    #[must_use]
    pub fn expected_purchases(&self, history: &History, weeks: f64) -> f64 {
        let history = history.cleaned();
        self.expected_if_active(&history, weeks) / (1.0 + self.odds_of_having_left(&history))
    }

    /// Expected purchases in the next `weeks` for a customer who is active now.
    ///
    /// With C = a+b+x−1, A = r+x, ε = a−1 and z = t/(α+T+t) the paper's expression is
    /// C/ε · [1 − (1−z)^A ₂F₁(A, b+x; C; z)]. It is 0/0 at a = 1 and C = 0 is a pole of the series, though the product is
    /// smooth at both. Euler's transformation, (1−z)^A ₂F₁(A, b+x; C; z) = (1−z)^ε ₂F₁(C−A, ε; C; z), lets ε and C be
    /// divided out: C · (1 − (1−z)^ε)/ε − (1−z)^ε Σ (C−A)_k (a)_{k−1} / ((C+1)_{k−1} k!) z^k.
    pub(crate) fn expected_if_active(&self, history: &History, weeks: f64) -> f64 {
        if weeks.is_nan() || weeks <= 0.0 {
            return 0.0;
        }
        let weeks = weeks.min(1e6);
        let x = f64::from(history.frequency);
        let beta = self.alpha + history.age_weeks;
        let without_leaving = (self.r + x) / beta * weeks;
        let expected = if self.a.min(self.b + x) >= CONCENTRATED {
            by_quadrature(self.r + x, self.a, self.b + x, weeks / beta)
        } else if self.a + self.b - 1.0 - self.r >= -8.0 {
            transformed(self.r, self.a, self.b, x, beta, weeks)
        } else if (self.a - 1.0).abs() < 1e-5 {
            // The untransformed series cannot pass through a = 1; the function is smooth there.
            let either_side = |a: f64| untransformed(self.r, a, self.b, x, beta, weeks);
            0.5 * (either_side(1.0 - 2e-5) + either_side(1.0 + 2e-5))
        } else {
            untransformed(self.r, self.a, self.b, x, beta, weeks)
        };
        if expected.is_finite() {
            expected.clamp(0.0, without_leaving)
        } else {
            without_leaving
        }
    }

    fn from_logs(theta: &[f64; 4]) -> Self {
        let [r, alpha, a, b] = theta.map(|t| t.exp().clamp(1e-9, 1e9));
        Self { r, alpha, a, b }
    }

    /// The logarithms of r, α, a, b: the scale on which the covariance of a fit is given.
    pub(crate) fn logs(&self) -> [f64; 4] {
        [self.r.ln(), self.alpha.ln(), self.a.ln(), self.b.ln()]
    }

    /// The model with the logarithm of parameter `index` moved by `by`.
    pub(crate) fn nudged(&self, index: usize, by: f64) -> Self {
        let mut theta = self.logs();
        theta[index] += by;
        Self::from_logs(&theta)
    }
}

/// From here on the leaving probabilities of all customers are so much alike that the series take thousands of terms,
/// and quadrature some thirty.
const CONCENTRATED: f64 = 20.0;

/// E[(1 − (1 + p·s)^−`shape`) / p] over p ~ Beta(`a`, `b`) with s = t/(α+T): given that the customer is active, his
/// leaving probability has that distribution and his rate a Gamma one, over which the fraction is the mean of
/// (1 − e^(−λpt))/p. On the scale of u = logit p the density is p^a (1−p)^b, close to a normal one, for which the
/// trapezoidal rule converges faster than any power of its step.
fn by_quadrature(shape: f64, a: f64, b: f64, s: f64) -> f64 {
    const STEP: f64 = 0.6;
    const NEGLIGIBLE: f64 = -39.0;
    let (centre, spread) = ((a / b).ln(), (1.0 / a + 1.0 / b).sqrt());
    let ln_density = |u: f64| {
        let softplus = u.max(0.0) + (-u.abs()).exp().ln_1p();
        a * u - (a + b) * softplus
    };
    let highest = ln_density(centre);
    let (mut total, mut weights) = (0.0, 0.0);
    let mut add = |n: i32| {
        let u = centre + f64::from(n) * STEP * spread;
        let ln_weight = ln_density(u) - highest;
        let weight = ln_weight.exp();
        let p = 1.0 / (1.0 + (-u).exp());
        total += weight * -(-shape * (p * s).ln_1p()).exp_m1() / p;
        weights += weight;
        ln_weight > NEGLIGIBLE
    };
    add(0);
    (1..200).take_while(|n| add(*n)).for_each(drop);
    (1..200).take_while(|n| add(-n)).for_each(drop);
    total / weights
}

fn transformed(r: f64, a: f64, b: f64, x: f64, beta: f64, weeks: f64) -> f64 {
    let z = weeks / (beta + weeks);
    let ln_rest = -(weeks / beta).ln_1p();
    let (c, epsilon, difference) = (a + b + x - 1.0, a - 1.0, a + b - 1.0 - r);
    let head = if epsilon == 0.0 {
        -ln_rest
    } else {
        -(epsilon * ln_rest).exp_m1() / epsilon
    };
    let tail = scaled_series(
        difference * z,
        |k| (difference + k) * (a + k - 1.0) / ((c + k) * (k + 1.0)) * z,
        epsilon * ln_rest,
    );
    c * head - tail
}

/// For many more regular than irregular buyers (r far above a + b) the transformed series alternates and cancels, while
/// the original one has only positive terms.
fn untransformed(r: f64, a: f64, b: f64, x: f64, beta: f64, weeks: f64) -> f64 {
    let z = weeks / (beta + weeks);
    let ln_rest = -(weeks / beta).ln_1p();
    let (c, shape, leaving) = (a + b + x - 1.0, r + x, b + x);
    let tail = scaled_series(
        shape * leaving * z,
        |k| (shape + k) * (leaving + k) / ((c + k) * (k + 1.0)) * z,
        shape * ln_rest,
    );
    (-c * (shape * ln_rest).exp_m1() - tail) / (a - 1.0)
}

/// exp(`ln_factor`) · Σ terms, where `ratio(k)` is term k+1 over term k, kept in range by rescaling.
fn scaled_series(first: f64, ratio: impl Fn(f64) -> f64, ln_factor: f64) -> f64 {
    const HUGE: f64 = 1e100;
    let (mut term, mut sum, mut ln_scale, mut k) = (first, 0.0, ln_factor, 1.0);
    while k < 200_000.0 {
        sum += term;
        let next = ratio(k);
        // Past the peak the rest is at most a geometric series.
        if next.abs() < 1.0 && (term * next).abs() <= 1e-15 * sum.abs() * (1.0 - next.abs()) {
            break;
        }
        term *= next;
        if term == 0.0 {
            break;
        }
        if term.abs() > HUGE || sum.abs() > HUGE {
            term /= HUGE;
            sum /= HUGE;
            ln_scale += HUGE.ln();
        }
        k += 1.0;
    }
    if sum == 0.0 {
        0.0
    } else {
        sum.signum() * (sum.abs().ln() + ln_scale).exp()
    }
}

/// A fitted model with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct BgNbdFit {
    /// The parameters.
    pub model: BgNbd,
    /// Log-likelihood of the data at the parameters, without the prior's part.
    pub log_likelihood: f64,
    /// Covariance of ln r, ln α, ln a, ln b: the inverse Hessian of what was maximised.
    pub covariance: [[f64; 4]; 4],
    /// Customers in the data.
    pub customers: usize,
    /// Customers with at least one repeat purchase.
    pub repeaters: usize,
    /// What the parameters rest on.
    pub basis: Basis,
    /// How the search ended.
    pub convergence: Convergence,
}

/// Fits the model.
///
/// # Errors
/// [`Insufficient`] for no customers, one customer, nobody who repeated, or customers that are all equal. The documented
/// fallback is [`fit_or_prior`].
pub fn fit(histories: &[History]) -> Result<BgNbdFit, Insufficient> {
    Grouped::new(histories).fit()
}

/// Fits the model, or gives the prior located by the tenant's mean purchase rate (without any history: one repeat
/// purchase in two years), with the reason in `basis`.
#[must_use]
pub fn fit_or_prior(histories: &[History]) -> BgNbdFit {
    Grouped::new(histories).fit_or_prior()
}

/// The same from histories with the number of customers that have each, so that nobody has to copy them. It is fast where
/// they rise by x, t_x and T; the answer depends on the order only by rounding.
#[must_use]
pub fn fit_counted_or_prior(histories: impl Iterator<Item = (History, u32)> + Clone) -> BgNbdFit {
    Grouped::counted(histories).fit_or_prior()
}

/// One distinct (x, t_x, T), by position in the tables of distinct values.
struct Row {
    frequency: u32,
    recency: u32,
    age: u32,
    customers: u32,
}

/// The histories grouped: what the likelihood needs, each distinct value once. Sixteen bytes for each distinct history.
struct Grouped {
    rows: Vec<Row>,
    /// Distinct x, rising, with the customers that have it.
    frequencies: Vec<(f64, f64)>,
    /// Distinct t_x and T in one rising table.
    times: Vec<f64>,
    customers: usize,
    repeaters: usize,
}

impl Grouped {
    fn new(histories: &[History]) -> Self {
        let mut sorted: Vec<History> = histories.iter().map(|h| h.cleaned()).collect();
        sorted.sort_unstable_by(|l, r| {
            l.frequency
                .cmp(&r.frequency)
                .then(l.recency_weeks.total_cmp(&r.recency_weeks))
                .then(l.age_weeks.total_cmp(&r.age_weeks))
        });
        Self::counted(sorted.iter().map(|history| (*history, 1)))
    }

    /// Neighbours that are equal become one row.
    fn counted(histories: impl Iterator<Item = (History, u32)> + Clone) -> Self {
        let cleaned = histories.map(|(history, customers)| (history.cleaned(), customers));
        let mut distinct: HashSet<u64> = HashSet::new();
        for (history, _) in cleaned.clone() {
            distinct.extend([history.recency_weeks, history.age_weeks].map(f64::to_bits));
        }
        let mut times: Vec<f64> = distinct.into_iter().map(f64::from_bits).collect();
        times.sort_unstable_by(f64::total_cmp);
        let position = |time: f64| times.partition_point(|t| *t < time) as u32;
        let mut rows: Vec<Row> = Vec::new();
        let mut frequencies: Vec<(f64, f64)> = Vec::new();
        let (mut all, mut repeaters) = (0_usize, 0_usize);
        let mut before: Option<History> = None;
        for (history, customers) in cleaned.filter(|(_, customers)| *customers > 0) {
            let (x, count) = (f64::from(history.frequency), f64::from(customers));
            match frequencies.last_mut() {
                Some((last, known)) if *last == x => *known += count,
                _ => frequencies.push((x, count)),
            }
            all += customers as usize;
            repeaters += if history.frequency > 0 { customers as usize } else { 0 };
            match rows
                .last_mut()
                .filter(|row| before == Some(history) && row.customers.checked_add(customers).is_some())
            {
                Some(row) => row.customers += customers,
                None => rows.push(Row {
                    frequency: frequencies.len() as u32 - 1,
                    recency: position(history.recency_weeks),
                    age: position(history.age_weeks),
                    customers,
                }),
            }
            before = Some(history);
        }
        Self {
            rows,
            frequencies,
            times,
            customers: all,
            repeaters,
        }
    }

    fn fit(&self) -> Result<BgNbdFit, Insufficient> {
        self.sufficient()?;
        // Time is measured in mean ages, so that the search is the same whatever the unit.
        let unit = self.mean_age();
        let times: Vec<f64> = self.times.iter().map(|time| time / unit).collect();
        let prior = self.prior_model();
        let in_units = BgNbd {
            alpha: prior.alpha / unit,
            ..prior
        };
        let mut centre = in_units.logs();
        centre[1] = centre[1].clamp(-8.0, 8.0);
        let estimate = fit::maximise(
            |theta| self.with_gradient(theta, &times),
            self.customers,
            self.repeaters,
            centre,
        );
        let mut theta = estimate.point;
        theta[1] += unit.ln();
        let model = BgNbd::from_logs(&theta);
        Ok(BgNbdFit {
            model,
            log_likelihood: self.log_likelihood(&model),
            covariance: estimate.covariance,
            customers: self.customers,
            repeaters: self.repeaters,
            basis: estimate.basis,
            convergence: estimate.convergence,
        })
    }

    fn fit_or_prior(&self) -> BgNbdFit {
        self.fit().unwrap_or_else(|reason| {
            let model = self.prior_model();
            BgNbdFit {
                model,
                log_likelihood: self.log_likelihood(&model),
                covariance: fit::prior_covariance(),
                customers: self.customers,
                repeaters: self.repeaters,
                basis: Basis::Prior(reason),
                convergence: Convergence::NOT_NEEDED,
            }
        })
    }

    fn sufficient(&self) -> Result<(), Insufficient> {
        match (self.customers, self.repeaters, self.rows.len()) {
            (0, _, _) => Err(Insufficient::NoCustomers),
            (1, _, _) => Err(Insufficient::OneCustomer),
            (_, 0, _) => Err(Insufficient::NobodyRepeated),
            (_, _, 1) => Err(Insufficient::AllEqual),
            _ => Ok(()),
        }
    }

    fn total_age(&self) -> f64 {
        self.rows
            .iter()
            .map(|row| f64::from(row.customers) * self.times[row.age as usize])
            .sum()
    }

    /// Mean T, or 1 where nobody has any age.
    fn mean_age(&self) -> f64 {
        let mean = self.total_age() / self.customers.max(1) as f64;
        if mean > 1e-6 { mean } else { 1.0 }
    }

    /// The prior's centre, its mean rate put where the data's is.
    fn prior_model(&self) -> BgNbd {
        let repeats: f64 = self.frequencies.iter().map(|(x, customers)| x * customers).sum();
        let age = self.total_age();
        let rate = if age > 0.0 { (repeats + 0.5) / age } else { 1.0 / 104.0 };
        let alpha = (PRIOR_R / rate).clamp(1e-9, 1e9);
        BgNbd {
            r: PRIOR_R,
            alpha,
            a: PRIOR_A,
            b: PRIOR_B,
        }
    }

    fn log_likelihood(&self, model: &BgNbd) -> f64 {
        self.evaluate(model, &self.times).0
    }

    fn with_gradient(&self, theta: &[f64; 4], times: &[f64]) -> (f64, [f64; 4]) {
        let model = BgNbd::from_logs(theta);
        let (value, [dr, dalpha, da, db]) = self.evaluate(&model, times);
        (value, [dr * model.r, dalpha * model.alpha, da * model.a, db * model.b])
    }

    /// Log-likelihood and its gradient by r, α, a, b. Gamma functions are taken once per distinct x, logarithms of time
    /// once per distinct time, which leaves one exponential and one logarithm a row. The times are those of the table, in
    /// any unit.
    fn evaluate(&self, model: &BgNbd, times: &[f64]) -> (f64, [f64; 4]) {
        let BgNbd { r, alpha, a, b } = *model;
        let mut value = 0.0;
        let (mut dr, mut dalpha, mut da, mut db) = (0.0, 0.0, 0.0, 0.0);
        let (ln_alpha, ln_gamma_r, psi_r) = (alpha.ln(), ln_gamma(r), digamma(r));
        let (ln_gamma_ab, ln_gamma_b) = (ln_gamma(a + b), ln_gamma(b));
        let (psi_ab, psi_b) = (digamma(a + b), digamma(b));
        for &(x, customers) in &self.frequencies {
            value += customers * r * ln_alpha;
            dr += customers * ln_alpha;
            dalpha += customers * r / alpha;
            if x > 0.0 {
                value += customers
                    * (ln_gamma(r + x) - ln_gamma_r + ln_gamma_ab + ln_gamma(b + x) - ln_gamma_b - ln_gamma(a + b + x));
                let psi_abx = digamma(a + b + x);
                dr += customers * (digamma(r + x) - psi_r);
                da += customers * (psi_ab - psi_abx);
                db += customers * (psi_ab + digamma(b + x) - psi_b - psi_abx);
            }
        }
        let logs: Vec<f64> = times.iter().map(|t| (alpha + t).ln()).collect();
        let ln_a = a.ln();
        let ln_leaving: Vec<f64> = self.frequencies.iter().map(|(x, _)| (b + x - 1.0).ln()).collect();
        for row in &self.rows {
            let customers = f64::from(row.customers);
            let x = self.frequencies[row.frequency as usize].0;
            let (shape, ln_age, age) = (r + x, logs[row.age as usize], alpha + times[row.age as usize]);
            if x == 0.0 {
                value -= customers * shape * ln_age;
                dr -= customers * ln_age;
                dalpha -= customers * shape / age;
                continue;
            }
            let (ln_recency, recency) = (logs[row.recency as usize], alpha + times[row.recency as usize]);
            let odds = (ln_a - ln_leaving[row.frequency as usize] + shape * (ln_age - ln_recency))
                .min(700.0)
                .exp();
            let left = odds / (1.0 + odds);
            value += customers * (odds.ln_1p() - shape * ln_age);
            dr -= customers * (ln_age - left * (ln_age - ln_recency));
            dalpha -= customers * shape * ((1.0 - left) / age + left / recency);
            da += customers * left / a;
            db -= customers * left / (b + x - 1.0);
        }
        (value, [dr, dalpha, da, db])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PUBLISHED: BgNbd = BgNbd {
        r: 0.2426,
        alpha: 4.4135,
        a: 0.7929,
        b: 2.4258,
    };

    const fn seen(frequency: u32, recency_weeks: f64, age_weeks: f64) -> History {
        History {
            frequency,
            recency_weeks,
            age_weeks,
        }
    }

    #[test]
    fn the_published_customer_is_expected_to_buy_1_2259_times() {
        let expected = PUBLISHED.expected_purchases(&seen(2, 30.43, 38.86), 39.0);
        assert!((expected - 1.2259).abs() < 2e-4, "{expected}");
    }

    #[test]
    fn likelihood_by_hand() {
        // At r = α = a = b = 1: x = 0 gives 1/(1+T); x = 1 gives ½ [(1+T)⁻² + (1+t_x)⁻²].
        let cases = [
            (seen(0, 0.0, 3.0), (1.0_f64 / 4.0).ln()),
            (seen(1, 1.0, 3.0), (0.5_f64 * (1.0 / 16.0 + 1.0 / 4.0)).ln()),
            (seen(0, 0.0, 0.0), 0.0),
        ];
        let model = BgNbd::new(1.0, 1.0, 1.0, 1.0).unwrap();
        for (history, expected) in cases {
            assert!(
                (model.log_likelihood(&[history]) - expected).abs() < 1e-12,
                "{history:?}"
            );
        }
    }

    #[test]
    fn gradient_agrees_with_differences() {
        let data = [
            seen(0, 0.0, 30.0),
            seen(2, 20.0, 35.0),
            seen(7, 36.0, 38.0),
            seen(1, 2.0, 12.0),
            seen(1, 2.0, 12.0),
        ];
        let grouped = Grouped::new(&data);
        for theta in [[0.0; 4], PUBLISHED.logs(), [1.0, -2.0, 0.5, -0.7]] {
            let (_, gradient) = grouped.with_gradient(&theta, &grouped.times);
            for i in 0..4 {
                let (mut up, mut down) = (theta, theta);
                up[i] += 1e-5;
                down[i] -= 1e-5;
                let slope = (grouped.with_gradient(&up, &grouped.times).0
                    - grouped.with_gradient(&down, &grouped.times).0)
                    / 2e-5;
                assert!(
                    (slope - gradient[i]).abs() < 1e-6,
                    "{theta:?} {i}: {slope} {}",
                    gradient[i]
                );
            }
        }
    }

    /// Reference values of E[Y(t) | active], by 40-digit evaluation of the paper's hypergeometric expression with
    /// mpmath (or, where that is 0/0, of its limit).
    #[test]
    #[allow(clippy::approx_constant)]
    fn expectation_agrees_with_high_precision() {
        let cases: &[([f64; 4], History, f64, f64)] = include!("expected_if_active.in");
        for (parameters, history, weeks, expected) in cases {
            let [r, alpha, a, b] = *parameters;
            let got = BgNbd::new(r, alpha, a, b).unwrap().expected_if_active(history, *weeks);
            assert!(
                (got / expected - 1.0).abs() < 1e-8,
                "{parameters:?} {history:?} {weeks}: {got} {expected}"
            );
        }
    }

    #[test]
    fn series_and_quadrature_agree_where_both_are_quick() {
        for (r, a, b, x, beta, weeks) in [
            (0.24, 20.0, 20.0, 0.0, 4.4, 52.0),
            (0.24, 20.0, 300.0, 0.0, 4.4, 52.0),
            (0.24, 300.0, 20.0, 3.0, 40.0, 52.0),
            (5.0, 25.0, 30.0, 12.0, 60.0, 4.0),
            (1.0, 40.0, 15.0, 8.0, 100.0, 52.0),
            (0.5, 20.5, 4_000.0, 1.0, 10.0, 520.0),
        ] {
            let (series, quadrature) = (
                transformed(r, a, b, x, beta, weeks),
                by_quadrature(r + x, a, b + x, weeks / beta),
            );
            assert!(
                (series / quadrature - 1.0).abs() < 1e-10,
                "{r} {a} {b} {x}: {series} {quadrature}"
            );
        }
    }

    /// Where all customers leave with the same probability p the expectation has a closed form:
    /// (1 − (1 + p·t/(α+T))^−(r+x)) / p.
    #[test]
    fn customers_who_leave_alike_are_counted_in_closed_form() {
        let p = 0.25;
        let model = BgNbd::new(0.6, 9.0, 2.5e8, 7.5e8).unwrap();
        for (x, age, weeks) in [(0_u32, 3.0, 52.0), (7, 80.0, 52.0), (40, 100.0, 4.0)] {
            let history = seen(x, age / 2.0, age);
            let closed = -(-(0.6 + f64::from(x)) * (p * weeks / (9.0 + age)).ln_1p()).exp_m1() / p;
            let got = model.expected_if_active(&history, weeks);
            assert!((got / closed - 1.0).abs() < 1e-6, "{x}: {got} {closed}");
        }
    }

    #[test]
    fn days_become_weeks_and_one_day_counts_once() {
        let cases: [(&[i64], i64, Option<History>); 5] = [
            (&[], 10, None),
            (&[11], 10, None),
            (&[3], 10, Some(seen(0, 0.0, 1.0))),
            (&[14, 0, 14, 7, 28], 21, Some(seen(2, 2.0, 3.0))),
            (&[21, 21], 21, Some(seen(0, 0.0, 0.0))),
        ];
        for (days, until, expected) in cases {
            assert_eq!(History::from_days(days, until), expected, "{days:?}");
        }
    }

    #[test]
    fn degenerate_data_name_their_reason_and_fall_back() {
        let cases: [(&[History], Insufficient); 4] = [
            (&[], Insufficient::NoCustomers),
            (&[seen(3, 5.0, 9.0)], Insufficient::OneCustomer),
            (&[seen(0, 0.0, 9.0), seen(0, 0.0, 8.0)], Insufficient::NobodyRepeated),
            (&[seen(2, 4.0, 9.0), seen(2, 4.0, 9.0)], Insufficient::AllEqual),
        ];
        for (data, reason) in cases {
            assert_eq!(fit(data), Err(reason));
            let fallback = fit_or_prior(data);
            assert_eq!(fallback.basis, Basis::Prior(reason));
            assert!(fallback.log_likelihood.is_finite());
            assert!(fallback.model.expected_purchases(&seen(1, 1.0, 9.0), 52.0).is_finite());
        }
    }

    #[test]
    fn the_prior_has_the_mean_rate_of_the_data() {
        // (histories, the mean rate a week: repeat purchases and half a one more over all ages)
        let cases: [(&[History], f64); 5] = [
            (&[], 1.0 / 104.0),
            (&[seen(0, 0.0, 0.0), seen(0, 0.0, 0.0)], 1.0 / 104.0),
            (&[seen(0, 0.0, 9.0), seen(0, 0.0, 11.0)], 0.5 / 20.0),
            (&[seen(3, 5.0, 9.0)], 3.5 / 9.0),
            (&[seen(2, 4.0, 9.0), seen(2, 4.0, 9.0)], 4.5 / 18.0),
        ];
        for (data, rate) in cases {
            let BgNbd { r, alpha, a, b } = fit_or_prior(data).model;
            assert_eq!((r, a, b), (PRIOR_R, PRIOR_A, PRIOR_B));
            assert!((r / alpha / rate - 1.0).abs() < 1e-12, "{data:?}: {}", r / alpha);
            assert_eq!(fit_or_prior(data).covariance, fit::prior_covariance());
        }
    }

    #[test]
    fn ages_are_averaged_where_there_are_any() {
        let cases: [(&[History], f64); 4] = [
            (&[], 1.0),
            (&[seen(0, 0.0, 0.0)], 1.0),
            (
                &[seen(0, 0.0, 10.0), seen(1, 5.0, 30.0), seen(1, 5.0, 30.0)],
                70.0 / 3.0,
            ),
            (&[seen(0, 0.0, 0.5)], 0.5),
        ];
        for (data, mean) in cases {
            assert!((Grouped::new(data).mean_age() - mean).abs() < 1e-12, "{data:?}");
        }
    }

    #[test]
    fn equal_histories_are_one_row_and_no_customers_none() {
        let (once, twice) = (seen(0, 0.0, 9.0), seen(1, 3.0, 9.0));
        let counted = [
            (once, 2),
            (once, 0),
            (once, 3),
            (twice, 0),
            (twice, 4),
            (seen(1, 3.0, 8.0), 1),
        ];
        let grouped = Grouped::counted(counted.into_iter());
        let rows: Vec<(f64, f64, u32)> = grouped
            .rows
            .iter()
            .map(|row| {
                let x = grouped.frequencies[row.frequency as usize].0;
                (x, grouped.times[row.age as usize], row.customers)
            })
            .collect();
        assert_eq!(rows, [(0.0, 9.0, 5), (1.0, 9.0, 4), (1.0, 8.0, 1)]);
        assert_eq!(grouped.frequencies, [(0.0, 5.0), (1.0, 5.0)]);
        assert_eq!((grouped.customers, grouped.repeaters), (10, 5));
        assert_eq!(Grouped::counted([(once, 0)].into_iter()).frequencies, []);
    }

    #[test]
    fn parameters_move_one_by_one_on_the_scale_of_their_logarithms() {
        let parameters = |model: &BgNbd| [model.r, model.alpha, model.a, model.b];
        let before = parameters(&PUBLISHED);
        for moved in 0..4 {
            let after = parameters(&PUBLISHED.nudged(moved, 0.25));
            for i in 0..4 {
                let factor = if i == moved { 0.25_f64.exp() } else { 1.0 };
                assert!((after[i] / before[i] / factor - 1.0).abs() < 1e-12, "{moved} {i}");
            }
        }
    }

    #[test]
    fn who_bought_once_has_no_time_of_a_repeat() {
        assert_eq!(seen(0, 4.0, 9.0).cleaned(), seen(0, 0.0, 9.0));
        assert_eq!(seen(1, 4.0, 9.0).cleaned(), seen(1, 4.0, 9.0));
    }

    #[test]
    fn impossible_histories_do_no_harm() {
        let odd = [
            seen(3, f64::NAN, 5.0),
            seen(1, 9.0, 2.0),
            seen(2, -1.0, f64::INFINITY),
            seen(0, 4.0, -3.0),
        ];
        let fitted = fit_or_prior(&odd);
        assert!(fitted.log_likelihood.is_finite());
        for history in &odd {
            assert!((0.0..=1.0).contains(&fitted.model.p_alive(history)));
            assert!(fitted.model.expected_purchases(history, 52.0).is_finite());
        }
    }
}
