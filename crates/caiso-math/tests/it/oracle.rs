//! Agreement with SciPy, statsmodels and scikit-learn (`tests/fixtures/oracle.py`).

use std::sync::LazyLock;

use caiso_math::{
    Auc, Interval, benjamini_hochberg, beta_cdf, beta_quantile, chi_squared, chi_squared_sf,
    clopper_pearson, fisher_exact, gamma_cdf, gamma_sf, holm, log_ratio, mcnemar_exact, newcombe,
    normal_cdf, normal_quantile, normal_sf, quantile, two_proportion_z, wilson,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

static ORACLE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../fixtures/oracle.json")).unwrap());

fn cases<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let cases: Vec<T> = serde_json::from_value(ORACLE[name].clone()).unwrap();
    assert!(cases.len() > 5, "{name} has {} cases", cases.len());
    cases
}

/// Equal to a relative tolerance; below 1e-300 both count as nothing.
#[track_caller]
fn close(ours: f64, theirs: f64, tolerance: f64) {
    let scale = ours.abs().max(theirs.abs()).max(1e-300);
    assert!((ours - theirs).abs() <= tolerance * scale, "{ours:e} is not {theirs:e}");
}

#[track_caller]
fn close_interval(ours: Interval, low: f64, high: f64, tolerance: f64) {
    // Ends near 0 and 1 lose digits in the formulas of the peers.
    assert!((ours.low - low).abs() <= tolerance * low.abs() + 1e-12, "{ours:?}: {low}");
    assert!((ours.high - high).abs() <= tolerance * high.abs() + 1e-12, "{ours:?}: {high}");
}

#[test]
fn normal() {
    for (z, cdf, sf) in cases::<(f64, f64, f64)>("normal") {
        close(normal_cdf(z).unwrap(), cdf, 1e-12);
        close(normal_sf(z).unwrap(), sf, 1e-12);
    }
    for (p, z) in cases::<(f64, f64)>("normal_quantile") {
        close(normal_quantile(p).unwrap(), z, 1e-12);
    }
    for outside in [0.0, 1.0, -0.1, f64::NAN] {
        assert_eq!(normal_quantile(outside), None);
    }
    assert_eq!(normal_cdf(f64::NAN), None);
}

#[test]
fn beta() {
    for (x, a, b, cdf) in cases::<(f64, f64, f64, f64)>("beta") {
        close(beta_cdf(x, a, b).unwrap(), cdf, 1e-10);
    }
    for (p, a, b, x) in cases::<(f64, f64, f64, f64)>("beta_quantile") {
        close(beta_quantile(p, a, b).unwrap(), x, 1e-10);
    }
    assert_eq!(beta_cdf(1.1, 1.0, 1.0), None);
    assert_eq!(beta_cdf(0.5, 0.0, 1.0), None);
    assert_eq!(beta_quantile(0.5, 1.0, f64::INFINITY), None);
}

#[test]
fn gamma() {
    for (x, shape, scale, cdf, sf) in cases::<(f64, f64, f64, f64, f64)>("gamma") {
        close(gamma_cdf(x, shape, scale).unwrap(), cdf, 1e-10);
        close(gamma_sf(x, shape, scale).unwrap(), sf, 1e-10);
    }
    for (x, degrees, sf) in cases::<(f64, u32, f64)>("chi_squared_sf") {
        close(chi_squared_sf(x, degrees).unwrap(), sf, 1e-10);
    }
    assert_eq!(gamma_cdf(-1.0, 1.0, 1.0), None);
    assert_eq!(chi_squared_sf(1.0, 0), None);
}

#[test]
fn intervals() {
    for (x, n, level, low, high) in cases::<(u64, u64, f64, f64, f64)>("wilson") {
        close_interval(wilson(x, n, level), low, high, 1e-10);
    }
    for (x, n, level, low, high) in cases::<(u64, u64, f64, f64, f64)>("clopper_pearson") {
        close_interval(clopper_pearson(x, n, level), low, high, 1e-9);
    }
    for (x, m, y, n, low, high) in cases::<(u64, u64, u64, u64, f64, f64)>("newcombe") {
        close_interval(newcombe((x, m), (y, n), 0.95).unwrap(), low, high, 1e-9);
    }
    for (x, m, y, n, low, high) in cases::<(u64, u64, u64, u64, f64, f64)>("log_ratio") {
        close_interval(log_ratio((x, m), (y, n), 0.95).unwrap(), low, high, 1e-9);
    }
    for (values, p, expected) in cases::<(Vec<f64>, f64, f64)>("quantile") {
        close(quantile(&values, p).unwrap(), expected, 1e-15);
    }
}

#[test]
fn hypotheses() {
    for (x, m, y, n, p) in cases::<(u64, u64, u64, u64, f64)>("fisher_exact") {
        let ours = fisher_exact((x, m), (y, n));
        assert!((ours - p).abs() <= 1e-9 * p.max(1e-300), "({x}/{m}, {y}/{n}): {ours:e} {p:e}");
    }
    for (groups, plain, plain_p, yates, yates_p) in
        cases::<(Vec<(u64, u64)>, f64, f64, f64, f64)>("chi_squared")
    {
        let (a, b) = (chi_squared(&groups, false).unwrap(), chi_squared(&groups, true).unwrap());
        close(a.statistic, plain, 1e-10);
        close(a.p_value, plain_p, 1e-9);
        close(b.statistic, yates, 1e-10);
        close(b.p_value, yates_p, 1e-9);
    }
    for (x, m, y, n, z, p) in cases::<(u64, u64, u64, u64, f64, f64)>("two_proportion_z") {
        let ours = two_proportion_z((x, m), (y, n)).unwrap();
        close(ours.statistic, z, 1e-10);
        close(ours.p_value, p, 1e-9);
    }
    for (b, c, p) in cases::<(u64, u64, f64)>("mcnemar_exact") {
        close(mcnemar_exact(b, c), p, 1e-9);
    }
}

#[test]
fn adjustments() {
    for (values, by_holm, by_hochberg) in cases::<(Vec<f64>, Vec<f64>, Vec<f64>)>("adjustments") {
        for (ours, theirs) in [(holm(&values), by_holm), (benjamini_hochberg(&values), by_hochberg)]
        {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(&theirs).for_each(|(a, b)| close(*a, *b, 1e-14));
        }
    }
}

#[test]
fn area_under_the_curve() {
    for (scores, positive, area, error) in cases::<(Vec<f64>, Vec<bool>, f64, f64)>("roc") {
        let ours = Auc::of(&scores, &positive).unwrap();
        close(ours.area, area, 1e-12);
        close(ours.standard_error, error, 1e-10);
    }
}
