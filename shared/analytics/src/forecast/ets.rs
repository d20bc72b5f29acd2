//! The best exponential smoothing model without a season, by corrected AIC: additive or multiplicative error, no trend, an
//! additive or a damped one (the six models of Hyndman & Athanasopoulos, section 8.6, that have no season and a finite
//! variance). The search and the likelihood are those of `augurs`.

use augurs_core::{Fit as _, Predict as _};
use augurs_ets::model::{ErrorComponent, TrendComponent};
use augurs_ets::{AutoETS, AutoSpec, FittedAutoETS};

use super::{Insufficient, Outlook};

/// Values the search needs: twice the largest model's parameters.
pub const NEEDED: usize = 12;

/// A fitted model.
pub struct Fitted(FittedAutoETS);

/// The best model of a series, whose values are finite and not all the same.
///
/// # Errors
/// [`Insufficient::TooShort`] below [`NEEDED`] values, [`Insufficient::NoModel`] where no model fits.
pub fn fit(series: &[f64]) -> Result<Fitted, Insufficient> {
    let given = series.len();
    if given < NEEDED {
        return Err(Insufficient::TooShort { given, needed: NEEDED });
    }
    let without_season: AutoSpec = "ZZN".parse().map_err(|_| Insufficient::NoModel)?;
    let found = AutoETS::from_spec(1, without_season).fit(series);
    found.map(Fitted).map_err(|_| Insufficient::NoModel)
}

impl Fitted {
    /// Error, trend and season of the model: N for none, A additive, Ad additive and damped, M multiplicative.
    #[must_use]
    pub fn model(&self) -> String {
        let model = self.0.model();
        let error = match model.model_type().error {
            ErrorComponent::Additive => "A",
            ErrorComponent::Multiplicative => "M",
        };
        let trend = match (model.model_type().trend, model.damped()) {
            (TrendComponent::None, _) => "N",
            (TrendComponent::Additive, false) => "A",
            (TrendComponent::Additive, true) => "Ad",
            (TrendComponent::Multiplicative, _) => "M",
        };
        format!("{error},{trend},N")
    }

    /// The log-likelihood.
    #[must_use]
    pub fn log_likelihood(&self) -> f64 {
        self.0.model().log_likelihood()
    }

    /// Akaike's information criterion: twice the number of parameters less twice the log-likelihood. The variance of the
    /// errors counts as a parameter, as in the literature; `augurs` leaves it out.
    #[must_use]
    pub fn aic(&self) -> f64 {
        self.0.model().aic() + 2.0
    }

    /// The periods that follow. The standard deviation is read off an interval, which is symmetrical.
    pub(super) fn outlook(&self, horizon: usize) -> Result<Outlook, Insufficient> {
        let ahead = self.0.predict(horizon, 0.8).map_err(|_| Insufficient::NoModel)?;
        let intervals = ahead.intervals.ok_or(Insufficient::NoModel)?;
        let half = |(high, low): (&f64, &f64)| 0.5 * (high - low) / super::Z_80;
        Ok(Outlook {
            values: ahead.point,
            deviations: intervals.upper.iter().zip(&intervals.lower).map(half).collect(),
        })
    }

    /// The 95 % intervals of the model itself.
    #[cfg(test)]
    pub(super) fn interval_95(&self, horizon: usize) -> Vec<(f64, f64)> {
        let ahead = self.0.predict(horizon, 0.95).ok().and_then(|ahead| ahead.intervals);
        ahead.map_or_else(Vec::new, |found| found.lower.into_iter().zip(found.upper).collect())
    }
}
