use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::tree::Facts;

caiso_core::unit! {
    /// ## What it does
    /// Reads networks of Caffe as text and reports layers of the type `Python`, with the module and
    /// class that they name.
    ///
    /// ## Why it matters
    /// The framework imports the module and runs the class, in every process that builds the network.
    ///
    /// ## References
    /// - Caffe, Python layer, <https://caffe.berkeleyvision.org/tutorial/layers.html>
    /// - MITRE ATLAS AML.T0011.000, AML.T0018.001
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-CAF-001",
            name: "caffe-python-layer",
            title: "The Caffe network has layers that are Python",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0018.001"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: caffe_python,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn caffe_python(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let networks = input.facts(|facts| match facts {
        Facts::Caffe(network) => Some(network),
        _ => None,
    });
    for (node, network) in networks {
        for (line, class) in &network.python {
            let named = if class.is_empty() { String::new() } else { format!(" (`{class}`)") };
            let mut location = input.at(node, format!("layer {class}").trim_end());
            location.line = node.path.is_empty().then_some(*line);
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                location,
                format!("line {line} has a layer that is Python{named}: it runs when the network is built"),
                "Ask for the network with built-in layers, or review and pin the module",
            ));
        }
    }
    outcome.summary = match outcome.findings.len() {
        0 => "no layer is Python".to_owned(),
        count => format!("{count} layers are Python"),
    };
    Ok(outcome)
}
