use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::carlini::{Descent, Trial};
use crate::refine::refine;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The attacks of Carlini and Wagner. L2: Adam on the square of the change plus a constant times the margin, in a space
    /// where every point is within bounds; the constant of each row is searched for. L-infinity: changes below a limit are
    /// free, the limit falls by a tenth after each success. L0: after each success, the features that did least for it are
    /// given their own values and fixed.
    ///
    /// ## Why it matters
    /// It is slow and thorough: defences that looked sound against quicker attacks fell to it.
    ///
    /// ## References
    /// - Carlini, Wagner: Towards Evaluating the Robustness of Neural Networks, IEEE S&P 2017,
    ///   <https://arxiv.org/abs/1608.04644>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-CW-001",
            name: "cw",
            title: "Carlini and Wagner",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L2, Norm::Linf, Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<CwParameters>(),
        run,
    };
}

/// Parameters of `cw`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct CwParameters {
    /// Most gradient steps for each constant.
    #[schemars(range(min = 1, max = 1_000_000))]
    steps: u32,
    /// Constants tried for each row: tenfold until one succeeds, then bisected. Under L-infinity and L0, most times that
    /// the constant of a row is raised tenfold.
    #[schemars(range(min = 1, max = 30))]
    binary_search_steps: u32,
    /// Learning rate of Adam.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: f64,
    /// The first constant.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    initial_const: f64,
    /// By how much, in logits, the wrong class shall lead.
    #[schemars(range(min = 0.0))]
    confidence: f64,
    /// Whether a row stops when its loss has not fallen by a ten-thousandth within a tenth of the steps.
    abort_early: bool,
    /// Bisections between the row and what was found; under L0 any number but 0 gives features that need not change their
    /// own values back.
    #[schemars(range(max = 30))]
    refine_steps: u32,
}

impl Default for CwParameters {
    fn default() -> Self {
        Self {
            steps: 1_000,
            binary_search_steps: 9,
            step_size: 0.01,
            initial_const: 1e-3,
            confidence: 0.0,
            abort_early: true,
            refine_steps: 10,
        }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: CwParameters = parameters.read();
    let descent = Descent {
        steps: parameters.steps,
        step_size: parameters.step_size as f32,
        confidence: parameters.confidence as f32,
        abort_early: parameters.abort_early,
        until_success: batch.task.norm != Norm::L2,
    };
    let constant = parameters.initial_const;
    let trials: Vec<Trial> =
        batch.all().into_iter().map(|row| Trial::new(batch, row, constant)).collect();
    match batch.task.norm {
        Norm::L2 => euclidean(batch, trials, &descent, parameters.binary_search_steps)?,
        Norm::Linf => rounds(batch, trials, &descent, &parameters, lower_limit)?,
        Norm::L1 | Norm::L0 => rounds(batch, trials, &descent, &parameters, fix_features)?,
    }
    refine(batch, parameters.refine_steps)
}

fn euclidean(
    batch: &mut Batch<'_, '_>,
    mut trials: Vec<Trial>,
    descent: &Descent,
    constants: u32,
) -> Result<(), RobustnessError> {
    let mut ends = vec![(0.0, f64::INFINITY); trials.len()];
    for _ in 0..constants {
        descent.run(batch, &mut trials)?;
        for (trial, (low, high)) in trials.iter_mut().zip(&mut ends) {
            *(if trial.success { &mut *high } else { &mut *low }) = trial.constant;
            trial.constant =
                if high.is_finite() { f64::midpoint(*low, *high) } else { trial.constant * 10.0 };
            trial.start_at(batch.origin_of(trial.row));
        }
    }
    Ok(())
}

/// Descends round after round. A row that gets on is made harder by `tighten`, which tells whether that can be done; a row
/// that does not gets a larger constant, until it has the largest.
fn rounds(
    batch: &mut Batch<'_, '_>,
    mut trials: Vec<Trial>,
    descent: &Descent,
    parameters: &CwParameters,
    tighten: fn(&Batch<'_, '_>, &mut Trial) -> Option<bool>,
) -> Result<(), RobustnessError> {
    let largest = parameters.initial_const * 10_f64.powi(parameters.binary_search_steps as i32 - 1);
    if batch.task.norm == Norm::Linf {
        for trial in &mut trials {
            trial.free = Some(batch.extent(trial.row) as f32);
        }
    }
    while !trials.is_empty() {
        descent.run(batch, &mut trials)?;
        trials.retain_mut(|trial| {
            tighten(batch, trial).unwrap_or_else(|| {
                trial.constant *= 10.0;
                trial.constant <= largest * (1.0 + 1e-9)
            })
        });
    }
    Ok(())
}

/// The share that the limit keeps of the distance of what was found under L-infinity (the paper's 0.9).
const KEPT: f32 = 0.9;
/// The share of its distance by which a row has to get on, or it gets a larger constant.
const PROGRESS: f64 = 0.005;

/// Lowers the limit of free changes below the distance of what was found and starts there; `None` if that is not nearer than
/// before.
fn lower_limit(batch: &Batch<'_, '_>, trial: &mut Trial) -> Option<bool> {
    let distance = batch.found[trial.row].distance;
    let before = f64::from(trial.free? / KEPT);
    let found = distance.is_finite();
    let start =
        if found { batch.nearest(&[trial.row]) } else { batch.origin_of(trial.row).to_vec() };
    trial.start_at(&start);
    if distance >= before * (1.0 - PROGRESS) {
        return None;
    }
    trial.free = Some(KEPT * distance as f32);
    Some(distance > batch.extent(trial.row) / 4096.0)
}

/// Fixes the features whose changes did least for the margin, at least one and at most 0.3 times the root of their number
/// (as the authors' program does); `None` if the row is not adversarial as it is.
fn fix_features(batch: &Batch<'_, '_>, trial: &mut Trial) -> Option<bool> {
    if !trial.success {
        return None;
    }
    let own = batch.origin_of(trial.row);
    let idle = batch.extent(trial.row) as f32 * 1e-4;
    let mut free: Vec<(f32, usize)> = Vec::new();
    for (j, &own) in
        own.iter().enumerate().filter(|&(j, _)| !trial.is_frozen(j)).collect::<Vec<_>>()
    {
        let change = trial.point[j] - own;
        if change.abs() < idle {
            trial.freeze(j, own);
        } else {
            free.push(((change * trial.slopes[j]).abs(), j));
        }
    }
    free.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most = ((0.3 * (free.len() as f32).sqrt()) as usize).max(1);
    for (place, &(effect, j)) in free.iter().take(most).enumerate() {
        if place > 0 && effect > 0.01 {
            break;
        }
        trial.freeze(j, own[j]);
    }
    Some(free.len() > 1)
}
