//! What attacks that see decisions only have in common: the way to the boundary, and the direction in which it lies.

use caiso_inference::CHUNK;
use caiso_math::Stream;

use crate::batch::Batch;
use crate::norm::clip;
use crate::{Norm, RobustnessError};

/// The distance of two points of one row.
pub(crate) fn distance(norm: Norm, a: &[f32], b: &[f32]) -> f64 {
    let sizes = a.iter().zip(b).map(|(&a, &b)| f64::from(b - a).abs());
    match norm {
        Norm::Linf => sizes.fold(0.0, f64::max),
        Norm::L2 => sizes.map(|size| size * size).sum::<f64>().sqrt(),
        Norm::L1 => sizes.sum(),
        Norm::L0 => sizes.filter(|&size| size > 0.0).count() as f64,
    }
}

/// Scales a direction to length 1 in a norm; a direction of length 0 stays.
pub(crate) fn normalise(norm: Norm, direction: &mut [f32]) {
    let length = norm.of(direction);
    if length > 0.0 {
        let factor = (1.0 / length) as f32;
        for value in direction {
            *value *= factor;
        }
    }
}

/// How far apart points of a row have to be for a decision to see it.
pub(crate) struct Grain {
    /// For each feature the least change that can change the valid input: 0 for continuous ones that may move, infinite for
    /// those that may not.
    pub(crate) least: Vec<f32>,
    /// Features that may move.
    pub(crate) free: usize,
    /// Their mean extent.
    pub(crate) extent: f64,
}

impl Grain {
    pub(crate) fn of(batch: &Batch<'_, '_>, row: usize) -> Self {
        let (low, high) = batch.bounds_of(row);
        let domain = batch.task.domain;
        let whole = domain
            .features()
            .iter()
            .map(|feature| if feature.integer { (1.0 / feature.unit()) as f32 } else { 0.0 });
        let mut least: Vec<f32> = whole.collect();
        for &j in domain.one_hot().iter().flatten() {
            least[j] = (1.0 / domain.features()[j].unit()) as f32;
        }
        let (mut free, mut extent) = (0, 0.0);
        for (least, (low, high)) in least.iter_mut().zip(low.iter().zip(high)) {
            if low < high {
                free += 1;
                extent += f64::from(high - low);
            } else {
                *least = f32::INFINITY;
            }
        }
        Self { least, free, extent: extent / free.max(1) as f64 }
    }

    /// Standard deviation of each feature for noise of this length: no less than what a decision sees, 0 for features that
    /// may not move.
    pub(crate) fn spread(&self, length: f64) -> Vec<f32> {
        let each = (length / (self.free.max(1) as f64).sqrt()) as f32;
        let spread = |&least: &f32| if least.is_finite() { each.max(least) } else { 0.0 };
        self.least.iter().map(spread).collect()
    }
}

/// Classes that are tried for a start.
const STARTS: u64 = 10;
/// Queries that each of them may take.
const START: u64 = 6;
/// How near the boundary a start is, as a share of its distance.
const START_TOLERANCE: f64 = 0.05;

/// An adversarial point to start from: of each class that would do the nearest row of the data is walked to the boundary, and
/// the one that comes nearest is taken. `None`, and the row marked, as
/// [`start_from_data`](Batch::start_from_data) does, which is asked if none of them is adversarial.
pub(crate) fn start(
    batch: &mut Batch<'_, '_>,
    row: usize,
    norm: Norm,
) -> Result<Option<Vec<f32>>, RobustnessError> {
    // No more than a tenth of the queries.
    let most = STARTS.min(batch.remaining(row) / (10 * START));
    let mut best: Option<(f64, Vec<f32>)> = None;
    for mut point in batch.nearest_of_each_class(row, most as usize) {
        if batch.is_adversarial(row, &point)? {
            to_boundary(batch, row, norm, START_TOLERANCE, &mut point)?;
            let radius = distance(norm, batch.origin_of(row), &point);
            if best.as_ref().is_none_or(|(nearest, _)| radius < *nearest) {
                best = Some((radius, point));
            }
        }
    }
    match best {
        Some((_, point)) => Ok(Some(point)),
        None => batch.start_from_data(row),
    }
}

/// Moves `point`, which is adversarial, towards its row until it is within `tolerance` of the boundary, as a share of its
/// distance; it stays adversarial. The way is a straight line, under L-infinity the clipping to ever smaller boxes.
pub(crate) fn to_boundary(
    batch: &mut Batch<'_, '_>,
    row: usize,
    norm: Norm,
    tolerance: f64,
    point: &mut [f32],
) -> Result<(), RobustnessError> {
    let far = point.to_vec();
    let mut middle = vec![0.0; far.len()];
    let radius = distance(norm, batch.origin_of(row), &far);
    let (mut inside, mut outside) = (0.0, 1.0);
    while outside - inside > tolerance {
        let share = 0.5 * (inside + outside);
        between(norm, batch.origin_of(row), &far, radius, share, &mut middle);
        if batch.is_adversarial(row, &middle)? {
            outside = share;
            point.copy_from_slice(&middle);
        } else {
            inside = share;
        }
    }
    Ok(())
}

/// Walks from the nearest adversarial point found so far, which may be one that was asked for another reason, to the boundary.
pub(crate) fn finish(
    batch: &mut Batch<'_, '_>,
    row: usize,
    norm: Norm,
    tolerance: f64,
) -> Result<(), RobustnessError> {
    if !batch.found[row].is_adversarial() {
        return Ok(());
    }
    let values = batch.adversarial[batch.span(row)].iter().zip(batch.task.domain.features());
    let mut point: Vec<f32> =
        values.map(|(&x, feature)| (f64::from(x) / feature.unit()) as f32).collect();
    to_boundary(batch, row, norm, tolerance, &mut point)
}

/// The point at a share of the way from a row (0) to a point at distance `radius` (1).
fn between(norm: Norm, origin: &[f32], far: &[f32], radius: f64, share: f64, into: &mut [f32]) {
    let (factor, reach) = (share as f32, (share * radius) as f32);
    for (value, (&own, &far)) in into.iter_mut().zip(origin.iter().zip(far)) {
        *value = own
            + if norm == Norm::Linf {
                (far - own).clamp(-reach, reach)
            } else {
                factor * (far - own)
            };
    }
}

/// Estimates of the direction in which the adversarial points lie, from decisions around a point of the boundary.
#[derive(Default)]
pub(crate) struct Probe {
    noise: Vec<f32>,
    points: Vec<f32>,
    plain: Vec<f32>,
    signed: Vec<f32>,
}

impl Probe {
    /// Writes to `direction` the Monte Carlo estimate of the gradient of the decision at `point` (Chen, Jordan, Wainwright
    /// 2020, equation 16): `count` points with the standard deviation `spread` in each feature, the mean decision as
    /// baseline. `uniform` draws from a box instead of the normal distribution.
    #[expect(clippy::too_many_arguments, reason = "one estimate, with nothing to keep between two")]
    pub(crate) fn direction(
        &mut self,
        batch: &mut Batch<'_, '_>,
        row: usize,
        point: &[f32],
        spread: &[f32],
        count: usize,
        uniform: bool,
        stream: &mut Stream,
        direction: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let width = batch.width;
        for sums in [&mut self.plain, &mut self.signed] {
            sums.clear();
            sums.resize(width, 0.0);
        }
        let mut balance = 0_i64;
        let mut left = count;
        while left > 0 {
            let block = left.min(CHUNK);
            left -= block;
            self.noise.resize(block * width, 0.0);
            self.points.resize(block * width, 0.0);
            if uniform {
                stream.fill_uniform(&mut self.noise);
                // A box of variance 1.
                let half = 3.0_f32.sqrt();
                for value in &mut self.noise {
                    *value = half * (2.0 * *value - 1.0);
                }
            } else {
                stream.fill_normal(&mut self.noise);
            }
            let (low, high) = batch.bounds_of(row);
            let rows = self.points.chunks_exact_mut(width).zip(self.noise.chunks_exact(width));
            for (probe, noise) in rows {
                for (value, ((&at, &noise), &spread)) in
                    probe.iter_mut().zip(point.iter().zip(noise).zip(spread))
                {
                    *value = at + spread * noise;
                }
                clip(low, high, probe);
            }
            batch.query(row, &self.points)?;
            for (probe, &fooled) in self.points.chunks_exact(width).zip(batch.fooled()) {
                balance += if fooled { 1 } else { -1 };
                let sign = if fooled { 1.0 } else { -1.0 };
                let sums = self.plain.iter_mut().zip(&mut self.signed);
                for ((plain, signed), (&value, &at)) in sums.zip(probe.iter().zip(point)) {
                    let change = value - at;
                    *plain += change;
                    *signed += sign * change;
                }
            }
        }
        let mean = balance as f32 / count as f32;
        // Where all decisions agree their mean says all that is known.
        let baseline = if mean.abs() == 1.0 { 0.0 } else { mean };
        for (direction, ((plain, signed), &spread)) in
            direction.iter_mut().zip(self.plain.iter().zip(&self.signed).zip(spread))
        {
            let change = signed - baseline * plain;
            *direction = if spread > 0.0 { change / (spread * spread) } else { 0.0 };
        }
        Ok(())
    }
}
