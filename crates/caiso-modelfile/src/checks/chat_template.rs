use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::checks::hugging_face::configurations;
use crate::readers::hugging_face::Named;
use crate::{Format, ModelFileInput, template};

caiso_core::unit! {
    /// ## What it does
    /// Reads chat templates, in files of their own and in the configuration of a tokenizer, as Jinja,
    /// puts together what is written in pieces, and reports ways to the insides of the interpreter,
    /// calls that run or read something and templates that load others.
    ///
    /// ## Why it matters
    /// A chat template is a program that the runtime evaluates for every conversation. A runtime
    /// without a sandbox runs what it reaches.
    ///
    /// ## References
    /// - CVE-2024-34359 (llama-cpp-python), CVE-2026-5760 (SGLang)
    /// - MITRE ATLAS AML.T0011.000, AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-HF-003",
            name: "chat-template-runs-code",
            title: "A chat template does more than put texts together",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0051.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: chat_template,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn chat_template(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let found = configurations(input).flat_map(|(node, found)| {
        found
            .templates
            .iter()
            .map(move |Named { at, value }| (node, template::judge(value).within(at)))
    });
    Ok(report(&UNIT.meta, input, found, &[Format::HuggingFaceConfiguration], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Render the template in a sandbox only, or take the one of the model's first publisher",
    summaries: [
        "the chat templates only put texts together",
        "one thing in a chat template does more than put texts together",
        "things in chat templates do more than put texts together",
    ],
};
