use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::checks::pickle::{REMEDIATION, differences, pickles};

caiso_core::unit! {
    /// ## What it does
    /// Reports instructions on which the two unpicklers of CPython, the one in C and the one in
    /// Python, differ: frames that instructions straddle, numbers and lines that one of them refuses,
    /// memo indices and arguments out of the ordinary. Also pickles that were found behind damaged
    /// bytes.
    ///
    /// ## Why it matters
    /// A file that one reader refuses and another executes is made to pass a scanner; no tool writes
    /// one by accident.
    ///
    /// ## References
    /// - Python documentation, `pickle`: never unpickle data that could have come from an untrusted
    ///   source, <https://docs.python.org/3/library/pickle.html>
    /// - CWE-502 (deserialization of untrusted data)
    /// - CPython issue 154848 (boundaries of frames)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (model supply chain),
    ///   AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PKL-005",
            name: "pickle-readers-differ",
            title: "Python's own readers disagree on the pickle",
            severity: Severity::Medium,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: pickle_differs,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn pickle_differs(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = differences(input, &UNIT.meta);
    for (node, pickle) in pickles(input) {
        for range in &pickle.hidden {
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                input.at_bytes(node, "pickle behind damaged bytes", range),
                "a pickle that imports lies behind damaged or foreign bytes, where a reader that goes on \
                 or seeks there executes it",
                REMEDIATION,
            ));
        }
    }
    outcome.summary = match outcome.findings.len() {
        0 => "every reader reads the same".to_owned(),
        count => format!("in {count} places readers differ"),
    };
    Ok(outcome)
}
