use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::external_data::escapes;
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads the manifest of a TorchServe model archive and reports a handler and model file of its
    /// own, requirements that are installed, and file names that leave the archive (high). The source
    /// of a handler is read by MF-PY-001.
    ///
    /// ## Why it matters
    /// TorchServe imports the handler, and installs the requirements if it is told to, as soon as the
    /// model is registered.
    ///
    /// ## References
    /// - PyTorch TorchServe, custom handlers, <https://docs.pytorch.org/serve/custom_service.html>
    /// - MITRE ATLAS AML.T0011.000, AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-MAR-001",
            name: "model-archive-handler",
            title: "The model archive brings code that its server runs",
            severity: Severity::Medium,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: model_archive_handler,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn model_archive_handler(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let manifests = input.facts(|facts| match facts {
        Facts::Mar(mar) => Some(mar),
        _ => None,
    });
    for (node, mar) in manifests {
        for (key, files) in &mar.files {
            for file in files {
                let (severity, message) = if let Some(reason) = escapes(file) {
                    (Severity::High, format!("`{key}` names `{file}`, which {reason}"))
                } else if matches!(key.as_str(), "handler" | "modelFile") && file.contains('.') {
                    (
                        Severity::Medium,
                        format!("`{key}` is `{file}`: its code runs when the model is loaded"),
                    )
                } else if key == "requirementsFile" {
                    (
                        Severity::Medium,
                        format!("`{file}` names packages that the server may install"),
                    )
                } else {
                    continue;
                };
                let place = input.at(node, &format!("{key}: {file}"));
                let mut finding = Finding::of(
                    &UNIT.meta,
                    place,
                    message,
                    "Read the handler before the archive is registered, or use one of TorchServe's own",
                );
                finding.severity = severity;
                outcome.findings.push(finding);
            }
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::TorchModelArchive]));
    outcome.summary = match outcome.findings.len() {
        0 => "the archive brings no code".to_owned(),
        count => format!("{count} files of the archive run or are installed"),
    };
    Ok(outcome)
}
