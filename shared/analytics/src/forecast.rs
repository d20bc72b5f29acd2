//! What the next periods will bring, by several methods side by side, each with its error on the last periods.
//!
//! Sources: R. Hyndman & G. Athanasopoulos, *Forecasting: Principles and Practice* (3rd ed.), chapters 5 and 8, for the
//! methods, rolling origins and error measures; S. Makridakis, E. Spiliotis & V. Assimakopoulos (2020), "The M4
//! Competition", *International Journal of Forecasting* 36(1), for the combination and its seasonal adjustment; R. Hyndman
//! & A. Koehler (2006), same journal 22(4), for MASE. ETS is the `augurs` library's.
//!
//! | method | forecast | values it needs |
//! |---|---|---|
//! | naive | the last value again | 3 |
//! | seasonal naive | the value one season ago again | season + 2 |
//! | combination | the mean of simple, Holt's and damped exponential smoothing ([`smoothing`]) | 5 |
//! | ETS | the best of the exponential smoothing models by corrected AIC ([`ets`]) | 12 |
//!
//! Combination and ETS work on the seasonally adjusted series where it has a season.
//!
//! **Errors** are measured by rolling origin: over the last periods (a third of the series at most) each method is fitted
//! anew on what was known before each of them and forecasts the rest of them. **The choice** is the method with the smallest
//! mean absolute error there; of equal ones the simpler, in the order of the table. Where no error can be measured it is
//! the naive forecast. **Intervals** suppose normal errors; they grow with the horizon. A series that never changed has
//! intervals of no width, since nothing in it says how it would.
//!
//! This module knows no calendar: a series is one value for each period, without holes ([`dense`] fills them).

mod accuracy;
pub mod ets;
mod season;
pub mod smoothing;

pub use accuracy::Accuracy;
pub use season::Seasonality;

/// Periods ahead at most.
pub const LONGEST_HORIZON: usize = 60;

/// Values that are looked at: the last so many. Twenty years of months.
pub const MAX_VALUES: usize = 240;

/// The largest amount of a series, either way.
const LARGEST: f64 = 1e15;

/// Standard deviations to each side that hold 80 % of a normal distribution.
const Z_80: f64 = 1.281_551_565_544_600_4;

/// Standard deviations to each side that hold 95 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// Why a series has no forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Insufficient {
    /// There are fewer values than a method needs.
    #[error("{given} values are too few: {needed} are needed")]
    TooShort {
        /// Values there are.
        given: usize,
        /// Values it takes.
        needed: usize,
    },
    /// A value is not finite, or larger than 10¹⁵ either way.
    #[error("the value at position {at} is not an amount")]
    NotAnAmount {
        /// Its place in the series, from 0.
        at: usize,
    },
    /// The method found no model for the values.
    #[error("no model fits the values")]
    NoModel,
}

impl Insufficient {
    /// The stable key for answers and logs.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::NotAnAmount { .. } => "not_an_amount",
            Self::NoModel => "no_model",
        }
    }
}

/// A way to forecast; simpler ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// The last value again.
    Naive,
    /// The value one season ago again.
    SeasonalNaive,
    /// The mean of three exponential smoothings.
    Combination,
    /// The best exponential smoothing model.
    Ets,
}

impl Method {
    /// All methods, simpler ones first.
    pub const ALL: [Self; 4] = [Self::Naive, Self::SeasonalNaive, Self::Combination, Self::Ets];

    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::SeasonalNaive => "seasonal_naive",
            Self::Combination => "combination",
            Self::Ets => "ets",
        }
    }

    /// Values the method needs, for seasons of so many periods.
    #[must_use]
    pub const fn needs(self, season: usize) -> usize {
        match self {
            Self::Naive => 3,
            Self::SeasonalNaive => season.saturating_add(2),
            Self::Combination => smoothing::NEEDED,
            Self::Ets => ets::NEEDED,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Periods ahead, 1 to [`LONGEST_HORIZON`]; what lies outside is brought inside.
    pub horizon: usize,
    /// Periods of a season: 12 for months of a year. Below 2 there is none.
    pub season: usize,
    /// Last periods on which errors are measured; a third of the series at most.
    pub last_periods: usize,
    /// Whether values cannot be negative, as for sales: forecasts and intervals then end at 0.
    pub non_negative: bool,
}

impl Default for Options {
    /// Six months ahead of monthly sales, judged by the last six.
    fn default() -> Self {
        Self {
            horizon: 6,
            season: 12,
            last_periods: 6,
            non_negative: true,
        }
    }
}

/// The forecast for one period. Each interval lies inside the wider one and holds the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// What is expected.
    pub value: f64,
    /// The 80 % interval.
    pub interval_80: (f64, f64),
    /// The 95 % interval.
    pub interval_95: (f64, f64),
}

/// What one method says.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The method.
    pub method: Method,
    /// The model that ETS found, as error, trend, season: `M,Ad,N`.
    pub model: Option<String>,
    /// The next periods, or why there are none.
    pub points: Result<Vec<Point>, Insufficient>,
    /// Its error on the last periods; nothing where it could not be measured.
    pub accuracy: Option<Accuracy>,
}

/// The next periods, by all methods.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The method chosen by its error on the last periods.
    pub chosen: Method,
    /// Every method, in the order of [`Method::ALL`].
    pub candidates: Vec<Candidate>,
    /// Values looked at.
    pub values: usize,
    /// Periods on which errors were measured.
    pub last_periods: usize,
    /// The season that was found, of which combination and ETS take account.
    pub seasonality: Option<Seasonality>,
}

impl Forecast {
    /// What a method says.
    #[must_use]
    pub fn of(&self, method: Method) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.method == method)
    }

    /// The next periods by the chosen method.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        let chosen = self.of(self.chosen).map(|candidate| candidate.points.as_deref());
        chosen.and_then(Result::ok).unwrap_or_default()
    }
}

/// A forecast before it is dressed: expected values and standard deviations of their errors.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outlook {
    pub(crate) values: Vec<f64>,
    pub(crate) deviations: Vec<f64>,
}

/// Forecasts the periods that follow a series, whose last value is the newest.
///
/// # Errors
/// [`Insufficient`] for fewer than three values, and for one that is no amount.
pub fn forecast(series: &[f64], options: &Options) -> Result<Forecast, Insufficient> {
    if let Some(at) = series.iter().position(|y| !(-LARGEST..=LARGEST).contains(y)) {
        return Err(Insufficient::NotAnAmount { at });
    }
    let series = &series[series.len().saturating_sub(MAX_VALUES)..];
    let needed = Method::Naive.needs(0);
    if series.len() < needed {
        let given = series.len();
        return Err(Insufficient::TooShort { given, needed });
    }
    // Methods see amounts about 1, so that neither cents nor billions meet the limits of an optimiser.
    let mean = series.iter().map(|y| y.abs()).sum::<f64>() / series.len() as f64;
    let unit = if mean > 0.0 { mean } else { 1.0 };
    let scaled: Vec<f64> = series.iter().map(|y| y / unit).collect();
    let horizon = options.horizon.clamp(1, LONGEST_HORIZON);
    let last_periods = options.last_periods.min(series.len() / 3);
    let mut candidates = Vec::with_capacity(Method::ALL.len());
    for method in Method::ALL {
        let outlook = ahead(method, &scaled, options.season, horizon);
        let accuracy = accuracy::measure(method, &scaled, options, last_periods);
        candidates.push(Candidate {
            method,
            model: outlook.as_ref().ok().and_then(|(_, model)| model.clone()),
            points: outlook.map(|(outlook, _)| dressed(&outlook, unit, options.non_negative)),
            accuracy: accuracy.map(|accuracy| accuracy.in_units_of(unit)),
        });
    }
    Ok(Forecast {
        chosen: choose(&candidates),
        candidates,
        values: series.len(),
        last_periods,
        seasonality: season::adjust(&scaled, options.season).map(|adjusted| adjusted.kind),
    })
}

/// The method with the smallest error; of equal ones the first.
fn choose(candidates: &[Candidate]) -> Method {
    let mut chosen = (Method::Naive, f64::INFINITY);
    for candidate in candidates {
        let error = candidate.accuracy.map_or(f64::INFINITY, |accuracy| accuracy.mae);
        if candidate.points.is_ok() && error < chosen.1 {
            chosen = (candidate.method, error);
        }
    }
    chosen.0
}

/// What a method expects, and the name of the model where there is a choice of models.
fn ahead(
    method: Method,
    series: &[f64],
    season: usize,
    horizon: usize,
) -> Result<(Outlook, Option<String>), Insufficient> {
    let (given, needed) = (series.len(), method.needs(season));
    if given < needed || (method == Method::SeasonalNaive && season < 2) {
        return Err(Insufficient::TooShort { given, needed });
    }
    let constant = series.iter().all(|y| *y == series[0]);
    let adjusted = season::adjust(series, season);
    let smooth = adjusted.as_ref().map_or(series, |adjusted| adjusted.series.as_slice());
    let (outlook, model) = match method {
        Method::Naive => (again(series, 1, horizon), None),
        Method::SeasonalNaive => (again(series, season, horizon), None),
        Method::Combination => (smoothing::combination(smooth, horizon), None),
        // The likelihood of a series without errors is infinite.
        Method::Ets if constant => (again(series, 1, horizon), None),
        Method::Ets => {
            let fitted = ets::fit(smooth)?;
            let model = fitted.model();
            (fitted.outlook(horizon)?, Some(model))
        }
    };
    let outlook = match (method, &adjusted) {
        (Method::Combination | Method::Ets, Some(adjusted)) => adjusted.restore(outlook, series.len()),
        _ => outlook,
    };
    let possible = outlook.values.iter().chain(&outlook.deviations).all(|x| x.is_finite());
    if possible {
        Ok((outlook, model))
    } else {
        Err(Insufficient::NoModel)
    }
}

/// The value one season ago again, or the last one for a season of 1. The error's variance is the mean square of past ones,
/// once for each season ahead.
fn again(series: &[f64], season: usize, horizon: usize) -> Outlook {
    let n = series.len();
    let errors: Vec<f64> = (season..n).map(|t| series[t] - series[t - season]).collect();
    let variance = errors.iter().map(|e| e * e).sum::<f64>() / errors.len().max(1) as f64;
    Outlook {
        values: (0..horizon).map(|h| series[n - season + h % season]).collect(),
        deviations: (0..horizon)
            .map(|h| (variance * (1 + h / season) as f64).sqrt())
            .collect(),
    }
}

/// Values with their intervals, in the units of the series.
fn dressed(outlook: &Outlook, unit: f64, non_negative: bool) -> Vec<Point> {
    let least = if non_negative { 0.0 } else { -f64::MAX };
    let possible = |x: f64| (x * unit).clamp(least, f64::MAX);
    let point = |(value, deviation): (&f64, &f64)| {
        let interval = |z: f64| (possible(value - z * deviation), possible(value + z * deviation));
        Point {
            value: possible(*value),
            interval_80: interval(Z_80),
            interval_95: interval(Z_95),
        }
    };
    outlook.values.iter().zip(&outlook.deviations).map(point).collect()
}

/// The values of all periods from the first one given to `last`, in order: amounts of one period add up, a period without
/// any has 0, periods after `last` are left out. Of more than [`MAX_VALUES`] periods the newest are given.
#[must_use]
pub fn dense(amounts: &[(i64, f64)], last: i64) -> Vec<f64> {
    let Some(first) = amounts
        .iter()
        .map(|(period, _)| *period)
        .filter(|period| *period <= last)
        .min()
    else {
        return Vec::new();
    };
    let first = first.max(last.saturating_sub(MAX_VALUES as i64 - 1));
    let place = |period: i64| usize::try_from(period.checked_sub(first)?).ok();
    let mut series = vec![0.0; place(last).map_or(0, |last| last + 1)];
    for (period, amount) in amounts {
        if let Some(value) = place(*period).and_then(|at| series.get_mut(at)) {
            *value += amount;
        }
    }
    series
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
