use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};
use caiso_pickle::Category;

use crate::ModelFileInput;
use crate::checks::pickle::concerns;

caiso_core::unit! {
    /// ## What it does
    /// Follows what loading a pickle would do, instruction by instruction, without doing it, and
    /// reports imports and calls of what runs code, loads native libraries, starts or controls
    /// processes, builds code objects or loads further pickles. Names that the pickle computes, by
    /// `getattr`, `methodcaller`, `resolve_name` and their like, are computed too. What was popped
    /// from the stack or overwritten still counts: it ran. Which names are harmless and which are not
    /// is data (`catalogs/globals.toml`), the harmless ones first.
    ///
    /// ## Why it matters
    /// Loading such a file runs whatever its author wants with the rights of whoever loads it: on a
    /// laptop, in the training cluster, in the service that decides.
    ///
    /// ## References
    /// - Python documentation, `pickle`: never unpickle data that could have come from an untrusted
    ///   source, <https://docs.python.org/3/library/pickle.html>
    /// - CWE-502 (deserialization of untrusted data)
    /// - Advisories of scanners that missed such files: the finding names them
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (model supply chain),
    ///   AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PKL-001",
            name: "pickle-runs-code",
            title: "Loading the pickle runs code",
            severity: Severity::Critical,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: pickle_code,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn pickle_code(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let categories = [
        Category::Exec,
        Category::Native,
        Category::ProcessControl,
        Category::NestedLoad,
        Category::CodeObject,
    ];
    let mut outcome = concerns(input, &UNIT.meta, &categories);
    outcome.summary = match outcome.findings.len() {
        0 => "loading calls nothing that runs code".to_owned(),
        count => format!("{count} imports or calls run code when the file is loaded"),
    };
    Ok(outcome)
}
