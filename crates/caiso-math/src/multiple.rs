//! Adjustment of p-values for the number of tests.

/// Holm's step-down adjustment, in the order given: the family-wise error rate of rejecting at
/// α is at most α whatever the dependence (Holm 1979, <https://www.jstor.org/stable/4615733>).
///
/// # Panics
/// If a p-value is not in [0, 1].
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &i) in order.iter().enumerate() {
        largest = largest.max(p_values[i] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up adjustment, in the order given: the false discovery rate of
/// rejecting at q is at most q for independent or positively dependent tests (1995,
/// <https://doi.org/10.1111/j.2517-6161.1995.tb02031.x>).
///
/// # Panics
/// If a p-value is not in [0, 1].
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let order = ascending(p_values);
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, &i) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[i] * (p_values.len() as f64 / (rank + 1) as f64));
        adjusted[i] = smallest;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    assert!(p_values.iter().all(|p| (0.0..=1.0).contains(p)), "a p-value is not in [0, 1]");
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    order
}
