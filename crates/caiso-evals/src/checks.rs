//! The checks of this crate.

use caiso_core::{Check, units};

use crate::SkillInput;

units![Check<SkillInput>: skill];
