//! What an attack came to over a data set, in figures.

use serde::Serialize;

use crate::Norm;
use crate::norm::Distances;
use crate::run::{Attacked, RowResult};

const LEVEL: f64 = 0.95;

/// Figures of one attack at one epsilon.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Rows, those that are wrong without an attack among them.
    pub n: usize,
    /// Share of the rows that are decided correctly and that the attack, having run, left standing.
    pub robust_accuracy: f64,
    /// Wilson interval of it at 95 %.
    pub interval: [f64; 2],
    /// Share of the attacked rows that were flipped; `None` if none was attacked.
    pub success_rate: Option<f64>,
    /// Rows for which the attack found no point to start from: neither flipped nor counted as robust.
    pub init_failed: usize,
    /// Rows that the attack did not get through: neither flipped nor counted as robust.
    pub not_attacked: usize,
    /// Rows that stand, with a gradient of zero: counted as robust, though that shows little.
    pub without_gradient: usize,
    /// Median number of changed features over the flipped rows.
    pub median_l0: Option<f64>,
    /// Median of the sum of absolute changes over the flipped rows, in units of distance.
    pub median_l1: Option<f64>,
    /// Median Euclidean length of the change over the flipped rows, in units of distance.
    pub median_l2: Option<f64>,
    /// Median of the largest change over the flipped rows, in units of distance.
    pub median_linf: Option<f64>,
    /// Rows that the model was asked to evaluate, all together.
    pub queries: u64,
}

impl Attacked {
    /// Share of the rows that are decided correctly without an attack.
    pub fn clean_accuracy(&self) -> f64 {
        share(self.count(RowResult::is_correct), self.rows.len())
    }

    /// The figures at an epsilon; without one, at any distance.
    pub fn summary(&self, norm: Norm, epsilon: Option<f64>) -> Summary {
        let epsilon = epsilon.unwrap_or(f64::INFINITY);
        let n = self.rows.len();
        let stands = |row: &RowResult| row.stands(norm, epsilon);
        let robust = self.count(|row| stands(row) && row.finished && !row.init_failed);
        let interval = caiso_math::wilson(robust as u64, n as u64, LEVEL);
        let attacked = self.count(|row| row.is_correct() && (row.finished || !stands(row)));
        let flipped: Vec<Distances> = self
            .rows
            .iter()
            .filter(|row| row.is_correct() && !stands(row))
            .map(|row| row.distances)
            .collect();
        let median_of = |norm| median(flipped.iter().map(|distances| distances.in_norm(norm)));
        Summary {
            n,
            robust_accuracy: share(robust, n),
            interval: [interval.low, interval.high],
            success_rate: (attacked > 0).then(|| share(flipped.len(), attacked)),
            init_failed: self.count(|row| stands(row) && row.init_failed),
            not_attacked: self.count(|row| stands(row) && !row.finished),
            without_gradient: self.count(|row| stands(row) && row.without_gradient),
            median_l0: median_of(Norm::L0),
            median_l1: median_of(Norm::L1),
            median_l2: median_of(Norm::L2),
            median_linf: median_of(Norm::Linf),
            queries: self.rows.iter().map(|row| row.queries).sum(),
        }
    }

    fn count(&self, test: impl Fn(&RowResult) -> bool) -> usize {
        self.rows.iter().filter(|row| test(row)).count()
    }
}

fn share(count: usize, n: usize) -> f64 {
    if n == 0 { 0.0 } else { count as f64 / n as f64 }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    caiso_math::quantile(&values, 0.5)
}
