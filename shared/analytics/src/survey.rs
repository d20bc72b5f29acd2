//! What answers to satisfaction surveys amount to: NPS, CSAT, CES and SERVQUAL gaps, each with a 95 % interval and n.
//!
//! Shares carry Wilson's interval (Wilson 1927), means Student's, the NPS an adjusted Wald interval, and differences of
//! shares Newcombe's (1998, method 10); differences of two NPS are bootstrapped. No answers give no figure rather than a zero. This module does not decide whom to
//! ask or what to do with an answer.

mod comparison;
mod servqual;

pub use comparison::{Direction, REPLICATES, Trend, difference_of_nps, trend};
pub use servqual::{Dimension, Servqual, ServqualAnswer, ServqualError, servqual};

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Standard errors to each side for 95 % confidence.
const Z: f64 = 1.959_963_984_540_054;

/// An answer off its scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an answer of {given} is off the scale from {lowest} to {highest}")]
pub struct OffScale {
    /// The answer.
    pub given: u8,
    /// The lowest answer of the scale.
    pub lowest: u8,
    /// The highest answer of the scale.
    pub highest: u8,
}

fn check(answers: &[u8], lowest: u8, highest: u8) -> Result<(), OffScale> {
    match answers.iter().find(|answer| !(lowest..=highest).contains(answer)) {
        Some(&given) => Err(OffScale { given, lowest, highest }),
        None => Ok(()),
    }
}

/// A figure with its 95 % interval, which always contains it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Answers it rests on.
    pub n: usize,
}

impl Estimate {
    fn new(value: f64, low: f64, high: f64, n: usize) -> Self {
        Self {
            value,
            low: low.min(value),
            high: high.max(value),
            n,
        }
    }
}

/// The share `hits` of `n` with Wilson's interval; nothing if `n` is 0 or smaller than `hits`.
#[must_use]
pub fn share(hits: usize, n: usize) -> Option<Estimate> {
    if n == 0 || hits > n {
        return None;
    }
    let value = hits as f64 / n as f64;
    let (low, high) = wilson(value, n as f64);
    Some(Estimate::new(value, low, high, n))
}

fn wilson(share: f64, n: f64) -> (f64, f64) {
    let squared = Z * Z;
    let centre = (share + squared / (2.0 * n)) / (1.0 + squared / n);
    let half = Z / (1.0 + squared / n) * (share * (1.0 - share) / n + squared / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}

/// The difference `first − second` of two shares with Newcombe's hybrid score interval; `n` is that of both together.
#[must_use]
pub fn difference_of_shares(first: &Estimate, second: &Estimate) -> Estimate {
    let value = first.value - second.value;
    let below = (first.value - first.low).hypot(second.high - second.value);
    let above = (first.high - first.value).hypot(second.value - second.low);
    Estimate::new(
        value,
        (value - below).max(-1.0),
        (value + above).min(1.0),
        first.n + second.n,
    )
}

/// The mean of values on a scale from `lowest` to `highest` with Student's interval, cut at the ends of the scale;
/// nothing without values or with one that is not finite.
///
/// One answer has no spread, and answers that all agree have none that can be seen; then the mean's place on the scale
/// is treated as a share (Wilson), which is the most that values on a bounded scale can vary.
#[must_use]
pub fn mean(values: &[f64], lowest: f64, highest: f64) -> Option<Estimate> {
    let n = values.len();
    let range = highest - lowest;
    let scale = range > 0.0 && range.is_finite();
    if n == 0 || !scale || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let count = n as f64;
    let mean = sorted.iter().sum::<f64>() / count;
    let squares: f64 = sorted.iter().map(|v| (v - mean).powi(2)).sum();
    let agreed = sorted[0] == sorted[n - 1];
    let student = if agreed {
        None
    } else {
        StudentsT::new(0.0, 1.0, count - 1.0).ok()
    };
    let (low, high) = match student {
        Some(student) => {
            let half = student.inverse_cdf(0.975) * (squares / (count - 1.0) / count).sqrt();
            (mean - half, mean + half)
        }
        None => {
            let (low, high) = wilson(((mean - lowest) / range).clamp(0.0, 1.0), count);
            (lowest + low * range, lowest + high * range)
        }
    };
    Some(Estimate::new(mean, low.max(lowest), high.min(highest), n))
}

/// Net promoter score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nps {
    /// Answers of 9 and 10.
    pub promoters: usize,
    /// Answers of 7 and 8.
    pub passives: usize,
    /// Answers of 0 to 6.
    pub detractors: usize,
    /// Percentage of promoters less that of detractors, −100 to 100; nothing without answers.
    pub score: Option<Estimate>,
}

/// The net promoter score of answers from 0 to 10.
///
/// The interval is the adjusted Wald of Sauro & Lewis: three imagined answers (¾ promoter, 1½ passive, ¾ detractor) are
/// added before the variance p + d − (p − d)² is taken, so that a handful of equal answers is not called certain.
///
/// # Errors
/// [`OffScale`] for an answer above 10.
pub fn nps(answers: &[u8]) -> Result<Nps, OffScale> {
    check(answers, 0, 10)?;
    let promoters = answers.iter().filter(|a| **a >= 9).count();
    let detractors = answers.iter().filter(|a| **a <= 6).count();
    Ok(nps_of_counts(
        promoters,
        answers.len() - promoters - detractors,
        detractors,
    ))
}

/// The net promoter score of answers already counted.
#[must_use]
pub fn nps_of_counts(promoters: usize, passives: usize, detractors: usize) -> Nps {
    let n = promoters + passives + detractors;
    let score = (n > 0).then(|| {
        let net = (promoters as f64 - detractors as f64) / n as f64;
        let adjusted_n = n as f64 + 3.0;
        let (p, d) = (
            (promoters as f64 + 0.75) / adjusted_n,
            (detractors as f64 + 0.75) / adjusted_n,
        );
        let half = Z * ((p + d - (p - d).powi(2)) / adjusted_n).sqrt();
        let (low, high) = ((p - d - half).max(-1.0), (p - d + half).min(1.0));
        Estimate::new(100.0 * net, 100.0 * low, 100.0 * high, n)
    });
    Nps {
        promoters,
        passives,
        detractors,
        score,
    }
}

/// Customer satisfaction: the share of 4 and 5 among answers from 1 to 5; nothing without answers.
///
/// # Errors
/// [`OffScale`] for an answer outside 1 to 5.
pub fn csat(answers: &[u8]) -> Result<Option<Estimate>, OffScale> {
    check(answers, 1, 5)?;
    Ok(share(answers.iter().filter(|a| **a >= 4).count(), answers.len()))
}

/// Agreement with one sentence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Mean of 1 to 7.
    pub mean: Estimate,
    /// Share of answers of 5 and above.
    pub agreeing: Estimate,
}

/// Agreement of answers from 1 to 7; nothing without answers.
///
/// # Errors
/// [`OffScale`] for an answer outside 1 to 7.
pub fn agreement(answers: &[u8]) -> Result<Option<Agreement>, OffScale> {
    check(answers, 1, 7)?;
    let values: Vec<f64> = answers.iter().map(|a| f64::from(*a)).collect();
    let agreeing = share(answers.iter().filter(|a| **a >= 5).count(), answers.len());
    Ok(mean(&values, 1.0, 7.0)
        .zip(agreeing)
        .map(|(mean, agreeing)| Agreement { mean, agreeing }))
}

/// Customer effort score: agreement that a matter was made easy.
pub type Ces = Agreement;

/// The customer effort score of answers from 1 to 7; nothing without answers.
///
/// # Errors
/// [`OffScale`] for an answer outside 1 to 7.
pub fn ces(answers: &[u8]) -> Result<Option<Ces>, OffScale> {
    agreement(answers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64) -> bool {
        (got - expected).abs() < 5e-4
    }

    #[test]
    fn wilson_intervals_of_the_textbook() {
        // Newcombe (1998), table I, method 3: score without continuity correction.
        let cases = [
            (81, 263, 0.3080, 0.2553, 0.3662),
            (15, 148, 0.1014, 0.0624, 0.1605),
            (0, 20, 0.0, 0.0, 0.1611),
            (1, 29, 0.0345, 0.0061, 0.1718),
        ];
        for (hits, n, value, low, high) in cases {
            let got = share(hits, n).unwrap();
            assert!(
                close(got.value, value) && close(got.low, low) && close(got.high, high),
                "{got:?}"
            );
        }
        assert_eq!(share(0, 0), None);
        assert_eq!(share(3, 2), None);
    }

    #[test]
    fn newcombe_difference_of_the_textbook() {
        // Newcombe (1998), second paper, table II (a): 56/70 − 48/80, method 10.
        let got = difference_of_shares(&share(56, 70).unwrap(), &share(48, 80).unwrap());
        assert!(
            close(got.value, 0.2) && close(got.low, 0.0524) && close(got.high, 0.3339),
            "{got:?}"
        );
    }

    #[test]
    fn nps_counts_and_interval() {
        let got = nps(&[10, 9, 8, 7, 6, 0, 10, 9, 9, 3]).unwrap();
        assert_eq!((got.promoters, got.passives, got.detractors), (5, 2, 3));
        let score = got.score.unwrap();
        // By hand: p = 5.75/13, d = 3.75/13, variance p + d − (p − d)² = 0.70710, half width 1.96 √(0.70710/13).
        assert!(
            close(score.value, 20.0) && close(score.low, -30.326) && close(score.high, 61.0952),
            "{score:?}"
        );
        assert_eq!(nps(&[]).unwrap().score, None);
        assert_eq!(
            nps(&[11]).unwrap_err(),
            OffScale {
                given: 11,
                lowest: 0,
                highest: 10
            }
        );
        let all = nps(&[10; 5]).unwrap().score.unwrap();
        assert!(
            all.value == 100.0 && all.high == 100.0 && all.low > 0.0 && all.low < 50.0,
            "{all:?}"
        );
    }

    #[test]
    fn csat_is_the_share_of_four_and_five() {
        let got = csat(&[5, 4, 4, 3, 1]).unwrap().unwrap();
        assert!(
            close(got.value, 0.6) && close(got.low, 0.2307) && close(got.high, 0.8824),
            "{got:?}"
        );
        assert_eq!(csat(&[]).unwrap(), None);
        assert!(csat(&[0]).is_err() && csat(&[6]).is_err());
    }

    #[test]
    fn ces_has_mean_and_share() {
        let got = ces(&[1, 4, 5, 6, 7, 7]).unwrap().unwrap();
        // Mean 5, standard deviation √(26/5), Student's t(5) = 2.5706.
        let half = 2.570_58 * (26.0_f64 / 5.0 / 6.0).sqrt();
        assert!(
            close(got.mean.value, 5.0) && close(got.mean.low, 5.0 - half) && got.mean.high == 7.0,
            "{got:?}"
        );
        assert!(close(got.agreeing.value, 4.0 / 6.0));
        assert_eq!(ces(&[]).unwrap(), None);
        assert!(ces(&[8]).is_err());
    }

    #[test]
    fn agreement_of_a_few_is_not_certainty() {
        let cases: [(&[f64], f64); 3] = [(&[7.0], 7.0), (&[1.0, 1.0, 1.0], 1.0), (&[4.0, 4.0], 4.0)];
        for (values, expected) in cases {
            let got = mean(values, 1.0, 7.0).unwrap();
            assert!(got.value == expected && got.high - got.low > 1.0, "{got:?}");
        }
        // By hand: Wilson's intervals of 1/2 among 2 and of 1 among 1 are 0.0945 to 0.9055 and 0.2065 to 1.
        for (values, low, high) in [(&[4.0, 4.0][..], 1.5672, 6.4328), (&[7.0], 2.2393, 7.0)] {
            let got = mean(values, 1.0, 7.0).unwrap();
            assert!(close(got.low, low) && close(got.high, high), "{got:?}");
        }
        for (lowest, highest) in [(7.0, 7.0), (7.0, 1.0), (1.0, f64::INFINITY)] {
            assert_eq!(mean(&[7.0], lowest, highest), None, "{lowest} to {highest}");
        }
        assert_eq!(mean(&[], 1.0, 7.0), None);
        assert_eq!(mean(&[f64::NAN], 1.0, 7.0), None);
    }
}
