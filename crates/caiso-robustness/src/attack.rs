//! What an attack is.

use caiso_core::{Meta, ParameterSet, Parameters};
use caiso_inference::Access;

use crate::batch::Batch;
use crate::{Norm, RobustnessError};

/// A procedure that looks for adversarial examples, one file in `attacks/`.
pub struct Attack {
    /// What the attack says about itself. Its `name` is what the command line calls it.
    pub meta: Meta,
    /// The least that the model has to let one see.
    pub access: Access,
    /// Norms in which it can measure the change, the default first.
    pub norms: &'static [Norm],
    /// What it looks for.
    pub goal: Goal,
    /// What it has to work on at once.
    pub scope: Scope,
    /// Its parameters: type, defaults, ranges, documentation.
    pub parameters: ParameterSet,
    /// Attacks the rows of a batch and records what it finds there.
    pub(crate) run: fn(&mut Batch<'_, '_>, &Parameters) -> Result<(), RobustnessError>,
}

/// What an attack looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// A misclassified point within a given epsilon: one run for each epsilon.
    WithinEpsilon,
    /// The misclassified point nearest to the row: one run answers for every epsilon.
    Nearest,
}

/// What an attack has to work on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each row by itself; rows share a batch for speed only.
    Row,
    /// The data set as a whole, for one change that fits all rows.
    DataSet,
}

/// The attack with this name.
pub fn find(name: &str) -> Option<&'static Attack> {
    crate::attacks::ALL.iter().copied().find(|attack| attack.meta.name == name)
}
