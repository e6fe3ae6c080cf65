//! The checks over a [`RobustnessInput`](crate::RobustnessInput), one file each: attacks over several epsilons with a gate.

use caiso_core::Check;

use crate::RobustnessInput;

caiso_core::units![Check<RobustnessInput>: fgsm, pgd];

pub(crate) use fgsm::SINGLE_STEP;
