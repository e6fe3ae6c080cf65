use std::collections::BTreeMap;

use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::description::{count, describe};
use crate::input::unrecognised;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Identifies the model file by its content, whatever it is called, and describes it: size and
    /// digest, and as far as the format tells its version, producer, architecture, licence, operators
    /// with their counts, number of parameters and their types, inputs and outputs, metadata. A file whose name promises
    /// another model format than its content has, or that is a program, is a finding. A format that is
    /// recognised but not yet described is not assessed, and the outcome says so.
    ///
    /// ## Why it matters
    /// The digest ties every other result to one file. A file that is not what its name says can get a
    /// pickle or a program, which run code when they are loaded, past people and scanners that go by
    /// the name.
    ///
    /// ## References
    /// - ONNX IR specification, <https://github.com/onnx/onnx/blob/main/docs/IR.md>
    /// - MITRE ATLAS AML.T0074 (masquerading), AML.T0011.000 (unsafe AI artifacts)
    /// - EU AI Act, Article 15(5) and Annex IV(2)(h); NIST AI RMF MAP 4.2, MANAGE 3.1
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ID-001",
            name: "model-file-identification",
            title: "The model file is not what its name says",
            severity: Severity::High,
            techniques: &["AML.T0074", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: identification,
    };
}

fn identification(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let format = input.format().ok_or_else(|| unrecognised(&input.path))?;
    let mut outcome = Outcome {
        summary: format!("`{}` has the format {format}", input.path),
        facts: BTreeMap::from([
            ("format".to_owned(), format.to_string()),
            ("sha256".to_owned(), input.sha256.clone()),
        ]),
        ..Outcome::default()
    };
    outcome.measurements.push(count("file_size", input.size(), "bytes"));
    outcome.findings.extend(masquerading(input, format));
    describe(&input.tree).tell(&mut outcome);
    for (_, onnx) in input.onnx() {
        outcome.measurements.extend([
            count("functions", onnx.functions.len() as u64, "functions"),
            count("external_tensors", onnx.external.len() as u64, "tensors"),
        ]);
        outcome.not_assessed.extend(onnx.not_read());
    }
    let gaps = input.tree.gaps().map(|(node, gap)| input.gap(node, gap));
    outcome.not_assessed.extend(gaps);
    Ok(outcome)
}

/// A name that promises another format, or a program where a model should be.
fn masquerading(input: &ModelFileInput, format: Format) -> Option<Finding> {
    let message = match Format::of_extension(&input.path) {
        _ if format == Format::Executable => {
            format!("`{}` is named as a model and is a program: loading it may run it", input.path)
        }
        Some(promised) if !promised.contains(&format) => format!(
            "`{}` is named as {} and has the format {format}{}",
            input.path,
            promised.first().map_or("another format", |promised| promised.name()),
            if format.runs_code_when_loaded() { ", which runs code when it is loaded" } else { "" },
        ),
        _ => return None,
    };
    let remediation = "Find out where the file comes from and do not load it until that is known; then \
                       give it the name of its format";
    Some(Finding::of(&UNIT.meta, input.location(None), message, remediation))
}
