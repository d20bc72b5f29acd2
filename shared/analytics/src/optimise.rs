//! Minimising a smooth function of a few variables by BFGS with a weak-Wolfe line search (Nocedal & Wright, *Numerical
//! Optimization*, chapters 3 and 6; the bisection is Lewis & Overton's). Not a general optimiser: three or four
//! log-parameters, exact gradients, no constraints but a box.

/// Points farther out than this on any axis count as infinitely bad: e¹² is no parameter of a customer base.
pub(crate) const BOX: f64 = 12.0;

/// The gradient of a mean log-likelihood at which a search has converged.
const FLAT: f64 = 1e-8;

/// The gradient that still passes when rounding stops the line search.
const NEARLY_FLAT: f64 = 1e-5;

/// A step whose expected gain, relative to the value, is below this is not taken: sums over many customers are rounded
/// about so much, and a search for less would run in circles.
const NO_GAIN: f64 = 1e-13;

/// Where a search ended.
pub(crate) struct Minimum<const N: usize> {
    pub(crate) point: [f64; N],
    pub(crate) value: f64,
    pub(crate) gradient: [f64; N],
    pub(crate) iterations: usize,
    pub(crate) evaluations: usize,
    pub(crate) converged: bool,
}

fn dot<const N: usize>(a: &[f64; N], b: &[f64; N]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn largest<const N: usize>(gradient: &[f64; N]) -> f64 {
    gradient.iter().fold(0.0, |most: f64, g| most.max(g.abs()))
}

fn identity<const N: usize>() -> [[f64; N]; N] {
    std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }))
}

/// Evaluates inside the box; outside, or where the function is not finite, the value is infinite.
fn evaluate<const N: usize>(objective: &impl Fn(&[f64; N]) -> (f64, [f64; N]), point: &[f64; N]) -> (f64, [f64; N]) {
    if point.iter().any(|x| x.is_nan() || x.abs() > BOX) {
        return (f64::INFINITY, [0.0; N]);
    }
    let (value, gradient) = objective(point);
    if value.is_finite() && gradient.iter().all(|g| g.is_finite()) {
        (value, gradient)
    } else {
        (f64::INFINITY, [0.0; N])
    }
}

/// The minimum as it would be reported without moving from `point`.
pub(crate) fn standing<const N: usize>(
    objective: &impl Fn(&[f64; N]) -> (f64, [f64; N]),
    point: [f64; N],
) -> Minimum<N> {
    let (value, gradient) = evaluate(objective, &point);
    Minimum {
        point,
        value,
        gradient,
        iterations: 0,
        evaluations: 1,
        converged: false,
    }
}

/// Minimises `objective`, which gives value and gradient, from `start`.
pub(crate) fn minimise<const N: usize>(
    objective: &impl Fn(&[f64; N]) -> (f64, [f64; N]),
    start: [f64; N],
) -> Minimum<N> {
    let mut at = standing(objective, start.map(|x| x.clamp(-BOX, BOX)));
    let mut inverse = identity::<N>();
    let mut fresh = true;
    while at.iterations < 200 && at.value.is_finite() {
        if largest(&at.gradient) <= FLAT {
            at.converged = true;
            return at;
        }
        let mut direction: [f64; N] = std::array::from_fn(|i| -dot(&inverse[i], &at.gradient));
        if dot(&direction, &at.gradient) >= 0.0 {
            inverse = identity();
            fresh = true;
            direction = at.gradient.map(|g| -g);
        }
        let gain = -0.5 * dot(&direction, &at.gradient);
        if !fresh && largest(&at.gradient) <= NEARLY_FLAT && gain <= NO_GAIN * (1.0 + at.value.abs()) {
            break;
        }
        // One step never leaves the region in which the quadratic picture can hold: a factor of e² in a parameter.
        let longest = largest(&direction);
        let limit = if fresh { 1.0 } else { 2.0 };
        if longest > limit || fresh {
            direction = direction.map(|d| d * limit / longest);
        }
        let Some((step, value, gradient)) = line_search(objective, &mut at, &direction) else {
            if fresh || largest(&at.gradient) <= NEARLY_FLAT {
                break;
            }
            inverse = identity();
            fresh = true;
            continue;
        };
        let moved = direction.map(|d| d * step);
        let turned: [f64; N] = std::array::from_fn(|i| gradient[i] - at.gradient[i]);
        let curvature = dot(&moved, &turned);
        if curvature > 1e-300 {
            if fresh {
                let scale = curvature / dot(&turned, &turned);
                inverse = identity::<N>().map(|row| row.map(|x| x * scale));
            }
            update(&mut inverse, &moved, &turned, curvature);
            fresh = false;
        }
        at.point = std::array::from_fn(|i| at.point[i] + moved[i]);
        at.value = value;
        at.gradient = gradient;
        at.iterations += 1;
    }
    at.converged = at.value.is_finite() && largest(&at.gradient) <= NEARLY_FLAT;
    at
}

/// A step length with sufficient decrease and a slope that has flattened, by bisection and doubling.
fn line_search<const N: usize>(
    objective: &impl Fn(&[f64; N]) -> (f64, [f64; N]),
    at: &mut Minimum<N>,
    direction: &[f64; N],
) -> Option<(f64, f64, [f64; N])> {
    let slope = dot(direction, &at.gradient);
    let (mut low, mut high, mut step) = (0.0, f64::INFINITY, 1.0);
    let mut decreased = None;
    for _ in 0..40 {
        let point: [f64; N] = std::array::from_fn(|i| at.point[i] + step * direction[i]);
        let (value, gradient) = evaluate(objective, &point);
        at.evaluations += 1;
        if value > at.value + 1e-4 * step * slope {
            high = step;
        } else {
            decreased = Some((step, value, gradient));
            if dot(direction, &gradient) >= 0.9 * slope {
                return decreased;
            }
            low = step;
        }
        step = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * low
        };
    }
    decreased
}

/// The BFGS update of the inverse Hessian, kept symmetric.
fn update<const N: usize>(inverse: &mut [[f64; N]; N], moved: &[f64; N], turned: &[f64; N], curvature: f64) {
    let rho = 1.0 / curvature;
    let projected: [f64; N] = std::array::from_fn(|i| dot(&inverse[i], turned));
    let stretch = rho * (1.0 + rho * dot(turned, &projected));
    for i in 0..N {
        for j in 0..N {
            inverse[i][j] += stretch * moved[i] * moved[j] - rho * (moved[i] * projected[j] + projected[i] * moved[j]);
        }
    }
}

/// The Hessian by central differences of the gradient, symmetrised.
pub(crate) fn hessian<const N: usize>(
    objective: &impl Fn(&[f64; N]) -> (f64, [f64; N]),
    point: &[f64; N],
) -> [[f64; N]; N] {
    const STEP: f64 = 1e-4;
    let rows: [[f64; N]; N] = std::array::from_fn(|i| {
        let (mut up, mut down) = (*point, *point);
        up[i] += STEP;
        down[i] -= STEP;
        let (_, above) = objective(&up);
        let (_, below) = objective(&down);
        std::array::from_fn(|j| (above[j] - below[j]) / (2.0 * STEP))
    });
    std::array::from_fn(|i| std::array::from_fn(|j| 0.5 * (rows[i][j] + rows[j][i])))
}

/// The inverse by Cholesky's decomposition; nothing if the matrix is not positive definite.
pub(crate) fn invert_positive_definite<const N: usize>(matrix: &[[f64; N]; N]) -> Option<[[f64; N]; N]> {
    let mut lower = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let rest: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let left = matrix[i][j] - rest;
            if i == j {
                if !(left > 1e-9 * matrix[i][i].abs() && left.is_finite()) {
                    return None;
                }
                lower[i][i] = left.sqrt();
            } else {
                lower[i][j] = left / lower[j][j];
            }
        }
    }
    // Column by column; the inverse is symmetric, so columns are rows.
    let inverse: [[f64; N]; N] = std::array::from_fn(|column| {
        let mut forward = [0.0; N];
        for i in 0..N {
            let rest: f64 = (0..i).map(|k| lower[i][k] * forward[k]).sum();
            let unit = if i == column { 1.0 } else { 0.0 };
            forward[i] = (unit - rest) / lower[i][i];
        }
        let mut solved = [0.0; N];
        for i in (0..N).rev() {
            let rest: f64 = (i + 1..N).map(|k| lower[k][i] * solved[k]).sum();
            solved[i] = (forward[i] - rest) / lower[i][i];
        }
        solved
    });
    inverse.iter().flatten().all(|x| x.is_finite()).then_some(inverse)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rosenbrock_is_solved_from_the_classical_start() {
        let rosenbrock = |p: &[f64; 2]| {
            let [x, y] = *p;
            let valley = y - x * x;
            (
                (1.0 - x).powi(2) + 100.0 * valley * valley,
                [-2.0 * (1.0 - x) - 400.0 * x * valley, 200.0 * valley],
            )
        };
        let found = minimise(&rosenbrock, [-1.2, 1.0]);
        assert!(found.converged);
        assert!((found.point[0] - 1.0).abs() < 1e-6 && (found.point[1] - 1.0).abs() < 1e-6);
        let covariance = invert_positive_definite(&hessian(&rosenbrock, &found.point)).unwrap();
        // The Hessian at the optimum is [[802, −400], [−400, 200]], whose inverse is [[0.5, 1], [1, 2.005]].
        for (got, want) in covariance.iter().flatten().zip([0.5, 1.0, 1.0, 2.005]) {
            assert!((got - want).abs() < 1e-3, "{got} {want}");
        }
    }

    #[test]
    fn rounding_near_the_minimum_ends_the_search() {
        // A bowl whose values and slopes are as uncertain as sums over many customers are.
        let noisy = |p: &[f64; 2]| {
            let [x, y] = [p[0] - 0.7, p[1] + 0.3];
            let noise = |of: f64| (of * 1e12).sin();
            let value = 2.5 + x * x + 3.0 * y * y + x * y + 3e-15 * noise(x + y);
            let slope = [2.0 * x + y + 2e-8 * noise(x), 6.0 * y + x + 2e-8 * noise(y)];
            (value, slope)
        };
        let found = minimise(&noisy, [0.0, 0.0]);
        assert!(
            found.converged && found.evaluations < 60,
            "{} evaluations",
            found.evaluations
        );
        assert!((found.point[0] - 0.7).abs() < 1e-6 && (found.point[1] + 0.3).abs() < 1e-6);
    }

    #[test]
    fn a_function_without_minimum_is_not_called_converged() {
        let slope = |p: &[f64; 2]| (-p[0] - p[1], [-1.0, -1.0]);
        assert!(!minimise(&slope, [0.0, 0.0]).converged);
    }

    #[test]
    fn an_indefinite_matrix_has_no_inverse_here() {
        assert!(invert_positive_definite(&[[1.0, 2.0], [2.0, 1.0]]).is_none());
        assert!(invert_positive_definite(&[[0.0, 0.0], [0.0, 1.0]]).is_none());
        assert!(invert_positive_definite(&[[f64::NAN, 0.0], [0.0, 1.0]]).is_none());
    }
}
