use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads the header of a GGUF file of version 1 to 3 in both orders of bytes and compares it with the
    /// content: counts and lengths that the file cannot hold, unknown types, keys and tensors given
    /// twice, an alignment that is no power of two, shapes whose size overflows, tensors that overlap or
    /// lie outside the file, bytes that belong to nothing.
    ///
    /// ## Why it matters
    /// Runtimes for GGUF are written in C and trust these numbers: wrong ones have led to reads and
    /// writes outside of allocated memory, which an attacker uses to run code on the machine that loads
    /// the model.
    ///
    /// ## References
    /// - The format, <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>
    /// - CVE-2024-21802, CVE-2024-23605, CVE-2024-25664 to CVE-2024-25667 (heap overflows in GGUF
    ///   readers)
    /// - MITRE ATLAS AML.T0018.002 (embed malware), AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-GGUF-001",
            name: "gguf-structure",
            title: "The GGUF header does not describe the file",
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
        Facts::Gguf(facts) => Some(&facts.structure),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::Gguf], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file; get the model from its source again, or save it anew with the current version of the library",
    summaries: [
        "the header describes the file",
        "one place where the header does not describe the file",
        "places where the header does not describe the file",
    ],
};
