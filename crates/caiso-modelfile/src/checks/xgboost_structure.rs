use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{CONTRADICTIONS, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Compares the sizes and indices in an XGBoost model with each other: trees and their count,
    /// nodes and the lists that hold them, children and features that do not exist, nodes that are
    /// below themselves, categories outside their list. An objective that XGBoost does not ship is a
    /// finding of low severity.
    ///
    /// ## Why it matters
    /// The library trusts the file. An index outside a list makes it read memory that is not its own,
    /// and a tree that leads back to itself makes it run for ever; both stop or spy on the service
    /// that loads the model.
    ///
    /// ## References
    /// - XGBoost, Introduction to Model IO,
    ///   <https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>
    /// - CWE-125 (out-of-bounds read), CWE-835 (loop with unreachable exit condition)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0029 (denial of AI service)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-XGB-001",
            name: "xgboost-structure",
            title: "An XGBoost model contradicts itself",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0029"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: xgboost_structure,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn xgboost_structure(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let facts = input.facts(|facts| match facts {
        Facts::XgBoost(model) => Some(&model.problems),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, facts, &[Format::XgBoost], &CONTRADICTIONS))
}
