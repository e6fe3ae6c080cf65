use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::checks::archive::oddities;
use crate::readers::archive::OddityKind;

caiso_core::unit! {
    /// ## What it does
    /// Reports entries whose names are absolute, climb with `..`, start with a drive letter or hold a
    /// NUL byte, links that lead out of the folder, and devices. A link that stays inside, or a
    /// backslash in a name, is of medium severity.
    ///
    /// ## Why it matters
    /// Whoever unpacks the archive, as loaders of NeMo, MAR and SavedModel archives do, lets its
    /// author write a file anywhere or read one through the link: a start-up script, a key, another
    /// model.
    ///
    /// ## References
    /// - CWE-22, CWE-59; CVE-2024-5187 (ONNX model archives)
    /// - MITRE ATLAS AML.T0011.000 (unsafe AI artifacts), AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ARC-002",
            name: "archive-path-traversal",
            title: "Unpacking the archive writes outside its folder",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: archive_escape,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn archive_escape(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, oddity) in oddities(input, &[OddityKind::Escape, OddityKind::Link]) {
        let entry = oddity.entry.as_deref().unwrap_or("an entry");
        let mut finding = Finding::of(
            &UNIT.meta,
            input.at(node, &format!("path of {entry}")),
            format!("unpacking `{entry}` can reach outside of the folder: {}", oddity.message),
            "Do not unpack the archive; get it from its source again",
        );
        if oddity.kind == OddityKind::Link {
            finding.severity = Severity::Medium;
        }
        outcome.findings.push(finding);
    }
    outcome.summary = match outcome.findings.len() {
        0 => "every entry stays inside the folder it is unpacked into".to_owned(),
        count => format!("{count} entries can reach outside of the folder"),
    };
    Ok(outcome)
}
