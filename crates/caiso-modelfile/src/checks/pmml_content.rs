use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports what a PMML document makes its reader do besides computing: document types with
    /// entities or external parts, XInclude, processing instructions, extensions that hold code or
    /// name places, formulas that call Java classes or functions that nothing defines. Nothing is
    /// expanded or fetched.
    ///
    /// ## Why it matters
    /// A parser that follows an external entity reads files of the host or calls others; nested
    /// entities fill its memory. JPMML, the usual reader, takes a function name with a dot for a
    /// class, loads it and runs it.
    ///
    /// ## References
    /// - PMML 4.4.1, <https://dmg.org/pmml/pmml-v4-4-1.html>
    /// - CWE-611 (XML external entities), CWE-776 (entity expansion)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0037 (data from local system)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PMML-001",
            name: "pmml-content",
            title: "A PMML document does more than describe a model",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0037"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: pmml_content,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn pmml_content(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let facts = input.facts(|facts| match facts {
        Facts::Pmml(model) => Some(&model.problems),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, facts, &[Format::Pmml], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file; get it from its source again, or save the model again with a current \
        version of its library",
    summaries: [
        "the model only computes",
        "one thing in the model does more than compute",
        "things in the model do more than compute",
    ],
};
