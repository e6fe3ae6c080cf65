use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::trees::{nearest, reduce, step_by_step};
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Walks from a row to another decision through the thresholds of decision trees: it moves one feature after another
    /// just over a threshold, each time the move that brings another class furthest ahead for what it costs, and then
    /// takes back what was not needed. On a single tree it goes to the nearest leaf of another class that one such walk
    /// reaches.
    ///
    /// ## Why it matters
    /// Trees have no gradients, and attacks that need them report such models as robust. Somebody who knows the trees needs
    /// milliseconds to find an input that changes the decision.
    ///
    /// ## References
    /// - Papernot, McDaniel and Goodfellow: Transferability in Machine Learning: from Phenomena to Black-Box Attacks using
    ///   Adversarial Samples, 2016, <https://arxiv.org/abs/1605.07277>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-TREE-002",
            name: "decision-tree",
            title: "Decision tree attack",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Scores,
        norms: &[Norm::Linf, Norm::L2, Norm::L1, Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<DecisionTreeParameters>(),
        run,
    };
}

/// Parameters of `decision-tree`: none.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct DecisionTreeParameters {}

fn run(batch: &mut Batch<'_, '_>, _: &Parameters) -> Result<(), RobustnessError> {
    let trees = batch.trees()?;
    for row in 0..batch.len() {
        let quest = batch.quest(row, &trees);
        let proceed = || Ok(batch.oracle.context.proceed()?);
        proceed()?;
        let point = if trees.ensemble.trees() == 1 {
            // No more steps than there are pairs of leaves.
            nearest(&quest, None, u64::MAX, &proceed)?.point
        } else {
            let mut point = step_by_step(&quest);
            if let Some(point) = &mut point {
                reduce(&quest, point);
            }
            point
        };
        match point {
            Some(point) => batch.evaluate_in_model_units(row, &point)?,
            None => batch.found[row].init_failed = true,
        }
    }
    Ok(())
}
