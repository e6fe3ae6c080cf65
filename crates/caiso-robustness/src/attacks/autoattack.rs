use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apgd::{self, ApgdParameters};
use crate::attack::{Goal, Scope};
use crate::attacks::apgd_t::ApgdTargetedParameters;
use crate::attacks::fab::FabParameters;
use crate::attacks::square::SquareParameters;
use crate::attacks::{apgd_ce, apgd_t, fab, square};
use crate::batch::Batch;
use crate::losses::AttackLoss;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The standard version of AutoAttack, each attack on what the ones before left standing: `apgd-ce`, `apgd-t` towards
    /// nine classes, `fab` towards nine classes, `square` with 5,000 queries. Under L1 `apgd-ce` starts five times and `apgd-t`
    /// goes for five classes. Each row names the attack that broke it. With two or three classes the loss of `apgd-t` is the
    /// margin.
    ///
    /// It notes what puts its result in doubt: a model that answers the same input differently, that gives probabilities instead of
    /// logits, or has too few classes for the ratio of logits; rows without a gradient; and rows that random search
    /// breaks after all attacks with gradients failed, which shows that the gradients mislead.
    ///
    /// ## Why it matters
    /// It is the figure that robustness is compared by: four attacks that fail for different reasons, nothing to tune.
    ///
    /// ## References
    /// - Croce, Hein: Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse Parameter-free Attacks, ICML
    ///   2020, <https://arxiv.org/abs/2003.01690>
    /// - Croce et al.: RobustBench, 2021, <https://arxiv.org/abs/2010.09670>
    /// - MITRE ATLAS AML.T0043.000, AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-AUTOATTACK-001",
            name: "autoattack",
            title: "AutoAttack: four attacks, the standard version",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::Linf, Norm::L2, Norm::L1],
        goal: Goal::WithinEpsilon,
        scope: Scope::Row,
        parameters: ParameterSet::of::<AutoAttackParameters>(),
        run,
    };
}

/// Parameters of `autoattack`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct AutoAttackParameters {
    /// Steps of APGD and FAB.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Steps of Square.
    #[schemars(range(min = 1, max = 10_000_000))]
    square_steps: u32,
}

impl Default for AutoAttackParameters {
    fn default() -> Self {
        Self { steps: 100, square_steps: 5_000 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let AutoAttackParameters { steps, square_steps } = parameters.read();
    let l1 = batch.task.norm == Norm::L1;
    let cross_entropy =
        ApgdParameters { steps, restarts: if l1 { 5 } else { 1 }, ..ApgdParameters::default() };
    let targeted = ApgdTargetedParameters {
        steps,
        target_classes: if l1 { 5 } else { 9 },
        ..ApgdTargetedParameters::default()
    };
    let boundary = FabParameters { steps, ..FabParameters::default() };
    let squares = SquareParameters { steps: square_steps, ..SquareParameters::default() };
    stage(batch, &apgd_ce::UNIT, |rows| {
        apgd::untargeted(rows, &cross_entropy, AttackLoss::CrossEntropy)
    })?;
    stage(batch, &apgd_t::UNIT, |rows| apgd_t::attack(rows, &targeted))?;
    stage(batch, &fab::UNIT, |rows| fab::attack_within(rows, &boundary))?;
    stage(batch, &square::UNIT, |rows| square::attack(rows, &squares))
}

/// Runs one of the attacks on what still stands, as it runs by itself.
fn stage<'m>(
    batch: &mut Batch<'_, 'm>,
    attack: &'static Attack,
    run: impl FnOnce(&mut Batch<'_, 'm>) -> Result<(), RobustnessError>,
) -> Result<(), RobustnessError> {
    let rows = batch.survivors();
    if rows.is_empty() {
        return Ok(());
    }
    batch.among(&rows, |part| {
        part.task.attack = attack.meta.name;
        part.task.code = attack.meta.code;
        run(part)
    })
}
