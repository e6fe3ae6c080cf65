//! A box of points, and the nearest valid point in it.

use super::Quest;

/// The values that each feature may take.
#[derive(Clone)]
pub(super) struct Region {
    pub(super) low: Vec<f32>,
    pub(super) high: Vec<f32>,
}

impl Region {
    /// The valid point of the box that is nearest to the row, and its cost; `None` if there is no valid point.
    pub(super) fn nearest(&self, quest: &Quest<'_>) -> Option<(Vec<f32>, f64)> {
        let ends = self.low.iter().zip(&self.high).enumerate();
        let point = ends.map(|(j, (&low, &high))| quest.nearest_value(j, low, high));
        let mut point: Vec<f32> = point.collect::<Option<_>>()?;
        for group in quest.trees.domain.one_hot() {
            let inside = |j: usize, value: f32| self.low[j] <= value && value <= self.high[j];
            if group.iter().all(|&j| inside(j, quest.row[j])) {
                continue;
            }
            let fits = |choice: usize| group.iter().all(|&j| inside(j, f32::from(j == choice)));
            let cost = |choice: usize| {
                let costs = group.iter().map(|&j| quest.cost(j, f32::from(j == choice)));
                costs.fold(0.0, |sum, cost| quest.trees.together(sum, cost))
            };
            let choices = group.iter().copied().filter(|&choice| fits(choice));
            let choice = choices.min_by(|&a, &b| cost(a).total_cmp(&cost(b)))?;
            for &j in group {
                point[j] = f32::from(j == choice);
            }
        }
        let cost = quest.cost_of(&point);
        Some((point, cost))
    }
}
