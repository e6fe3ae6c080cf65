use caiso_core::{
    Check, CheckError, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};
use caiso_pickle::Category;

use crate::ModelFileInput;
use crate::checks::pickle::concerns;

caiso_core::unit! {
    /// ## What it does
    /// Reports imports and calls of what turns text into functions or modules (`getattr`,
    /// `importlib.import_module`, `pkgutil.resolve_name`, `operator.attrgetter` …). Where the text is
    /// in the file, the name it leads to is computed and judged as if it stood there; where it is
    /// not, nobody can tell from the file what loading does.
    ///
    /// ## Why it matters
    /// It is how an author hides a name from whoever looks for it.
    ///
    /// ## References
    /// - Python documentation, `pickle`: never unpickle data that could have come from an untrusted
    ///   source, <https://docs.python.org/3/library/pickle.html>
    /// - CWE-502 (deserialization of untrusted data)
    /// - GHSA-vvpj-8cmc-gx39, GHSA-955r-x9j8-7rhh
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003 (model supply chain),
    ///   AML.T0018.002 (embed malware)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-PKL-003",
            name: "pickle-resolves-names",
            title: "Loading the pickle looks up names that it computes",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0018.002"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: pickle_resolver,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn pickle_resolver(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let categories = [Category::Resolver, Category::Import];
    let mut outcome = concerns(input, &UNIT.meta, &categories);
    outcome.summary = match outcome.findings.len() {
        0 => "loading looks up no computed names".to_owned(),
        count => format!("{count} imports or calls look up names that the file computes"),
    };
    Ok(outcome)
}
