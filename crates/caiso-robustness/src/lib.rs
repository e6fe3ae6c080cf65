//! Evasion attacks and robustness measurements.
//!
//! [`ATTACKS`] holds the attacks, [`run()`] runs one over a [`Problem`]: a classifier, labelled rows, and the [`Domain`]
//! that says which inputs are valid, what an attacker can change and how the size of a change is measured. [`CHECKS`] holds the
//! checks of an assessment, which attack with several epsilons and judge the result.
//!
//! [`TEXT_ATTACKS`] and [`run_text`] are the same for classifiers of texts.
//!
//! Every adversarial row is valid: within the bounds, immutable features untouched, integer features whole.

mod apgd;
mod ascent;
mod attack;
mod attacks;
mod batch;
mod campaign;
mod carlini;
mod checks;
mod corruptions;
mod decision;
mod domain;
mod error;
mod evaluate;
mod image;
mod input;
mod losses;
mod measure;
mod metrics;
mod nested;
mod norm;
mod notes;
mod objective;
mod oracle;
mod parameters;
mod pool;
mod projection;
mod refine;
mod report;
mod run;
mod schedule;
mod summary;
mod text;
mod trees;
mod windows;

pub use attack::{Attack, Goal, Scope, find};
pub use attacks::ALL as ATTACKS;
pub use campaign::{CAMPAIGNS, Campaign, Ended, State, Step, campaign_key};
pub use checks::ALL as CHECKS;
pub use domain::{Domain, FeatureDomain};
pub use error::RobustnessError;
pub use input::RobustnessInput;
pub use metrics::{
    CurvePoint, EmpiricalRobustness, GradientCheck, Over, empirical_robustness,
    fooled_by_other_only, gradient_check, loss_sensitivity, security_evaluation,
    stands_at_larger_epsilon,
};
pub use norm::{Distances, Norm};
pub use run::{Attacked, Problem, RowResult, Settings, run};
pub use summary::Summary;
pub use text::{
    ALL as TEXT_ATTACKS, Looks, TextAttack, TextAttacked, TextProblem, TextResult, TextSettings,
    find_text, run_text,
};
