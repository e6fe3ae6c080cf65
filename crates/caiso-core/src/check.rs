//! The one shape of an automated procedure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Meta, Outcome, ParameterSet, Parameters};

/// An automated procedure with a stable code over one kind of input.
///
/// An engine declares its own input type and a table of these; `caiso-assess` builds the inputs
/// from the manifest and runs them.
pub struct Check<Input: ?Sized + 'static> {
    /// What the check says about itself.
    pub meta: Meta,
    /// Its parameters: type, defaults, ranges, documentation.
    pub parameters: ParameterSet,
    /// Runs it. Pure: equal input, parameters and seed give an equal outcome.
    pub run: fn(&Input, &Parameters, &RunContext) -> Result<Outcome, CheckError>,
}

/// What a run is given besides its input and parameters.
#[derive(Clone, Debug, Default)]
pub struct RunContext {
    /// Seed of every random stream of the run.
    pub seed: u64,
    /// Set from outside when the time budget is spent.
    pub cancelled: Arc<AtomicBool>,
}

impl RunContext {
    /// A context with this seed and no budget.
    pub fn with_seed(seed: u64) -> Self {
        Self { seed, cancelled: Arc::default() }
    }

    /// To be called between pieces of work; fails once the budget is spent.
    pub fn proceed(&self) -> Result<(), CheckError> {
        if self.cancelled.load(Ordering::Relaxed) { Err(CheckError::Cancelled) } else { Ok(()) }
    }
}

/// Why a check that applies gave no outcome. Both make the check incomplete, never passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Something it needs is missing or unusable.
    #[error("{reason}")]
    NotAssessable {
        /// Why.
        reason: String,
        /// What would make it assessable.
        remedy: String,
    },
    /// The budget was spent.
    #[error("stopped because its budget was spent")]
    Cancelled,
}

impl CheckError {
    /// A [`CheckError::NotAssessable`].
    pub fn not_assessable(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::NotAssessable { reason: reason.into(), remedy: remedy.into() }
    }
}
