use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Compares the header of a safetensors file with its content: a header that is too long or no object
    /// of JSON, tensors that are described twice, overlap, leave bytes between them, lie outside the file
    /// or have another size than type and shape demand, unknown types, and bytes behind the last tensor.
    ///
    /// ## Why it matters
    /// The format is safe because its header accounts for every byte. Where it does not, loaders differ
    /// in what they take for the model, read memory that is not the file's, or carry along a payload that
    /// no loader shows.
    ///
    /// ## References
    /// - The format, <https://github.com/huggingface/safetensors#format>
    /// - MITRE ATLAS AML.T0018.002 (embed malware), AML.T0011.000 (unsafe AI artifacts)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ST-001",
            name: "safetensors-structure",
            title: "The safetensors header does not describe the file",
            severity: Severity::High,
            techniques: &["AML.T0018.002", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn run(input: &ModelFileInput, _: &Parameters, _: &RunContext) -> Result<Outcome, CheckError> {
    let found = input.facts(|facts| match facts {
        Facts::Safetensors(facts) => Some(&facts.structure),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::Safetensors], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file; get the model from its source again, or save it anew with the current version of the library",
    summaries: [
        "the header describes the file, byte by byte",
        "one place where the header does not describe the file",
        "places where the header does not describe the file",
    ],
};
