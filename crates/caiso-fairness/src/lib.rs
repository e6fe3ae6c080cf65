//! Group fairness from one count cube, with intervals and tests.
//!
//! One pass over the rows counts, for every combination of protected values, how often each pair
//! of true and predicted outcome occurs. Every metric, interval, test and bootstrap replicate
//! then comes from these counts, at a cost that does not depend on the number of rows.
//!
//! "Positive" and "selected" mean the favourable outcome throughout. Differences are unprivileged
//! minus privileged and ratios unprivileged over privileged, as AIF360 defines them; fairlearn's
//! differences and ratios are unsigned (largest minus smallest, smallest over largest) and agree
//! with these up to sign and inversion when there are two groups. What is undefined is reported
//! as undefined with the reason, where AIF360 gives NaN or infinity and fairlearn 0.

mod checks;
mod cube;
mod input;
mod metrics;
mod wording;

pub use checks::ALL;
pub use cube::{Counts, Cube};
pub use input::{Attribute, FairnessError, FairnessInput};
pub use metrics::{
    accuracy_difference, average_absolute_odds_difference, average_odds_difference,
    disparate_impact, equal_opportunity_difference, equalized_odds_difference,
    statistical_parity_difference,
};
