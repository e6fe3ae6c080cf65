use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::external_data::escapes;
use crate::checks::hugging_face::configurations;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads the index of weights that are kept in several files and reports names that are no plain
    /// paths below the folder.
    ///
    /// ## Why it matters
    /// The loader opens the file with the rights of whoever loads the model.
    ///
    /// ## References
    /// - CWE-22 (path traversal)
    /// - MITRE ATLAS AML.T0037 (data from local system)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-HF-002",
            name: "weight-file-outside-folder",
            title: "The index of the weights names files outside the model",
            severity: Severity::High,
            techniques: &["AML.T0037", "AML.T0010.003"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: weight_files,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn weight_files(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, found) in configurations(input) {
        for file in &found.weight_files {
            if let Some(reason) = escapes(file) {
                outcome.findings.push(Finding::of(
                    &UNIT.meta,
                    input.at(node, &format!("weights {file}")),
                    format!("weights are to be read from `{file}`, which {reason}"),
                    "Do not load the model; get it from its source again",
                ));
            }
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::HuggingFaceConfiguration]));
    outcome.summary = match outcome.findings.len() {
        0 => "all weights lie in the folder of the model".to_owned(),
        count => format!("{count} files lie outside of the folder"),
    };
    Ok(outcome)
}
