use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::tree::Facts;

caiso_core::unit! {
    /// ## What it does
    /// Reads requirement files and reports packages by address, other indices and folders that
    /// packages are looked for in.
    ///
    /// ## Why it matters
    /// What an address serves can change at any time, and a second index can serve a package of a
    /// name that the first one has (dependency confusion).
    ///
    /// ## References
    /// - pip documentation, requirements file format,
    ///   <https://pip.pypa.io/en/stable/reference/requirements-file-format/>
    /// - MITRE ATLAS AML.T0010.001 (AI software supply chain)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PY-002",
            name: "requirement-from-elsewhere",
            title: "A requirement is fetched from outside the index of packages",
            severity: Severity::Medium,
            techniques: &["AML.T0010.001"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: requirement_elsewhere,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn requirement_elsewhere(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let texts = input.facts(|facts| match facts {
        Facts::Text(notes) => Some(notes),
        _ => None,
    });
    for (node, notes) in texts {
        for (line, requirement) in &notes.requirements {
            let mut location = input.at(node, requirement);
            location.line = node.path.is_empty().then_some(*line);
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                location,
                format!("line {line} takes a package from elsewhere: `{requirement}`"),
                "Take the package from the index by version and hash, or keep it beside the model",
            ));
        }
    }
    outcome.summary = match outcome.findings.len() {
        0 => "every requirement comes from the index of packages".to_owned(),
        count => format!("{count} requirements come from elsewhere"),
    };
    Ok(outcome)
}
