//! Confidence intervals.

use crate::{beta_quantile, normal_quantile};

/// A two-sided interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies between the ends or on one.
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Wilson score interval of a proportion (Wilson 1927, <https://doi.org/10.2307/2276774>).
/// No trial at all says nothing: [0, 1].
///
/// # Panics
/// If there are more successes than trials, or `level` is not within (0, 1).
pub fn wilson(successes: u64, n: u64, level: f64) -> Interval {
    let z = critical(level);
    assert!(successes <= n, "{successes} successes in {n} trials");
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (size, z2) = (n as f64, z * z);
    // The product form of the smaller root loses no digits for rare successes, and gives exactly
    // 0 and 1 at the ends.
    let lower = |x: f64| {
        let margin = z * (x * (size - x) / size + z2 / 4.0).sqrt();
        x * x / (size * (x + z2 / 2.0 + margin))
    };
    Interval { low: lower(successes as f64), high: 1.0 - lower((n - successes) as f64) }
}

/// Exact interval of a proportion (Clopper and Pearson 1934,
/// <https://doi.org/10.1093/biomet/26.4.404>): never covers less than `level`, so it is wider
/// than [`wilson`]. No trial at all gives [0, 1].
///
/// # Panics
/// If there are more successes than trials, or `level` is not within (0, 1).
pub fn clopper_pearson(successes: u64, n: u64, level: f64) -> Interval {
    assert!(level > 0.0 && level < 1.0, "level {level} is not within (0, 1)");
    assert!(successes <= n, "{successes} successes in {n} trials");
    let tail = (1.0 - level) / 2.0;
    let (x, failures) = (successes as f64, (n - successes) as f64);
    let low = if successes == 0 { None } else { beta_quantile(tail, x, failures + 1.0) };
    let high = if successes == n { None } else { beta_quantile(1.0 - tail, x + 1.0, failures) };
    Interval { low: low.unwrap_or(0.0), high: high.unwrap_or(1.0) }
}

/// Hybrid score interval of the difference of two independent proportions, first minus second
/// (Newcombe 1998, method 10, <https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8%3C873::AID-SIM779%3E3.0.CO;2-I>).
/// `None` if one of them has no trial.
///
/// # Panics
/// As [`wilson`].
pub fn newcombe(first: (u64, u64), second: (u64, u64), level: f64) -> Option<Interval> {
    if first.1 == 0 || second.1 == 0 {
        return None;
    }
    let proportion = |(x, n): (u64, u64)| x as f64 / n as f64;
    let (p, q) = (proportion(first), proportion(second));
    let (a, b) = (wilson(first.0, first.1, level), wilson(second.0, second.1, level));
    Some(Interval {
        low: p - q - (p - a.low).hypot(b.high - q),
        high: p - q + (a.high - p).hypot(q - b.low),
    })
}

/// Interval of the mean of independent proportions (successes, trials), each of equal weight, from
/// their [`wilson`] intervals (Zou and Donner 2008, <https://doi.org/10.1002/sim.3095>); balanced
/// accuracy is one. Never degenerate, unlike a bootstrap, where every proportion is 0 or 1. `None`
/// without proportions or if one has no trial.
///
/// # Panics
/// As [`wilson`].
pub fn mean_of_proportions(proportions: &[(u64, u64)], level: f64) -> Option<Interval> {
    if proportions.is_empty() || proportions.iter().any(|&(_, n)| n == 0) {
        return None;
    }
    let (mut sum, mut below, mut above) = (0.0, 0.0, 0.0);
    for &(x, n) in proportions {
        let p = x as f64 / n as f64;
        let interval = wilson(x, n, level);
        sum += p;
        below += (p - interval.low) * (p - interval.low);
        above += (interval.high - p) * (interval.high - p);
    }
    let count = proportions.len() as f64;
    Some(Interval { low: (sum - below.sqrt()) / count, high: (sum + above.sqrt()) / count })
}

/// Interval of the ratio of two independent proportions, first over second, on the logarithmic
/// scale (Katz, Baptista, Azen, Pike 1978, <https://doi.org/10.2307/2530610>).
///
/// Where a proportion is 0 or 1 its variance would come out as infinite or nothing; then one half
/// is added to each of the four cells (the usual continuity correction for sparse tables), and the
/// interval is stretched to hold the observed ratio. `None` if one has no trial or the second no
/// success: the ratio is undefined.
///
/// # Panics
/// If there are more successes than trials, or `level` is not within (0, 1).
pub fn log_ratio(first: (u64, u64), second: (u64, u64), level: f64) -> Option<Interval> {
    let z = critical(level);
    let ((x, m), (y, n)) = (first, second);
    assert!(x <= m && y <= n, "{x} successes in {m} trials, {y} in {n}");
    if m == 0 || y == 0 {
        return None;
    }
    let observed = (x as f64 / m as f64) / (y as f64 / n as f64);
    let half = if x == 0 || x == m || y == n { 0.5 } else { 0.0 };
    let (x, m) = (x as f64 + half, m as f64 + 2.0 * half);
    let (y, n) = (y as f64 + half, n as f64 + 2.0 * half);
    let centre = (x / m * (n / y)).ln();
    let margin = z * (1.0 / x - 1.0 / m + 1.0 / y - 1.0 / n).sqrt();
    Some(Interval {
        low: if observed == 0.0 { 0.0 } else { (centre - margin).exp().min(observed) },
        high: (centre + margin).exp().max(observed),
    })
}

/// Interval of the difference of two proportions measured on the same `n` rows, from the rows
/// where only the first (`only_first`) or only the second succeeds (Bonett and Price 2012,
/// <https://doi.org/10.3102/1076998611411915>). `None` without rows.
///
/// # Panics
/// If the two counts exceed `n`, or `level` is not within (0, 1).
pub fn bonett_price(only_first: u64, only_second: u64, n: u64, level: f64) -> Option<Interval> {
    let z = critical(level);
    assert!(only_first + only_second <= n, "{only_first} + {only_second} of {n} rows");
    if n == 0 {
        return None;
    }
    let size = n as f64 + 2.0;
    let (p, q) = ((only_first as f64 + 1.0) / size, (only_second as f64 + 1.0) / size);
    let margin = z * ((p + q - (p - q) * (p - q)) / size).sqrt();
    Some(Interval { low: (p - q - margin).max(-1.0), high: (p - q + margin).min(1.0) })
}

/// Percentile interval of bootstrap replicates (Efron 1979), which it sorts. `None` without
/// replicates or if one is not finite.
///
/// # Panics
/// If `level` is not within (0, 1).
pub fn percentile(replicates: &mut [f64], level: f64) -> Option<Interval> {
    assert!(level > 0.0 && level < 1.0, "level {level} is not within (0, 1)");
    if !replicates.iter().all(|replicate| replicate.is_finite()) {
        return None;
    }
    replicates.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Some(Interval { low: quantile(replicates, tail)?, high: quantile(replicates, 1.0 - tail)? })
}

/// Quantile of ascending values, linear between neighbours (Hyndman and Fan 1996, type 7: NumPy's
/// default). `None` without values or for a probability outside [0, 1].
pub fn quantile(sorted: &[f64], probability: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let place = probability * last as f64;
    let below = place.floor();
    let (a, b) = (sorted[below as usize], sorted[(below as usize + 1).min(last)]);
    Some(a + (b - a) * (place - below))
}

/// z of a two-sided interval.
fn critical(level: f64) -> f64 {
    assert!(level > 0.0 && level < 1.0, "level {level} is not within (0, 1)");
    normal_quantile(f64::midpoint(1.0, level)).expect("a probability within (1/2, 1)")
}
