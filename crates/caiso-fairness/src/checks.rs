//! The checks of this crate.

use caiso_core::{Check, CheckError, units};

use crate::{FairnessError, FairnessInput};

units![Check<FairnessInput>: group, intersections];

/// An input that does not fit together cannot be assessed.
fn not_assessable(error: &FairnessError) -> CheckError {
    let remedy = match error {
        FairnessError::NoAttribute => "name the data set's protected attributes in the manifest",
        FairnessError::NoRows => "give a data set with rows",
        _ => "correct the description of the data set in the manifest",
    };
    CheckError::not_assessable(error.to_string(), remedy)
}
