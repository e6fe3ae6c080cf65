use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};
use caiso_pickle::Category;

use crate::ModelFileInput;
use crate::checks::pickle::{REMEDIATION, concerns, of_torch, pickles};

caiso_core::unit! {
    /// ## What it does
    /// Reports what a pickle imports or calls and what is on no list: medium if it is called, high if
    /// it is called with text that looks like code or an address, low if it is only imported.
    ///
    /// ## Why it matters
    /// A list of what is dangerous is never complete; a function of any installed package may do what
    /// its author did not think of. What is called and not known to be harmless has to be looked at.
    ///
    /// ## References
    /// - Python documentation, `pickle`: never unpickle data that could have come from an untrusted
    ///   source, <https://docs.python.org/3/library/pickle.html>
    /// - CWE-502 (deserialization of untrusted data)
    /// - CVE-2025-1716 (`pip.main`)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (model supply chain),
    ///   AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PKL-004",
            name: "pickle-unknown-callable",
            title: "Loading the pickle calls what nobody has vetted",
            severity: Severity::Medium,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: pickle_unknown,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn pickle_unknown(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let categories = [Category::Unknown, Category::HarmlessConstructor, Category::FrameworkRebuild];
    let mut outcome = concerns(input, &UNIT.meta, &categories);
    for (node, pickle) in pickles(input) {
        if pickle.persistent.is_empty() || of_torch(input, node) {
            continue;
        }
        let first = pickle.persistent.first().map_or("", String::as_str);
        let message = format!(
            "loading asks the program that loads for {} objects by identifier, the first by `{first}`: what \
             that does is up to the program",
            pickle.persistent.len()
        );
        let place = input.at(node, "persistent objects");
        outcome.findings.push(Finding::of(&UNIT.meta, place, message, REMEDIATION));
    }
    outcome.summary = match outcome.findings.len() {
        0 => "everything that loading calls is known".to_owned(),
        count => format!("{count} names that loading uses are not on the allow list"),
    };
    Ok(outcome)
}
