use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::RobustnessInput;
use crate::ascent::{Ascent, L1Step, StepSize};
use crate::attacks::pgd::relative_step_size;
use crate::evaluate::evaluate;
use crate::parameters::{Budget, PgdParameters};
use crate::report::{Attack, outcome};

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
    let relative =
        parameters.relative_step_size.unwrap_or_else(|| relative_step_size(parameters.steps));
    let settings = Ascent {
        steps: parameters.steps,
        step_size: StepSize::Relative(relative),
        l1_step: L1Step::Steepest,
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
