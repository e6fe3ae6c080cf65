//! Losses of one row that attacks with gradients raise.

use caiso_inference::Loss;

use crate::RobustnessError;
use crate::batch::Batch;

/// Keeps the quotient of the logits finite where all of them are equal.
const TINY: f32 = 1e-12;

/// Where a row shall be driven: away from its class, or to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Aim {
    pub(crate) label: usize,
    pub(crate) target: Option<usize>,
}

/// What is raised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum AttackLoss {
    /// Cross-entropy of the label, or the negative one of the target.
    CrossEntropy,
    /// How far the largest other logit, or the target's, is above the label's.
    Margin,
    /// The margin as a share of the distance between large logits: of the first and the third, or, with a target, of the
    /// first and the mean of the third and fourth. Neither shift nor scale of the logits changes it.
    LogitsRatio,
}

impl AttackLoss {
    /// The least number of classes that it is defined for.
    pub(crate) fn least_classes(self, targeted: bool) -> usize {
        match (self, targeted) {
            (Self::CrossEntropy | Self::Margin, _) => 2,
            (Self::LogitsRatio, false) => 3,
            (Self::LogitsRatio, true) => 4,
        }
    }

    /// The loss, and in `seed` its derivative with respect to each logit.
    pub(crate) fn value_and_seed(self, logits: &[f32], aim: Aim, seed: &mut [f32]) -> f32 {
        match (self, aim.target) {
            (Self::CrossEntropy, None) => {
                Loss::CrossEntropy.value_and_seed(logits, aim.label, seed)
            }
            (Self::CrossEntropy, Some(target)) => {
                let value = Loss::CrossEntropy.value_and_seed(logits, target, seed);
                for slope in seed {
                    *slope = -*slope;
                }
                -value
            }
            (Self::Margin, None) => Loss::Margin.value_and_seed(logits, aim.label, seed),
            (Self::Margin, Some(target)) => margin_to(logits, aim.label, target, seed),
            (Self::LogitsRatio, target) => logits_ratio(logits, aim.label, target, seed),
        }
    }
}

/// For each row of a batch the classes it may be driven to, the most likely first.
pub(crate) struct Rivals {
    classes: Vec<usize>,
    /// Classes for each row.
    pub(crate) most: usize,
}

impl Rivals {
    pub(crate) fn of(&self, row: usize) -> &[usize] {
        &self.classes[row * self.most..][..self.most]
    }
}

impl Batch<'_, '_> {
    /// Up to `most` classes that each row may be driven to; the one that is aimed at, if there is one.
    pub(crate) fn rivals(&mut self, most: usize) -> Result<Rivals, RobustnessError> {
        if let Some(targets) = &self.targets {
            return Ok(Rivals { classes: targets.clone(), most: 1 });
        }
        let (rows, points) = (self.all(), self.origin.clone());
        self.forward(&rows, &points)?;
        let most = most.min(self.classes - 1);
        let mut classes = Vec::with_capacity(rows.len() * most);
        for (logits, &label) in self.logits().chunks_exact(self.classes).zip(&self.labels) {
            let mut others: Vec<usize> = (0..self.classes).filter(|&c| c != label).collect();
            others.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
            classes.extend_from_slice(&others[..most]);
        }
        Ok(Rivals { classes, most })
    }

    /// The ratio of logits where there are classes enough, else the margin, with a note.
    pub(crate) fn ratio_or_margin(&mut self, targeted: bool) -> AttackLoss {
        let least = AttackLoss::LogitsRatio.least_classes(targeted);
        if self.classes >= least {
            return AttackLoss::LogitsRatio;
        }
        let (attack, classes) = (self.task.attack, self.classes);
        self.note(format!(
            "{attack}: the difference of logits ratio needs {least} classes and there are {classes}; the difference \
             of logits alone was raised",
        ));
        AttackLoss::Margin
    }

    /// Where each of `rows` shall be driven.
    pub(crate) fn aims(&self, rows: &[usize]) -> Vec<Aim> {
        let target = |row: usize| self.targets.as_ref().map(|targets| targets[row]);
        rows.iter().map(|&row| Aim { label: self.labels[row], target: target(row) }).collect()
    }
}

fn margin_to(logits: &[f32], label: usize, target: usize, seed: &mut [f32]) -> f32 {
    seed.fill(0.0);
    seed[target] = 1.0;
    seed[label] = -1.0;
    logits[target] - logits[label]
}

/// Croce and Hein 2020, equations 7 and 8.
fn logits_ratio(logits: &[f32], label: usize, target: Option<usize>, seed: &mut [f32]) -> f32 {
    let [first, _, third, fourth] = largest(logits);
    let (margin, spread) = match target {
        None => {
            let margin = Loss::Margin.value_and_seed(logits, label, seed);
            (margin, logits[first] - logits[third])
        }
        Some(target) => {
            let margin = margin_to(logits, label, target, seed);
            (margin, logits[first] - 0.5 * (logits[third] + logits[fourth]))
        }
    };
    let spread = spread + TINY;
    let ratio = margin / spread;
    seed[first] -= ratio;
    if target.is_none() {
        seed[third] += ratio;
    } else {
        seed[third] += 0.5 * ratio;
        seed[fourth] += 0.5 * ratio;
    }
    for slope in seed {
        *slope /= spread;
    }
    ratio
}

/// Indices of the four largest values, the largest first; with three values the last is the third again.
fn largest(values: &[f32]) -> [usize; 4] {
    let mut order = [usize::MAX; 4];
    for index in 0..values.len() {
        let mut new = index;
        for place in &mut order {
            if *place == usize::MAX {
                *place = new;
                break;
            }
            if values[new] > values[*place] {
                std::mem::swap(place, &mut new);
            }
        }
    }
    if order[3] == usize::MAX {
        order[3] = order[2];
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_of_logits_ignores_shift_and_scale() {
        let logits = [3.0_f32, -1.0, 0.5, 2.0, 1.5];
        let moved: Vec<f32> = logits.iter().map(|z| 4.0 * z + 7.0).collect();
        let mut seed = [0.0; 5];
        for (aim, expected) in [
            (Aim { label: 0, target: None }, -1.0 / 1.5),
            (Aim { label: 3, target: None }, 1.0 / 1.5),
            (Aim { label: 0, target: Some(2) }, -2.5 / (3.0 - 0.5 * (1.5 + 0.5))),
        ] {
            for logits in [&logits[..], &moved] {
                let value = AttackLoss::LogitsRatio.value_and_seed(logits, aim, &mut seed);
                assert!((value - expected).abs() < 1e-6, "{aim:?}: {value}");
            }
        }
    }

    #[test]
    fn derivatives_are_those_of_the_loss() {
        let logits = [3.0_f32, -1.0, 0.5, 2.0, 1.5];
        let step = 1e-2_f32;
        for loss in [AttackLoss::CrossEntropy, AttackLoss::Margin, AttackLoss::LogitsRatio] {
            for aim in [
                Aim { label: 0, target: None },
                Aim { label: 2, target: None },
                Aim { label: 0, target: Some(3) },
                Aim { label: 4, target: Some(1) },
            ] {
                let (mut seed, mut unused) = ([0.0; 5], [0.0; 5]);
                loss.value_and_seed(&logits, aim, &mut seed);
                for j in 0..5 {
                    let mut at = |step: f32| {
                        let mut moved = logits;
                        moved[j] += step;
                        loss.value_and_seed(&moved, aim, &mut unused)
                    };
                    let slope = (at(step) - at(-step)) / (2.0 * step);
                    let close = (slope - seed[j]).abs() < 1e-3;
                    assert!(close, "{loss:?} {aim:?} {j}: {slope} {}", seed[j]);
                }
            }
        }
    }
}
