//! Which inputs are valid, and which of them lie within reach of an attacker.

use crate::RobustnessError;

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
}

impl FeatureDomain {
    /// A continuous feature that an attacker can change.
    pub fn continuous(name: impl Into<String>, lower: f64, upper: f64) -> Self {
        Self { name: name.into(), lower, upper, integer: false, immutable: false }
    }

    /// `upper - lower`: what epsilon is a fraction of.
    pub fn range(&self) -> f64 {
        self.upper - self.lower
    }

    /// Whether an attacker can change a valid value at all within `epsilon`.
    pub(crate) fn moves_within(&self, epsilon: f64) -> bool {
        let radius = epsilon * self.range();
        self.is_free() && radius > 0.0 && (!self.integer || radius + WHOLE_SLACK >= 1.0)
    }

    /// Whether an attacker has anything to choose.
    pub fn is_free(&self) -> bool {
        !self.immutable && self.range() > 0.0
    }
}

/// The valid inputs of a model: one [`FeatureDomain`] for each input, in the model's order.
///
/// Distances are measured with every feature scaled to `[0, 1]` by its bounds, so an epsilon of
/// 0.05 allows each feature to move by a twentieth of its declared range.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain {
    features: Vec<FeatureDomain>,
}

impl Domain {
    /// A domain; fails if a bound is not finite or a lower bound exceeds its upper bound.
    pub fn new(features: Vec<FeatureDomain>) -> Result<Self, RobustnessError> {
        for feature in &features {
            if !(feature.range().is_finite() && feature.lower <= feature.upper) {
                return Err(RobustnessError::Bounds {
                    feature: feature.name.clone(),
                    lower: feature.lower,
                    upper: feature.upper,
                });
            }
        }
        Ok(Self { features })
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
    /// `[low, high]`: a whole number, or the row's own value.
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
    }

    /// Whether `point` may stand for `row`: within bounds and within `epsilon` of it, immutable
    /// features untouched, integer features whole.
    pub fn is_valid(&self, row: &[f32], epsilon: f64, point: &[f32]) -> bool {
        self.features.iter().zip(row).zip(point).all(|((feature, &value), &moved)| {
            let (low, high) = feature.reach(value, epsilon);
            let whole = !feature.integer || moved.fract() == 0.0;
            moved == value || (whole && low <= moved && moved <= high)
        })
    }
}

/// Slack, in whole units, for products such as `0.29 * 100` that come out just below a whole number.
const WHOLE_SLACK: f64 = 1e-9;

impl FeatureDomain {
    fn reach(&self, value: f32, epsilon: f64) -> (f32, f32) {
        if !self.is_free() {
            return (value, value);
        }
        let centre = f64::from(value);
        let radius = epsilon * self.range();
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
