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
    /// Finds the valid input nearest to a row that an ensemble of decision trees decides otherwise: exactly, by a
    /// best-first search over the boxes that the trees' thresholds part the inputs into. A box is passed over if not even
    /// the best leaf of every tree that it leaves within reach could change the decision. A row whose search is ended by
    /// its budget keeps the nearest adversarial example found by moving single features, and a proved lower bound.
    ///
    /// ## Why it matters
    /// Credit, fraud and insurance decisions are mostly made by such ensembles. The exact distance is what no attack can
    /// beat and no defence can hide: it says by how little an application has to be dressed up to be decided otherwise.
    ///
    /// ## References
    /// - Kantchelian, Tygar and Joseph: Evasion and Hardening of Tree Ensemble Classifiers, ICML 2016,
    ///   <https://arxiv.org/abs/1509.07892>
    /// - Zhang, Zhang and Hsieh: An Efficient Adversarial Attack for Tree Ensembles, NeurIPS 2020,
    ///   <https://arxiv.org/abs/2010.11598>
    /// - MITRE ATLAS AML.T0043.000, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-TREE-001",
            name: "tree-min",
            title: "Exact minimum distance of trees",
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
        parameters: ParameterSet::of::<TreeMinParameters>(),
        run,
    };
}

/// Parameters of `tree-min`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct TreeMinParameters {
    /// Boxes looked at for one row before its search ends with a lower bound in place of the exact distance. Looking at one
    /// takes some microseconds for each ten trees.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    steps: u64,
}

impl Default for TreeMinParameters {
    fn default() -> Self {
        Self { steps: 50_000 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: TreeMinParameters = parameters.read();
    let trees = batch.trees()?;
    for row in 0..batch.len() {
        let quest = batch.quest(row, &trees);
        let mut start = step_by_step(&quest);
        if let Some(start) = &mut start {
            reduce(&quest, start);
        }
        let proceed = || Ok(batch.oracle.context.proceed()?);
        let outcome = nearest(&quest, start, parameters.steps, &proceed)?;
        batch.found[row].lower_bound = outcome.lower_bound;
        if let Some(point) = outcome.point {
            batch.evaluate_in_model_units(row, &point)?;
        }
    }
    Ok(())
}
