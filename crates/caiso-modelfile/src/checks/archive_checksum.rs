use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::checks::archive::oddities;
use crate::readers::archive::OddityKind;

caiso_core::unit! {
    /// ## What it does
    /// Computes checksum and size of every entry that a loader interprets and compares them with what
    /// the archive says. The content is inspected whatever they are. Weights of PyTorch archives are
    /// not read for this.
    ///
    /// ## Why it matters
    /// Either the file is damaged, or somebody changed an entry after it was packed. Loaders that do
    /// not look at checksums, PyTorch among them, take the changed content; scanners that do look
    /// stop before it.
    ///
    /// ## References
    /// - CVE-2025-10156
    /// - PKWARE APPNOTE 6.3.10, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
    /// - MITRE ATLAS AML.T0074, AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ARC-004",
            name: "archive-checksum",
            title: "An entry of the archive does not have its checksum",
            severity: Severity::Medium,
            techniques: &["AML.T0074", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: archive_checksum,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn archive_checksum(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, oddity) in oddities(input, &[OddityKind::Checksum]) {
        let entry = oddity.entry.as_deref().unwrap_or("the content");
        outcome.findings.push(Finding::of(
            &UNIT.meta,
            input.at(node, &format!("checksum of {entry}")),
            format!("`{entry}` was changed or damaged after it was packed: {}", oddity.message),
            "Get the file from its source again and compare its digest",
        ));
    }
    outcome.summary = match outcome.findings.len() {
        0 => "every entry that is interpreted has its checksum".to_owned(),
        count => format!("{count} entries do not have their checksum"),
    };
    Ok(outcome)
}
