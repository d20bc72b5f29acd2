//! Whether a series has a season, and the series without it.
//!
//! As in the M4 competition: a season is there if the autocorrelation at its length is significant at 90 % (with Bartlett's
//! variance) and there are three whole seasons; it is taken out by classical decomposition, multiplicative where all values
//! are positive, otherwise additive.

use super::Outlook;

/// Standard deviations of the test, 90 % on both sides.
const Z_90: f64 = 1.644_853_626_951_472_2;

/// How a season acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Seasonality {
    /// Each part of a season adds its amount.
    Additive,
    /// Each part of a season multiplies by its factor.
    Multiplicative,
}

impl Seasonality {
    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Multiplicative => "multiplicative",
        }
    }
}

/// A series without its season.
pub(super) struct Adjusted {
    pub(super) kind: Seasonality,
    pub(super) series: Vec<f64>,
    /// What each part of a season adds or multiplies by; the first belongs to the first value.
    indices: Vec<f64>,
}

impl Adjusted {
    /// A forecast of the adjusted series as one of the series itself, which has `n` values.
    pub(super) fn restore(&self, outlook: Outlook, n: usize) -> Outlook {
        let Outlook {
            mut values,
            mut deviations,
        } = outlook;
        for (h, (value, deviation)) in values.iter_mut().zip(&mut deviations).enumerate() {
            let index = self.indices[(n + h) % self.indices.len()];
            match self.kind {
                Seasonality::Additive => *value += index,
                Seasonality::Multiplicative => {
                    *value *= index;
                    *deviation *= index;
                }
            }
        }
        Outlook { values, deviations }
    }
}

/// The series without its season; nothing where there is none.
pub(super) fn adjust(series: &[f64], season: usize) -> Option<Adjusted> {
    if !is_seasonal(series, season) {
        return None;
    }
    let kind = if series.iter().all(|y| *y > 0.0) {
        Seasonality::Multiplicative
    } else {
        Seasonality::Additive
    };
    let mut sums = vec![(0.0, 0_u32); season];
    for (t, trend) in centred_means(series, season) {
        let (sum, count) = &mut sums[t % season];
        *sum += match kind {
            Seasonality::Additive => series[t] - trend,
            Seasonality::Multiplicative => series[t] / trend,
        };
        *count += 1;
    }
    let raw: Vec<f64> = sums
        .iter()
        .map(|(sum, count)| sum / f64::from((*count).max(1)))
        .collect();
    let mean = raw.iter().sum::<f64>() / season as f64;
    let indices: Vec<f64> = match kind {
        Seasonality::Additive => raw.iter().map(|index| index - mean).collect(),
        Seasonality::Multiplicative => raw.iter().map(|index| index / mean).collect(),
    };
    let usable = |index: &f64| index.is_finite() && (kind == Seasonality::Additive || *index > 1e-6);
    if !indices.iter().all(usable) {
        return None;
    }
    let without = |(t, y): (usize, &f64)| match kind {
        Seasonality::Additive => y - indices[t % season],
        Seasonality::Multiplicative => y / indices[t % season],
    };
    Some(Adjusted {
        kind,
        series: series.iter().enumerate().map(without).collect(),
        indices,
    })
}

fn is_seasonal(series: &[f64], season: usize) -> bool {
    let n = series.len();
    if season < 2 || n < season.saturating_mul(3) {
        return false;
    }
    let mean = series.iter().sum::<f64>() / n as f64;
    let deviations: Vec<f64> = series.iter().map(|y| y - mean).collect();
    let variance: f64 = deviations.iter().map(|d| d * d).sum();
    if variance <= 0.0 {
        return false;
    }
    let correlation = |lag: usize| {
        let products = deviations.iter().zip(&deviations[lag..]).map(|(l, r)| l * r);
        products.sum::<f64>() / variance
    };
    let before: f64 = (1..season).map(|lag| correlation(lag).powi(2)).sum();
    correlation(season).abs() > Z_90 * ((1.0 + 2.0 * before) / n as f64).sqrt()
}

/// Moving means over one season, centred; for an even season the mean of two neighbours.
fn centred_means(series: &[f64], season: usize) -> impl Iterator<Item = (usize, f64)> {
    let half = season / 2;
    (half..series.len() - half).map(move |t| {
        let around = &series[t - half..=t + half];
        let mut sum: f64 = around.iter().sum();
        if season.is_multiple_of(2) {
            sum -= 0.5 * (around[0] + around[season]);
        }
        (t, sum / season as f64)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_season_is_taken_out_and_put_back() {
        // (season, indices, kind, level)
        let cases: [(&[f64], Seasonality, f64); 3] = [
            (&[0.5, 1.0, 1.5, 1.0], Seasonality::Multiplicative, 10.0),
            (&[0.8, 1.0, 1.2], Seasonality::Multiplicative, 7.0),
            (&[-3.0, 1.0, 5.0, -3.0], Seasonality::Additive, 1.0),
        ];
        for (indices, kind, level) in cases {
            let season = indices.len();
            let value = |t: usize| match kind {
                Seasonality::Additive => level + indices[t % season],
                Seasonality::Multiplicative => level * indices[t % season],
            };
            let series: Vec<f64> = (0..6 * season).map(value).collect();
            let adjusted = adjust(&series, season).unwrap();
            assert_eq!(adjusted.kind, kind);
            assert!(
                adjusted.series.iter().all(|y| (y - level).abs() < 1e-9),
                "{:?}",
                adjusted.series
            );
            let flat = Outlook {
                values: vec![level; 2 * season],
                deviations: vec![1.0; 2 * season],
            };
            let restored = adjusted.restore(flat, series.len());
            for (h, got) in restored.values.iter().enumerate() {
                assert!((got - value(h)).abs() < 1e-9, "{h}: {got}");
            }
            for (h, got) in restored.deviations.iter().enumerate() {
                let expected = match kind {
                    Seasonality::Additive => 1.0,
                    Seasonality::Multiplicative => indices[h % season],
                };
                assert!((got - expected).abs() < 1e-9, "{h}: {got}");
            }
        }
    }

    #[test]
    fn a_season_is_there_where_its_correlation_is_significant() {
        // By hand: values that alternate about 3 correlate by −(n − 1)/n at one step and (n − 2)/n at two, where Bartlett's bound at
        // 90 % is 1.645 √((1 + 2 r₁²)/n): 0.842 for n = 10, whose 0.8 is below, and 0.777 for n = 12, whose 0.833 is above.
        for (n, seasonal) in [(6, false), (10, false), (12, true), (40, true)] {
            let series: Vec<f64> = (0..n).map(|t| if t % 2 == 0 { 4.0 } else { 2.0 }).collect();
            assert_eq!(is_seasonal(&series, 2), seasonal, "{n}");
        }
    }

    #[test]
    fn kinds_are_told_by_stable_keys() {
        let keys = [Seasonality::Additive, Seasonality::Multiplicative].map(Seasonality::key);
        assert_eq!(keys, ["additive", "multiplicative"]);
    }

    #[test]
    fn no_season_where_there_is_none() {
        let line: Vec<f64> = (0..48).map(f64::from).collect();
        let short: Vec<f64> = (0..35).map(|t| f64::from(t % 12)).collect();
        for (series, season) in [
            (line.as_slice(), 12),
            (&short, 12),
            (&[4.0; 60], 12),
            (&line, 1),
            (&line, 0),
            (&[], 4),
        ] {
            assert!(adjust(series, season).is_none(), "{} values, {season}", series.len());
        }
    }
}
