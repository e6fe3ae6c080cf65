use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{CONTRADICTIONS, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Compares the sizes and indices in a CatBoost model with each other: the size of its core and of
    /// the file, bytes behind the parts that it names, splits, trees and leaf values, steps that lead
    /// out of a tree.
    ///
    /// ## Why it matters
    /// The library maps the core and follows its indices. Wrong ones make it read memory that is not
    /// its own, and bytes that belong to no part can carry something else past whoever looks at the
    /// model only.
    ///
    /// ## References
    /// - CatBoost model format,
    ///   <https://github.com/catboost/catboost/blob/master/catboost/libs/model/flatbuffers/model.fbs>
    /// - CWE-125 (out-of-bounds read)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0029 (denial of AI service)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-CAT-001",
            name: "catboost-structure",
            title: "A CatBoost model contradicts itself",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0029"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: catboost_structure,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn catboost_structure(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let facts = input.facts(|facts| match facts {
        Facts::CatBoost(model) => Some(&model.problems),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, facts, &[Format::CatBoost], &CONTRADICTIONS))
}
