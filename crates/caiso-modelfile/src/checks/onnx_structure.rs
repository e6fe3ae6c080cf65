use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

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
    let mut outcome = Outcome::default();
    let suspicions = input.facts(|facts| match facts {
        Facts::Onnx(description) => Some(&description.structure),
        Facts::OnnxAmbiguous(suspicions) => Some(suspicions),
        _ => None,
    });
    for (node, suspicions) in suspicions {
        suspicions.report(
            &UNIT.meta,
            input,
            node,
            "Do not load the file; export the model again",
            &mut outcome,
        );
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::Onnx]));
    outcome.summary = match outcome.findings.len() {
        0 => "the model says everything once and holds nothing unknown".to_owned(),
        1 => "one thing reads differently from loader to loader or runs Python".to_owned(),
        count => format!("{count} things read differently from loader to loader or run Python"),
    };
    Ok(outcome)
}
