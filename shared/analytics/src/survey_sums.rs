//! Survey figures from sums that were kept by day, so that days can be put together without looking at each answer again,
//! and the difference of any two figures.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::survey::{Estimate, mean};

/// The mean of `n` whole numbers divided by `unit`, given their sum and the sum of their squares, with Student's interval
/// cut at the ends of the scale, as [`mean`] gives it for the numbers themselves. Nothing where there are none, or where
/// the sums cannot be those of `n` numbers.
#[must_use]
pub fn mean_of_sums(n: u64, sum: i64, squares: i64, unit: f64, lowest: f64, highest: f64) -> Option<Estimate> {
    let count = usize::try_from(n).ok().filter(|n| *n > 0)?;
    if !(unit.is_finite() && unit > 0.0 && highest > lowest) {
        return None;
    }
    // n² times the variance, exactly.
    let spread = i128::from(n) * i128::from(squares) - i128::from(sum) * i128::from(sum);
    let value = sum as f64 / count as f64 / unit;
    if spread < 0 {
        return None;
    }
    if spread == 0 {
        // All agree: then only how many they are tells how sure that is.
        return mean(&vec![value; count], lowest, highest);
    }
    let n = count as f64;
    let student = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
    let error = (spread as f64 / (n * n * (n - 1.0))).sqrt() / unit;
    let half = student.inverse_cdf(0.975) * error;
    Some(Estimate {
        value,
        low: (value - half).max(lowest).min(value),
        high: (value + half).min(highest).max(value),
        n: count,
    })
}

/// The difference `later − earlier` of two figures of different respondents, with the interval that theirs give together
/// (Zou & Donner 2008; of shares it is Newcombe's method 10). `n` is that of both together.
#[must_use]
pub fn difference(later: &Estimate, earlier: &Estimate) -> Estimate {
    let value = later.value - earlier.value;
    let below = (later.value - later.low).hypot(earlier.high - earlier.value);
    let above = (later.high - later.value).hypot(earlier.value - earlier.low);
    Estimate {
        value,
        low: value - below,
        high: value + above,
        n: later.n + earlier.n,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::survey::{difference_of_shares, share};

    fn sums(values: &[i64]) -> (u64, i64, i64) {
        let squares = values.iter().map(|v| v * v).sum();
        (values.len() as u64, values.iter().sum(), squares)
    }

    #[test]
    fn sums_give_what_the_numbers_give() {
        for values in [
            vec![1, 4, 5, 6, 7, 7],
            vec![7],
            vec![3, 3, 3],
            vec![1, 7],
            (0..500).map(|n| 1 + n * n % 7).collect(),
        ] {
            let (n, sum, squares) = sums(&values);
            let floats: Vec<f64> = values.iter().map(|v| *v as f64).collect();
            let (got, expected) = (
                mean_of_sums(n, sum, squares, 1.0, 1.0, 7.0).unwrap(),
                mean(&floats, 1.0, 7.0).unwrap(),
            );
            for (got, expected) in [
                (got.value, expected.value),
                (got.low, expected.low),
                (got.high, expected.high),
            ] {
                assert!((got - expected).abs() < 1e-9, "{values:?} {got} {expected}");
            }
        }
        // Sums of four statements, as their mean.
        let (n, sum, squares) = sums(&[-8, -4, 0]);
        let got = mean_of_sums(n, sum, squares, 4.0, -6.0, 6.0).unwrap();
        assert!((got.value + 1.0).abs() < 1e-12 && (got.high - (4.302_653 / 3.0_f64.sqrt() - 1.0)).abs() < 1e-5);
        for (n, sum, squares, unit) in [(0, 0, 0, 1.0), (2, 10, 1, 1.0), (2, 2, 2, 0.0), (2, 2, 2, f64::NAN)] {
            assert_eq!(mean_of_sums(n, sum, squares, unit, 1.0, 7.0), None);
        }
    }

    #[test]
    fn the_difference_of_shares_is_newcombes() {
        let (first, second) = (share(56, 70).unwrap(), share(48, 80).unwrap());
        assert_eq!(difference(&first, &second), difference_of_shares(&first, &second));
    }
}
