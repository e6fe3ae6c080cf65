use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Follows every table of the flat buffer of a TensorFlow Lite model that tells about operators,
    /// tensors, buffers and metadata, and reports those that lie outside the file, indexes that lead
    /// nowhere, tensors whose size overflows, and data behind the model. A zip archive of associated
    /// files there is looked at like a file.
    ///
    /// ## Why it matters
    /// The runtime for phones and controllers follows these offsets in C++ without a verifier in some
    /// builds: a wrong one reads or writes memory that is not the model's. Data behind the model is
    /// carried to every device unseen.
    ///
    /// ## References
    /// - The schema, <https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/
    ///   schema/schema.fbs>
    /// - CVE-2022-23558, CVE-2022-23559, CVE-2020-15211 (overflows and reads outside memory in TensorFlow
    ///   Lite)
    /// - MITRE ATLAS AML.T0018.002 (embed malware), AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-TFL-002",
            name: "tflite-structure",
            title: "The TensorFlow Lite file is broken or carries more than a model",
            severity: Severity::Medium,
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
        Facts::TensorFlowLite(facts) => Some(&facts.structure),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, found, &[Format::TensorFlowLite], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file; get the model from its source again, or save it anew with the current version of the library",
    summaries: [
        "every table lies in the file and the file is all model",
        "one place where the file is not what its tables say",
        "places where the file is not what its tables say",
    ],
};
