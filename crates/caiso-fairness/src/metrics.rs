//! Differences and ratios of two groups, and their bootstrap intervals.
//!
//! All are unprivileged (`group`) compared with privileged (`reference`), `None` where a rate has
//! no rows to be taken over.

use caiso_core::{CheckError, RunContext};
use caiso_math::{Interval, Stream, percentile};

use crate::cube::{Counts, Rate};

/// The proportion of a rate.
pub(crate) fn share((successes, n): Rate) -> Option<f64> {
    (n > 0).then(|| successes as f64 / n as f64)
}

fn difference(group: Rate, reference: Rate) -> Option<f64> {
    Some(share(group)? - share(reference)?)
}

/// Selection rate minus selection rate (Calders and Verwer 2010,
/// <https://doi.org/10.1007/s10618-010-0190-x>).
pub fn statistical_parity_difference(group: &Counts, reference: &Counts) -> Option<f64> {
    difference(group.selection_rate(), reference.selection_rate())
}

/// Selection rate over selection rate (29 CFR 1607.4(D)); `None` also when nobody of the
/// reference is selected.
pub fn disparate_impact(group: &Counts, reference: &Counts) -> Option<f64> {
    let selected = share(reference.selection_rate()).filter(|&rate| rate > 0.0)?;
    Some(share(group.selection_rate())? / selected)
}

/// True positive rate minus true positive rate (Hardt, Price, Srebro 2016,
/// <https://arxiv.org/abs/1610.02413>).
pub fn equal_opportunity_difference(group: &Counts, reference: &Counts) -> Option<f64> {
    difference(group.true_positive_rate(), reference.true_positive_rate())
}

/// Accuracy minus accuracy.
pub fn accuracy_difference(group: &Counts, reference: &Counts) -> Option<f64> {
    difference(group.accuracy(), reference.accuracy())
}

/// Differences of the true and of the false positive rate.
fn odds(group: &Counts, reference: &Counts) -> Option<(f64, f64)> {
    Some((
        equal_opportunity_difference(group, reference)?,
        difference(group.false_positive_rate(), reference.false_positive_rate())?,
    ))
}

/// Mean of the differences of true and false positive rate. Opposite differences cancel: read it
/// beside [`average_absolute_odds_difference`].
pub fn average_odds_difference(group: &Counts, reference: &Counts) -> Option<f64> {
    odds(group, reference).map(|(t, f)| f64::midpoint(t, f))
}

/// Mean of the absolute differences of true and false positive rate.
pub fn average_absolute_odds_difference(group: &Counts, reference: &Counts) -> Option<f64> {
    odds(group, reference).map(|(t, f)| f64::midpoint(t.abs(), f.abs()))
}

/// The larger of the absolute differences of true and false positive rate. Undefined when either
/// is: the larger of a number and nothing is not the number.
pub fn equalized_odds_difference(group: &Counts, reference: &Counts) -> Option<f64> {
    odds(group, reference).map(|(t, f)| t.abs().max(f.abs()))
}

/// A metric of two groups.
pub(crate) type Metric = fn(&Counts, &Counts) -> Option<f64>;

/// How to resample.
pub(crate) struct Bootstrap<'a> {
    pub(crate) context: &'a RunContext,
    /// Code of the check: key of the stream.
    pub(crate) code: &'a str,
    /// Which comparison of the check: lane of the stream.
    pub(crate) lane: u32,
    pub(crate) replicates: u32,
    pub(crate) level: f64,
}

/// Share of replicates in which a metric may be undefined before it gets no interval.
const UNDEFINED_SHARE: f64 = 0.05;

impl Bootstrap<'_> {
    /// Percentile intervals of `metrics` over resampled rows of the two groups together: a row
    /// bootstrap is a multinomial draw over the cells of the cube. `None` for a metric that is
    /// undefined in more than 5 % of the replicates; rarer ones are left out.
    pub(crate) fn intervals<const M: usize>(
        &self,
        group: &Counts,
        reference: &Counts,
        metrics: [Metric; M],
    ) -> Result<[Option<Interval>; M], CheckError> {
        let mut weights = [0; 8];
        weights[..4].copy_from_slice(&group.cells());
        weights[4..].copy_from_slice(&reference.cells());
        let n = weights.iter().sum();
        let mut values: [Vec<f64>; M] = std::array::from_fn(|_| Vec::new());
        let mut drawn = [0; 8];
        for replicate in 0..self.replicates {
            if replicate % 512 == 0 {
                self.context.proceed()?;
            }
            Stream::new(self.context.seed, self.code, u64::from(replicate))
                .lane(self.lane)
                .multinomial(n, &weights, &mut drawn);
            let [a, b, c, d, e, f, g, h] = drawn;
            let (group, reference) =
                (Counts::from_cells([a, b, c, d]), Counts::from_cells([e, f, g, h]));
            for (values, metric) in values.iter_mut().zip(metrics) {
                values.extend(metric(&group, &reference));
            }
        }
        let enough = (1.0 - UNDEFINED_SHARE) * f64::from(self.replicates);
        Ok(values.map(|mut values| {
            if (values.len() as f64) < enough { None } else { percentile(&mut values, self.level) }
        }))
    }
}
