//! What a campaign knows between two steps.

use serde::{Deserialize, Serialize};

use crate::Norm;

/// What a campaign knows between two steps: everything that its result depends on besides its input, and nothing that tells
/// when or how often it was stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Class of each row without an attack; empty before the first step.
    pub(super) clean: Vec<usize>,
    /// What each candidate found, in the plan's order.
    pub(super) found: Vec<Found>,
    /// The candidates of this rung, by their place in the plan.
    pub(super) racing: Vec<usize>,
    /// Which rung of the race this is.
    pub(super) rung: usize,
    /// How many of them have attacked in this rung.
    pub(super) done: usize,
    /// The nearest adversarial examples of all, one a row.
    pub(super) examples: Vec<Example>,
    /// Queries spent by all candidates and for the classes without an attack.
    pub(super) queries: u64,
    /// How the campaign ended.
    pub(super) ended: Option<Ended>,
}

/// How a campaign ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Every step was done.
    Through,
    /// It was known with the asked confidence that the robust accuracy is below the minimum.
    KnownBelow,
    /// It was known with the asked confidence that the attacks leave a robust accuracy above the minimum.
    KnownAbove,
    /// The queries that it may cost were spent.
    QueriesSpent,
}

/// What a candidate found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Found {
    /// For each row it attacked, in their order, the distance of the nearest adversarial example.
    pub(super) distances: Vec<Option<f64>>,
    /// Queries spent.
    pub(super) queries: u64,
    /// Rows on which it found no point to start from.
    pub(super) init_failed: u64,
    /// Rows without a gradient to follow.
    pub(super) without_gradient: u64,
    /// Why the attack refused the model, if it did.
    pub(super) refused: Option<String>,
}

impl Found {
    /// Whether it broke a row within `epsilon`.
    pub(super) fn breaks(&self, row: usize, epsilon: f64) -> bool {
        let distance = self.distances.get(row).copied().flatten();
        distance.is_some_and(|distance| within(distance, epsilon))
    }
}

/// Whether a distance is within an epsilon, up to what rounding adds.
pub(super) fn within(distance: f64, epsilon: f64) -> bool {
    distance <= epsilon + 1e-6 * epsilon.max(1.0)
}

/// An adversarial example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Example {
    /// Place among the rows that take part.
    pub(super) row: usize,
    /// Place of the candidate that found it.
    pub(super) candidate: usize,
    pub(super) class: usize,
    pub(super) distance: f64,
    /// In the model's units.
    pub(super) point: Vec<f32>,
}

/// Examples that are kept.
pub(super) const EXAMPLES: usize = 4;

impl State {
    pub(super) fn new(candidates: usize) -> Self {
        Self {
            clean: Vec::new(),
            found: vec![Found::default(); candidates],
            racing: (0..candidates).collect(),
            rung: 0,
            done: 0,
            examples: Vec::new(),
            queries: 0,
            ended: None,
        }
    }

    /// How the campaign ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        self.ended
    }

    /// Queries spent so far.
    pub fn queries(&self) -> u64 {
        self.queries
    }

    /// Whether any attack was carried out.
    pub(super) fn attacked(&self) -> bool {
        self.found.iter().any(|found| found.refused.is_none() && !found.distances.is_empty())
    }

    /// Whether row `row` is broken within `epsilon` by any candidate.
    pub(super) fn is_broken(&self, row: usize, epsilon: f64) -> bool {
        self.found.iter().any(|found| found.breaks(row, epsilon))
    }

    /// Distance of the nearest adversarial example of a row.
    pub(super) fn distance(&self, row: usize) -> Option<f64> {
        let distances = self.found.iter().filter_map(|found| *found.distances.get(row)?);
        distances.min_by(f64::total_cmp)
    }

    /// Keeps an example if it is among the nearest.
    pub(super) fn keep(&mut self, example: Example) {
        if let Some(known) = self.examples.iter().position(|known| known.row == example.row) {
            if self.examples[known].distance <= example.distance {
                return;
            }
            self.examples.remove(known);
        }
        let place = self.examples.partition_point(|known| known.distance <= example.distance);
        self.examples.insert(place, example);
        self.examples.truncate(EXAMPLES);
    }
}

/// The distance in words: `0.03 in linf`.
pub(super) fn distance_words(distance: f64, norm: Norm) -> String {
    format!("{} in {norm}", crate::report::significant(distance))
}
