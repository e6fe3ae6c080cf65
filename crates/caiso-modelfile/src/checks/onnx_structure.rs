use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports what an ONNX model should not hold: operators that run Python (`PyOp`, `PythonOp`,
    /// `PyFunction`), several graphs, constants of the same name, constants with data in two forms,
    /// external data whose place or length cannot be, large content in fields that the format does not
    /// have, and program text in metadata.
    ///
    /// ## Why it matters
    /// Loaders differ in which of two they take, so that the model that was assessed is not the one that
    /// is served. Content that no loader reads is a place to hide a payload. Python operators run code of
    /// the file or of its folder.
    ///
    /// ## References
    /// - ONNX IR specification, <https://github.com/onnx/onnx/blob/main/docs/IR.md>
    /// - Protocol buffers: the last one wins, messages merge, <https://protobuf.dev/programming-
    ///   guides/encoding/#last-one-wins>
    /// - CVE-2025-51480, CVE-2026-34446
    /// - MITRE ATLAS AML.T0018.001, AML.T0018.002, AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ONNX-003",
            name: "onnx-structure",
            title: "The ONNX model reads differently from loader to loader or runs Python",
            severity: Severity::High,
            techniques: &["AML.T0018.001", "AML.T0018.002", "AML.T0011.000"],
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
        Facts::Onnx(description) => Some(&description.structure),
        Facts::OnnxAmbiguous(suspicions) => Some(suspicions),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::Onnx], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file; export the model again",
    summaries: [
        "the model says everything once and holds nothing unknown",
        "one thing reads differently from loader to loader or runs Python",
        "things read differently from loader to loader or run Python",
    ],
};
