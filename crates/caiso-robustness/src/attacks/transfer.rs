use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::nested::attack_with;
use crate::oracle::Gradients;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Runs an attack that needs gradients, PGD unless told otherwise, with the gradients of a surrogate: another model of
    /// the same inputs and classes. The model itself only decides whether what comes out is adversarial.
    ///
    /// ## Why it matters
    /// What fools one model often fools another that was trained for the same; an attacker with data and a model of their own
    /// needs no access to this one, and hardly a query.
    ///
    /// ## References
    /// - Papernot, McDaniel, Goodfellow: Transferability in Machine Learning, 2016, <https://arxiv.org/abs/1605.07277>
    /// - MITRE ATLAS AML.T0043.002, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-TRANSFER-001",
            name: "transfer",
            title: "Transfer from a surrogate",
            severity: Severity::High,
            techniques: &["AML.T0043.002", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::Linf, Norm::L2, Norm::L1, Norm::L0],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<TransferParameters>(),
        run,
    };
}

/// Parameters of `transfer`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct TransferParameters {
    /// Name of the attack that the surrogate gives gradients for.
    attack: String,
    /// Its parameters, where they are not its defaults.
    attack_parameters: Map<String, Value>,
}

impl Default for TransferParameters {
    fn default() -> Self {
        Self { attack: "pgd".to_owned(), attack_parameters: Map::new() }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let TransferParameters { attack, attack_parameters } = parameters.read();
    if !batch.oracle.has_surrogate() {
        let attack = UNIT.meta.name;
        let needed = "a surrogate with gradients";
        return Err(RobustnessError::Access { attack, needed, given: "none" });
    }
    batch.oracle.gradients = Gradients::Surrogate;
    attack_with(batch, UNIT.meta.name, &attack, &attack_parameters)
}
