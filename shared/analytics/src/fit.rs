//! What a fit says about itself: whether it is maximum likelihood, shrunk toward a prior, or the prior alone, and
//! whether the search converged. The models are in [`crate::bg_nbd`] and [`crate::gamma_gamma`].

use crate::optimise::{self, Minimum};

/// From this number of repeating customers on, a fit is plain maximum likelihood. Below it the logarithms of the
/// parameters are drawn toward a prior with weight `1 − repeaters / 200`, so that nothing jumps when the tenant grows.
pub const FULL_SAMPLE_REPEATERS: usize = 200;

/// Weight of the prior when a large sample does not identify every parameter (for example when nobody ever leaves).
pub const WEAK_PRIOR_WEIGHT: f64 = 0.1;

/// Standard deviation of the prior on the natural logarithm of each parameter: a factor of e either way.
pub const PRIOR_LOG_SD: f64 = 1.0;

/// A standard error of a logarithm above this means that the data say nothing about the parameter.
const UNIDENTIFIED_LOG_SE: f64 = 3.0;

/// Why a model cannot be estimated from the data given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Insufficient {
    /// The input is empty, or holds nothing that the model could use.
    #[error("there are no customers to learn from")]
    NoCustomers,
    /// One customer says nothing about how customers differ.
    #[error("one customer is too few to learn from")]
    OneCustomer,
    /// No customer bought on a second day.
    #[error("no customer has bought twice")]
    NobodyRepeated,
    /// Every customer has the same figures, so that the spread between customers is unknown.
    #[error("all customers are equal")]
    AllEqual,
}

impl Insufficient {
    /// The stable key for answers and logs.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::NoCustomers => "no_customers",
            Self::OneCustomer => "one_customer",
            Self::NobodyRepeated => "nobody_repeated",
            Self::AllEqual => "all_equal",
        }
    }

    /// The reason with this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        [
            Self::NoCustomers,
            Self::OneCustomer,
            Self::NobodyRepeated,
            Self::AllEqual,
        ]
        .into_iter()
        .find(|reason| reason.key() == key)
    }
}

/// What the parameters rest on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Basis {
    /// The data alone.
    MaximumLikelihood,
    /// Data and prior: fewer than [`FULL_SAMPLE_REPEATERS`] repeating customers.
    SmallSample {
        /// Weight of the prior, above 0 and at most 1.
        prior_weight: f64,
    },
    /// Data and a weak prior, because the likelihood has no clear maximum inside the parameter space.
    WeaklyIdentified {
        /// Weight of the prior, above 0 and at most 1.
        prior_weight: f64,
    },
    /// The prior alone, located by the data's mean rate where there is one.
    Prior(Insufficient),
}

impl Basis {
    /// The weight of the prior: 0 for maximum likelihood, 1 for the prior alone.
    #[must_use]
    pub const fn prior_weight(self) -> f64 {
        match self {
            Self::MaximumLikelihood => 0.0,
            Self::SmallSample { prior_weight } | Self::WeaklyIdentified { prior_weight } => prior_weight,
            Self::Prior(_) => 1.0,
        }
    }

    /// The stable key for answers and logs.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::MaximumLikelihood => "maximum_likelihood",
            Self::SmallSample { .. } => "small_sample",
            Self::WeaklyIdentified { .. } => "weakly_identified",
            Self::Prior(_) => "prior",
        }
    }

    /// The reason, where the parameters are the prior alone.
    #[must_use]
    pub const fn insufficient(self) -> Option<Insufficient> {
        match self {
            Self::Prior(reason) => Some(reason),
            _ => None,
        }
    }

    /// The basis from what was stored of it: [`Self::key`], [`Self::prior_weight`] and the key of
    /// [`Self::insufficient`]. Nothing if these do not belong together.
    #[must_use]
    pub fn from_parts(key: &str, prior_weight: f64, insufficient: Option<&str>) -> Option<Self> {
        let weighted = prior_weight > 0.0 && prior_weight <= 1.0;
        match (key, insufficient) {
            ("maximum_likelihood", None) => Some(Self::MaximumLikelihood),
            ("small_sample", None) if weighted => Some(Self::SmallSample { prior_weight }),
            ("weakly_identified", None) if weighted => Some(Self::WeaklyIdentified { prior_weight }),
            ("prior", Some(reason)) => Insufficient::from_key(reason).map(Self::Prior),
            _ => None,
        }
    }

    /// Factor on standard errors. The prior is a judgement and may itself be wrong, so intervals that lean on it are
    /// widened by up to 2.
    #[must_use]
    pub fn widening(self) -> f64 {
        1.0 + self.prior_weight()
    }
}

/// How the search for the maximum ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convergence {
    /// Whether the gradient vanished at a proper maximum. Always true for a prior, which needs no search.
    pub converged: bool,
    /// Steps taken from the start that won.
    pub iterations: usize,
    /// Evaluations of the likelihood over all starts.
    pub evaluations: usize,
    /// Starts tried; more than one only where the first failed.
    pub starts: usize,
    /// Largest component of the gradient of the mean log-likelihood by log-parameters.
    pub gradient: f64,
}

impl Convergence {
    /// A prior is not searched for.
    pub(crate) const NOT_NEEDED: Self = Self {
        converged: true,
        iterations: 0,
        evaluations: 0,
        starts: 0,
        gradient: 0.0,
    };
}

/// A point found on the log-parameters.
pub(crate) struct Estimate<const N: usize> {
    pub(crate) point: [f64; N],
    pub(crate) covariance: [[f64; N]; N],
    pub(crate) basis: Basis,
    pub(crate) convergence: Convergence,
}

/// Covariance of the prior on log-parameters.
pub(crate) fn prior_covariance<const N: usize>() -> [[f64; N]; N] {
    let mut covariance = [[0.0; N]; N];
    for (i, row) in covariance.iter_mut().enumerate() {
        row[i] = PRIOR_LOG_SD * PRIOR_LOG_SD;
    }
    covariance
}

/// Maximises `log_likelihood(θ) − weight · Σ (θ − prior)² / 2σ²` over log-parameters θ, choosing the weight by the
/// number of repeating customers and adding a weak prior where the likelihood alone has no proper maximum.
pub(crate) fn maximise<const N: usize>(
    log_likelihood: impl Fn(&[f64; N]) -> (f64, [f64; N]),
    customers: usize,
    repeaters: usize,
    prior: [f64; N],
) -> Estimate<N> {
    let with_weight = |weight: f64| search(&log_likelihood, customers, prior, weight);
    let fade = 1.0 - repeaters as f64 / FULL_SAMPLE_REPEATERS as f64;
    if fade > 0.0 {
        return with_weight(fade).estimate(Basis::SmallSample { prior_weight: fade });
    }
    let plain = with_weight(0.0);
    if plain.is_identified() {
        return plain.estimate(Basis::MaximumLikelihood);
    }
    let mut steadied = with_weight(WEAK_PRIOR_WEIGHT);
    steadied.evaluations += plain.evaluations;
    steadied.estimate(Basis::WeaklyIdentified {
        prior_weight: WEAK_PRIOR_WEIGHT,
    })
}

/// Starting points as offsets from the prior, tried in turn until one converges.
const STARTS: [f64; 4] = [0.0, 1.0, -1.0, 2.5];

/// The outcome of one search. The covariance is absent where the curvature is not that of a maximum.
struct Found<const N: usize> {
    minimum: Minimum<N>,
    covariance: Option<[[f64; N]; N]>,
    evaluations: usize,
    starts: usize,
}

impl<const N: usize> Found<N> {
    fn is_proper(&self) -> bool {
        self.minimum.converged && self.covariance.is_some()
    }

    /// Whether the data determine every parameter.
    fn is_identified(&self) -> bool {
        let known = |c: &[[f64; N]; N]| (0..N).all(|i| c[i][i].sqrt() < UNIDENTIFIED_LOG_SE);
        self.is_proper() && self.covariance.as_ref().is_some_and(known)
    }

    fn estimate(self, basis: Basis) -> Estimate<N> {
        let convergence = Convergence {
            converged: self.is_proper(),
            iterations: self.minimum.iterations,
            evaluations: self.evaluations,
            starts: self.starts,
            gradient: self.minimum.gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs())),
        };
        let covariance = self.covariance.unwrap_or_else(prior_covariance);
        Estimate {
            point: self.minimum.point,
            covariance,
            basis,
            convergence,
        }
    }
}

/// Searches with one weight of the prior: from the prior first, and from elsewhere only if that fails.
fn search<const N: usize>(
    log_likelihood: &impl Fn(&[f64; N]) -> (f64, [f64; N]),
    customers: usize,
    prior: [f64; N],
    weight: f64,
) -> Found<N> {
    let n = customers.max(1) as f64;
    let precision = weight / (PRIOR_LOG_SD * PRIOR_LOG_SD);
    let objective = |theta: &[f64; N]| {
        let (value, gradient) = log_likelihood(theta);
        let mut loss = -value;
        let mut slope = gradient.map(|g| -g);
        for i in 0..N {
            let distance = theta[i] - prior[i];
            loss += 0.5 * precision * distance * distance;
            slope[i] += precision * distance;
        }
        (loss / n, slope.map(|s| s / n))
    };
    let mut best = Found {
        minimum: optimise::standing(&objective, prior),
        covariance: None,
        evaluations: 1,
        starts: 0,
    };
    for offset in STARTS {
        // Alternating signs move the shape parameters against each other instead of along their ridge.
        let start = std::array::from_fn(|i| prior[i] + if i % 2 == 0 { offset } else { -offset });
        let minimum = optimise::minimise(&objective, start);
        let curvature = optimise::hessian(&objective, &minimum.point);
        let next = Found {
            covariance: optimise::invert_positive_definite(&curvature.map(|row| row.map(|h| h * n))),
            evaluations: best.evaluations + minimum.evaluations + 2 * N,
            starts: best.starts + 1,
            minimum,
        };
        if next.is_proper() {
            return next;
        }
        let (evaluations, starts) = (next.evaluations, next.starts);
        if next.minimum.value < best.minimum.value {
            best = next;
        }
        best.evaluations = evaluations;
        best.starts = starts;
    }
    best
}

/// `gᵀ C g`, the variance of a function with gradient `g` by the delta method. Never negative, never `NaN`.
pub(crate) fn quadratic_form<const N: usize>(covariance: &[[f64; N]; N], gradient: &[f64; N]) -> f64 {
    let mut sum = 0.0;
    for i in 0..N {
        for j in 0..N {
            sum += gradient[i] * covariance[i][j] * gradient[j];
        }
    }
    if sum.is_finite() { sum.max(0.0) } else { f64::MAX.sqrt() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_basis_comes_back() {
        let cases = [
            Basis::MaximumLikelihood,
            Basis::SmallSample { prior_weight: 0.35 },
            Basis::WeaklyIdentified {
                prior_weight: WEAK_PRIOR_WEIGHT,
            },
            Basis::Prior(Insufficient::NoCustomers),
            Basis::Prior(Insufficient::AllEqual),
        ];
        for basis in cases {
            let reason = basis.insufficient().map(Insufficient::key);
            assert_eq!(
                Basis::from_parts(basis.key(), basis.prior_weight(), reason),
                Some(basis)
            );
        }
        let wrong = [
            ("prior", 1.0, None),
            ("prior", 1.0, Some("?")),
            ("small_sample", 0.0, None),
            ("small_sample", 1.1, None),
            ("weakly_identified", 0.0, None),
            ("weakly_identified", 1.1, None),
            ("guess", 0.5, None),
        ];
        for (key, weight, reason) in wrong {
            assert_eq!(Basis::from_parts(key, weight, reason), None, "{key}");
        }
    }

    #[test]
    fn intervals_are_the_wider_the_more_they_lean_on_the_prior() {
        let cases = [
            (Basis::MaximumLikelihood, 1.0),
            (Basis::SmallSample { prior_weight: 0.5 }, 1.5),
            (Basis::Prior(Insufficient::NoCustomers), 2.0),
        ];
        for (basis, factor) in cases {
            assert_eq!(basis.widening(), factor, "{basis:?}");
        }
        assert_eq!(
            prior_covariance(),
            [[1.0, 0.0], [0.0, 1.0]],
            "a standard deviation of 1 on each axis"
        );
    }

    #[test]
    fn the_variance_of_a_function_is_that_of_its_gradient() {
        // (covariance, gradient, g'Cg)
        let cases = [
            ([[2.0, 0.5], [0.5, 3.0]], [1.0, 2.0], 2.0 + 2.0 * 0.5 * 2.0 + 4.0 * 3.0),
            ([[2.0, 0.5], [0.5, 3.0]], [0.0, 0.0], 0.0),
            ([[-1.0, 0.0], [0.0, 0.0]], [1.0, 1.0], 0.0),
        ];
        for (covariance, gradient, expected) in cases {
            assert_eq!(quadratic_form(&covariance, &gradient), expected, "{covariance:?}");
        }
        assert!(quadratic_form(&[[f64::NAN]], &[1.0]).is_finite());
    }

    #[test]
    fn every_evaluation_is_counted_and_no_start_is_left_out() {
        let calls = std::cell::Cell::new(0);
        let flat = |_: &[f64; 2]| {
            calls.set(calls.get() + 1);
            (-7.0, [0.0, 0.0])
        };
        let found = search(&flat, 500, [0.0, 0.0], 0.0);
        assert!(!found.is_proper() && !found.is_identified());
        assert_eq!((found.evaluations, found.starts), (calls.get(), STARTS.len()));
        calls.set(0);
        assert_eq!(
            maximise(flat, 500, 500, [0.0, 0.0]).convergence.evaluations,
            calls.get()
        );
    }

    #[test]
    fn a_maximum_counts_where_the_search_ended_and_the_curvature_is_one() {
        let found = |converged: bool, covariance: Option<[[f64; 1]; 1]>| Found {
            minimum: Minimum {
                converged,
                ..optimise::standing(&|_: &[f64; 1]| (0.0, [0.0]), [0.0])
            },
            covariance,
            evaluations: 1,
            starts: 1,
        };
        let sure = UNIDENTIFIED_LOG_SE * UNIDENTIFIED_LOG_SE;
        // (converged, variance, a proper maximum, one that the data determine)
        let cases = [
            (true, Some(sure / 2.0), true, true),
            (true, Some(sure), true, false),
            (false, Some(sure / 2.0), false, false),
            (true, None, false, false),
        ];
        for (converged, variance, proper, identified) in cases {
            let one = found(converged, variance.map(|v| [[v]]));
            assert_eq!(
                (one.is_proper(), one.is_identified()),
                (proper, identified),
                "{converged} {variance:?}"
            );
        }
    }

    #[test]
    fn the_prior_fades_as_customers_repeat() {
        // A likelihood with its maximum at 1 and the curvature of its n customers; the prior stands at 0.
        let cases = [(2, 0.99), (100, 0.5), (199, 0.005), (200, 0.0), (5_000, 0.0)];
        for (n, weight) in cases {
            let curvature = n as f64;
            let log_likelihood = |t: &[f64; 1]| (-0.5 * curvature * (t[0] - 1.0).powi(2), [-curvature * (t[0] - 1.0)]);
            let estimate = maximise(log_likelihood, n, n, [0.0]);
            assert!((estimate.basis.prior_weight() - weight).abs() < 1e-12, "{n}");
            let expected = curvature / (curvature + weight);
            assert!(
                (estimate.point[0] - expected).abs() < 1e-6,
                "{n}: {}",
                estimate.point[0]
            );
            assert!(
                (estimate.covariance[0][0] * (curvature + weight) - 1.0).abs() < 1e-6,
                "{n}"
            );
        }
    }

    #[test]
    fn a_flat_likelihood_is_called_weakly_identified() {
        let estimate = maximise(|_: &[f64; 2]| (-7.0, [0.0, 0.0]), 500, 500, [0.3, -0.3]);
        assert_eq!(
            estimate.basis,
            Basis::WeaklyIdentified {
                prior_weight: WEAK_PRIOR_WEIGHT
            }
        );
        assert!(estimate.convergence.converged);
        assert!((estimate.point[0] - 0.3).abs() < 1e-6 && (estimate.point[1] + 0.3).abs() < 1e-6);
    }
}
