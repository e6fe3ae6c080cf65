use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use super::suspicions::{Words, report};
use crate::tree::Facts;
use crate::{Format, ModelFileInput, template};

caiso_core::unit! {
    /// ## What it does
    /// Reads every chat template in a GGUF file as Jinja, folds what is put together from constants, and
    /// reports what does more than format a conversation: attributes that lead to Python's interpreter,
    /// the filter `attr`, objects of the environment, calls that run or read something, templates that
    /// load others, and templates that cannot be read.
    ///
    /// ## Why it matters
    /// A chat template is a program that the runtime evaluates for every conversation. Runtimes that do
    /// so without a sandbox have run the code of whoever wrote the model file.
    ///
    /// ## References
    /// - CVE-2024-34359 (llama-cpp-python), CVE-2026-5760 (SGLang)
    /// - Jinja's sandbox, <https://jinja.palletsprojects.com/en/stable/sandbox/>
    /// - MITRE ATLAS AML.T0018.002, AML.T0011.000, AML.T0050 (command and scripting interpreter)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-GGUF-002",
            name: "chat-template",
            title: "The chat template reaches out of the conversation",
            severity: Severity::Critical,
            techniques: &["AML.T0018.002", "AML.T0011.000", "AML.T0050"],
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
    let facts = input.facts(|facts| match facts {
        Facts::Gguf(facts) => Some(&**facts),
        _ => None,
    });
    let found = facts.flat_map(|(node, facts)| {
        facts.templates.iter().map(move |(key, text)| (node, template::judge(text).within(key)))
    });
    Ok(report(&UNIT.meta, input, found, &[Format::Gguf], &WORDS))
}

const WORDS: Words = Words {
    remediation: "Do not load the file with a runtime that renders its template without a sandbox; take the template \
        of the model's first publisher instead",
    summaries: [
        "the chat templates only put texts together",
        "one thing in a chat template does more than put texts together",
        "things in chat templates do more than put texts together",
    ],
};
