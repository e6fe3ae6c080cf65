use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::checks::archive::oddities;
use crate::readers::archive::OddityKind;

caiso_core::unit! {
    /// ## What it does
    /// Compares the central directory of a zip archive with the header before each entry, and the
    /// entries of a zip or tar archive with each other: names, methods, sizes, flags, checksums,
    /// duplicates, entries that only one view has, entries that share bytes, several end records.
    /// What may lead two loaders to different contents is a finding; a difference in sizes, flags or
    /// checksums alone is one of medium severity. Every reading is inspected.
    ///
    /// ## Why it matters
    /// A scanner that trusts one view inspects a harmless content while the loader that trusts the
    /// other one runs the payload.
    ///
    /// ## References
    /// - CVE-2025-1944, CVE-2025-1945, CVE-2025-10156 (scanners of pickles that were passed by this
    ///   way)
    /// - PKWARE APPNOTE 6.3.10, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
    /// - MITRE ATLAS AML.T0074 (masquerading), AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ARC-001",
            name: "archive-views-differ",
            title: "Loaders read different things from the archive",
            severity: Severity::High,
            techniques: &["AML.T0074", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: archive_views,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn archive_views(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, oddity) in oddities(input, &[OddityKind::Views, OddityKind::Headers]) {
        let entry = oddity.entry.as_deref().unwrap_or("the archive");
        let mut finding = Finding::of(
            &UNIT.meta,
            input.at(node, &format!("view of {entry}")),
            format!("loaders may read `{entry}` differently: {}", oddity.message),
            "Do not load the file; get it from its source again, and pack it with a common tool",
        );
        if oddity.kind == OddityKind::Headers {
            finding.severity = Severity::Medium;
        }
        outcome.findings.push(finding);
    }
    outcome.summary = match outcome.findings.len() {
        0 => "every loader reads the same entries".to_owned(),
        count => format!("in {count} places loaders may read different things"),
    };
    Ok(outcome)
}
