//! Rows that decision-based attacks start from: inputs that the model is known to decide otherwise.

use crate::batch::Batch;
use crate::{Domain, FeatureDomain, RobustnessError};

/// Most rows kept; a larger data set is thinned evenly.
const MOST: usize = 2_000;
/// Nearest rows tried with the immutable features of the attacked row.
const TRIES: usize = 25;
/// Random inputs tried where no row serves.
const RANDOM_TRIES: usize = 100;
/// Lane of the random inputs in a row's stream.
const LANE: u32 = 0x5000_0000;

/// Rows in units of distance with the classes that the model gives them.
pub(crate) struct Pool {
    points: Vec<f32>,
    classes: Vec<usize>,
}

impl Pool {
    /// From rows in the model's units, `[classes.len(), width]`.
    pub(crate) fn new(domain: &Domain, rows: &[f32], classes: &[usize]) -> Self {
        let step = classes.len().div_ceil(MOST).max(1);
        let width = domain.width();
        let units = || domain.features().iter().map(FeatureDomain::unit);
        let thinned = rows.chunks_exact(width).step_by(step);
        let points = thinned.flat_map(|row| row.iter().zip(units()));
        Self {
            points: points.map(|(&x, unit)| (f64::from(x) / unit) as f32).collect(),
            classes: classes.iter().copied().step_by(step).collect(),
        }
    }
}

impl Batch<'_, '_> {
    /// A valid adversarial point to start from, far from minimal: the nearest row of the pool that the model decides
    /// otherwise, with the features of this row that may not move; else a random input; `None`, and the row marked as
    /// [`init_failed`](crate::batch::Found::init_failed), if none of them is adversarial.
    pub(crate) fn start_from_data(
        &mut self,
        row: usize,
    ) -> Result<Option<Vec<f32>>, RobustnessError> {
        let candidates = self.samples(row);
        for (.., candidate) in candidates.into_iter().take(TRIES) {
            if self.is_adversarial(row, &candidate)? {
                return Ok(Some(candidate));
            }
        }
        let mut stream = self.stream(row).lane(LANE);
        for _ in 0..RANDOM_TRIES {
            let (low, high) = self.bounds_of(row);
            let ends = low.iter().zip(high);
            let candidate: Vec<f32> =
                ends.map(|(&low, &high)| low + (high - low) * stream.next_f32()).collect();
            if self.is_adversarial(row, &candidate)? {
                return Ok(Some(candidate));
            }
        }
        self.found[row].init_failed = true;
        Ok(None)
    }

    /// The nearest row of the pool that the model decides as this one shall be, with the features of this row that may not
    /// move. Whether it is still decided so is not asked.
    pub(crate) fn nearest_sample(&self, row: usize) -> Option<Vec<f32>> {
        self.samples(row).into_iter().next().map(|(.., sample)| sample)
    }

    /// The nearest such row of each class, the nearest first, at most so many.
    pub(crate) fn nearest_of_each_class(&self, row: usize, most: usize) -> Vec<Vec<f32>> {
        let mut seen = vec![false; self.classes];
        let samples = self.samples(row).into_iter();
        samples
            .filter(|&(_, class, _)| !std::mem::replace(&mut seen[class], true))
            .map(|(.., sample)| sample)
            .take(most)
            .collect()
    }

    /// All such rows with the squares of their distances and their classes, the nearest first.
    fn samples(&self, row: usize) -> Vec<(f64, usize, Vec<f32>)> {
        let pool = self.task.pool;
        let wanted = |class: usize| match &self.targets {
            Some(targets) => class == targets[row],
            None => class != self.labels[row],
        };
        let (low, high) = self.bounds_of(row);
        let within = |sample: &[f32]| -> Vec<f32> {
            let ends = low.iter().zip(high);
            sample.iter().zip(ends).map(|(&x, (&low, &high))| x.max(low).min(high)).collect()
        };
        let origin = self.origin_of(row);
        let mut samples: Vec<(f64, usize, Vec<f32>)> = pool
            .points
            .chunks_exact(self.width)
            .zip(&pool.classes)
            .filter(|&(_, &class)| wanted(class))
            .map(|(point, &class)| {
                let point = within(point);
                let squares = point.iter().zip(origin).map(|(a, b)| f64::from(a - b).powi(2));
                (squares.sum(), class, point)
            })
            .collect();
        samples.sort_by(|a, b| a.0.total_cmp(&b.0));
        samples
    }
}
