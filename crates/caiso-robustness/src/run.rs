//! Runs an attack over a data set.

use caiso_core::{Parameters, RunContext};
use caiso_inference::{Access, CHUNK, Model, arg_max};
use rayon::prelude::*;

use crate::attack::{Attack, Goal, Scope};
use crate::batch::{Batch, Found, Task};
use crate::error::ending;
use crate::norm::{Distances, Norm};
use crate::oracle::Oracle;
use crate::pool::Pool;
use crate::{Domain, RobustnessError, input, notes};

/// A model and the rows it is attacked on.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// The classifier under attack.
    pub model: &'a dyn Model,
    /// What is valid.
    pub domain: &'a Domain,
    /// Rows in row-major order, `[labels.len(), domain.width()]`, in the model's units.
    pub rows: &'a [f32],
    /// True class of each row, from 0.
    pub labels: &'a [usize],
    /// A model with gradients that the attacker knows, of the same inputs and classes.
    pub surrogate: Option<&'a dyn Model>,
}

/// How an attack is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How the size of a change is measured.
    pub norm: Norm,
    /// Radius of the ball in units of distance: one for all rows or one for each, or none where the nearest
    /// adversarial point is looked for.
    pub epsilons: Vec<f64>,
    /// The class that each row shall be taken for; any wrong one if `None`. A row whose label it is already is left out.
    pub targets: Option<Vec<usize>>,
    /// Points that an attack which can starts from besides the rows: what an easier attack found, `[rows, width]` in the
    /// model's units. `pgd-ls` does.
    pub starts: Option<Vec<f32>>,
    /// The rows to attack, by their place in the problem; all if `None`. The others keep what they are without an attack.
    pub rows: Option<Vec<usize>>,
    /// Most queries that one row may cost.
    pub queries: u64,
    /// Rows attacked together. It has no influence on results. 0: chosen by the size of a row.
    pub batch: usize,
}

impl Settings {
    /// In a norm, within an epsilon if there is one, with any number of queries.
    pub fn new(norm: Norm, epsilon: Option<f64>) -> Self {
        Self {
            norm,
            epsilons: epsilon.into_iter().collect(),
            targets: None,
            starts: None,
            rows: None,
            queries: u64::MAX,
            batch: 0,
        }
    }
}

/// What an attack did to a data set.
#[derive(Clone, Debug)]
pub struct Attacked {
    /// One for each row of the problem, in its order.
    pub rows: Vec<RowResult>,
    /// For each row an adversarial example, or, where there is none, a valid point that is decided correctly,
    /// `[rows.len(), width]` in the model's units. A row that is wrong without an attack stands for itself.
    pub adversarial: Vec<f32>,
    /// Why the attack ended before all rows were through, if it did.
    pub stopped: Option<String>,
    /// What one has to know to read the result: what the attack did instead of what it is known for, and what puts the
    /// result in doubt.
    pub notes: Vec<String>,
}

/// What an attack did to one row.
#[derive(Clone, Debug, PartialEq)]
pub struct RowResult {
    /// True class.
    pub label: usize,
    /// Class without an attack.
    pub clean: usize,
    /// Class of the adversarial example, if there is one.
    pub flipped: Option<usize>,
    /// Name of the attack that found it: of several that one attack runs, the one.
    pub by: Option<&'static str>,
    /// How far it is from the row in every norm, if there is one.
    pub distances: Distances,
    /// Rows the model was asked to evaluate.
    pub queries: u64,
    /// The attack found no point to start from; that the row stands shows nothing.
    pub init_failed: bool,
    /// The gradient was zero in every feature that may move; that the row stands shows nothing.
    pub without_gradient: bool,
    /// A distance in the norm of the run within which it is proved that nothing is adversarial.
    pub lower_bound: f64,
    /// Whether the attack on this row ran to its end.
    pub finished: bool,
}

impl RowResult {
    /// Whether the row is decided correctly without an attack.
    pub fn is_correct(&self) -> bool {
        self.clean == self.label
    }

    /// Whether the row is decided correctly and no adversarial example within `epsilon` was found. A row on which the
    /// attack could not start stands too; [`init_failed`](Self::init_failed) tells.
    pub fn stands(&self, norm: Norm, epsilon: f64) -> bool {
        // The batch has let through what exceeds its own epsilon by rounding only.
        let slack = 1e-6 * epsilon.max(1.0);
        self.is_correct()
            && (self.flipped.is_none() || self.distances.in_norm(norm) > epsilon + slack)
    }
}

/// Rows that go through the model together: enough of narrow rows to make a step worth its calls, no more than one thread
/// multiplies at once, few enough of wide ones that the activations stay in the cache.
pub(crate) fn chunk_rows(model: &dyn Model) -> usize {
    (4096 / model.features().max(1)).clamp(32, CHUNK).min(model.chunk_rows())
}

/// Checks what an attack needs against what there is.
fn check(
    attack: &Attack,
    problem: &Problem<'_>,
    settings: &Settings,
) -> Result<(), RobustnessError> {
    let name = attack.meta.name;
    input::check(problem.model, problem.domain, problem.rows, problem.labels)?;
    if !attack.norms.contains(&settings.norm) {
        let known = attack.norms.iter().map(|norm| norm.as_str()).collect::<Vec<_>>().join(", ");
        return Err(RobustnessError::Norm { attack: name, norm: settings.norm, known });
    }
    if problem.model.access() < attack.access {
        let word = |access| match access {
            Access::Labels => "labels",
            Access::Scores => "scores",
            Access::Gradients => "gradients",
        };
        return Err(RobustnessError::Access {
            attack: name,
            needed: word(attack.access),
            given: word(problem.model.access()),
        });
    }
    if attack.goal == Goal::WithinEpsilon && settings.epsilons.is_empty() {
        return Err(RobustnessError::NoEpsilon { attack: name });
    }
    let rows = problem.labels.len();
    if settings.epsilons.len() > 1 && settings.epsilons.len() != rows {
        let values = settings.epsilons.len();
        return Err(RobustnessError::Shape { values, labels: rows, width: 1 });
    }
    if let Some(starts) = settings.starts.as_ref().filter(|s| s.len() != problem.rows.len()) {
        let width = problem.domain.width();
        return Err(RobustnessError::Shape { values: starts.len(), labels: rows, width });
    }
    if let Some(&row) = settings.rows.iter().flatten().find(|&&row| row >= rows) {
        return Err(RobustnessError::NoSuchRow { row, rows });
    }
    let classes = problem.model.classes();
    let wrong = |&(_, &target): &(usize, &usize)| target >= classes;
    if let Some(targets) = &settings.targets {
        if targets.len() != rows {
            return Err(RobustnessError::Shape { values: targets.len(), labels: rows, width: 1 });
        }
        if let Some((row, &label)) = targets.iter().enumerate().find(wrong) {
            return Err(RobustnessError::Label { row: row + 1, label, classes });
        }
    }
    Ok(())
}

/// Attacks every row that is decided correctly. `progress` is told how many rows are through.
///
/// Rows are worked on in chunks, one after another on each thread; since every row's result depends on the row alone, neither
/// the number of threads nor the size of the chunks changes it.
///
/// # Errors
/// If the problem is not one, or the attack does not fit it. A model that fails or stops answering half-way is no error: the
/// rows that were through by then keep their results, and [`Attacked::stopped`] says why it ended.
pub fn run(
    attack: &Attack,
    parameters: &Parameters,
    problem: &Problem<'_>,
    settings: &Settings,
    context: &RunContext,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Attacked, RobustnessError> {
    check(attack, problem, settings)?;
    let width = problem.domain.width();
    let logits = problem.model.logits(problem.rows)?;
    let clean: Vec<usize> = logits.chunks_exact(problem.model.classes()).map(arg_max).collect();
    let pool = Pool::new(problem.domain, problem.rows, &clean);
    let task = Task {
        attack: attack.meta.name,
        code: attack.meta.code,
        domain: problem.domain,
        norm: settings.norm,
        pool: &pool,
        data: (problem.rows, problem.labels),
        seed: context.seed,
        queries: settings.queries,
    };
    let mut result = Attacked {
        rows: problem
            .labels
            .iter()
            .zip(&clean)
            .map(|(&label, &clean)| untouched(label, clean))
            .collect(),
        adversarial: problem.rows.to_vec(),
        stopped: None,
        notes: notes::of_model(attack, problem, &logits)?,
    };
    let is_target = |row: usize| {
        settings.targets.as_ref().is_some_and(|targets| targets[row] == problem.labels[row])
    };
    let chosen = settings.rows.clone().unwrap_or_else(|| (0..clean.len()).collect());
    let asked = chosen.len();
    let standing: Vec<usize> = chosen
        .into_iter()
        .filter(|&row| result.rows[row].is_correct() && !is_target(row))
        .collect();
    progress(asked - standing.len());
    let chunk = match (attack.scope, settings.batch) {
        (Scope::DataSet, _) => standing.len().max(1),
        (Scope::Row, 0) => chunk_rows(problem.model),
        (Scope::Row, rows) => rows,
    };
    let parts: Vec<Part> = standing
        .par_chunks(chunk)
        .map_init(
            || Oracle::new(problem.model, problem.surrogate, context),
            |oracle, ids| {
                let part = attack_chunk(attack, parameters, problem, settings, task, oracle, ids);
                progress(ids.len());
                part
            },
        )
        .collect::<Result<_, RobustnessError>>()?;
    let chunks = standing.chunks(chunk);
    for (ids, part) in chunks.zip(parts) {
        for (k, &id) in ids.iter().enumerate() {
            let point = &part.adversarial[k * width..][..width];
            let row = &mut result.rows[id];
            take(row, &part.found[k], part.stopped.is_none());
            let own = &problem.rows[id * width..][..width];
            if row.flipped.is_some() {
                row.distances = problem.domain.distances(own, point);
            }
            result.adversarial[id * width..][..width].copy_from_slice(point);
        }
        if result.stopped.is_none() {
            result.stopped = part.stopped;
        }
        for note in part.notes {
            if !result.notes.contains(&note) {
                result.notes.push(note);
            }
        }
    }
    result.notes.extend(notes::of_results(attack, &result.rows));
    Ok(result)
}

/// What one chunk came to.
struct Part {
    found: Vec<Found>,
    adversarial: Vec<f32>,
    stopped: Option<String>,
    notes: Vec<String>,
}

fn attack_chunk(
    attack: &Attack,
    parameters: &Parameters,
    problem: &Problem<'_>,
    settings: &Settings,
    task: Task<'_>,
    oracle: &mut Oracle<'_>,
    ids: &[usize],
) -> Result<Part, RobustnessError> {
    let width = problem.domain.width();
    let labels: Vec<usize> = ids.iter().map(|&id| problem.labels[id]).collect();
    let pick = |values: &[f32]| -> Vec<f32> {
        ids.iter().flat_map(|&id| &values[id * width..][..width]).copied().collect()
    };
    let rows = pick(problem.rows);
    let epsilon = |&id: &usize| match (attack.goal, settings.epsilons.as_slice()) {
        (Goal::Nearest, _) | (_, []) => f64::INFINITY,
        (_, &[epsilon]) => epsilon,
        (_, each) => each[id],
    };
    let epsilons: Vec<f64> = ids.iter().map(epsilon).collect();
    let mut batch = Batch::new(task, oracle, ids, &labels, &rows, &epsilons);
    let targets = settings.targets.as_ref();
    batch.targets = targets.map(|targets| ids.iter().map(|&id| targets[id]).collect());
    let starts = settings.starts.as_ref();
    batch.starts = starts.map(|starts| problem.domain.in_units(&pick(starts)));
    let stopped = ending((attack.run)(&mut batch, parameters))?;
    // A gradient source set by this attack must not reach the next chunk.
    let Batch { found, adversarial, notes, oracle, .. } = batch;
    oracle.gradients = crate::oracle::Gradients::Own;
    Ok(Part { found, adversarial, stopped, notes })
}

fn untouched(label: usize, clean: usize) -> RowResult {
    RowResult {
        label,
        clean,
        flipped: (clean != label).then_some(clean),
        by: None,
        distances: Distances::default(),
        queries: 1,
        init_failed: false,
        without_gradient: false,
        lower_bound: 0.0,
        finished: true,
    }
}

fn take(row: &mut RowResult, found: &Found, finished: bool) {
    row.flipped = found.is_adversarial().then_some(found.class);
    row.by = found.by;
    row.queries += found.queries;
    row.init_failed = found.init_failed && !found.is_adversarial();
    row.without_gradient = found.without_gradient && !found.is_adversarial();
    row.lower_bound = found.lower_bound;
    row.finished = finished || found.is_adversarial();
}
