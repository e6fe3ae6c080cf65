use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::python::{shown, sources};
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads the code of a TorchScript archive and reports operators that read, map or write files or
    /// load libraries (high), and operators of libraries other than those that come with PyTorch
    /// (medium).
    ///
    /// ## Why it matters
    /// The code runs whenever the model is used, with `torch.jit.load` or in C++, where no
    /// `weights_only` protects: a file that the author chose is read into the answers, or
    /// overwritten.
    ///
    /// ## References
    /// - PyTorch documentation, TorchScript, <https://docs.pytorch.org/docs/stable/jit.html>
    /// - MITRE ATLAS AML.T0011.000, AML.T0018.002, AML.T0037
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-TS-001",
            name: "torchscript-operator",
            title: "TorchScript code touches files or needs operators of others",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: torchscript_operator,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn torchscript_operator(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, python) in sources(input).filter(|(_, python)| python.script) {
        for call in &python.calls {
            let Some((severity, effect)) = judge(&call.path) else { continue };
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, &call.path),
                format!("line {} calls the operator `{}`, which {effect}", call.line, shown(call)),
                "Do not load the archive; script the model again from a source that you know",
            );
            finding.severity = severity;
            outcome.findings.push(finding);
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::PythonSource]));
    outcome.summary = match outcome.findings.len() {
        0 => "the code only computes".to_owned(),
        count => format!("{count} operators do more than compute"),
    };
    Ok(outcome)
}

/// Operators that touch files or load libraries, in whichever namespace.
const OUTSIDE: [&str; 12] = [
    "from_file",
    "load_library",
    "read_file",
    "write_file",
    "save",
    "load",
    "dlopen",
    "read_video",
    "read_video_from_file",
    "probe_video_from_file",
    "_save_parameters",
    "_load_parameters",
];
/// Namespaces of the operators that come with PyTorch and its own libraries.
const KNOWN: [&str; 14] = [
    "aten",
    "prim",
    "prims",
    "quantized",
    "quantized_decomposed",
    "_quantized",
    "mkldnn",
    "mkldnn_prepacked",
    "torchvision",
    "torchaudio",
    "image",
    "fb",
    "inductor",
    "profiler",
];

fn judge(path: &str) -> Option<(Severity, &'static str)> {
    let mut parts = path.split('.');
    let root = parts.next().filter(|root| matches!(*root, "torch" | "ops"))?;
    let name = path.rsplit('.').next().unwrap_or_default();
    if OUTSIDE.contains(&name) {
        return Some((Severity::High, "touches files or loads libraries"));
    }
    let namespace = parts.next().unwrap_or_default();
    let foreign = root == "ops" && !KNOWN.contains(&namespace);
    foreign.then_some((Severity::Medium, "is of a library that does not come with PyTorch"))
}
