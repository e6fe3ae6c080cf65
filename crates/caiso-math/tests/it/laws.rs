//! Closed forms, laws and edges.

use caiso_math::{
    Auc, Interval, benjamini_hochberg, bonett_price, chi_squared, clopper_pearson, fisher_exact,
    holm, log_ratio, mcnemar_exact, mean_of_proportions, newcombe, percentile, quantile,
    two_proportion_z, wilson,
};
use proptest::prelude::*;

fn proportion() -> impl Strategy<Value = (u64, u64)> {
    (1_u64..400).prop_flat_map(|n| (0..=n, Just(n)))
}

/// C(n, k) exactly; small n only.
fn choose(n: u64, k: u64) -> u128 {
    (0..k).fold(1, |product, i| product * u128::from(n - i) / u128::from(i + 1))
}

/// Fisher's p-value by counting arrangements in integers.
fn fisher_by_counting((x, m): (u64, u64), (y, n): (u64, u64)) -> f64 {
    let ways = |k: u64| choose(m, k) * choose(n, x + y - k);
    let (low, high) = ((x + y).saturating_sub(n), (x + y).min(m));
    let extreme: u128 = (low..=high).map(ways).filter(|w| *w <= ways(x)).sum();
    extreme as f64 / choose(m + n, x + y) as f64
}

#[test]
fn fisher_equals_enumeration_of_every_small_table() {
    for m in 0..=9 {
        for n in 0..=9 {
            for x in 0..=m {
                for y in 0..=n {
                    let (ours, exact) =
                        (fisher_exact((x, m), (y, n)), fisher_by_counting((x, m), (y, n)));
                    assert!((ours - exact).abs() < 1e-12, "{x}/{m} {y}/{n}: {ours} {exact}");
                }
            }
        }
    }
    // The tea-tasting experiment: all eight cups, and one swapped pair.
    assert!((fisher_exact((4, 4), (0, 4)) - 1.0 / 35.0).abs() < 1e-15);
    assert!((fisher_exact((3, 4), (1, 4)) - 34.0 / 70.0).abs() < 1e-15);
    assert_eq!(fisher_exact((5, 100_000), (99_995, 100_000)), 0.0);
}

#[test]
fn zeros_of_the_ratio_are_defined() {
    assert_eq!(log_ratio((3, 10), (0, 10), 0.95), None);
    assert_eq!(log_ratio((0, 0), (1, 10), 0.95), None);
    assert_eq!(log_ratio((0, 10), (0, 10), 0.95), None);
    // One half in each cell: log(0.5/11 / (5.5/11)) + z sqrt(1/0.5 - 1/11 + 1/5.5 - 1/11).
    let none_of_ten = log_ratio((0, 10), (5, 10), 0.95).unwrap();
    let high =
        (0.5_f64 / 5.5).ln() + 1.959_963_984_540_054 * (2.0_f64 - 2.0 / 11.0 + 1.0 / 5.5).sqrt();
    assert_eq!(none_of_ten.low, 0.0);
    assert!((none_of_ten.high - high.exp()).abs() < 1e-12);
    let all = log_ratio((10, 10), (10, 10), 0.95).unwrap();
    assert!(all.low < 1.0 && all.high > 1.0, "{all:?}");
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(wilson(0, 0, 0.95), Interval { low: 0.0, high: 1.0 });
    assert_eq!(clopper_pearson(0, 0, 0.95), Interval { low: 0.0, high: 1.0 });
    assert_eq!(newcombe((0, 0), (1, 2), 0.95), None);
    assert_eq!(bonett_price(0, 0, 0, 0.95), None);
    assert_eq!(mean_of_proportions(&[], 0.95), None);
    assert_eq!(mean_of_proportions(&[(1, 2), (0, 0)], 0.95), None);
    assert_eq!(two_proportion_z((0, 4), (0, 5)), None);
    assert_eq!(chi_squared(&[(1, 2)], false), None);
    assert_eq!(chi_squared(&[(0, 2), (0, 3)], false), None);
    assert_eq!(chi_squared(&[(1, 2), (0, 0)], false), None);
    assert_eq!(mcnemar_exact(0, 0), 1.0);
    assert_eq!(percentile(&mut [], 0.95), None);
    assert_eq!(percentile(&mut [1.0, f64::NAN], 0.95), None);
    assert_eq!(quantile(&[1.0], 1.5), None);
    assert_eq!(Auc::of(&[0.1, 0.2, 0.3], &[true, false, false]), None);
    assert_eq!(Auc::of(&[0.1, f64::NAN, 0.3, 0.4], &[true, true, false, false]), None);
    assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
}

#[test]
fn separated_classes_have_no_interval() {
    let auc = Auc::of(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true]).unwrap();
    assert_eq!(auc.area, 1.0);
    assert_eq!(auc.interval(0.95), None);
}

#[test]
fn bonett_price_is_its_formula() {
    // b = 14, c = 5 of 100 rows: (15 - 6)/102 ± z sqrt((15 + 6 - 81/102)/102²).
    let interval = bonett_price(14, 5, 100, 0.95).unwrap();
    let margin = 1.959_963_984_540_054 * ((21.0_f64 - 81.0 / 102.0) / (102.0 * 102.0)).sqrt();
    assert!((interval.low - (9.0 / 102.0 - margin)).abs() < 1e-12);
    assert!((interval.high - (9.0 / 102.0 + margin)).abs() < 1e-12);
}

#[test]
fn clopper_pearson_ends_invert_the_binomial() {
    // With no success the upper end solves (1 - p)^n = 0.025.
    let interval = clopper_pearson(0, 20, 0.95);
    assert!((interval.high - (1.0 - 0.025_f64.powf(1.0 / 20.0))).abs() < 1e-13);
}

proptest! {
    #[test]
    fn intervals_hold_the_estimate_and_nest((x, m) in proportion(), (y, n) in proportion()) {
        let p = x as f64 / m as f64;
        let q = y as f64 / n as f64;
        for level in [0.8, 0.95, 0.999] {
            let (score, exact) = (wilson(x, m, level), clopper_pearson(x, m, level));
            prop_assert!(score.contains(p) && score.low >= 0.0 && score.high <= 1.0);
            prop_assert!(exact.contains(p) && exact.low >= 0.0 && exact.high <= 1.0);
            let difference = newcombe((x, m), (y, n), level).unwrap();
            prop_assert!(difference.low >= -1.0 && difference.high <= 1.0);
            prop_assert!(difference.low <= p - q + 1e-12 && difference.high >= p - q - 1e-12);
            let mirrored = newcombe((y, n), (x, m), level).unwrap();
            prop_assert!((difference.low + mirrored.high).abs() < 1e-12);
            if let Some(ratio) = log_ratio((x, m), (y, n), level) {
                prop_assert!(ratio.contains(p / q) && ratio.low >= 0.0);
                if let Some(inverse) = log_ratio((y, n), (x, m), level).filter(|_| x > 0) {
                    prop_assert!((ratio.high * inverse.low - 1.0).abs() < 1e-9);
                }
            }
        }
        prop_assert!(wilson(x, m, 0.99).low <= wilson(x, m, 0.9).low);
    }

    #[test]
    fn a_mean_of_proportions_is_newcombes_difference_in_other_words(
        (x, m) in proportion(),
        (y, n) in proportion(),
    ) {
        // p - q = p + (1 - q) - 1.
        let mean = mean_of_proportions(&[(x, m), (n - y, n)], 0.95).unwrap();
        let difference = newcombe((x, m), (y, n), 0.95).unwrap();
        prop_assert!((2.0 * mean.low - 1.0 - difference.low).abs() < 1e-12);
        prop_assert!((2.0 * mean.high - 1.0 - difference.high).abs() < 1e-12);
        let one = mean_of_proportions(&[(x, m)], 0.95).unwrap();
        prop_assert!((one.low - wilson(x, m, 0.95).low).abs() < 1e-12);
    }

    #[test]
    fn p_values_are_probabilities_and_symmetric(first in proportion(), second in proportion()) {
        let p = fisher_exact(first, second);
        prop_assert!(p > 0.0 && p <= 1.0);
        prop_assert!((p - fisher_exact(second, first)).abs() <= 1e-9 * p);
        if let (Some(chi), Some(z)) =
            (chi_squared(&[first, second], false), two_proportion_z(first, second))
        {
            // χ² with one degree of freedom is z².
            prop_assert!((chi.statistic - z.statistic * z.statistic).abs() <= 1e-9 * chi.statistic.max(1e-12));
            prop_assert!((chi.p_value - z.p_value).abs() <= 1e-9);
        }
    }

    #[test]
    fn adjusted_values_keep_the_order_and_never_shrink(
        p in prop::collection::vec(0.0_f64..=1.0, 1..20),
    ) {
        let (family, discovery) = (holm(&p), benjamini_hochberg(&p));
        for i in 0..p.len() {
            prop_assert!(p[i] <= discovery[i] && discovery[i] <= family[i] * (1.0 + 1e-12) && family[i] <= 1.0);
            for j in 0..p.len() {
                prop_assert!(p[i] > p[j] || (family[i] <= family[j] && discovery[i] <= discovery[j]));
            }
        }
    }

    #[test]
    fn area_does_not_depend_on_monotone_scale(
        rows in prop::collection::vec((0_u8..20, any::<bool>()), 8..60),
    ) {
        let scores: Vec<f64> = rows.iter().map(|(s, _)| f64::from(*s)).collect();
        let stretched: Vec<f64> = scores.iter().map(|s| (s / 5.0).exp()).collect();
        let positive: Vec<bool> = rows.iter().map(|(_, p)| *p).collect();
        let negative: Vec<bool> = positive.iter().map(|p| !p).collect();
        if let Some(auc) = Auc::of(&scores, &positive) {
            prop_assert_eq!(Some(auc), Auc::of(&stretched, &positive));
            prop_assert!((auc.area + Auc::of(&scores, &negative).unwrap().area - 1.0).abs() < 1e-12);
        }
    }
}
