//! Distribution functions, `None` outside their domain.

use statrs::function::{beta, erf, gamma};

const SQRT_2: f64 = std::f64::consts::SQRT_2;

/// Φ(z) of the standard normal; `None` for NaN.
pub fn normal_cdf(z: f64) -> Option<f64> {
    normal_sf(-z)
}

/// 1 - Φ(z), accurate in the upper tail; `None` for NaN.
pub fn normal_sf(z: f64) -> Option<f64> {
    (!z.is_nan()).then(|| 0.5 * libm::erfc(z / SQRT_2))
}

/// z with Φ(z) = `probability`, for a probability within (0, 1).
pub fn normal_quantile(probability: f64) -> Option<f64> {
    inside(probability).then(|| -SQRT_2 * erf::erfc_inv(2.0 * probability))
}

/// P(X ≤ x) of the beta distribution with shapes a, b > 0; 0 ≤ x ≤ 1.
pub fn beta_cdf(x: f64, a: f64, b: f64) -> Option<f64> {
    (positive(a) && positive(b)).then(|| beta::checked_beta_reg(a, b, x).ok()).flatten()
}

/// x with P(X ≤ x) = `probability` of the beta distribution with shapes a, b > 0, for a
/// probability within (0, 1).
///
/// Bisection on the distribution function: as accurate as [`beta_cdf`].
pub fn beta_quantile(probability: f64, a: f64, b: f64) -> Option<f64> {
    if !(inside(probability) && positive(a) && positive(b)) {
        return None;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return Some(middle);
        }
        if beta_cdf(middle, a, b)? < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// P(X ≤ x) of the gamma distribution with `shape`, `scale` > 0; x ≥ 0.
pub fn gamma_cdf(x: f64, shape: f64, scale: f64) -> Option<f64> {
    gamma_argument(x, shape, scale)
        .and_then(|x| if x == 0.0 { Some(0.0) } else { gamma::checked_gamma_lr(shape, x).ok() })
}

/// P(X > x) of the gamma distribution with `shape`, `scale` > 0; x ≥ 0.
pub fn gamma_sf(x: f64, shape: f64, scale: f64) -> Option<f64> {
    gamma_argument(x, shape, scale)
        .and_then(|x| if x == 0.0 { Some(1.0) } else { gamma::checked_gamma_ur(shape, x).ok() })
}

/// P(X > x) of the chi-squared distribution with `degrees` ≥ 1; x ≥ 0. Accurate in the tail.
pub fn chi_squared_sf(x: f64, degrees: u32) -> Option<f64> {
    gamma_sf(x, f64::from(degrees) / 2.0, 2.0)
}

fn gamma_argument(x: f64, shape: f64, scale: f64) -> Option<f64> {
    (x >= 0.0 && x.is_finite() && positive(shape) && positive(scale)).then(|| x / scale)
}

fn inside(probability: f64) -> bool {
    probability > 0.0 && probability < 1.0
}

fn positive(x: f64) -> bool {
    x > 0.0 && x.is_finite()
}
