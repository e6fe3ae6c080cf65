//! Runs an attack over a data set: all epsilons, all starts, worst case.

use std::collections::BTreeMap;

use caiso_core::{Meta, RunContext};
use caiso_inference::arg_max;
use caiso_math::Stream;
use rayon::prelude::*;

use crate::ascent::Ascent;
use crate::attacks::pgd::attack;
use crate::batch::{Batch, Task};
use crate::checks::SINGLE_STEP;
use crate::norm::Norm;
use crate::oracle::Oracle;
use crate::parameters::Budget;
use crate::pool::Pool;
use crate::report::Mover;
use crate::run::chunk_rows;
use crate::{RobustnessError, RobustnessInput, input};

/// Widest rows for which each feature is restored alone to see whether it decided the flip.
const MOST_FEATURES_RESTORED: usize = 64;

/// What happened to each attacked row.
pub(crate) struct Evaluation {
    rows: Vec<Row>,
    /// Adversarial rows, `[rows.len(), width]`; a row that stands is its own stand-in.
    adversarial: Vec<f32>,
    /// For each feature: how many of the rows flipped at the threshold epsilon flip back when only
    /// this feature is restored. `None` for wide rows.
    restored: Option<Vec<u64>>,
}

/// What happened to one row.
#[derive(Clone)]
struct Row {
    /// Index into the input.
    id: usize,
    label: usize,
    /// Class before the attack.
    clean: usize,
    flip: Option<Flip>,
    /// It stands, and a start had no gradient to follow.
    without_gradient: bool,
    /// It stands at the threshold epsilon, but a single step flips it.
    missed: bool,
}

#[derive(Clone, Copy)]
struct Flip {
    /// Index of the smallest epsilon that flips the row.
    epsilon: usize,
    /// Class after.
    class: usize,
}

impl Row {
    fn correct(&self) -> bool {
        self.clean == self.label
    }

    fn stands(&self, epsilon: usize) -> bool {
        self.correct() && self.flip.is_none_or(|flip| flip.epsilon > epsilon)
    }
}

/// Attacks the rows of `input` with each epsilon of the budget from the row itself and from
/// `restarts` random points.
///
/// A row that is flipped is not attacked again, and a row that is wrong from the beginning never:
/// both count as not robust at every larger epsilon. Rows are worked on in chunks, one after
/// another on each thread; since every row's result depends on the row alone, neither the number of
/// threads nor the size of the chunks changes it.
pub(crate) fn evaluate(
    input: &RobustnessInput,
    meta: &Meta,
    budget: &Budget,
    settings: &Ascent,
    restarts: u32,
    context: &RunContext,
) -> Result<Evaluation, RobustnessError> {
    let model = input.model.as_ref();
    input::check(model, &input.domain, &input.rows, &input.labels)?;
    let width = input.domain.width();
    let ids = sample(input.len(), budget.rows, context.seed, meta.code);
    if model.differentiable().is_none() {
        return Err(RobustnessError::Access {
            attack: meta.name,
            needed: "gradients",
            given: "none",
        });
    }
    let pool = Pool::new(&input.domain, &[], &[]);
    let task = Task {
        attack: meta.name,
        code: meta.code,
        domain: &input.domain,
        norm: Norm::Linf,
        pool: &pool,
        data: (&input.rows, &input.labels),
        seed: context.seed,
        queries: u64::MAX,
    };
    let plan = Plan { input, budget, settings, restarts, context, task };
    let parts: Vec<Evaluation> = ids
        .par_chunks(chunk_rows(model))
        .map_init(
            || Oracle::new(model, None, context),
            |oracle, ids| plan.attack(oracle, ids, width),
        )
        .collect::<Result<_, RobustnessError>>()?;
    Ok(Evaluation::join(parts))
}

/// Indices of at most `most` of `len` rows, ascending.
fn sample(len: usize, most: usize, seed: u64, code: &str) -> Vec<usize> {
    let mut ids: Vec<usize> = (0..len).collect();
    if most < len {
        // One stream for the choice, on a row number that no row has.
        Stream::new(seed, code, u64::MAX).shuffle(&mut ids);
        ids.truncate(most);
        ids.sort_unstable();
    }
    ids
}

struct Plan<'a> {
    input: &'a RobustnessInput,
    budget: &'a Budget,
    settings: &'a Ascent,
    restarts: u32,
    context: &'a RunContext,
    task: Task<'a>,
}

impl Plan<'_> {
    fn attack(
        &self,
        oracle: &mut Oracle<'_>,
        ids: &[usize],
        width: usize,
    ) -> Result<Evaluation, RobustnessError> {
        let mut adversarial = Vec::with_capacity(ids.len() * width);
        for &id in ids {
            adversarial.extend_from_slice(self.row(id));
        }
        let clean = predict(oracle, &adversarial)?;
        let rows = ids.iter().zip(clean).map(|(&id, clean)| {
            let label = self.input.labels[id];
            Row { id, label, clean, flip: None, without_gradient: false, missed: false }
        });
        let mut part = Evaluation { rows: rows.collect(), adversarial, restored: None };
        for (index, &epsilon) in self.budget.epsilons.iter().enumerate() {
            self.context.proceed()?;
            let places = part.standing();
            let mut batch = self.batch(oracle, &part, &places, epsilon);
            attack(&mut batch, self.settings, self.restarts)?;
            for (k, &place) in places.iter().enumerate() {
                let found = batch.found[k];
                let row = &mut part.rows[place];
                row.without_gradient |= found.without_gradient;
                if found.is_adversarial() {
                    row.flip = Some(Flip { epsilon: index, class: found.class });
                    part.adversarial[place * width..][..width]
                        .copy_from_slice(&batch.adversarial[batch.span(k)]);
                }
            }
            if epsilon == self.budget.threshold_epsilon {
                self.try_single_step(oracle, &mut part)?;
            }
        }
        for row in &mut part.rows {
            row.without_gradient &= row.flip.is_none();
        }
        part.restored = self.restore(oracle, &part)?;
        Ok(part)
    }

    /// The rows at `places`, to be attacked within `epsilon`.
    fn batch<'o, 'm>(
        &'o self,
        oracle: &'o mut Oracle<'m>,
        part: &Evaluation,
        places: &[usize],
        epsilon: f64,
    ) -> Batch<'o, 'm> {
        let ids: Vec<usize> = places.iter().map(|&place| part.rows[place].id).collect();
        let labels: Vec<usize> = places.iter().map(|&place| part.rows[place].label).collect();
        let rows: Vec<f32> = ids.iter().flat_map(|&id| self.row(id)).copied().collect();
        Batch::new(self.task, oracle, &ids, &labels, &rows, &vec![epsilon; ids.len()])
    }

    fn row(&self, id: usize) -> &[f32] {
        let width = self.input.domain.width();
        &self.input.rows[id * width..][..width]
    }

    /// A many-step attack that leaves standing what a single step flips follows a gradient that
    /// misleads.
    fn try_single_step(
        &self,
        oracle: &mut Oracle<'_>,
        part: &mut Evaluation,
    ) -> Result<(), RobustnessError> {
        let places = part.standing();
        let mut batch = self.batch(oracle, part, &places, self.budget.threshold_epsilon);
        attack(&mut batch, &SINGLE_STEP, 0)?;
        for (place, found) in places.into_iter().zip(&batch.found) {
            part.rows[place].missed = found.is_adversarial();
        }
        Ok(())
    }

    /// Counts, for each feature, the rows flipped at the threshold epsilon that flip back when only
    /// this feature takes its own value again.
    fn restore(
        &self,
        oracle: &mut Oracle<'_>,
        part: &Evaluation,
    ) -> Result<Option<Vec<u64>>, RobustnessError> {
        let width = self.input.domain.width();
        if width > MOST_FEATURES_RESTORED {
            return Ok(None);
        }
        let mut counts = vec![0; width];
        let flipped: Vec<usize> = (0..part.rows.len())
            .filter(|&place| {
                part.rows[place].flip.is_some_and(|flip| {
                    self.budget.epsilons[flip.epsilon] <= self.budget.threshold_epsilon
                })
            })
            .collect();
        if flipped.is_empty() {
            return Ok(Some(counts));
        }
        let mut points = Vec::with_capacity(flipped.len() * width);
        for (j, feature) in self.input.domain.features().iter().enumerate() {
            if !feature.is_free() {
                continue;
            }
            points.clear();
            for (k, &place) in flipped.iter().enumerate() {
                points.extend_from_slice(&part.adversarial[place * width..][..width]);
                points[k * width + j] = self.row(part.rows[place].id)[j];
            }
            let classes = predict(oracle, &points)?;
            let back = |&(&place, &class): &(&usize, &usize)| part.rows[place].label == class;
            counts[j] = flipped.iter().zip(&classes).filter(back).count() as u64;
        }
        Ok(Some(counts))
    }
}

fn predict(oracle: &mut Oracle<'_>, rows: &[f32]) -> Result<Vec<usize>, RobustnessError> {
    let mut logits = Vec::new();
    oracle.ask(rows, &mut logits)?;
    Ok(logits.chunks_exact(oracle.model.classes()).map(arg_max).collect())
}

impl Evaluation {
    fn join(parts: Vec<Self>) -> Self {
        let mut parts = parts.into_iter();
        let Some(mut all) = parts.next() else {
            return Self { rows: Vec::new(), adversarial: Vec::new(), restored: None };
        };
        for part in parts {
            all.rows.extend(part.rows);
            all.adversarial.extend(part.adversarial);
            if let (Some(all), Some(part)) = (&mut all.restored, part.restored) {
                all.iter_mut().zip(part).for_each(|(all, part)| *all += part);
            }
        }
        all
    }

    /// Places of the rows that still stand.
    fn standing(&self) -> Vec<usize> {
        let stands = |row: &Row| row.correct() && row.flip.is_none();
        (0..self.rows.len()).filter(|&place| stands(&self.rows[place])).collect()
    }

    fn count(&self, test: impl Fn(&Row) -> bool) -> usize {
        self.rows.iter().filter(|row| test(row)).count()
    }

    /// Number of attacked rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Rows that are decided correctly without an attack.
    pub(crate) fn clean_correct(&self) -> usize {
        self.count(Row::correct)
    }

    /// Rows that stand at an epsilon of the budget.
    pub(crate) fn robust(&self, epsilon: usize) -> usize {
        self.count(|row| row.stands(epsilon))
    }

    /// Of the rows of a class: (those that stand, those that are decided correctly).
    pub(crate) fn robust_of_class(&self, class: usize, epsilon: usize) -> (usize, usize) {
        let of_class = |row: &Row| row.label == class;
        (
            self.count(|row| of_class(row) && row.stands(epsilon)),
            self.count(|row| of_class(row) && row.correct()),
        )
    }

    /// Rows of a class.
    pub(crate) fn of_class(&self, class: usize) -> usize {
        self.count(|row| row.label == class)
    }

    /// Rows that stand although, or because, there was no gradient to follow.
    pub(crate) fn without_gradient(&self) -> usize {
        self.count(|row| row.without_gradient)
    }

    /// Rows that stand at the threshold epsilon but not against a single step.
    pub(crate) fn missed(&self) -> usize {
        self.count(|row| row.missed)
    }

    /// Flips up to an epsilon: (class before, class after) to number.
    pub(crate) fn transitions(&self, epsilon: usize) -> BTreeMap<(usize, usize), u64> {
        let mut transitions = BTreeMap::new();
        for row in &self.rows {
            if let Some(flip) = row.flip
                && flip.epsilon <= epsilon
            {
                *transitions.entry((row.clean, flip.class)).or_insert(0) += 1;
            }
        }
        transitions
    }

    /// L-infinity distance, as a fraction of the features' ranges, of each flipped row.
    pub(crate) fn distances(&self, input: &RobustnessInput) -> Vec<f64> {
        let features = input.domain.features();
        let flipped = self.flipped(input).filter(|(row, ..)| row.flip.is_some());
        flipped
            .map(|(_, own, moved)| {
                let shifts =
                    features.iter().zip(own.iter().zip(moved)).filter(|(f, _)| f.is_free());
                shifts
                    .map(|(feature, (&own, &moved))| {
                        (f64::from(moved) - f64::from(own)).abs() / feature.range()
                    })
                    .fold(0.0, f64::max)
            })
            .collect()
    }

    /// What moved in the rows flipped up to an epsilon: the most decisive feature first, features
    /// that never move left out.
    pub(crate) fn movers<'a>(&self, input: &'a RobustnessInput, epsilon: usize) -> Vec<Mover<'a>> {
        let features = input.domain.features();
        let mut shifts = vec![0.0; features.len()];
        let mut flips = 0_u64;
        for (row, own, moved) in self.flipped(input) {
            if row.flip.is_some_and(|flip| flip.epsilon <= epsilon) {
                flips += 1;
                for (shift, (&own, &moved)) in shifts.iter_mut().zip(own.iter().zip(moved)) {
                    *shift += (f64::from(moved) - f64::from(own)).abs();
                }
            }
        }
        if flips == 0 {
            return Vec::new();
        }
        let mut movers: Vec<Mover<'_>> = features
            .iter()
            .enumerate()
            .filter(|(_, feature)| feature.is_free())
            .map(|(j, feature)| Mover {
                name: &feature.name,
                mean_shift: shifts[j] / flips as f64,
                decisive: self.restored.as_ref().map(|counts| counts[j] as f64 / flips as f64),
            })
            .collect();
        movers.sort_by(|a, b| b.decisive.unwrap_or(0.0).total_cmp(&a.decisive.unwrap_or(0.0)));
        movers
    }

    fn flipped<'a>(
        &'a self,
        input: &'a RobustnessInput,
    ) -> impl Iterator<Item = (&'a Row, &'a [f32], &'a [f32])> {
        let width = input.domain.width();
        self.rows.iter().zip(self.adversarial.chunks_exact(width)).filter_map(
            move |(row, moved)| {
                row.flip?;
                Some((row, &input.rows[row.id * width..][..width], moved))
            },
        )
    }
}
