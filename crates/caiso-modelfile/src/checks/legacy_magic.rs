use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::checks::pickle::{REMEDIATION, pickles};

caiso_core::unit! {
    /// ## What it does
    /// Looks at checkpoints in the form that PyTorch wrote before version 1.6. They begin with a
    /// pickle of a fixed number; if that pickle computes the number instead of writing it down, it is
    /// a finding.
    ///
    /// ## Why it matters
    /// The number is unpickled before anything is checked: a scanner that only compares it never sees
    /// the code that made it.
    ///
    /// ## References
    /// - Python documentation, `pickle`: never unpickle data that could have come from an untrusted
    ///   source, <https://docs.python.org/3/library/pickle.html>
    /// - CWE-502 (deserialization of untrusted data)
    /// - GHSA-97f8-7cmv-76j2
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (model supply chain),
    ///   AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PKL-006",
            name: "computed-magic-number",
            title: "The magic number of a PyTorch checkpoint is computed",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: legacy_magic,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn legacy_magic(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, _) in pickles(input).filter(|(_, pickle)| pickle.computed_magic) {
        outcome.findings.push(Finding::of(
            &UNIT.meta,
            input.at(node, "magic number"),
            "the magic number is the result of a call, which runs when the file is loaded",
            REMEDIATION,
        ));
    }
    outcome.summary = match outcome.findings.len() {
        0 => "no magic number is computed".to_owned(),
        count => format!("{count} magic numbers are computed"),
    };
    Ok(outcome)
}
