use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Lists the custom operators of a TensorFlow Lite model: those that stand for a TensorFlow operator
    /// (`Flex…`) and those that need a library of their own. Operators that read, write or send files or
    /// run Python or a process are of high severity.
    ///
    /// ## Why it matters
    /// A custom operator is native code that nobody sees by looking at the model. Through the Flex
    /// delegate a model reaches all of TensorFlow, which can read and write files with the rights of the
    /// app.
    ///
    /// ## References
    /// - Select TensorFlow operators, <https://ai.google.dev/edge/litert/models/ops_select>
    /// - MITRE ATLAS AML.T0018.001 (modify AI model architecture), AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-TFL-001",
            name: "tflite-operators",
            title: "The TensorFlow Lite model needs operators that the runtime does not have",
            severity: Severity::Medium,
            techniques: &["AML.T0018.001", "AML.T0011.000"],
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
        Facts::TensorFlowLite(facts) => Some(&facts.operators),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::TensorFlowLite], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Convert the model with built-in operators only, or review, pin and sign the library that brings the others",
    summaries: [
        "every operator is a built-in one",
        "one operator is not a built-in one",
        "operators are not built-in ones",
    ],
};
