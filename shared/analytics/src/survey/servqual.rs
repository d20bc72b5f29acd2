//! SERVQUAL: what was expected of a service and what was found, on five dimensions.
//!
//! Source: A. Parasuraman, V. Zeithaml & L. Berry (1988), "SERVQUAL: a multiple-item scale for measuring consumer
//! perceptions of service quality", *Journal of Retailing* 64(1). The full form has 22 items, the short one an item for
//! each dimension; each is asked as expectation and as perception.

use super::{Estimate, OffScale, check, mean};

/// The five dimensions of SERVQUAL (Parasuraman, Zeithaml & Berry 1988).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dimension {
    /// Facilities, equipment, appearance: items 1–4.
    Tangibles,
    /// Doing what was promised: items 5–9.
    Reliability,
    /// Willingness to help at once: items 10–13.
    Responsiveness,
    /// Knowledge, courtesy, trust: items 14–17.
    Assurance,
    /// Individual attention: items 18–22.
    Empathy,
}

impl Dimension {
    /// All dimensions in the order of the items.
    pub const ALL: [Self; 5] = [
        Self::Tangibles,
        Self::Reliability,
        Self::Responsiveness,
        Self::Assurance,
        Self::Empathy,
    ];

    /// The stable key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tangibles => "tangibles",
            Self::Reliability => "reliability",
            Self::Responsiveness => "responsiveness",
            Self::Assurance => "assurance",
            Self::Empathy => "empathy",
        }
    }

    /// The items of the full form, counted from 0.
    const fn items(self) -> std::ops::Range<usize> {
        match self {
            Self::Tangibles => 0..4,
            Self::Reliability => 4..9,
            Self::Responsiveness => 9..13,
            Self::Assurance => 13..17,
            Self::Empathy => 17..22,
        }
    }
}

/// One respondent's SERVQUAL answers.
#[derive(Debug, Clone, PartialEq)]
pub struct ServqualAnswer {
    form: Form,
    weights: [f64; 5],
}

#[derive(Debug, Clone, PartialEq)]
enum Form {
    Full { expected: [u8; 22], perceived: [u8; 22] },
    Short { expected: [u8; 5], perceived: [u8; 5] },
}

/// Why SERVQUAL answers cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum ServqualError {
    /// An item is outside 1 to 7.
    #[error(transparent)]
    OffScale(#[from] OffScale),
    /// The points are negative or do not add up to 100.
    #[error("the points given to the dimensions must not be negative and must add up to 100")]
    Points,
}

impl ServqualAnswer {
    /// The 22 items, expectation and perception from 1 to 7, and 100 points split over the dimensions by the respondent
    /// (20 each where the respondent was not asked).
    ///
    /// # Errors
    /// [`ServqualError`] for an item off the scale, or points that do not add up to 100.
    pub fn full(expected: [u8; 22], perceived: [u8; 22], points: Option<[f64; 5]>) -> Result<Self, ServqualError> {
        check(&expected, 1, 7)?;
        check(&perceived, 1, 7)?;
        Ok(Self {
            form: Form::Full { expected, perceived },
            weights: weights(points)?,
        })
    }

    /// The short form, one item per dimension.
    ///
    /// # Errors
    /// As for [`Self::full`].
    pub fn short(expected: [u8; 5], perceived: [u8; 5], points: Option<[f64; 5]>) -> Result<Self, ServqualError> {
        check(&expected, 1, 7)?;
        check(&perceived, 1, 7)?;
        Ok(Self {
            form: Form::Short { expected, perceived },
            weights: weights(points)?,
        })
    }

    /// Perception less expectation by dimension, −6 to 6.
    #[must_use]
    pub fn gaps(&self) -> [f64; 5] {
        let gap = |perceived: u8, expected: u8| f64::from(perceived) - f64::from(expected);
        match &self.form {
            Form::Short { expected, perceived } => std::array::from_fn(|i| gap(perceived[i], expected[i])),
            Form::Full { expected, perceived } => Dimension::ALL.map(|dimension| {
                let items = dimension.items();
                let n = items.len() as f64;
                items.map(|i| gap(perceived[i], expected[i])).sum::<f64>() / n
            }),
        }
    }

    /// The gaps weighted by the respondent's points, −6 to 6.
    #[must_use]
    pub fn weighted_gap(&self) -> f64 {
        self.gaps()
            .iter()
            .zip(self.weights)
            .map(|(gap, weight)| gap * weight)
            .sum()
    }
}

fn weights(points: Option<[f64; 5]>) -> Result<[f64; 5], ServqualError> {
    let points = points.unwrap_or([20.0; 5]);
    let sum: f64 = points.iter().sum();
    if points.iter().all(|p| *p >= 0.0) && (sum - 100.0).abs() <= 0.01 {
        Ok(points.map(|p| p / sum))
    } else {
        Err(ServqualError::Points)
    }
}

/// SERVQUAL over all respondents: negative gaps mean that the service fell short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Servqual {
    /// Mean gap of each dimension, in the order of [`Dimension::ALL`].
    pub gaps: [Estimate; 5],
    /// Mean of the dimensions' gaps, each counting alike.
    pub overall: Estimate,
    /// Mean of the gaps weighted by each respondent's points.
    pub weighted: Estimate,
    /// How much each dimension matters: the mean of the points given to it over 100, in the order of [`Dimension::ALL`].
    /// They add up to 1.
    pub importance: [f64; 5],
}

/// Gaps over all respondents, full and short forms alike; nothing without answers.
#[must_use]
pub fn servqual(answers: &[ServqualAnswer]) -> Option<Servqual> {
    let gaps: Vec<[f64; 5]> = answers.iter().map(ServqualAnswer::gaps).collect();
    let over = |values: Vec<f64>| mean(&values, -6.0, 6.0);
    let share = |dimension: usize| {
        let shares: Vec<f64> = answers.iter().map(|answer| answer.weights[dimension]).collect();
        mean(&shares, 0.0, 1.0).map(|mean| mean.value)
    };
    let of = |dimension: usize| over(gaps.iter().map(|g| g[dimension]).collect());
    Some(Servqual {
        gaps: [of(0)?, of(1)?, of(2)?, of(3)?, of(4)?],
        overall: over(gaps.iter().map(|g| g.iter().sum::<f64>() / 5.0).collect())?,
        weighted: over(answers.iter().map(ServqualAnswer::weighted_gap).collect())?,
        importance: [share(0)?, share(1)?, share(2)?, share(3)?, share(4)?],
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_told_by_stable_keys() {
        let keys = Dimension::ALL.map(Dimension::key);
        let expected = ["tangibles", "reliability", "responsiveness", "assurance", "empathy"];
        assert_eq!(keys, expected);
    }

    #[test]
    fn servqual_gaps_by_dimension() {
        let expected = [7; 22];
        let mut perceived = [7; 22];
        perceived[0] = 3; // tangibles: −4 over 4 items
        perceived[4] = 2; // reliability: −5 over 5 items
        perceived[21] = 2; // empathy: −5 over 5 items
        let full = ServqualAnswer::full(expected, perceived, Some([0.0, 60.0, 0.0, 40.0, 0.0])).unwrap();
        assert_eq!(full.gaps(), [-1.0, -1.0, 0.0, 0.0, -1.0]);
        assert!((full.weighted_gap() + 0.6).abs() < 1e-12);
        let short = ServqualAnswer::short([5; 5], [6, 5, 5, 5, 4], None).unwrap();
        let both = servqual(&[full, short]).unwrap();
        let means: Vec<f64> = both.gaps.iter().map(|g| g.value).collect();
        assert_eq!(means, [0.0, -0.5, 0.0, 0.0, -1.0]);
        assert!((both.overall.value + 0.3).abs() < 1e-12 && both.overall.n == 2);
        assert!((both.weighted.value + 0.3).abs() < 1e-12);
        for (got, expected) in both.importance.iter().zip([0.1, 0.4, 0.1, 0.3, 0.1]) {
            assert!((got - expected).abs() < 1e-12, "{:?}", both.importance);
        }
        assert_eq!(servqual(&[]), None);
    }

    #[test]
    fn servqual_refuses_what_cannot_be() {
        let points = |p| ServqualAnswer::short([5; 5], [5; 5], Some(p)).err();
        assert_eq!(points([50.0, 50.0, 1.0, 0.0, 0.0]), Some(ServqualError::Points));
        assert_eq!(points([120.0, -20.0, 0.0, 0.0, 0.0]), Some(ServqualError::Points));
        assert_eq!(points([f64::NAN, 100.0, 0.0, 0.0, 0.0]), Some(ServqualError::Points));
        assert!(matches!(
            ServqualAnswer::short([5; 5], [0, 1, 1, 1, 1], None),
            Err(ServqualError::OffScale(_))
        ));
        assert!(matches!(
            ServqualAnswer::full([8; 22], [1; 22], None),
            Err(ServqualError::OffScale(_))
        ));
    }
}
