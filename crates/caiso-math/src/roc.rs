//! Area under the receiver operating characteristic.

use crate::{Interval, normal_quantile};

/// An area under the ROC curve with DeLong's standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Auc {
    /// Probability that a positive scores higher than a negative, ties counting one half.
    pub area: f64,
    /// Standard error (DeLong, DeLong, Clarke-Pearson 1988, <https://doi.org/10.2307/2531595>).
    pub standard_error: f64,
}

impl Auc {
    /// The area of `scores`, where `positive` marks the rows of the positive class; O(n log n)
    /// (Sun and Xu 2014, <https://doi.org/10.1109/LSP.2014.2337313>). `None` with fewer than two
    /// rows of a class, or a score that is NaN.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of(scores: &[f64], positive: &[bool]) -> Option<Self> {
        assert_eq!(scores.len(), positive.len(), "one label for each score");
        let split = |wanted: bool| -> Vec<f64> {
            scores.iter().zip(positive).filter(|(_, p)| **p == wanted).map(|(s, _)| *s).collect()
        };
        let (ones, zeros) = (split(true), split(false));
        if ones.len() < 2 || zeros.len() < 2 || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let ranks = midranks(scores);
        let rank_of = |wanted: bool| {
            ranks.iter().zip(positive).filter(move |(_, p)| **p == wanted).map(|(r, _)| *r)
        };
        let (m, n) = (ones.len() as f64, zeros.len() as f64);
        // Share of the other class that each row beats.
        let of_ones: Vec<f64> =
            rank_of(true).zip(midranks(&ones)).map(|(all, own)| (all - own) / n).collect();
        let of_zeros: Vec<f64> =
            rank_of(false).zip(midranks(&zeros)).map(|(all, own)| 1.0 - (all - own) / m).collect();
        let area = of_ones.iter().sum::<f64>() / m;
        let variance = variance(&of_ones) / m + variance(&of_zeros) / n;
        Some(Self { area, standard_error: variance.sqrt() })
    }

    /// Interval on the logit scale (which stays within [0, 1]); `None` when the classes are
    /// separated, so that the standard error is 0 and says nothing.
    ///
    /// # Panics
    /// If `level` is not within (0, 1).
    pub fn interval(&self, level: f64) -> Option<Interval> {
        assert!(level > 0.0 && level < 1.0, "level {level} is not within (0, 1)");
        let z = normal_quantile(f64::midpoint(1.0, level))?;
        let product = self.area * (1.0 - self.area);
        if product <= 0.0 || self.standard_error <= 0.0 {
            return None;
        }
        let logit = (self.area / (1.0 - self.area)).ln();
        let margin = z * self.standard_error / product;
        let back = |x: f64| 1.0 / (1.0 + (-x).exp());
        Some(Interval { low: back(logit - margin), high: back(logit + margin) })
    }
}

/// Ranks from 1, ties sharing their mean.
fn midranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let below = order.partition_point(|&i| values[i] < values[tied[0]]);
        let rank = f64::midpoint(below as f64 + 1.0, (below + tied.len()) as f64);
        for &i in tied {
            ranks[i] = rank;
        }
    }
    ranks
}

fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (values.len() as f64 - 1.0)
}
