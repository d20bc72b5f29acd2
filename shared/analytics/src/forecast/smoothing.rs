//! Simple, Holt's and damped exponential smoothing, and the mean of the three.
//!
//! With the level ℓ, the trend b and the error e = y − (ℓ + φb) of the value one step ahead: ℓ ← ℓ + φb + αe,
//! b ← φb + αβe. Simple smoothing has no trend, Holt's has φ = 1. The first value is the first level, and the mean of the
//! first three steps at most the first trend. The parameters are those with the least squared error one step ahead, found on a grid
//! and refined; α and β lie in 0–1, φ in 0.8–0.98 as usual (below there is hardly a trend, above hardly a damping).

use super::Outlook;

/// Values the combination needs.
pub const NEEDED: usize = 5;

/// The parameters of one smoothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameters {
    /// Share of an error that moves the level, 0 to 1.
    pub alpha: f64,
    /// Share of the level's move that moves the trend, 0 to 1.
    pub beta: f64,
    /// What is left of a trend after one step; 0 for none, 1 for an undamped one.
    pub phi: f64,
}

/// The forms of smoothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A level alone.
    Simple,
    /// A level and a trend that goes on.
    Holt,
    /// A level and a trend that fades.
    Damped,
}

impl Form {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Simple, Self::Holt, Self::Damped];

    /// The least and the most of each parameter.
    const fn bounds(self) -> [(f64, f64); 3] {
        match self {
            Self::Simple => [(0.0, 1.0), (0.0, 0.0), (0.0, 0.0)],
            Self::Holt => [(0.0, 1.0), (0.0, 1.0), (1.0, 1.0)],
            Self::Damped => [(0.0, 1.0), (0.0, 1.0), (0.8, 0.98)],
        }
    }
}

/// A series smoothed with some parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Smoothed {
    /// The parameters.
    pub parameters: Parameters,
    /// The last level.
    pub level: f64,
    /// The last trend.
    pub trend: f64,
    /// The mean squared error one step ahead.
    pub mean_squared_error: f64,
}

impl Smoothed {
    /// A series smoothed with given parameters; nothing for fewer than two values.
    #[must_use]
    pub fn with(series: &[f64], parameters: Parameters) -> Option<Self> {
        let (first, rest) = series.split_first()?;
        let steps = rest.len().min(3);
        let mut trend = match parameters.phi {
            0.0 => 0.0,
            _ => (rest.get(steps.checked_sub(1)?)? - first) / steps as f64,
        };
        let Parameters { alpha, beta, phi } = parameters;
        let mut level = *first;
        let mut squares = 0.0;
        for y in rest {
            let expected = level + phi * trend;
            let error = y - expected;
            level = expected + alpha * error;
            trend = phi * trend + alpha * beta * error;
            squares += error * error;
        }
        (!rest.is_empty()).then(|| Self {
            parameters,
            level,
            trend,
            mean_squared_error: squares / rest.len() as f64,
        })
    }

    /// A series smoothed with the parameters of least squared error; nothing for fewer than two values.
    #[must_use]
    pub fn fit(series: &[f64], form: Form) -> Option<Self> {
        let at = |[alpha, beta, phi]: [f64; 3]| Self::with(series, Parameters { alpha, beta, phi });
        let better = |new: &Self, old: &Self| new.mean_squared_error < old.mean_squared_error;
        let bounds = form.bounds();
        let mut best = at(bounds.map(|(low, high)| 0.5 * (low + high)))?;
        for point in grid(bounds) {
            best = at(point).filter(|new| better(new, &best)).unwrap_or(best);
        }
        // Steps to each side of each parameter, halved when none is better.
        let mut step = 1.0 / 16.0;
        while step > 1e-5 {
            let Parameters { alpha, beta, phi } = best.parameters;
            let here = [alpha, beta, phi];
            let before = best;
            for (i, (low, high)) in bounds.into_iter().enumerate().filter(|(_, (low, high))| high > low) {
                for sign in [-1.0, 1.0] {
                    let mut there = here;
                    there[i] = (here[i] + sign * step * (high - low)).clamp(low, high);
                    best = at(there).filter(|new| better(new, &best)).unwrap_or(best);
                }
            }
            if best == before {
                step *= 0.5;
            }
        }
        Some(best)
    }

    /// The periods that follow. A value h steps ahead has the variance σ²(1 + Σ c²) over j = 1 … h − 1, where
    /// c = α(1 + β(φ + … + φʲ)) is what an error still does j steps later.
    fn outlook(&self, horizon: usize) -> Outlook {
        let Parameters { alpha, beta, phi } = self.parameters;
        let (mut values, mut deviations) = (Vec::with_capacity(horizon), Vec::with_capacity(horizon));
        let (mut damping, mut trends, mut squares) = (1.0, 0.0, 1.0);
        for _ in 0..horizon {
            damping *= phi;
            trends += damping;
            values.push(self.level + trends * self.trend);
            deviations.push((self.mean_squared_error * squares).sqrt());
            squares += (alpha * (1.0 + beta * trends)).powi(2);
        }
        Outlook { values, deviations }
    }
}

/// Nine values of each parameter that has a choice.
fn grid(bounds: [(f64, f64); 3]) -> impl Iterator<Item = [f64; 3]> {
    let along = |(low, high): (f64, f64)| {
        let parts = if high > low { 8 } else { 0 };
        (0..=parts).map(move |i| low + (high - low) * f64::from(i) / 8.0)
    };
    let [a, b, c] = bounds;
    along(a).flat_map(move |x| along(b).flat_map(move |y| along(c).map(move |z| [x, y, z])))
}

/// The mean of the three forms. The standard deviation is the mean of theirs, which is right if their errors go together
/// and too wide if they do not.
pub(super) fn combination(series: &[f64], horizon: usize) -> Outlook {
    let each: Vec<Outlook> = Form::ALL
        .iter()
        .filter_map(|form| Smoothed::fit(series, *form))
        .map(|smoothed| smoothed.outlook(horizon))
        .collect();
    let mean = |of: fn(&Outlook) -> &Vec<f64>| {
        let at = |h: usize| each.iter().map(|outlook| of(outlook)[h]).sum::<f64>() / each.len().max(1) as f64;
        (0..horizon).map(at).collect()
    };
    Outlook {
        values: mean(|outlook| &outlook.values),
        deviations: mean(|outlook| &outlook.deviations),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_by_hand() {
        let series = [10.0, 12.0, 11.0, 14.0];
        // (α, β, φ) → level, trend, squared errors
        let cases = [
            // Errors 2, −1, 3; nothing is learned.
            ((0.0, 0.0, 0.0), 10.0, 0.0, 4.0 + 1.0 + 16.0),
            // Levels 10, 12, 11, 14: errors 2, −1, 3.
            ((1.0, 0.0, 0.0), 14.0, 0.0, 4.0 + 1.0 + 9.0),
            // Levels 10, 11, 11, 12.5: errors 2, 0, 3.
            ((0.5, 0.0, 0.0), 12.5, 0.0, 4.0 + 0.0 + 9.0),
            // First trend 4/3, levels 10, 35/3, 12, 41/3: errors 2/3, −2, 2/3.
            ((0.5, 0.0, 1.0), 41.0 / 3.0, 4.0 / 3.0, 4.0 + 8.0 / 9.0),
        ];
        for ((alpha, beta, phi), level, trend, squares) in cases {
            let smoothed = Smoothed::with(&series, Parameters { alpha, beta, phi }).unwrap();
            let got = (smoothed.level, smoothed.trend, 3.0 * smoothed.mean_squared_error);
            for (got, expected) in [(got.0, level), (got.1, trend), (got.2, squares)] {
                assert!((got - expected).abs() < 1e-9, "{alpha} {beta} {phi}: {smoothed:?}");
            }
        }
        assert_eq!(Smoothed::fit(&[1.0], Form::Simple), None);
        assert_eq!(Smoothed::fit(&[], Form::Holt), None);
    }

    #[test]
    fn a_line_goes_on_and_its_mean_with_the_others_lies_between() {
        let line: Vec<f64> = (0..20).map(|t| 3.0 + 2.0 * f64::from(t)).collect();
        let holt = Smoothed::fit(&line, Form::Holt).unwrap();
        assert!(holt.mean_squared_error < 1e-12);
        let ahead = holt.outlook(3);
        for (h, value) in ahead.values.iter().enumerate() {
            assert!((value - (43.0 + 2.0 * h as f64)).abs() < 1e-6, "{value}");
        }
        let simple = Smoothed::fit(&line, Form::Simple).unwrap();
        assert!((simple.parameters.alpha - 1.0).abs() < 1e-9 && simple.level == 41.0);
        let damped = Smoothed::fit(&line, Form::Damped).unwrap().outlook(3);
        let mean = combination(&line, 3);
        for h in 0..3 {
            let expected = (41.0 + ahead.values[h] + damped.values[h]) / 3.0;
            assert!((mean.values[h] - expected).abs() < 1e-9);
            assert!(mean.values[h] > 41.0 && mean.values[h] < ahead.values[h]);
        }
    }

    #[test]
    fn the_least_squared_error_is_found() {
        // Levels that move at random steps of a fixed list: the minimum by brute force over a fine grid.
        let series = [12.0, 15.0, 11.0, 14.0, 18.0, 16.0, 17.0, 21.0, 19.0, 18.0, 23.0, 22.0];
        let fitted = Smoothed::fit(&series, Form::Simple).unwrap();
        let finest = (0..=10_000).map(|i| {
            let parameters = Parameters {
                alpha: f64::from(i) / 10_000.0,
                beta: 0.0,
                phi: 0.0,
            };
            Smoothed::with(&series, parameters).unwrap().mean_squared_error
        });
        let least = finest.fold(f64::INFINITY, f64::min);
        assert!(fitted.mean_squared_error <= least + 1e-9, "{fitted:?} {least}");
        // σ²(1 + (h − 1)α²) for a level alone.
        let ahead = fitted.outlook(4);
        let alpha = fitted.parameters.alpha;
        for (h, deviation) in ahead.deviations.iter().enumerate() {
            let expected = (fitted.mean_squared_error * (1.0 + h as f64 * alpha * alpha)).sqrt();
            assert!((deviation - expected).abs() < 1e-12);
        }
    }
}
