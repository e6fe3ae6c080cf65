//! Evaluation of models: skill against a constant predictor.
//!
//! Whether a model knows anything comes first: robustness and fairness of a model without skill
//! mean nothing, so the outcome of the skill check carries the fact [`HAS_SKILL`], by which every
//! later verdict can be labelled.

mod checks;
mod input;
mod skill;

pub use checks::ALL;
pub use input::{EvalsError, SkillInput};

/// Name of the fact that says whether the model has skill: `yes` or `no`; absent when it could not
/// be assessed.
pub const HAS_SKILL: &str = "has_skill";
