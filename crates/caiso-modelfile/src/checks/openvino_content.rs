use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports layers that no operator set of OpenVINO has, attributes that name libraries,
    /// constants whose place in the file of weights does not fit their shape, and what the XML makes a
    /// parser do: document types with entities or external parts, XInclude, processing instructions.
    ///
    /// ## Why it matters
    /// A layer of somebody else needs a library, which runs with the rights of the service. A constant
    /// with a wrong place makes the runtime read memory that is not its own, and a parser that follows
    /// an external entity reads files of the host.
    ///
    /// ## References
    /// - OpenVINO IR format, <https://docs.openvino.ai/2025/documentation/openvino-ir-format.html>
    /// - CWE-611 (XML external entities), CWE-125 (out-of-bounds read)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0037 (data from local system)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-OV-001",
            name: "openvino-content",
            title: "An OpenVINO model does more than compute",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0037"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: openvino_content,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn openvino_content(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let facts = input.facts(|facts| match facts {
        Facts::OpenVino(model) => Some(&model.problems),
        _ => None,
    });
    Ok(report(&UNIT.meta, input, facts, &[Format::OpenVino], &WORDS))
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
