//! Evasion attacks and robustness measurements.
//!
//! [`CHECKS`] holds the checks over a [`RobustnessInput`]: a differentiable classifier, labelled
//! rows, and the [`Domain`] that says which inputs are valid and what an attacker can change. The
//! attacks themselves are plain functions ([`fgsm()`], [`pgd()`]) from rows to adversarial rows.
//!
//! Everything is measured with each feature scaled to `[0, 1]` by its declared bounds; an epsilon is a
//! fraction of a feature's range. Every adversarial row is valid: within the bounds, immutable
//! features untouched, integer features whole.

mod ascent;
mod attacks;
mod domain;
mod error;
mod evaluate;
mod input;
mod parameters;
mod report;

pub use attacks::{ALL as CHECKS, Pgd, Start, fgsm, pgd};
pub use domain::{Domain, FeatureDomain};
pub use error::RobustnessError;
pub use input::RobustnessInput;
