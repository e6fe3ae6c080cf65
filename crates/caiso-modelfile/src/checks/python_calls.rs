use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::python::{concern, shown, sources};
use crate::readers::python::Usage;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reads Python source that comes with a model: follows imports, aliases, assignments and names
    /// that are put together from constants, and reports calls that run commands or code, load native
    /// libraries, talk to other machines, change files or load serialised objects. What runs when the
    /// source is imported counts more than what stands in a function; a call with a constant argument
    /// more than one without.
    ///
    /// ## Why it matters
    /// Loaders of Hugging Face models with `trust_remote_code`, TorchServe handlers, Keras and MLflow
    /// code paths import such files with the rights of whoever serves the model.
    ///
    /// ## References
    /// - CWE-94 (code injection), CWE-829 (inclusion of functionality from an untrusted source)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003, AML.T0018.002
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PY-001",
            name: "python-source-runs-code",
            title: "Python source beside the model runs commands, loads native code or talks to others",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: python_calls,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn python_calls(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, python) in
        sources(input).filter(|(_, python)| !python.script && python.hooks.is_empty())
    {
        for call in &python.calls {
            let Some((severity, effect)) = concern(call) else { continue };
            let place = if call.at_import { "when it is imported" } else { "in a function" };
            let verb = if call.usage == Usage::Name { "names" } else { "calls" };
            let mut location = input.at(node, &call.path);
            location.line = node.path.is_empty().then_some(call.line);
            let mut finding = Finding::of(
                &UNIT.meta,
                location,
                format!("line {} {verb} `{}` {place}: it {effect}", call.line, shown(call)),
                "Read the source before anything imports it; run the model without its own code, or pin and \
                 review that code",
            );
            finding.severity = severity;
            outcome.findings.push(finding);
        }
        if let Some(encoding) = &python.encoding {
            let mut finding = Finding::of(
                &UNIT.meta,
                input.at(node, "encoding"),
                format!(
                    "the source is written in the encoding `{encoding}`: it does not say what it seems to"
                ),
                "Do not import it; have its author write it in UTF-8",
            );
            finding.severity = Severity::Medium;
            outcome.findings.push(finding);
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::PythonSource]));
    outcome.summary = match outcome.findings.len() {
        0 => "no source calls what runs code or reaches out".to_owned(),
        count => format!("{count} calls run code or reach out"),
    };
    Ok(outcome)
}
