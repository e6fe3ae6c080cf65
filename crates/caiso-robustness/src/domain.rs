//! Which inputs are valid, and which of them lie within reach of an attacker.

use crate::RobustnessError;
use crate::norm::Distances;

/// What one input of the model may be.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureDomain {
    /// Name for people: the column.
    pub name: String,
    /// Smallest valid value, in the model's units.
    pub lower: f64,
    /// Largest valid value, in the model's units.
    pub upper: f64,
    /// Only whole numbers are valid.
    pub integer: bool,
    /// An attacker cannot change it.
    pub immutable: bool,
    /// What counts as a change of 1, in the model's units: the range, so that every feature counts alike, or 1 to
    /// measure in the model's own units.
    pub scale: f64,
}

impl FeatureDomain {
    /// A continuous feature that an attacker can change, on the scale of its range.
    pub fn continuous(name: impl Into<String>, lower: f64, upper: f64) -> Self {
        let scale = upper - lower;
        Self { name: name.into(), lower, upper, integer: false, immutable: false, scale }
    }

    /// `upper - lower`.
    pub fn range(&self) -> f64 {
        self.upper - self.lower
    }

    /// The scale where the feature can move, 1 where it cannot.
    pub(crate) fn unit(&self) -> f64 {
        if self.is_free() { self.scale } else { 1.0 }
    }

    /// Whether an attacker can change a valid value at all within `epsilon`.
    pub(crate) fn moves_within(&self, epsilon: f64) -> bool {
        let radius = epsilon * self.scale;
        self.is_free() && radius > 0.0 && (!self.integer || radius + WHOLE_SLACK >= 1.0)
    }

    /// Whether an attacker has anything to choose.
    pub fn is_free(&self) -> bool {
        !self.immutable && self.range() > 0.0
    }
}

/// The valid inputs of a model: one [`FeatureDomain`] for each input, in the model's order.
///
/// Distances are measured with every feature divided by its scale. Where that is the feature's range, an epsilon of
/// 0.05 allows each feature to move by a twentieth of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    features: Vec<FeatureDomain>,
    /// Features of which exactly one is 1 and all others are 0.
    one_hot: Vec<Vec<usize>>,
    continuous: bool,
    /// Of each feature, what counts as a change of 1; empty if it is 1 for all.
    units: Vec<f64>,
}

impl Domain {
    /// A domain; fails if a bound is not finite or a lower bound exceeds its upper bound.
    pub fn new(features: Vec<FeatureDomain>) -> Result<Self, RobustnessError> {
        for feature in &features {
            let scaled = feature.scale.is_finite() && (feature.scale > 0.0 || !feature.is_free());
            if !(feature.range().is_finite() && feature.lower <= feature.upper && scaled) {
                return Err(RobustnessError::Bounds {
                    feature: feature.name.clone(),
                    lower: feature.lower,
                    upper: feature.upper,
                });
            }
        }
        let continuous = !features.iter().any(|feature| feature.integer);
        let units = units(&features);
        Ok(Self { features, one_hot: Vec::new(), continuous, units })
    }

    /// `width` continuous features between the same bounds, measured in the model's own units: pixels.
    pub fn uniform(width: usize, lower: f64, upper: f64) -> Result<Self, RobustnessError> {
        let feature = |j: usize| FeatureDomain {
            scale: 1.0,
            ..FeatureDomain::continuous(format!("#{j}"), lower, upper)
        };
        Self::new((0..width).map(feature).collect())
    }

    /// Declares groups of features that encode one category each: exactly one of them is 1, the others are 0. A group
    /// with an immutable feature is immutable as a whole.
    pub fn with_one_hot(mut self, groups: Vec<Vec<usize>>) -> Result<Self, RobustnessError> {
        let mut seen = vec![false; self.width()];
        for &j in groups.iter().flatten() {
            match seen.get_mut(j) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(RobustnessError::OneHot { feature: j, width: self.width() }),
            }
        }
        for group in &groups {
            if group.iter().any(|&j| self.features[j].immutable) {
                for &j in group {
                    self.features[j].immutable = true;
                }
            }
        }
        self.continuous &= groups.is_empty();
        self.units = units(&self.features);
        self.one_hot = groups;
        Ok(self)
    }

    /// The groups of features that encode one category each.
    pub fn one_hot(&self) -> &[Vec<usize>] {
        &self.one_hot
    }

    /// Whether every point within the bounds is valid: no whole numbers, no categories.
    pub(crate) fn is_continuous(&self) -> bool {
        self.continuous
    }

    /// Of each feature, what counts as a change of 1, in the model's units; empty if it is 1 for all.
    pub(crate) fn units(&self) -> &[f64] {
        &self.units
    }

    /// Rows in the model's units in units of distance.
    pub(crate) fn in_units(&self, rows: &[f32]) -> Vec<f32> {
        if self.units.is_empty() {
            return rows.to_vec();
        }
        let units = self.units.iter().cycle();
        rows.iter().zip(units).map(|(&x, unit)| (f64::from(x) / unit) as f32).collect()
    }

    /// How far `point` is from `row`, every feature divided by its scale.
    pub fn distances(&self, row: &[f32], point: &[f32]) -> Distances {
        if self.units.is_empty() {
            return Distances::between(row, point);
        }
        let pairs = self.features.iter().zip(row.iter().zip(point));
        Distances::of(pairs.map(|(feature, (&own, &moved))| {
            if own == moved { 0.0 } else { (f64::from(moved) - f64::from(own)) / feature.unit() }
        }))
    }

    /// The features in the model's order.
    pub fn features(&self) -> &[FeatureDomain] {
        &self.features
    }

    /// Number of features.
    pub fn width(&self) -> usize {
        self.features.len()
    }

    /// Writes what an attacker within `epsilon` of `row` can reach: feature `j` may take values in
    /// `[low[j], high[j]]`, and if it is an integer feature, whole numbers in there or the row's
    /// own value.
    ///
    /// The interval is the intersection of the L-infinity ball with the bounds, rounded inwards
    /// to `f32`, and always holds the row's own value: a value that is outside its declared bounds
    /// may stay where it is. For integer features it ends at whole numbers, so that a feature that
    /// cannot reach another whole number stays fixed during the attack.
    pub fn reach(&self, row: &[f32], epsilon: f64, low: &mut [f32], high: &mut [f32]) {
        let ends = low.iter_mut().zip(high);
        for ((feature, &value), (low, high)) in self.features.iter().zip(row).zip(ends) {
            (*low, *high) = feature.reach(value, epsilon);
        }
    }

    /// Moves every integer feature of `point` to the nearest valid value within
    /// `[low, high]`: a whole number, or the row's own value; and every one-hot group to the category that is
    /// largest in `point`, if that is within reach, else to the row's own.
    pub fn snap(&self, row: &[f32], low: &[f32], high: &[f32], point: &mut [f32]) {
        for (j, feature) in self.features.iter().enumerate() {
            if feature.integer && point[j] != row[j] {
                let whole = point[j].round_ties_even();
                let whole = whole.clamp(low[j].ceil(), high[j].floor().max(low[j].ceil()));
                let valid = low[j] <= whole && whole <= high[j];
                let stays = (point[j] - row[j]).abs() < (point[j] - whole).abs();
                point[j] = if valid && !stays { whole } else { row[j] };
            }
        }
        for group in &self.one_hot {
            let reachable = |&choice: &usize| {
                group.iter().all(|&j| (low[j]..=high[j]).contains(&f32::from(j == choice)))
            };
            let choice = group.iter().copied().filter(reachable).max_by(|&a, &b| {
                // The first of equal ones.
                point[a].total_cmp(&point[b]).then(b.cmp(&a))
            });
            for &j in group {
                point[j] = choice.map_or(row[j], |choice| f32::from(j == choice));
            }
        }
    }

    /// Whether `point` may stand for `row`: within bounds and within `epsilon` of it, immutable
    /// features untouched, integer features whole.
    pub fn is_valid(&self, row: &[f32], epsilon: f64, point: &[f32]) -> bool {
        self.features.iter().zip(row).zip(point).all(|((feature, &value), &moved)| {
            let (low, high) = feature.reach(value, epsilon);
            let whole = !feature.integer || moved.fract() == 0.0;
            moved == value || (whole && low <= moved && moved <= high)
        }) && self.one_hot.iter().all(|group| {
            let unchanged = group.iter().all(|&j| point[j] == row[j]);
            let ones = group.iter().filter(|&&j| point[j] == 1.0).count();
            let zeros = group.iter().filter(|&&j| point[j] == 0.0).count();
            unchanged || (ones == 1 && ones + zeros == group.len())
        })
    }
}

fn units(features: &[FeatureDomain]) -> Vec<f64> {
    if features.iter().all(|feature| feature.unit() == 1.0) {
        return Vec::new();
    }
    features.iter().map(FeatureDomain::unit).collect()
}

/// Slack, in whole units, for products such as `0.29 * 100` that come out just below a whole number.
const WHOLE_SLACK: f64 = 1e-9;

impl FeatureDomain {
    fn reach(&self, value: f32, epsilon: f64) -> (f32, f32) {
        if !self.is_free() {
            return (value, value);
        }
        let centre = f64::from(value);
        let radius = epsilon * self.scale;
        let low = self.lower.max(centre - radius);
        let high = self.upper.min(centre + radius);
        let (low, high) = if self.integer {
            ((low - WHOLE_SLACK).ceil(), (high + WHOLE_SLACK).floor())
        } else {
            (low, high)
        };
        (at_least(low).min(value), at_most(high).max(value))
    }
}

/// The smallest `f32` that is not below `number`.
fn at_least(number: f64) -> f32 {
    let near = number as f32;
    if f64::from(near) < number { near.next_up() } else { near }
}

/// The largest `f32` that is not above `number`.
fn at_most(number: f64) -> f32 {
    let near = number as f32;
    if f64::from(near) > number { near.next_down() } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(feature: &FeatureDomain, value: f32, epsilon: f64) -> (f32, f32) {
        feature.reach(value, epsilon)
    }

    #[test]
    fn the_reach_is_the_ball_within_the_bounds() {
        let ratio = FeatureDomain::continuous("ratio", 0.0, 2.0);
        assert_eq!(reach(&ratio, 1.0, 0.25), (0.5, 1.5));
        assert_eq!(reach(&ratio, 0.125, 0.25), (0.0, 0.625));
        // A value outside its bounds may stay, and may move inwards.
        assert_eq!(reach(&ratio, 2.25, 0.25), (1.75, 2.25));
        assert_eq!(reach(&ratio, 3.0, 0.25), (2.5, 3.0));
    }

    #[test]
    fn what_cannot_move_does_not() {
        let fixed = FeatureDomain { immutable: true, ..FeatureDomain::continuous("age", 0.0, 9.0) };
        assert_eq!(reach(&fixed, 4.0, 1.0), (4.0, 4.0));
        let constant = FeatureDomain::continuous("one", 1.0, 1.0);
        assert_eq!(reach(&constant, 1.0, 1.0), (1.0, 1.0));
    }

    #[test]
    fn whole_numbers_are_reached_or_not_at_all() {
        let count =
            FeatureDomain { integer: true, ..FeatureDomain::continuous("count", 0.0, 100.0) };
        assert_eq!(reach(&count, 50.0, 0.009), (50.0, 50.0));
        assert_eq!(reach(&count, 50.0, 0.29), (21.0, 79.0));
        let domain = Domain::new(vec![count]).unwrap();
        let snapped = |row: f32, low: f32, high: f32, mut point: f32| {
            domain.snap(&[row], &[low], &[high], std::slice::from_mut(&mut point));
            point
        };
        assert_eq!(snapped(50.0, 48.0, 52.0, 51.6), 52.0);
        assert_eq!(snapped(50.0, 48.0, 52.0, 50.4), 50.0);
        // A row that is itself no whole number stays or goes to one within reach.
        assert_eq!(snapped(50.4, 50.4, 51.0, 50.6), 50.4);
        assert_eq!(snapped(50.4, 50.4, 51.0, 50.9), 51.0);
        assert_eq!(snapped(50.4, 50.4, 50.6, 50.6), 50.4);
    }

    #[test]
    fn bounds_that_are_no_interval_are_refused() {
        for (lower, upper) in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            let feature = FeatureDomain::continuous("income", lower, upper);
            let error = Domain::new(vec![feature]).unwrap_err().to_string();
            assert!(error.starts_with("feature `income` has bounds ["), "{error}");
        }
    }
}
