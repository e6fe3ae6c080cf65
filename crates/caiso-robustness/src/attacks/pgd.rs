use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};
use caiso_inference::Differentiable;
use rayon::prelude::*;

use crate::ascent::{Ascent, chunk_rows};
use crate::evaluate::evaluate;
use crate::parameters::{Budget, PgdParameters};
use crate::report::{Attack, outcome};
use crate::{Domain, RobustnessError, RobustnessInput, input};

caiso_core::unit! {
    /// ## What it does
    /// Projected gradient descent under L-infinity: repeats gradient sign steps on the cross-entropy
    /// loss of the true class, each followed by a projection to the epsilon ball and a clip to the
    /// valid inputs, from the row itself and from random points of the ball. Reports the share of
    /// rows that are decided correctly whatever the start, for each epsilon, with Wilson intervals.
    /// A row that a smaller epsilon flips counts as flipped by the larger ones too, since the
    /// smaller ball lies within the larger.
    ///
    /// Epsilon is a fraction of each feature's declared range. Immutable features stay as they are,
    /// integer features end at whole numbers, and success is counted on the valid row only. Rows
    /// whose gradient is zero are reported as not assessed, and rows that a single step flips but this
    /// attack does not are reported as a sign of a masked gradient.
    ///
    /// ## Why it matters
    /// It is the standard measure of how far a person who knows the model, or a close copy of it,
    /// can push its decisions by small changes of the inputs that they control.
    ///
    /// ## References
    /// - Madry et al.: Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018,
    ///   <https://arxiv.org/abs/1706.06083>
    /// - Athalye, Carlini, Wagner: Obfuscated Gradients Give a False Sense of Security, ICML 2018,
    ///   <https://arxiv.org/abs/1802.00420>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    /// - EU AI Act, Article 15(4) and (5); NIST AI RMF MEASURE 2.7
    pub(crate) static UNIT: Check<RobustnessInput> = Check {
        meta: Meta {
            code: "RB-PGD-001",
            name: "projected-gradient-descent",
            title: "Decisions flip under small targeted changes of the inputs",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<PgdParameters>(),
        run,
    };
}

fn run(
    input: &RobustnessInput,
    parameters: &Parameters,
    context: &RunContext,
) -> Result<Outcome, CheckError> {
    let parameters: PgdParameters = parameters.read();
    let budget = Budget::new(
        &parameters.epsilons,
        parameters.threshold_epsilon,
        parameters.minimum_robust_accuracy,
        parameters.rows,
    );
    let settings = Pgd {
        epsilon: 0.0,
        steps: parameters.steps,
        relative_step_size: parameters
            .relative_step_size
            .unwrap_or_else(|| (2.5 / f64::from(parameters.steps)).min(1.0)),
        start: Start::Row,
    };
    let run = evaluate(input, &UNIT.meta, &budget, &settings, parameters.restarts, context)?;
    let starts = parameters.restarts + 1;
    let words = format!(
        "PGD, {} step{} from {starts} start{}",
        parameters.steps,
        if parameters.steps == 1 { "" } else { "s" },
        if starts == 1 { "" } else { "s" },
    );
    Ok(outcome(input, &Attack { meta: &UNIT.meta, words, budget: &budget }, &run))
}

/// Settings of [`pgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pgd {
    /// Radius of the ball, as a fraction of each feature's range.
    pub epsilon: f64,
    /// Gradient steps.
    pub steps: u32,
    /// Length of a step as a fraction of epsilon.
    pub relative_step_size: f64,
    /// Where to start.
    pub start: Start,
}

/// Where projected gradient descent starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the row itself.
    Row,
    /// At a point of the ball that is uniform in each feature, drawn for each row by its index
    /// and clipped to the valid inputs.
    Random {
        /// Seed of the run.
        seed: u64,
        /// Which restart, from 1.
        restart: u32,
    },
}

/// Adversarial rows of projected gradient descent (L-infinity): step, project to the ball, clip
/// to the bounds; the last iterate is returned, with integer features rounded to valid values.
///
/// `rows` is row-major `[labels.len(), domain.width()]` in the model's units, and so is the result;
/// each row of it is a valid stand-in for its row ([`Domain::is_valid`]). Whether it flips the
/// decision is for the caller to ask the model. The result does not depend on the number of threads.
pub fn pgd(
    model: &dyn Differentiable,
    domain: &Domain,
    rows: &[f32],
    labels: &[usize],
    settings: &Pgd,
) -> Result<Vec<f32>, RobustnessError> {
    input::check(model, domain, rows, labels)?;
    let width = domain.width();
    let chunk = chunk_rows(width);
    let mut adversarial = vec![0.0; rows.len()];
    let starts: Vec<usize> = (0..labels.len()).collect();
    adversarial
        .par_chunks_mut(chunk * width)
        .zip(rows.par_chunks(chunk * width))
        .zip(labels.par_chunks(chunk))
        .zip(starts.par_chunks(chunk))
        .try_for_each_init(
            || Ascent::new(model, domain),
            |ascent, (((adversarial, rows), labels), ids)| {
                ascent.run(rows, labels, ids, settings, adversarial)
            },
        )?;
    Ok(adversarial)
}
