//! Norms, distances and projections.
//!
//! Points are in units of distance: each feature divided by its scale (see [`crate::FeatureDomain::scale`]).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the size of a change is measured.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// The largest change.
    Linf,
    /// The Euclidean length.
    L2,
    /// The sum of the absolute changes.
    L1,
    /// The number of changed features.
    L0,
}

impl Norm {
    /// All norms, in the order they are listed everywhere.
    pub const ALL: [Self; 4] = [Self::Linf, Self::L2, Self::L1, Self::L0];

    /// The lower-case word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linf => "linf",
            Self::L2 => "l2",
            Self::L1 => "l1",
            Self::L0 => "l0",
        }
    }

    /// The norm of a vector, summed in `f64`.
    pub(crate) fn of(self, vector: &[f32]) -> f64 {
        let sizes = vector.iter().map(|&value| f64::from(value).abs());
        match self {
            Self::Linf => sizes.fold(0.0, f64::max),
            Self::L2 => sizes.map(|size| size * size).sum::<f64>().sqrt(),
            Self::L1 => sizes.sum(),
            Self::L0 => sizes.filter(|&size| size > 0.0).count() as f64,
        }
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The distance of two points in all norms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distances {
    /// Features that differ.
    pub l0: f64,
    /// Sum of the absolute differences.
    pub l1: f64,
    /// Euclidean distance.
    pub l2: f64,
    /// Largest absolute difference.
    pub linf: f64,
}

impl Distances {
    /// The distance in one norm.
    pub fn in_norm(&self, norm: Norm) -> f64 {
        match norm {
            Norm::Linf => self.linf,
            Norm::L2 => self.l2,
            Norm::L1 => self.l1,
            Norm::L0 => self.l0,
        }
    }

    /// The distance of two points in units of distance: attacks ask for it at every other query, hence the sums in four
    /// lanes, which vectorise.
    pub(crate) fn between(a: &[f32], b: &[f32]) -> Self {
        const LANES: usize = 4;
        let (mut l0, mut l1) = ([0.0; LANES], [0.0; LANES]);
        let (mut squares, mut largest) = ([0.0; LANES], [0.0_f64; LANES]);
        let mut add = |a: &[f32; LANES], b: &[f32; LANES]| {
            for lane in 0..LANES {
                let size = (f64::from(b[lane]) - f64::from(a[lane])).abs();
                l0[lane] += f64::from(u8::from(size > 0.0));
                l1[lane] += size;
                squares[lane] += size * size;
                largest[lane] = if size > largest[lane] { size } else { largest[lane] };
            }
        };
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks(), b.as_chunks());
        a.iter().zip(b).for_each(|(a, b)| add(a, b));
        let padded = |rest: &[f32]| {
            let mut lanes = [0.0; LANES];
            lanes[..rest.len()].copy_from_slice(rest);
            lanes
        };
        add(&padded(a_rest), &padded(b_rest));
        let total = |lanes: [f64; LANES]| lanes.iter().sum();
        Self {
            l0: total(l0),
            l1: total(l1),
            l2: f64::sqrt(total(squares)),
            linf: largest.into_iter().fold(0.0, f64::max),
        }
    }

    pub(crate) fn of(differences: impl Iterator<Item = f64>) -> Self {
        let mut distances = Self::default();
        let mut squares = 0.0;
        for difference in differences {
            let size = difference.abs();
            distances.l0 += f64::from(size > 0.0);
            distances.l1 += size;
            squares += size * size;
            distances.linf = distances.linf.max(size);
        }
        distances.l2 = squares.sqrt();
        distances
    }
}

/// Brings `point` into the ball of radius `epsilon` around `origin`, then into the box `[low, high]`, which holds the
/// origin, so that the result lies in both.
///
/// The projection to the ball is Euclidean: clamping for L-infinity, rescaling for L2, soft thresholding for L1 (Duchi et
/// al. 2008, <https://doi.org/10.1145/1390156.1390191>), the largest changes for L0.
pub(crate) fn project(
    norm: Norm,
    epsilon: f32,
    origin: &[f32],
    low: &[f32],
    high: &[f32],
    point: &mut [f32],
) {
    match norm {
        Norm::Linf => {
            for (value, &centre) in point.iter_mut().zip(origin) {
                *value = value.max(centre - epsilon).min(centre + epsilon);
            }
        }
        Norm::L2 => {
            let length = difference_length(origin, point);
            if length > f64::from(epsilon) {
                let factor = (f64::from(epsilon) / length) as f32;
                for (value, &centre) in point.iter_mut().zip(origin) {
                    *value = centre + (*value - centre) * factor;
                }
            }
        }
        Norm::L1 => {
            let threshold = l1_threshold(origin, point, epsilon);
            if threshold > 0.0 {
                for (value, &centre) in point.iter_mut().zip(origin) {
                    let change = *value - centre;
                    *value = centre + change.signum() * (change.abs() - threshold).max(0.0);
                }
            }
        }
        Norm::L0 => keep_largest(epsilon as usize, origin, point),
    }
    clip(low, high, point);
}

/// Brings `point` into the box.
pub(crate) fn clip(low: &[f32], high: &[f32], point: &mut [f32]) {
    for (value, (&low, &high)) in point.iter_mut().zip(low.iter().zip(high)) {
        *value = value.max(low).min(high);
    }
}

fn difference_length(origin: &[f32], point: &[f32]) -> f64 {
    let squares = origin.iter().zip(point).map(|(&a, &b)| f64::from(b - a) * f64::from(b - a));
    squares.sum::<f64>().sqrt()
}

/// What to take off each absolute change so that they sum to `epsilon`; 0 if they do not exceed it.
fn l1_threshold(origin: &[f32], point: &[f32], epsilon: f32) -> f32 {
    let mut sizes: Vec<f64> =
        origin.iter().zip(point).map(|(&a, &b)| f64::from((b - a).abs())).collect();
    let epsilon = f64::from(epsilon);
    if sizes.iter().sum::<f64>() <= epsilon {
        return 0.0;
    }
    sizes.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut sum = 0.0;
    let mut threshold = 0.0;
    for (count, size) in sizes.into_iter().enumerate() {
        sum += size;
        let candidate = (sum - epsilon) / (count + 1) as f64;
        if candidate >= size {
            break;
        }
        threshold = candidate;
    }
    threshold as f32
}

/// Undoes all but the `count` largest changes; of equal ones the first stay.
fn keep_largest(count: usize, origin: &[f32], point: &mut [f32]) {
    let size = |j: usize| (point[j] - origin[j]).abs();
    let mut order: Vec<usize> = (0..point.len()).filter(|&j| size(j) > 0.0).collect();
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    for &j in order.iter().skip(count) {
        point[j] = origin[j];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_in_lanes_are_those_one_by_one() {
        let mut stream = caiso_math::Stream::new(1, "test", 0);
        for width in 0..19 {
            let mut draw = || -> Vec<f32> { (0..width).map(|_| stream.next_f32()).collect() };
            let (a, mut b) = (draw(), draw());
            b.iter_mut().zip(&a).step_by(3).for_each(|(b, a)| *b = *a);
            let lanes = Distances::between(&a, &b);
            let one = Distances::of(a.iter().zip(&b).map(|(a, b)| f64::from(b - a)));
            assert_eq!(lanes.l0, one.l0);
            for (lanes, one) in [(lanes.l1, one.l1), (lanes.l2, one.l2), (lanes.linf, one.linf)] {
                assert!((lanes - one).abs() <= 1e-7 * one, "{width}: {lanes} {one}");
            }
        }
    }
}
