//! Attacks that run another attack with other gradients.

use caiso_inference::Access;
use serde_json::{Map, Value};

use crate::attack::{Scope, find};
use crate::batch::Batch;
use crate::{Norm, RobustnessError};

/// Runs the attack `inner` on the batch on behalf of `outer`.
pub(crate) fn attack_with(
    batch: &mut Batch<'_, '_>,
    outer: &'static str,
    inner: &str,
    parameters: &Map<String, Value>,
) -> Result<(), RobustnessError> {
    let refuse = |reason: String| RobustnessError::Parameter { attack: outer, reason };
    let known = find(inner).filter(|a| a.access == Access::Gradients && a.scope == Scope::Row);
    let Some(inner) = known else {
        return Err(refuse(format!("`{inner}` is no attack on single rows with gradients")));
    };
    if !inner.norms.contains(&batch.task.norm) {
        let known: Vec<&str> = inner.norms.iter().map(|norm: &Norm| norm.as_str()).collect();
        return Err(RobustnessError::Norm {
            attack: inner.meta.name,
            norm: batch.task.norm,
            known: known.join(", "),
        });
    }
    let parameters =
        inner.parameters.resolve(parameters).map_err(|error| refuse(error.to_string()))?;
    (inner.run)(batch, &parameters)
}
