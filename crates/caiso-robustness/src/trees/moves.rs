//! Adversarial points by moves of single features: found step by step, or made nearer.

use super::Quest;

/// Moves one feature after another, each time to the cell of it that brings the wished class furthest ahead for its cost,
/// until the point is adversarial (Papernot, McDaniel and Goodfellow 2016 for one tree, <https://arxiv.org/abs/1605.07277>).
/// `None` if no move helps any more.
pub(crate) fn step_by_step(quest: &Quest<'_>) -> Option<Vec<f32>> {
    let ensemble = quest.trees.ensemble;
    let width = quest.row.len();
    let mut point = quest.row.to_vec();
    loop {
        let candidates = moves(quest, &point);
        let rows: Vec<f32> = candidates.concat();
        let classes = ensemble.classes();
        let logits = ensemble.logits_of(&ensemble.sums(&rows));
        let scored: Vec<(&[f32], &[f32], f64)> = rows
            .chunks_exact(width)
            .zip(logits.chunks_exact(classes))
            .map(|(row, logits)| (row, logits, quest.cost_of(row)))
            .collect();
        let fooling = scored.iter().filter(|(_, logits, _)| quest.fools(logits));
        if let Some((nearest, ..)) = fooling.min_by(|a, b| a.2.total_cmp(&b.2)) {
            return Some(nearest.to_vec());
        }
        let now = quest.advantage(&ensemble.logits_of(&ensemble.sums(&point)));
        let spent = quest.cost_of(&point);
        // Moves that cost nothing more than what is spent already are the best.
        let worth = |&(_, logits, cost): &(&[f32], &[f32], f64)| {
            (quest.advantage(logits) - now) / (cost - spent).max(1e-12)
        };
        let helping = scored.iter().filter(|(_, logits, _)| quest.advantage(logits) > now);
        let (best, ..) = helping.max_by(|a, b| worth(a).total_cmp(&worth(b)))?;
        point.copy_from_slice(best);
    }
}

/// Every valid point that differs from `point` in the cell of one feature, or in the category of one group.
fn moves(quest: &Quest<'_>, point: &[f32]) -> Vec<Vec<f32>> {
    let mut all = Vec::new();
    let moved = |changes: &[(usize, f32)]| {
        let mut other = point.to_vec();
        for &(j, value) in changes {
            other[j] = value;
        }
        other
    };
    let groups = quest.trees.domain.one_hot();
    for j in (0..point.len()).filter(|j| !groups.iter().flatten().any(|other| other == j)) {
        let ends = &quest.trees.cells[j];
        let starts = std::iter::once(f32::NEG_INFINITY).chain(ends.iter().map(|end| end.next_up()));
        for (start, &end) in starts.zip(ends.iter().chain([&f32::INFINITY])) {
            let (low, high) = (start.max(quest.low[j]), end.min(quest.high[j]));
            match quest.nearest_value(j, low, high) {
                Some(value) if low <= high && !(start <= point[j] && point[j] <= end) => {
                    all.push(moved(&[(j, value)]));
                }
                _ => {}
            }
        }
    }
    for group in groups {
        for &choice in group {
            let changes: Vec<_> = group.iter().map(|&j| (j, f32::from(j == choice))).collect();
            let free = changes.iter().all(|&(j, x)| quest.low[j] <= x && x <= quest.high[j]);
            if free && point[choice] != 1.0 {
                all.push(moved(&changes));
            }
        }
    }
    all
}

/// Takes back what an adversarial point does not need: whole features first, the costliest before, then cell by cell.
pub(crate) fn reduce(quest: &Quest<'_>, point: &mut [f32]) {
    let groups = quest.trees.domain.one_hot();
    let mut features: Vec<usize> = (0..point.len()).collect();
    features.sort_by(|&a, &b| quest.cost(b, point[b]).total_cmp(&quest.cost(a, point[a])));
    for &j in &features {
        if point[j] == quest.row[j] {
            continue;
        }
        let alone = [j];
        let together =
            groups.iter().find(|group| group.contains(&j)).map_or(&alone[..], |group| group);
        let before: Vec<f32> = together.iter().map(|&j| point[j]).collect();
        for &j in together {
            point[j] = quest.row[j];
        }
        if !quest.is_adversarial(point) {
            for (&j, value) in together.iter().zip(before) {
                point[j] = value;
            }
        }
    }
    for &j in features.iter().filter(|j| !groups.iter().flatten().any(|other| other == *j)) {
        while point[j] != quest.row[j] {
            let before = point[j];
            let Some(nearer) = nearer(quest, j, before) else { break };
            point[j] = nearer;
            if !quest.is_adversarial(point) {
                point[j] = before;
                break;
            }
        }
    }
}

/// The value of feature `j` that is nearest to the row's own within the cell of `value`, or, if that is `value` itself,
/// within the next cell towards the row.
fn nearer(quest: &Quest<'_>, j: usize, value: f32) -> Option<f32> {
    let ends = &quest.trees.cells[j];
    let own = quest.row[j];
    let cell = |cell: usize| {
        let start = cell.checked_sub(1).map_or(f32::NEG_INFINITY, |before| ends[before].next_up());
        let end = ends.get(cell).copied().unwrap_or(f32::INFINITY);
        quest.nearest_value(j, start.max(quest.low[j]), end.min(quest.high[j]))
    };
    let mut at = ends.partition_point(|end| *end < value);
    loop {
        let near = cell(at);
        if near.is_some_and(|near| near != value && (near - own).abs() < (value - own).abs()) {
            return near;
        }
        at = if own < value { at.checked_sub(1)? } else { at + 1 };
        if at > ends.len() {
            return None;
        }
    }
}

impl Quest<'_> {
    /// How far scores are from, or beyond, what is wished.
    fn advantage(&self, logits: &[f32]) -> f64 {
        let own = self.target.unwrap_or(self.label);
        let others = logits.iter().enumerate().filter(|(class, _)| *class != own);
        let best = others.fold(f32::NEG_INFINITY, |best, (_, &logit)| best.max(logit));
        let ahead = f64::from(best) - f64::from(logits[own]);
        if self.target.is_some() { -ahead } else { ahead }
    }
}
