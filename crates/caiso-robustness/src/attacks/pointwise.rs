use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::Access;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The pointwise attack: starts from an input that the model decides otherwise and sets one feature after another back to
    /// the row's own value, as long as the decision stays wrong, in random order until nothing more can be set back. Under L1
    /// and L2 each feature that is left is then moved back as far as possible, by bisection.
    ///
    /// ## Why it matters
    /// It finds out from decisions alone which few features make the difference.
    ///
    /// ## References
    /// - Schott et al.: Towards the First Adversarially Robust Neural Network Model on MNIST, ICLR 2019,
    ///   <https://arxiv.org/abs/1805.09190>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-POINTWISE-001",
            name: "pointwise",
            title: "Pointwise attack",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Labels,
        norms: &[Norm::L0, Norm::L1, Norm::L2],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<PointwiseParameters>(),
        run,
    };
}

/// Parameters of `pointwise`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PointwiseParameters {
    /// Times that it begins anew, in another order.
    #[schemars(range(min = 1, max = 1_000))]
    restarts: u32,
    /// Bisections of each feature that is left.
    #[schemars(range(max = 20))]
    bisections: u32,
}

impl Default for PointwiseParameters {
    fn default() -> Self {
        Self { restarts: 5, bisections: 10 }
    }
}

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let PointwiseParameters { restarts, bisections } = parameters.read();
    batch.each_row(|batch, row| {
        let Some(start) = batch.start_from_data(row)? else { return Ok(()) };
        let mut stream = batch.stream(row);
        for _ in 0..restarts {
            let mut point = start.clone();
            set_back(batch, row, &mut stream, &mut point)?;
            if batch.task.norm != Norm::L0 {
                move_back(batch, row, bisections, &mut point)?;
            }
        }
        Ok(())
    })
}

/// Sets features back until nothing more can be set back.
fn set_back(
    batch: &mut Batch<'_, '_>,
    row: usize,
    stream: &mut caiso_math::Stream,
    point: &mut [f32],
) -> Result<(), RobustnessError> {
    loop {
        let own = batch.origin_of(row);
        let mut moved: Vec<usize> = (0..point.len()).filter(|&j| point[j] != own[j]).collect();
        stream.shuffle(&mut moved);
        let mut changed = false;
        for j in moved {
            let before = std::mem::replace(&mut point[j], batch.origin_of(row)[j]);
            if batch.is_adversarial(row, point)? {
                changed = true;
            } else {
                point[j] = before;
            }
        }
        if !changed {
            return Ok(());
        }
    }
}

/// Moves each feature as far back as the decision allows.
fn move_back(
    batch: &mut Batch<'_, '_>,
    row: usize,
    bisections: u32,
    point: &mut [f32],
) -> Result<(), RobustnessError> {
    for j in 0..point.len() {
        let own = batch.origin_of(row)[j];
        let (mut good, mut bad) = (point[j], own);
        for _ in 0..if good == own { 0 } else { bisections } {
            point[j] = 0.5 * (good + bad);
            if batch.is_adversarial(row, point)? {
                good = point[j];
            } else {
                bad = point[j];
            }
        }
        point[j] = good;
    }
    Ok(())
}
