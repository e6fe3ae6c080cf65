use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};
use caiso_pickle::Category;

use crate::ModelFileInput;
use crate::checks::pickle::concerns;

caiso_core::unit! {
    /// ## What it does
    /// Reports imports and calls, in a pickle, of what opens, reads or writes files, resolves names
    /// or sends requests.
    ///
    /// ## Why it matters
    /// No model needs that to be loaded. It carries out secrets, brings in a second stage, or plants
    /// a file that runs later.
    ///
    /// ## References
    /// - Python documentation, `pickle`: never unpickle data that could have come from an untrusted
    ///   source, <https://docs.python.org/3/library/pickle.html>
    /// - CWE-502 (deserialization of untrusted data)
    /// - CVE-2025-46417 (exfiltration by name resolution), CVE-2026-56304 (`logging.FileHandler`)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (model supply chain),
    ///   AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PKL-002",
            name: "pickle-files-network",
            title: "Loading the pickle reads or writes files or talks to the network",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: pickle_input_output,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn pickle_input_output(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let categories = [Category::FileWrite, Category::FileRead, Category::Network];
    let mut outcome = concerns(input, &UNIT.meta, &categories);
    outcome.summary = match outcome.findings.len() {
        0 => "loading touches neither files nor network".to_owned(),
        count => {
            format!("{count} imports or calls touch files or the network when the file is loaded")
        }
    };
    Ok(outcome)
}
