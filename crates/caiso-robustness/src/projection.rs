//! Exact projections to the intersection of a set with the box of a row.

use crate::norm::Norm;

/// Rounds that a search for the multiplier may take. It ends when no piece of the function is left between its bounds.
const ROUNDS: usize = 200;

/// The point nearest to `point` in Euclidean distance that lies in the box and within the L1 ball around `origin`, which
/// lies in the box itself (Croce and Hein 2021, "Mind the Box", <https://arxiv.org/abs/2103.01208>).
///
/// Each change is shortened by the same length and cut off at the box; the length is where the changes sum to `epsilon`.
pub(crate) fn project_l1(
    epsilon: f64,
    origin: &[f32],
    low: &[f32],
    high: &[f32],
    point: &mut [f32],
) {
    // Size of the change and how large it may be, feature by feature.
    let limits = |j: usize, point: &[f32]| {
        let change = point[j] - origin[j];
        let room = if change > 0.0 { high[j] - origin[j] } else { origin[j] - low[j] };
        (f64::from(change.abs()), f64::from(room))
    };
    // The sum of the changes shortened by `length`, and how many of them a longer one would shorten.
    let sum_at = |length: f64, point: &[f32]| {
        let (mut sum, mut active) = (0.0, 0.0);
        for j in 0..point.len() {
            let (size, room) = limits(j, point);
            let left = size - length;
            if left > room {
                sum += room;
            } else if left > 0.0 {
                sum += left;
                active += 1.0;
            }
        }
        (sum, active)
    };
    let mut length = 0.0;
    let (mut sum, mut active) = sum_at(0.0, point);
    if sum > epsilon {
        let (mut shorter, mut longer) = (0.0, 0.0);
        for j in 0..point.len() {
            longer = limits(j, point).0.max(longer);
        }
        // Newton's steps end as soon as one starts on the right piece, halving makes sure that one does.
        for round in 0..ROUNDS {
            if sum > epsilon {
                shorter = length;
            } else {
                longer = length;
            }
            let next = length + (sum - epsilon) / active;
            let middle = 0.5 * (shorter + longer);
            let inside = next > shorter && next < longer && round % 3 < 2;
            let next = if inside { next } else { middle };
            if (sum - epsilon).abs() <= 1e-10 * epsilon || next <= shorter || next >= longer {
                break;
            }
            length = next;
            (sum, active) = sum_at(length, point);
        }
        if sum > epsilon * (1.0 + 1e-9) {
            length = longer;
        }
    }
    for j in 0..point.len() {
        let (size, room) = limits(j, point);
        let size = (size - length).clamp(0.0, room);
        let moved = f64::from(origin[j]) + size.copysign(f64::from(point[j] - origin[j]));
        point[j] = (moved as f32).max(low[j]).min(high[j]);
    }
}

/// Writes to `step` the shortest way, in a norm, from `from` to the hyperplane where `slopes * step` is `gain`, within the
/// box. Where the box does not reach it, the way to the corner that comes nearest to it.
pub(crate) fn to_hyperplane(
    norm: Norm,
    slopes: &[f32],
    gain: f64,
    from: &[f32],
    (low, high): (&[f32], &[f32]),
    step: &mut [f32],
) {
    let side = if gain < 0.0 { -1.0_f32 } else { 1.0 };
    let gain = gain.abs();
    // First how far each feature can go in the direction that gains.
    let ends = from.iter().zip(low.iter().zip(high));
    for ((room, &slope), (&from, (&low, &high))) in step.iter_mut().zip(slopes).zip(ends) {
        let slope = side * slope;
        let ahead = if slope > 0.0 { high - from } else { from - low };
        *room = if slope == 0.0 { 0.0 } else { ahead.max(0.0) };
    }
    if norm == Norm::L1 {
        steepest_first(slopes, gain, step);
    } else {
        all_together(norm, slopes, gain, step);
    }
    for (step, &slope) in step.iter_mut().zip(slopes) {
        *step *= (side * slope).signum();
    }
}

/// Under L-infinity every feature goes equally far, under L2 in proportion to its slope, until it meets the box. What all
/// gain together grows more and more slowly with the multiplier, so that Newton's steps come up from below and end where no
/// more features meet the box. `ways` is how far each can go, then how far it goes.
fn all_together(norm: Norm, slopes: &[f32], gain: f64, ways: &mut [f32]) {
    let linf = norm == Norm::Linf;
    let mut multiplier = 0.0_f64;
    for _ in 0..ROUNDS {
        let (gained, rate) = gain_at(multiplier, linf, slopes, ways);
        if rate == 0.0 {
            multiplier = f64::MAX;
            break;
        }
        let next = multiplier + (gain - gained) / rate;
        if next <= multiplier {
            break;
        }
        multiplier = next;
    }
    for (way, &slope) in ways.iter_mut().zip(slopes) {
        let weight = if linf { 1.0 } else { f64::from(slope.abs()) };
        *way = (multiplier * weight).min(f64::from(*way)) as f32;
    }
}

/// Sums side by side, for the processor's sake.
const LANES: usize = 8;

/// What is gained with a multiplier, and how fast it grows there.
fn gain_at(multiplier: f64, linf: bool, slopes: &[f32], room: &[f32]) -> (f64, f64) {
    let (mut gained, mut rate) = ([0.0; LANES], [0.0; LANES]);
    let mut add = |lane: usize, slope: f32, room: f32| {
        let (slope, room) = (f64::from(slope.abs()), f64::from(room));
        let weight = if linf { 1.0 } else { slope };
        let reach = multiplier * weight;
        gained[lane] += slope * if reach < room { reach } else { room };
        rate[lane] += if reach < room { slope * weight } else { 0.0 };
    };
    let (slope_lanes, slope_rest) = slopes.as_chunks::<LANES>();
    let (room_lanes, room_rest) = room.as_chunks::<LANES>();
    for (slopes, room) in slope_lanes.iter().zip(room_lanes) {
        for lane in 0..LANES {
            add(lane, slopes[lane], room[lane]);
        }
    }
    for (lane, (&slope, &room)) in slope_rest.iter().zip(room_rest).enumerate() {
        add(lane, slope, room);
    }
    (gained.iter().sum(), rate.iter().sum())
}

/// Under L1 the steepest features go first, each as far as it can. `ways` is how far each can go, then how far it goes.
fn steepest_first(slopes: &[f32], gain: f64, ways: &mut [f32]) {
    let mut order: Vec<usize> = (0..slopes.len()).filter(|&j| ways[j] > 0.0).collect();
    order.sort_unstable_by(|&a, &b| slopes[b].abs().total_cmp(&slopes[a].abs()).then(a.cmp(&b)));
    let mut left = gain;
    for j in order {
        let (slope, room) = (f64::from(slopes[j].abs()), f64::from(ways[j]));
        if left > slope * room {
            left -= slope * room;
        } else {
            ways[j] = (left / slope) as f32;
            left = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Origin, low, high, and a point anywhere.
    type Case = (Vec<f32>, Vec<f32>, Vec<f32>, Vec<f32>);

    fn case() -> impl Strategy<Value = Case> {
        let feature = (0.0..=1.0_f32, -1.0..2.0_f32, prop::bool::weighted(0.2));
        prop::collection::vec(feature, 1..12).prop_map(|features| {
            let mut case = Case::default();
            for (own, value, still) in features {
                case.0.push(own);
                case.1.push(if still { own } else { 0.0 });
                case.2.push(if still { own } else { 1.0 });
                case.3.push(value);
            }
            case
        })
    }

    fn l1(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).sum()
    }

    fn squares(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
    }

    proptest! {
        #[test]
        fn no_point_of_box_and_l1_ball_is_nearer(
            (origin, low, high, point) in case(),
            epsilon in 0.0..3.0_f64,
            tries in prop::collection::vec(prop::collection::vec(0.0..=1.0_f32, 12), 60),
        ) {
            let mut projected = point.clone();
            project_l1(epsilon, &origin, &low, &high, &mut projected);
            let inside = |z: &[f32]| l1(z, &origin) <= epsilon + 1e-5;
            prop_assert!(inside(&projected));
            for (j, value) in projected.iter().enumerate() {
                prop_assert!((low[j]..=high[j]).contains(value));
            }
            // A set is convex just when the angle between the rest and every way into it is not acute.
            for corner in tries {
                let mut other: Vec<f32> =
                    (0..origin.len()).map(|j| corner[j].max(low[j]).min(high[j])).collect();
                let length = l1(&other, &origin);
                if length > epsilon {
                    let factor = (epsilon / length) as f32;
                    for (value, own) in other.iter_mut().zip(&origin) {
                        *value = own + factor * (*value - own);
                    }
                }
                prop_assert!(squares(&projected, &point) <= squares(&other, &point) + 1e-5);
            }
        }

        #[test]
        fn no_way_to_the_hyperplane_is_shorter(
            (from, low, high, slopes) in case(),
            gain in -1.0..1.0_f64,
            tries in prop::collection::vec(prop::collection::vec(0.0..=1.0_f32, 12), 60),
        ) {
            let dot = |step: &[f32]| -> f64 {
                slopes.iter().zip(step).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let most: f64 = slopes
                .iter()
                .enumerate()
                .map(|(j, &slope)| {
                    let up = (f64::from(slope) > 0.0) == (gain > 0.0);
                    let room = if up { high[j] - from[j] } else { from[j] - low[j] };
                    f64::from(slope.abs()) * f64::from(room)
                })
                .sum();
            for norm in [Norm::Linf, Norm::L2, Norm::L1] {
                let mut step = vec![f32::NAN; from.len()];
                to_hyperplane(norm, &slopes, gain, &from, (&low, &high), &mut step);
                for (j, step) in step.iter().enumerate() {
                    prop_assert!((low[j] - 1e-6..=high[j] + 1e-6).contains(&(from[j] + step)));
                }
                let gained = dot(&step) * gain.signum();
                prop_assert!((gained - most.min(gain.abs())).abs() < 1e-5, "{norm} {gained}");
                if most <= gain.abs() {
                    continue;
                }
                // Any other way, as long as it gains as much.
                for corner in &tries {
                    let other: Vec<f32> = (0..from.len())
                        .map(|j| corner[j].max(low[j]).min(high[j]) - from[j])
                        .collect();
                    let gained = dot(&other) * gain.signum();
                    if gained >= gain.abs() {
                        let factor = gain.abs() / gained;
                        prop_assert!(norm.of(&step) <= factor * norm.of(&other) + 1e-5, "{norm}");
                    }
                }
            }
        }
    }
}
