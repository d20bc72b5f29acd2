//! The Gamma-Gamma model of spend per purchase.
//!
//! Source: P. Fader & B. Hardie (2013), "The Gamma-Gamma model of monetary value", brucehardie.com/notes/025. A customer's
//! purchases vary around the customer's own mean, Gamma(p, ν); the ν vary between customers, Gamma(q, v) (v is often
//! written γ). The model supposes that spend does not depend on how often one buys;
//! [`crate::lifetime_value::Model::frequency_spend_correlation`] says how far that holds.
//!
//! **Fit.** Maximum likelihood over ln p, ln(q − 1), ln v: q above 1, since otherwise the mean spend would be infinite.
//! **Small samples.** Below [`FULL_SAMPLE_REPEATERS`](crate::fit::FULL_SAMPLE_REPEATERS) customers the logarithms are
//! drawn toward p = 6, q = 4 (near the published estimates for the CDNOW cohort) and v such that the prior's mean spend
//! is the tenant's own.

use statrs::function::gamma::{digamma, ln_gamma};

use crate::fit::{self, Basis, Convergence, Insufficient};

/// Centre of the prior for p.
pub const PRIOR_P: f64 = 6.0;
/// Centre of the prior for q.
pub const PRIOR_Q: f64 = 4.0;

/// What the model needs to know of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spend {
    /// x: repeat purchases (several on one day counted once), as in [`crate::bg_nbd::History::frequency`].
    pub purchases: u32,
    /// z: mean amount of those purchases, in the tenant's currency.
    pub mean: f64,
}

impl Spend {
    /// A customer about whom the model can learn: a repeat purchase and a positive finite mean.
    fn is_usable(&self) -> bool {
        self.purchases > 0 && self.mean > 0.0 && self.mean.is_finite()
    }
}

/// The three parameters: p and v positive, q above 1, all finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    p: f64,
    q: f64,
    v: f64,
}

impl GammaGamma {
    /// A model with known parameters; nothing unless p and v lie between 10⁻⁹ and 10¹⁵, and q between 1 and 10⁹, not 1.
    #[must_use]
    pub fn new(p: f64, q: f64, v: f64) -> Option<Self> {
        let possible = [p, v].iter().all(|value| (1e-9..=1e15).contains(value)) && q > 1.0 && q <= 1e9;
        possible.then_some(Self { p, q, v })
    }

    /// Shape of a customer's purchases around the customer's own mean.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// Shape of the spread between customers.
    #[must_use]
    pub const fn q(&self) -> f64 {
        self.q
    }

    /// Scale of spend, in currency units.
    #[must_use]
    pub const fn v(&self) -> f64 {
        self.v
    }

    /// Mean spend per purchase over all customers: p v / (q − 1).
    #[must_use]
    pub fn mean_spend(&self) -> f64 {
        self.p * self.v / (self.q - 1.0)
    }

    /// Conditional expectation of a customer's mean spend (equation 5 of the note): p (v + x z) / (p x + q − 1), a
    /// weighted mean of the population's and the customer's own. The population's for a customer without a usable
    /// repeat purchase.
    #[must_use]
    pub fn expected_spend(&self, spend: &Spend) -> f64 {
        if !spend.is_usable() {
            return self.mean_spend();
        }
        let x = f64::from(spend.purchases);
        self.p * (self.v + x * spend.mean) / (self.p * x + self.q - 1.0)
    }

    fn from_logs(theta: &[f64; 3]) -> Self {
        let [p, above, v] = theta.map(f64::exp);
        Self {
            p: p.clamp(1e-9, 1e15),
            q: (1.0 + above).clamp(1.0 + 1e-9, 1e9),
            v: v.clamp(1e-9, 1e15),
        }
    }

    /// ln p, ln(q − 1), ln v: the scale on which the covariance of a fit is given.
    fn logs(&self) -> [f64; 3] {
        [self.p.ln(), (self.q - 1.0).ln(), self.v.ln()]
    }

    /// Gradient of the logarithm of [`Self::expected_spend`] by ln p, ln(q − 1), ln v.
    pub(crate) fn ln_expected_spend_gradient(&self, spend: &Spend) -> [f64; 3] {
        let (x, total) = if spend.is_usable() {
            (f64::from(spend.purchases), f64::from(spend.purchases) * spend.mean)
        } else {
            (0.0, 0.0)
        };
        let below = self.p * x + self.q - 1.0;
        [
            1.0 - self.p * x / below,
            -(self.q - 1.0) / below,
            self.v / (self.v + total),
        ]
    }
}

/// A fitted model with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct GammaGammaFit {
    /// The parameters.
    pub model: GammaGamma,
    /// Log-likelihood of the data at the parameters, without the prior's part.
    pub log_likelihood: f64,
    /// Covariance of ln p, ln(q − 1), ln v: the inverse Hessian of what was maximised.
    pub covariance: [[f64; 3]; 3],
    /// Customers used: those with a repeat purchase of positive mean.
    pub customers: usize,
    /// What the parameters rest on.
    pub basis: Basis,
    /// How the search ended.
    pub convergence: Convergence,
}

/// Fits the model to the customers with a repeat purchase of positive mean; the others are passed over.
///
/// # Errors
/// [`Insufficient`] if there is none (`NobodyRepeated` if there were customers at all), only one, or if all spend the
/// same. The documented fallback is [`fit_or_prior`].
pub fn fit(spends: &[Spend]) -> Result<GammaGammaFit, Insufficient> {
    Grouped::new(spends.iter().copied()).fit()
}

/// Fits the model, or gives the prior at the data's own mean spend, with the reason in `basis`. Without any spend to
/// learn from the mean is `otherwise`, for example the mean amount of first purchases (1 if that is not positive).
#[must_use]
pub fn fit_or_prior(spends: &[Spend], otherwise: f64) -> GammaGammaFit {
    fit_each_or_prior(spends.iter().copied(), otherwise)
}

/// The same from spends that lie elsewhere, so that nobody has to copy them.
#[must_use]
pub fn fit_each_or_prior(spends: impl Iterator<Item = Spend>, otherwise: f64) -> GammaGammaFit {
    let grouped = Grouped::new(spends);
    grouped.fit().unwrap_or_else(|reason| {
        let known = if otherwise > 0.0 && otherwise.is_finite() {
            otherwise
        } else {
            1.0
        };
        let model = prior_model(if grouped.customers > 0 { grouped.mean() } else { known });
        GammaGammaFit {
            model,
            log_likelihood: grouped.evaluate(&model, 1.0).0,
            covariance: fit::prior_covariance(),
            customers: grouped.customers,
            basis: Basis::Prior(reason),
            convergence: Convergence::NOT_NEEDED,
        }
    })
}

fn prior_model(mean: f64) -> GammaGamma {
    let v = (mean * (PRIOR_Q - 1.0) / PRIOR_P).clamp(1e-9, 1e15);
    GammaGamma {
        p: PRIOR_P,
        q: PRIOR_Q,
        v,
    }
}

/// A distinct (x, z).
struct Row {
    /// Position of x.
    frequency: u32,
    customers: u32,
    z: f64,
}

/// The usable customers grouped: gamma functions are needed once per distinct x, one logarithm per distinct (x, z). Sixteen
/// bytes for each of these.
struct Grouped {
    /// x, customers with it, Σ ln z over them.
    frequencies: Vec<(f64, f64, f64)>,
    rows: Vec<Row>,
    /// Usable ones.
    customers: usize,
    /// Whether there was nobody at all.
    empty: bool,
}

impl Grouped {
    fn new(spends: impl Iterator<Item = Spend>) -> Self {
        let mut spends = spends.peekable();
        let empty = spends.peek().is_none();
        let mut sorted: Vec<Spend> = spends.filter(Spend::is_usable).collect();
        sorted.sort_unstable_by(|l, r| l.purchases.cmp(&r.purchases).then(l.mean.total_cmp(&r.mean)));
        let mut frequencies: Vec<(f64, f64, f64)> = Vec::new();
        let mut rows = Vec::with_capacity(sorted.chunk_by(|l, r| l == r).count());
        for same in sorted.chunk_by(|l, r| l == r) {
            let (x, z, customers) = (f64::from(same[0].purchases), same[0].mean, same.len() as f64);
            match frequencies.last_mut() {
                Some(last) if last.0 == x => {
                    last.1 += customers;
                    last.2 += customers * z.ln();
                }
                _ => frequencies.push((x, customers, customers * z.ln())),
            }
            rows.push(Row {
                frequency: frequencies.len() as u32 - 1,
                customers: same.len() as u32,
                z,
            });
        }
        Self {
            frequencies,
            rows,
            customers: sorted.len(),
            empty,
        }
    }

    fn fit(&self) -> Result<GammaGammaFit, Insufficient> {
        match self.customers {
            0 if self.empty => return Err(Insufficient::NoCustomers),
            0 => return Err(Insufficient::NobodyRepeated),
            1 => return Err(Insufficient::OneCustomer),
            _ if self.all_equal() => return Err(Insufficient::AllEqual),
            _ => {}
        }
        // Spend is measured in mean spends, so that the search is the same whatever the currency.
        let unit = self.mean();
        let estimate = fit::maximise(
            |theta| {
                let model = GammaGamma::from_logs(theta);
                let (value, [dp, dq, dv]) = self.evaluate(&model, 1.0 / unit);
                (value, [dp * model.p, dq * (model.q - 1.0), dv * model.v])
            },
            self.customers,
            self.customers,
            prior_model(1.0).logs(),
        );
        let mut theta = estimate.point;
        theta[2] += unit.ln();
        let model = GammaGamma::from_logs(&theta);
        Ok(GammaGammaFit {
            model,
            log_likelihood: self.evaluate(&model, 1.0).0,
            covariance: estimate.covariance,
            customers: self.customers,
            basis: estimate.basis,
            convergence: estimate.convergence,
        })
    }

    fn all_equal(&self) -> bool {
        let Some(first) = self.rows.first() else {
            return true;
        };
        self.rows.iter().all(|row| (row.z - first.z).abs() <= 1e-9 * first.z)
    }

    /// Mean of the customers' means.
    fn mean(&self) -> f64 {
        let sum: f64 = self.rows.iter().map(|row| row.z * f64::from(row.customers)).sum();
        sum / self.customers.max(1) as f64
    }

    /// Log-likelihood (equation 1a of the note) and its gradient by p, q, v, of the spends multiplied by `scale`.
    fn evaluate(&self, model: &GammaGamma, scale: f64) -> (f64, [f64; 3]) {
        let GammaGamma { p, q, v } = *model;
        let (mut value, mut dp, mut dq, mut dv) = (0.0, 0.0, 0.0, 0.0);
        let (ln_gamma_q, psi_q, ln_v) = (ln_gamma(q), digamma(q), v.ln());
        let ln_scale = scale.ln();
        for &(x, customers, ln_z) in &self.frequencies {
            let ln_z = ln_z + customers * ln_scale;
            let (px, ln_x) = (p * x, x.ln());
            let (psi_sum, psi_px) = (digamma(px + q), digamma(px));
            value +=
                customers * (ln_gamma(px + q) - ln_gamma(px) - ln_gamma_q + q * ln_v + px * ln_x) + (px - 1.0) * ln_z;
            dp += customers * x * (psi_sum - psi_px + ln_x) + x * ln_z;
            dq += customers * (psi_sum - psi_q + ln_v);
            dv += customers * q / v;
        }
        for row in &self.rows {
            let (x, z, customers) = (
                self.frequencies[row.frequency as usize].0,
                row.z * scale,
                f64::from(row.customers),
            );
            let (sum, shape) = (v + x * z, p * x + q);
            let ln_sum = sum.ln();
            value -= customers * shape * ln_sum;
            dp -= customers * x * ln_sum;
            dq -= customers * ln_sum;
            dv -= customers * shape / sum;
        }
        (value, [dp, dq, dv])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PUBLISHED: GammaGamma = GammaGamma {
        p: 6.2488,
        q: 3.7446,
        v: 15.4477,
    };

    const fn spent(purchases: u32, mean: f64) -> Spend {
        Spend { purchases, mean }
    }

    #[test]
    fn published_population_mean() {
        assert!((PUBLISHED.mean_spend() - 35.17).abs() < 0.005);
    }

    #[test]
    fn expected_spend_lies_between_the_population_and_the_customer() {
        let cases = [
            // (purchases, own mean, expected by the formula)
            (0, 0.0, 35.1707),
            (1, 22.35, 26.2626),
            (2, 22.35, 24.6586),
            (1000, 80.0, 79.9803),
        ];
        for (x, z, expected) in cases {
            let got = PUBLISHED.expected_spend(&spent(x, z));
            assert!((got - expected).abs() < 0.001, "{x} {z}: {got}");
        }
    }

    #[test]
    fn likelihood_by_hand() {
        // At p = v = 1, q = 2 the density of one purchase's amount z is 2 / (1 + z)³, and of the mean of two it is 24 z / (1 + 2z)⁴.
        let model = GammaGamma { p: 1.0, q: 2.0, v: 1.0 };
        let cases: [(&[Spend], f64); 3] = [
            (&[spent(1, 1.0)], 0.25),
            (&[spent(2, 1.0)], 24.0 / 81.0),
            (
                &[spent(1, 3.0), spent(2, 1.0), spent(1, 3.0)],
                24.0 / 81.0 / 32.0 / 32.0,
            ),
        ];
        for (data, density) in cases {
            let (value, _) = Grouped::new(data.iter().copied()).evaluate(&model, 1.0);
            assert!((value - f64::ln(density)).abs() < 1e-12, "{data:?}: {value}");
        }
    }

    #[test]
    fn gradient_of_the_expected_spend_agrees_with_differences() {
        for spend in [spent(0, 0.0), spent(1, 10.0), spent(7, 60.0)] {
            let gradient = PUBLISHED.ln_expected_spend_gradient(&spend);
            for i in 0..3 {
                let at = |by: f64| {
                    let mut theta = PUBLISHED.logs();
                    theta[i] += by;
                    GammaGamma::from_logs(&theta).expected_spend(&spend).ln()
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (slope - gradient[i]).abs() < 1e-8,
                    "{spend:?} {i}: {slope} {}",
                    gradient[i]
                );
            }
        }
    }

    #[test]
    fn logarithms_lead_back_to_their_parameters() {
        let GammaGamma { p, q, v } = GammaGamma::from_logs(&PUBLISHED.logs());
        for (got, expected) in [(p, PUBLISHED.p), (q, PUBLISHED.q), (v, PUBLISHED.v)] {
            assert!((got / expected - 1.0).abs() < 1e-12, "{got} {expected}");
        }
    }

    #[test]
    fn gradient_agrees_with_differences() {
        let grouped = Grouped::new([spent(1, 10.0), spent(3, 25.0), spent(8, 40.0), spent(3, 25.0)].into_iter());
        let (_, gradient) = grouped.evaluate(&PUBLISHED, 1.0);
        let value = |p: f64, q: f64, v: f64| grouped.evaluate(&GammaGamma { p, q, v }, 1.0).0;
        let GammaGamma { p, q, v } = PUBLISHED;
        let step = 1e-5;
        let slopes = [
            (value(p + step, q, v) - value(p - step, q, v)) / (2.0 * step),
            (value(p, q + step, v) - value(p, q - step, v)) / (2.0 * step),
            (value(p, q, v + step) - value(p, q, v - step)) / (2.0 * step),
        ];
        for (slope, exact) in slopes.iter().zip(gradient) {
            assert!((slope - exact).abs() < 1e-6, "{slope} {exact}");
        }
    }

    #[test]
    fn degenerate_data_name_their_reason_and_fall_back() {
        let cases: [(&[Spend], Insufficient, f64); 5] = [
            (&[], Insufficient::NoCustomers, 12.0),
            (
                &[spent(0, 0.0), spent(2, -3.0), spent(1, f64::NAN)],
                Insufficient::NobodyRepeated,
                12.0,
            ),
            (&[spent(2, 30.0)], Insufficient::OneCustomer, 30.0),
            (&[spent(2, 30.0), spent(5, 30.0)], Insufficient::AllEqual, 30.0),
            (&[spent(2, 30.0), spent(2, 30.0)], Insufficient::AllEqual, 30.0),
        ];
        for (data, reason, mean) in cases {
            assert_eq!(fit(data), Err(reason), "{data:?}");
            let fallback = fit_or_prior(data, 12.0);
            assert_eq!(fallback.basis, Basis::Prior(reason));
            assert!((fallback.model.mean_spend() - mean).abs() < 1e-9, "{data:?}");
        }
        assert!((fit_or_prior(&[], -1.0).model.mean_spend() - 1.0).abs() < 1e-9);
    }
}
