//! How far a method was off on the last periods, by rolling origin.

use super::{Method, Options, ahead};

/// Errors of forecasts made before what they forecast was known. Smaller is better in each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// Mean absolute error, in units of the series.
    pub mae: f64,
    /// Symmetric mean absolute percentage error, 0 to 200; a forecast of 0 that came true has none.
    pub smape: f64,
    /// Mean absolute scaled error: against the mean step of the series before the last periods. Below 1 the forecasts were
    /// better than repeating the last value one period ahead was there. Nothing where the series did not change.
    pub mase: Option<f64>,
    /// Forecasts that were compared with what came.
    pub forecasts: usize,
}

impl Accuracy {
    pub(super) fn in_units_of(self, unit: f64) -> Self {
        Self {
            mae: self.mae * unit,
            ..self
        }
    }
}

/// The errors of a method on the last periods: fitted on what was known before each of them, it forecasts the rest of them,
/// as far as the horizon goes. Nothing where it cannot be fitted before the first.
pub(super) fn measure(method: Method, series: &[f64], options: &Options, last_periods: usize) -> Option<Accuracy> {
    let n = series.len();
    let first = n - last_periods;
    let (mut absolute, mut relative, mut forecasts) = (0.0, 0.0, 0);
    for origin in first..n {
        let rest = &series[origin..];
        let horizon = options.horizon.clamp(1, rest.len());
        let (outlook, _) = ahead(method, &series[..origin], options.season, horizon).ok()?;
        for (value, actual) in outlook.values.iter().zip(rest) {
            let value = if options.non_negative { value.max(0.0) } else { *value };
            let error = (value - actual).abs();
            absolute += error;
            let size = value.abs() + actual.abs();
            relative += if size > 0.0 { 200.0 * error / size } else { 0.0 };
            forecasts += 1;
        }
    }
    if forecasts == 0 {
        return None;
    }
    let mean = |sum: f64| sum / f64::from(forecasts);
    let steps: f64 = series[..first].windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
    let step = steps / first.saturating_sub(1).max(1) as f64;
    Some(Accuracy {
        mae: mean(absolute),
        smape: mean(relative).min(200.0),
        mase: (step > 0.0)
            .then(|| mean(absolute) / step)
            .filter(|mase| mase.is_finite()),
        forecasts: forecasts as usize,
    })
}
