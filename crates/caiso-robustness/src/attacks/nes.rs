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
    /// Natural evolution strategies: runs an attack that needs gradients, PGD unless told otherwise, with gradients
    /// estimated from the scores at pairs of random points on opposite sides.
    ///
    /// ## Why it matters
    /// Whoever gets scores from an endpoint can attack it like its owner, at the price of more queries.
    ///
    /// ## References
    /// - Ilyas et al.: Black-box Adversarial Attacks with Limited Queries and Information, ICML 2018,
    ///   <https://arxiv.org/abs/1804.08598>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-NES-001",
            name: "nes",
            title: "Natural evolution strategies",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Scores,
        norms: &[Norm::Linf, Norm::L2, Norm::L1, Norm::L0],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<NesParameters>(),
        run,
    };
}

/// Parameters of `nes`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct NesParameters {
    /// Name of the attack that the gradients are estimated for.
    attack: String,
    /// Its parameters, where they are not its defaults.
    attack_parameters: Map<String, Value>,
    /// Pairs of points for each gradient; each costs two queries.
    #[schemars(range(min = 1, max = 100_000))]
    pairs: u32,
    /// Standard deviation of the points around where the gradient is asked for, as a share of the widest feature.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    deviation: f64,
}

impl Default for NesParameters {
    fn default() -> Self {
        Self { attack: "pgd".to_owned(), attack_parameters: Map::new(), pairs: 25, deviation: 0.01 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let NesParameters { attack, attack_parameters, pairs, deviation } = parameters.read();
    let features = batch.task.domain.features().iter().filter(|feature| feature.is_free());
    let widest = features.map(|feature| feature.range() / feature.unit()).fold(0.0, f64::max);
    let deviation = (deviation * widest) as f32;
    batch.oracle.gradients = Gradients::Estimated { pairs, deviation };
    attack_with(batch, UNIT.meta.name, &attack, &attack_parameters)
}
