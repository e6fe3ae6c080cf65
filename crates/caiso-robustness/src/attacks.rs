//! The attacks, one file each: a check and a plain function that returns adversarial rows.

use caiso_core::Check;

use crate::RobustnessInput;

caiso_core::units![Check<RobustnessInput>: fgsm, pgd];

pub use fgsm::fgsm;
pub(crate) use fgsm::single_step;
pub use pgd::{Pgd, Start, pgd};
