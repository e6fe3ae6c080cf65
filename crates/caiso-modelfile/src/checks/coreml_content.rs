use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::external_data::escapes;
use crate::readers::coreml::CoreMl;
use crate::tree::Facts;
use crate::{Format, ModelFileInput, text_signs};

caiso_core::unit! {
    /// ## What it does
    /// Reports custom layers and models, which the app has to bring as code, and files that the model
    /// refers to: the weights of a program, a linked model, the items of a package. A file outside of
    /// the model is of high severity.
    ///
    /// ## Why it matters
    /// What a custom class computes is not in the file; a path that leaves the model has the app read
    /// what the author of the model chose.
    ///
    /// ## References
    /// - Core ML model specification, <https://apple.github.io/coremltools/mlmodel/index.html>
    /// - MITRE ATLAS AML.T0011.000, AML.T0018.001, AML.T0037
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-CML-001",
            name: "core-ml-custom-or-linked",
            title: "The Core ML model needs code or files of others",
            severity: Severity::Medium,
            techniques: &["AML.T0011.000", "AML.T0018.001", "AML.T0037"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: coreml_content,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn coreml_content(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let models = input.facts(|facts| match facts {
        Facts::CoreMl(model) => Some(model),
        _ => None,
    });
    for (node, model) in models {
        for class in &model.custom {
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                input.at(node, &format!("class {class}")),
                format!("the model needs the class `{class}`, which the app has to bring as code"),
                "Ask for the model with standard layers, or review, pin and sign the code",
            ));
        }
        for (key, text) in &model.metadata {
            if let Some(sign) = text_signs::look(text) {
                let mut finding = Finding::of(
                    &UNIT.meta,
                    input.at(node, &format!("metadata {key}")),
                    format!("the metadata `{key}` {}", sign.message),
                    "Remove the metadata, and find out who added it",
                );
                finding.severity = sign.severity;
                outcome.findings.push(finding);
            }
        }
        for file in &model.files {
            if let Some(reason) = escapes(CoreMl::relative(file)) {
                let mut finding = Finding::of(
                    &UNIT.meta,
                    input.at(node, &format!("file {file}")),
                    format!("the model refers to `{file}`, which {reason}"),
                    "Do not load the model; get it from its source again",
                );
                finding.severity = Severity::High;
                outcome.findings.push(finding);
            }
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::CoreMl]));
    outcome.summary = match outcome.findings.len() {
        0 => "the model needs nothing of others".to_owned(),
        count => format!("{count} classes or files of others are needed"),
    };
    Ok(outcome)
}
