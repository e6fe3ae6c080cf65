use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::hugging_face::configurations;
use crate::globals::{cited, effect, judge_dotted};
use crate::readers::hugging_face::Named;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads configurations of Hugging Face models and reports what has the loader import code:
    /// `auto_map`, custom pipelines and generation (medium; high if the code is of another
    /// repository), `trust_remote_code` written as true, attention kernels fetched from a hub, and
    /// modules and classes by name outside of the known libraries.
    ///
    /// ## Why it matters
    /// With `trust_remote_code` the loader imports that code with the rights of whoever loads the
    /// model; what lies in another repository can change at any time.
    ///
    /// ## References
    /// - Hugging Face Transformers, custom models,
    ///   <https://huggingface.co/docs/transformers/custom_models>
    /// - MITRE ATLAS AML.T0011.000, AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-HF-001",
            name: "remote-code",
            title: "The configuration has the loader run code of its own",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: remote_code,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn remote_code(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, found) in configurations(input) {
        let mut push = |what: String, message: String, severity: Severity| {
            let mut finding = Finding::of(&UNIT.meta, input.at(node, &what), message, REMEDIATION);
            finding.severity = severity;
            outcome.findings.push(finding);
        };
        for Named { at, value } in &found.code {
            if value.contains("--") || value.contains('/') {
                let message =
                    format!("`{at}` has the loader run `{value}`, code of another repository");
                push(format!("{at}: {value}"), message, Severity::High);
            } else {
                let message =
                    format!("`{at}` has the loader run `{value}`, code that comes with the model");
                push(format!("{at}: {value}"), message, Severity::Medium);
            }
        }
        for at in &found.trusts {
            let message =
                format!("`{at}` is true: the loader runs whatever code the repository holds");
            push(at.clone(), message, Severity::Medium);
        }
        for Named { at, value } in &found.kernels {
            let message = format!("`{at}` has the loader fetch native code, `{value}`, from a hub");
            push(format!("{at}: {value}"), message, Severity::Medium);
        }
        for Named { at, value } in &found.imports {
            let judged = judge_dotted(value);
            let root = value.split('.').next().unwrap_or_default();
            if judged.category.is_dangerous() {
                let (effect, cited) = (effect(judged.category), cited(judged.reference));
                let message = format!("`{at}` names `{value}`, which {effect}{cited}");
                push(format!("{at}: {value}"), message, judged.severity.max(Severity::High));
            } else if !KNOWN.contains(&root) {
                let message = format!(
                    "`{at}` has the loader import `{value}`, of a library that it does not know"
                );
                push(format!("{at}: {value}"), message, Severity::Medium);
            }
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::HuggingFaceConfiguration]));
    outcome.summary = match outcome.findings.len() {
        0 => "the configuration has nothing run".to_owned(),
        count => format!("{count} entries have code run"),
    };
    Ok(outcome)
}

const REMEDIATION: &str = "Load the model without `trust_remote_code`, or read the code, keep it beside the model \
    and pin it by its digest";

/// Libraries whose classes these configurations name.
const KNOWN: [&str; 10] = [
    "transformers",
    "diffusers",
    "sentence_transformers",
    "peft",
    "torch",
    "optimum",
    "timm",
    "flax",
    "tokenizers",
    "null",
];
