//! Two figures beside each other, and one over time.

use super::{Estimate, Nps, Z};
use crate::random::Random;

/// Samples that are drawn again for a difference of two NPS.
pub const REPLICATES: usize = 2_000;

/// Answers from which the score of a sample is drawn from the normal distribution that it then follows, instead of answer
/// by answer.
const MANY: usize = 10_000;

/// The difference `first − second` of two net promoter scores, −200 to 200, with a 95 % interval; `n` is that of both
/// together. Nothing where one of them has no answers.
///
/// The interval is a percentile bootstrap: [`REPLICATES`] pairs of samples of the same sizes are drawn again, and 2.5 % of
/// their differences lie beyond each end. As for a single score ([`super::nps`]) three imagined answers are added to each
/// side before drawing, so that a few equal answers are not called certain. The same seed gives the same interval.
#[must_use]
pub fn difference_of_nps(first: &Nps, second: &Nps, seed: u64) -> Option<Estimate> {
    let (one, other) = (first.score?, second.score?);
    let mut random = Random::new(seed);
    let mut differences: Vec<f64> = (0..REPLICATES)
        .map(|_| drawn_again(first, &mut random) - drawn_again(second, &mut random))
        .collect();
    differences.sort_unstable_by(f64::total_cmp);
    let tail = REPLICATES / 40;
    Some(Estimate::new(
        one.value - other.value,
        100.0 * differences[tail],
        100.0 * differences[REPLICATES - 1 - tail],
        one.n + other.n,
    ))
}

/// The score of a sample drawn from answers, −1 to 1.
fn drawn_again(nps: &Nps, random: &mut Random) -> f64 {
    let n = nps.promoters + nps.passives + nps.detractors;
    let adjusted_n = n as f64 + 3.0;
    let promoters = (nps.promoters as f64 + 0.75) / adjusted_n;
    let detractors = (nps.detractors as f64 + 0.75) / adjusted_n;
    if n >= MANY {
        let net = promoters - detractors;
        let deviation = ((promoters + detractors - net * net) / n as f64).sqrt();
        // Box & Muller; one less the share is above zero.
        let radius = (-2.0 * (1.0 - random.share()).ln()).sqrt();
        return net + deviation * radius * (std::f64::consts::TAU * random.share()).cos();
    }
    let mut sum = 0_i64;
    for _ in 0..n {
        let drawn = random.share();
        sum += i64::from(drawn < promoters) - i64::from(drawn >= 1.0 - detractors);
    }
    sum as f64 / n as f64
}

/// Where a figure is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The whole interval of the slope is above zero.
    Rising,
    /// The whole interval of the slope is below zero.
    Falling,
    /// The interval holds zero: the figures do not tell.
    Unclear,
}

impl Direction {
    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Unclear => "unclear",
        }
    }
}

/// The trend of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trend {
    /// Change in one period, in the unit of the figure; `n` counts the answers of all periods.
    pub slope: Estimate,
    /// What the interval of the slope says.
    pub direction: Direction,
    /// Periods that have a figure.
    pub periods: usize,
}

/// The straight trend of a figure over periods, which are numbers in any order; periods without answers are left out.
/// Nothing unless two periods differ.
///
/// Weighted least squares: a period weighs as one over its variance, which is taken from the width of its interval. Where
/// the periods stray farther from the line than their intervals allow, the slope's interval is widened accordingly (the
/// ratio of Birge 1932). Figures without a width, and ones that are not finite, are left out.
#[must_use]
pub fn trend(periods: &[(i64, Estimate)]) -> Option<Trend> {
    let first = periods.iter().map(|(period, _)| *period).min()?;
    let mut points: Vec<(f64, &Estimate, f64)> = periods
        .iter()
        .map(|(period, figure)| {
            (
                period.abs_diff(first) as f64,
                figure,
                ((figure.high - figure.low) / (2.0 * Z)).powi(2),
            )
        })
        .filter(|(_, figure, variance)| figure.value.is_finite() && *variance > 0.0 && variance.is_finite())
        .collect();
    // In one order, so that the sums do not depend on that of the input.
    points.sort_unstable_by(|l, r| {
        (l.0.total_cmp(&r.0))
            .then(l.1.value.total_cmp(&r.1.value))
            .then(l.2.total_cmp(&r.2))
    });
    if points.iter().all(|point| point.0 == points[0].0) {
        return None;
    }
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        points
            .iter()
            .map(|(period, figure, variance)| of(*period, figure.value) / variance)
            .sum()
    };
    let weight = sum(&|_, _| 1.0);
    let (middle, mean) = (sum(&|x, _| x) / weight, sum(&|_, y| y) / weight);
    let spread = sum(&|x, _| (x - middle).powi(2));
    let slope = sum(&|x, y| (x - middle) * (y - mean)) / spread;
    let strays = sum(&|x, y| (y - mean - slope * (x - middle)).powi(2));
    let widening = match points.len() {
        0..=2 => 1.0,
        n => (strays / (n - 2) as f64).max(1.0),
    };
    let half = Z * (widening / spread).sqrt();
    if !(spread > 0.0 && slope.is_finite() && half.is_finite()) {
        return None;
    }
    let answers = points.iter().map(|(_, figure, _)| figure.n).sum();
    let slope = Estimate::new(slope, slope - half, slope + half, answers);
    let direction = if slope.low > 0.0 {
        Direction::Rising
    } else if slope.high < 0.0 {
        Direction::Falling
    } else {
        Direction::Unclear
    };
    Some(Trend {
        slope,
        direction,
        periods: points.len(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::survey::{nps_of_counts, share};

    #[test]
    fn a_difference_of_scores_is_as_wide_as_theory_says() {
        // ((promoters, passives, detractors) twice, difference)
        let cases = [
            ((500, 300, 200), (400, 300, 300), 20.0),
            ((50, 30, 20), (50, 30, 20), 0.0),
            ((30_000, 10_000, 20_000), (2_000, 1_000, 1_000), 100.0 / 6.0 - 25.0),
            ((5, 0, 0), (0, 0, 5), 200.0),
        ];
        for (first, second, difference) in cases {
            let of = |(p, a, d): (usize, usize, usize)| nps_of_counts(p, a, d);
            let (first, second) = (of(first), of(second));
            let got = difference_of_nps(&first, &second, 1).unwrap();
            assert!((got.value - difference).abs() < 1e-9, "{got:?}");
            assert_eq!(got.n, first.score.unwrap().n + second.score.unwrap().n);
            let variance = |nps: &Nps| {
                let n = (nps.promoters + nps.passives + nps.detractors) as f64;
                let (p, d) = (
                    (nps.promoters as f64 + 0.75) / (n + 3.0),
                    (nps.detractors as f64 + 0.75) / (n + 3.0),
                );
                (p + d - (p - d).powi(2)) / n
            };
            let width = 200.0 * Z * (variance(&first) + variance(&second)).sqrt();
            let ratio = (got.high - got.low) / width;
            assert!((0.85..1.1).contains(&ratio), "{got:?}: {ratio} of {width}");
            assert_eq!(difference_of_nps(&first, &second, 1), Some(got));
            let other = difference_of_nps(&first, &second, 2).unwrap();
            assert!(
                (other.low - got.low).abs() < 0.1 * width,
                "another seed hardly matters: {other:?} {got:?}"
            );
        }
        assert_eq!(
            difference_of_nps(&nps_of_counts(0, 0, 0), &nps_of_counts(1, 0, 0), 1),
            None
        );
    }

    #[test]
    fn directions_are_told_by_stable_keys() {
        let keys = [Direction::Rising, Direction::Falling, Direction::Unclear].map(Direction::key);
        assert_eq!(keys, ["rising", "falling", "unclear"]);
    }

    #[test]
    fn trends_by_hand() {
        let figure = |value: f64, half: f64| Estimate {
            value,
            low: value - half,
            high: value + half,
            n: 10,
        };
        // Half widths of 1.96: each period has the variance 1. Σ(x − x̄)² is 2, so that the slope's error is 1/√2.
        let line = [(1, figure(10.0, Z)), (2, figure(13.0, Z)), (3, figure(16.0, Z))];
        let got = trend(&line).unwrap();
        assert!((got.slope.value - 3.0).abs() < 1e-9 && (got.slope.high - 3.0 - Z / 2.0_f64.sqrt()).abs() < 1e-9);
        assert_eq!((got.direction, got.periods, got.slope.n), (Direction::Rising, 3, 30));
        // Strays of 1, −2, 1 from the level line: Σ = 6 on one degree of freedom.
        let stray = [(1, figure(1.0, Z)), (2, figure(-2.0, Z)), (3, figure(1.0, Z))];
        let got = trend(&stray).unwrap();
        assert!((got.slope.high - got.slope.low - 2.0 * Z * 3.0_f64.sqrt()).abs() < 1e-9);
        assert_eq!(got.direction, Direction::Unclear);
        // Strays of 1, −1, −1, 1: Σ = 4 on two degrees of freedom, and Σ(x − x̄)² is 5.
        let four = [1.0, -1.0, -1.0, 1.0].map(|value| figure(value, Z));
        let got = trend(&[(1, four[0]), (2, four[1]), (3, four[2]), (4, four[3])]).unwrap();
        assert!((got.slope.high - got.slope.low - 2.0 * Z * (2.0_f64 / 5.0).sqrt()).abs() < 1e-9);
        let falling = [(7, share(90, 100).unwrap()), (8, share(60, 100).unwrap())];
        assert_eq!(trend(&falling).unwrap().direction, Direction::Falling);
        for points in [
            &line[..1],
            &[],
            &[line[0], (1, line[1].1)],
            &[(1, figure(1.0, 0.0)), (2, figure(2.0, 0.0))],
            &[(1, figure(1.0, f64::INFINITY)), (2, figure(2.0, f64::INFINITY))],
            &[(1, figure(f64::NAN, Z)), (2, figure(2.0, Z))],
        ] {
            assert_eq!(trend(points), None, "{points:?}");
        }
    }
}
