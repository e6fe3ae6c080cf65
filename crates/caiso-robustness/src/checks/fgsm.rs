use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::RobustnessInput;
use crate::ascent::{Ascent, L1Step, StepSize};
use crate::evaluate::evaluate;
use crate::parameters::{Budget, FgsmParameters};
use crate::report::{Attack, outcome};

caiso_core::unit! {
    /// ## What it does
    /// The fast gradient sign method: moves every feature that an attacker can change by epsilon
    /// in the direction that raises the cross-entropy loss of the true class, once, and clips to
    /// the valid inputs. Reports the share of rows that are decided correctly before and after, for
    /// each epsilon, with Wilson intervals. A row that a smaller epsilon flips counts as flipped
    /// by the larger ones too, since the smaller ball lies within the larger.
    ///
    /// Epsilon is a fraction of each feature's declared range. Immutable features stay as they are,
    /// integer features end at whole numbers, and success is counted on the valid row only.
    ///
    /// ## Why it matters
    /// It costs an attacker one gradient, or one gradient of a similar model. What already falls
    /// to this falls to anybody.
    ///
    /// ## References
    /// - Goodfellow, Shlens, Szegedy: Explaining and Harnessing Adversarial Examples, ICLR 2015,
    ///   <https://arxiv.org/abs/1412.6572>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    /// - EU AI Act, Article 15(4) and (5); NIST AI RMF MEASURE 2.7
    pub(crate) static UNIT: Check<RobustnessInput> = Check {
        meta: Meta {
            code: "RB-FGSM-001",
            name: "fast-gradient-sign-method",
            title: "Decisions flip under one gradient step",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::of::<FgsmParameters>(),
        run,
    };
}

/// One step as long as epsilon.
pub(crate) const SINGLE_STEP: Ascent =
    Ascent { steps: 1, step_size: StepSize::Relative(1.0), l1_step: L1Step::Steepest };

fn run(
    input: &RobustnessInput,
    parameters: &Parameters,
    context: &RunContext,
) -> Result<Outcome, CheckError> {
    let parameters: FgsmParameters = parameters.read();
    let budget = Budget::new(
        &parameters.epsilons,
        parameters.threshold_epsilon,
        parameters.minimum_robust_accuracy,
        parameters.rows,
    );
    let run = evaluate(input, &UNIT.meta, &budget, &SINGLE_STEP, 0, context)?;
    let attack = Attack { meta: &UNIT.meta, words: "FGSM, one step".to_owned(), budget: &budget };
    Ok(outcome(input, &attack, &run))
}
