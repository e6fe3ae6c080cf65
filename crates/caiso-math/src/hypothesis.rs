//! Tests of hypotheses: p-values, two-sided.

use crate::{chi_squared_sf, normal_sf};

/// A test statistic with its p-value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// The statistic (χ², z).
    pub statistic: f64,
    /// Two-sided p-value.
    pub p_value: f64,
}

/// Weights that differ by less than this share count as equal, so that the two halves of a
/// symmetric table are never separated by rounding (the tolerance R uses).
const TIE: f64 = 1e-7;

/// Fisher's exact test of two independent proportions: the probability, given the margins, of
/// every table that is no more likely than the one observed (Fisher 1935; the two-sided rule of R
/// and SciPy). 1 when a margin is empty: the table then is the only one.
///
/// # Panics
/// If there are more successes than trials.
pub fn fisher_exact(first: (u64, u64), second: (u64, u64)) -> f64 {
    let ((x, m), (y, n)) = (first, second);
    assert!(x <= m && y <= n, "{x} successes in {m} trials, {y} in {n}");
    let successes = x + y;
    let (low, high) = (successes.saturating_sub(n), successes.min(m));
    // Hypergeometric weights relative to the observed table, by the ratio of neighbours.
    let ratio = |k: u64| {
        let up = (m - k) as f64 * (successes - k) as f64;
        up / ((k + 1) as f64 * (n + k + 1 - successes) as f64)
    };
    let (mut total, mut extreme) = (1.0, 1.0);
    let mut add = |weight: f64| {
        total += weight;
        if weight <= 1.0 + TIE {
            extreme += weight;
        }
        // Beyond the mode weights only fall, so nothing that counts follows.
        weight > 1e-300
    };
    let mut weight = 1.0;
    for k in x..high {
        weight *= ratio(k);
        if !add(weight) {
            break;
        }
    }
    weight = 1.0;
    for k in (low..x).rev() {
        weight /= ratio(k);
        if !add(weight) {
            break;
        }
    }
    // A table far from the mode overflows the weights: then it is as unlikely as that.
    if total.is_finite() { (extreme / total).min(1.0) } else { 0.0 }
}

/// Pearson's χ² test that the success rate is the same in every group (successes, trials), with
/// `groups - 1` degrees of freedom. `yates` moves each count by up to one half towards its
/// expectation; it is defined for two groups and ignored for more.
///
/// `None` with fewer than two groups, or when nobody or everybody succeeds: expectations are 0.
///
/// # Panics
/// If there are more successes than trials.
pub fn chi_squared(groups: &[(u64, u64)], yates: bool) -> Option<TestResult> {
    assert!(groups.iter().all(|(x, n)| x <= n), "more successes than trials");
    let degrees = u32::try_from(groups.len().checked_sub(1)?).ok().filter(|&d| d > 0)?;
    let successes: u64 = groups.iter().map(|(x, _)| x).sum();
    let trials: u64 = groups.iter().map(|(_, n)| n).sum();
    if successes == 0 || successes == trials || groups.iter().any(|&(_, n)| n == 0) {
        return None;
    }
    let share = successes as f64 / trials as f64;
    let mut statistic = 0.0;
    for &(x, n) in groups {
        for (observed, rate) in [(x as f64, share), ((n - x) as f64, 1.0 - share)] {
            let expected = n as f64 * rate;
            let mut distance = (observed - expected).abs();
            if yates && degrees == 1 {
                distance -= distance.min(0.5);
            }
            statistic += distance * distance / expected;
        }
    }
    Some(TestResult { statistic, p_value: chi_squared_sf(statistic, degrees)? })
}

/// The z test of two independent proportions with pooled variance; z has the sign of first minus
/// second. `None` when one has no trial, or when nobody or everybody succeeds.
///
/// # Panics
/// If there are more successes than trials.
pub fn two_proportion_z(first: (u64, u64), second: (u64, u64)) -> Option<TestResult> {
    let ((x, m), (y, n)) = (first, second);
    assert!(x <= m && y <= n, "{x} successes in {m} trials, {y} in {n}");
    if m == 0 || n == 0 || x + y == 0 || x + y == m + n {
        return None;
    }
    let pooled = (x + y) as f64 / (m + n) as f64;
    let error = (pooled * (1.0 - pooled) * (1.0 / m as f64 + 1.0 / n as f64)).sqrt();
    let statistic = (x as f64 / m as f64 - y as f64 / n as f64) / error;
    Some(TestResult { statistic, p_value: (2.0 * normal_sf(statistic.abs())?).min(1.0) })
}

/// McNemar's exact test that two classifiers are right equally often on the same rows, from the
/// rows where only one of them is: twice the smaller binomial tail at 1/2, at most 1 (McNemar
/// 1947, <https://doi.org/10.1007/BF02295996>).
pub fn mcnemar_exact(only_first: u64, only_second: u64) -> f64 {
    let fewer = only_first.min(only_second);
    let n = only_first + only_second;
    if n == 0 {
        return 1.0;
    }
    // P(X ≤ fewer) of the binomial(n, 1/2) is a beta tail.
    let tail = crate::beta_cdf(0.5, (n - fewer) as f64, fewer as f64 + 1.0);
    (2.0 * tail.expect("positive shapes")).min(1.0)
}
