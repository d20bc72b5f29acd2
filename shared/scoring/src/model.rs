//! The model of a tenant's customers as it is stored with a recompute, and brought back to value a customer later.

use jiff::Timestamp;
use rapport_analytics::bg_nbd::{BgNbd, BgNbdFit};
use rapport_analytics::fit::{Basis, Convergence};
use rapport_analytics::gamma_gamma::{GammaGamma, GammaGammaFit};
use rapport_analytics::lifetime_value;
use rapport_domain::Currency;
use rapport_domain::score::{self, Concentration, ModelAnswer};
use rapport_domain::settings::ScoringSettings;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::population::Population;

/// One fitted part: its parameters and what they rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part<const N: usize> {
    #[serde(with = "array")]
    parameters: [f64; N],
    log_likelihood: f64,
    covariance: Vec<Vec<f64>>,
    customers: u64,
    basis: String,
    prior_weight: f64,
    insufficient: Option<String>,
    converged: bool,
}

/// Arrays of any length as JSON lists.
mod array {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer, const N: usize>(
        values: &[f64; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        values.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[f64; N], D::Error> {
        let values = Vec::<f64>::deserialize(deserializer)?;
        values
            .try_into()
            .map_err(|_| serde::de::Error::custom("another number of parameters"))
    }
}

impl<const N: usize> Part<N> {
    fn new(
        parameters: [f64; N],
        log_likelihood: f64,
        covariance: &[[f64; N]; N],
        customers: usize,
        basis: Basis,
        convergence: &Convergence,
    ) -> Self {
        Self {
            parameters,
            log_likelihood: finite(log_likelihood),
            covariance: covariance.iter().map(|row| row.map(finite).to_vec()).collect(),
            customers: customers as u64,
            basis: basis.key().to_owned(),
            prior_weight: basis.prior_weight(),
            insufficient: basis.insufficient().map(|reason| reason.key().to_owned()),
            converged: convergence.converged,
        }
    }

    fn covariance(&self) -> Option<[[f64; N]; N]> {
        let rows: Vec<[f64; N]> = self
            .covariance
            .iter()
            .map(|row| <[f64; N]>::try_from(row.as_slice()).ok())
            .collect::<Option<_>>()?;
        rows.try_into().ok()
    }

    fn basis(&self) -> Option<Basis> {
        Basis::from_parts(&self.basis, self.prior_weight, self.insufficient.as_deref())
    }

    /// What the part rests on, as it is answered.
    #[must_use]
    pub fn answer(&self) -> score::Basis {
        score::Basis {
            basis: self.basis.clone(),
            prior_weight: round(self.prior_weight, 4),
            insufficient_data: self.insufficient.clone(),
            converged: self.converged,
            customers: self.customers,
        }
    }
}

/// How the search ended is not kept but for whether it did.
fn convergence(converged: bool) -> Convergence {
    Convergence {
        converged,
        iterations: 0,
        evaluations: 0,
        starts: 0,
        gradient: 0.0,
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Rounds to decimal places, so that answers are short and equal figures are equal texts.
#[must_use]
pub fn round(value: f64, places: i32) -> f64 {
    let unit = 10_f64.powi(places);
    let rounded = (value * unit).round() / unit;
    // Adding zero turns −0 into 0.
    if rounded.is_finite() { rounded + 0.0 } else { 0.0 }
}

/// A segment's size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The key.
    pub key: String,
    /// Customers in it.
    pub members: u64,
    /// What they bought.
    pub revenue: Decimal,
}

/// What a recompute found out about all customers together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The last day looked at, in days since 1970.
    pub as_of: i32,
    /// When the recompute began.
    pub scored_at: Timestamp,
    /// The currency of amounts.
    pub currency: Currency,
    /// Customers with a purchase.
    pub customers: u64,
    /// Repeat purchases: r, α, a, b.
    pub bg_nbd: Part<4>,
    /// Customers with a repeat purchase.
    pub repeaters: u64,
    /// Spend: p, q, v.
    pub gamma_gamma: Part<3>,
    /// The correlation of frequency and mean spend.
    pub correlation: Option<f64>,
    /// How concentrated revenue is.
    pub concentration: Concentration,
    /// The 90 % interpurchase time of all customers together, in days.
    pub common_rhythm: Option<f64>,
    /// The settings it was computed with.
    pub scoring: ScoringSettings,
    /// The segments that have members.
    pub segments: Vec<Segment>,
    /// How many customers are what. Nobody where the model was stored before this was kept.
    #[serde(default)]
    pub population: Population,
}

impl Part<4> {
    pub(crate) fn of_purchases(fit: &BgNbdFit) -> Self {
        let BgNbdFit {
            model,
            log_likelihood,
            covariance,
            customers,
            repeaters: _,
            basis,
            convergence,
        } = fit;
        let parameters = [model.r(), model.alpha(), model.a(), model.b()];
        Self::new(parameters, *log_likelihood, covariance, *customers, *basis, convergence)
    }
}

impl Part<3> {
    pub(crate) fn of_spend(fit: &GammaGammaFit) -> Self {
        let GammaGammaFit {
            model,
            log_likelihood,
            covariance,
            customers,
            basis,
            convergence,
        } = fit;
        let parameters = [model.p(), model.q(), model.v()];
        Self::new(parameters, *log_likelihood, covariance, *customers, *basis, convergence)
    }
}

impl Model {
    /// The model brought back to life. `None` when what was stored makes no model.
    #[must_use]
    pub fn revive(&self) -> Option<lifetime_value::Model> {
        let [r, alpha, a, b] = self.bg_nbd.parameters;
        let [p, q, v] = self.gamma_gamma.parameters;
        Some(lifetime_value::Model {
            bg_nbd: BgNbdFit {
                model: BgNbd::new(r, alpha, a, b)?,
                log_likelihood: self.bg_nbd.log_likelihood,
                covariance: self.bg_nbd.covariance()?,
                customers: usize::try_from(self.bg_nbd.customers).ok()?,
                repeaters: usize::try_from(self.repeaters).ok()?,
                basis: self.bg_nbd.basis()?,
                convergence: convergence(self.bg_nbd.converged),
            },
            gamma_gamma: GammaGammaFit {
                model: GammaGamma::new(p, q, v)?,
                log_likelihood: self.gamma_gamma.log_likelihood,
                covariance: self.gamma_gamma.covariance()?,
                customers: usize::try_from(self.gamma_gamma.customers).ok()?,
                basis: self.gamma_gamma.basis()?,
                convergence: convergence(self.gamma_gamma.converged),
            },
            frequency_spend_correlation: self.correlation,
        })
    }

    /// The model as it is answered.
    #[must_use]
    pub fn answer(&self) -> ModelAnswer {
        let [r, alpha, a, b] = self.bg_nbd.parameters.map(|value| round(value, 6));
        let [p, q, v] = self.gamma_gamma.parameters;
        let mean_spend = if q > 1.0 { p * v / (q - 1.0) } else { 0.0 };
        ModelAnswer {
            until: score::date_of(self.as_of),
            customers: self.customers,
            bg_nbd: score::BgNbd {
                r,
                alpha,
                a,
                b,
                log_likelihood: round(self.bg_nbd.log_likelihood, 4),
                repeaters: self.repeaters,
                basis: self.bg_nbd.answer(),
            },
            gamma_gamma: score::GammaGamma {
                p: round(p, 6),
                q: round(q, 6),
                v: round(v, 6),
                log_likelihood: round(self.gamma_gamma.log_likelihood, 4),
                mean_spend: round(mean_spend, 4),
                basis: self.gamma_gamma.answer(),
            },
            pareto: self.concentration.clone(),
            frequency_spend_correlation: self.correlation.map(|value| round(value, 4)),
            common_rhythm_days: self.common_rhythm.map(|days| round(days, 2)),
        }
    }
}
