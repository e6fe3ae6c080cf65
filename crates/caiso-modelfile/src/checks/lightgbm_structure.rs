use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{CONTRADICTIONS, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Compares the sizes and indices in a LightGBM model with each other: the sizes of the trees'
    /// texts, leaves and the lists that hold them, children, features and categories that do not
    /// exist, nodes that are below themselves. An objective that LightGBM does not ship is a finding of
    /// low severity.
    ///
    /// ## Why it matters
    /// The library jumps to each tree by the sizes that the file gives and follows its indices without
    /// a check. Wrong ones make it read memory that is not its own, or run for ever.
    ///
    /// ## References
    /// - LightGBM, Advanced Topics and Parameters, <https://lightgbm.readthedocs.io/en/stable/Parameters.html>
    /// - CWE-125 (out-of-bounds read), CWE-835 (loop with unreachable exit condition)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0029 (denial of AI service)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-LGB-001",
            name: "lightgbm-structure",
            title: "A LightGBM model contradicts itself",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0029"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: lightgbm_structure,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn lightgbm_structure(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let facts = input.facts(|facts| match facts {
        Facts::LightGbm(model) => Some(&model.problems),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, facts, &[Format::LightGbm], &CONTRADICTIONS))
}
