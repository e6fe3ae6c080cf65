use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Looks through the metadata of a safetensors file for program text, pickles, programs and archives
    /// in base64, and addresses. What base64 encodes is looked at like a file.
    ///
    /// ## Why it matters
    /// Metadata is free text that tools show, log and sometimes evaluate. A payload that waits there gets
    /// past every scanner that looks at tensors only, until a second file or a careless page runs it.
    ///
    /// ## References
    /// - The format, <https://github.com/huggingface/safetensors#format>
    /// - MITRE ATLAS AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ST-002",
            name: "safetensors-metadata",
            title: "The safetensors metadata carries code or a payload",
            severity: Severity::Medium,
            techniques: &["AML.T0018.002"],
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
        Facts::Safetensors(facts) => Some(&facts.metadata),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::Safetensors], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Remove the metadata, and find out who added it",
    summaries: [
        "the metadata only describes",
        "one entry of the metadata does more than describe",
        "entries of the metadata do more than describe",
    ],
};
