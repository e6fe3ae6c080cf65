use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::archive::oddities;
use crate::readers::archive::OddityKind;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports bytes before the first entry, between entries, behind the end record and behind the
    /// end of a compressed stream. They are inspected like a file of their own. Zero bytes, comments
    /// and names that fold to one another are of low severity.
    ///
    /// ## Why it matters
    /// A loader that looks for its format from another end of the file, or at another offset, reads
    /// these bytes; most scanners do not.
    ///
    /// ## References
    /// - PKWARE APPNOTE 6.3.10, <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>
    /// - MITRE ATLAS AML.T0074 (masquerading)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ARC-003",
            name: "archive-hidden-bytes",
            title: "The archive holds bytes that belong to no entry",
            severity: Severity::Medium,
            techniques: &["AML.T0074", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: archive_hidden,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn archive_hidden(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, oddity) in oddities(input, &[OddityKind::Hidden, OddityKind::Remark]) {
        let entry = oddity.entry.as_deref().map(|entry| format!("`{entry}`: ")).unwrap_or_default();
        let what = match &oddity.range {
            Some(range) => format!("bytes {} to {}", range.start, range.end),
            None => entry.clone(),
        };
        let mut finding = Finding::of(
            &UNIT.meta,
            input.at(node, what.trim_end_matches(": ")),
            format!("{entry}{}", oddity.message),
            "Find out what wrote them there; pack the files again with a common tool",
        );
        // The libraries of TensorFlow Lite append labels to a model as a zip archive.
        let labels = node.readings.iter().any(|reading| reading.format == Format::TensorFlowLite);
        if oddity.kind == OddityKind::Remark || labels {
            finding.severity = Severity::Low;
        }
        outcome.findings.push(finding);
    }
    outcome.summary = match outcome.findings.len() {
        0 => "every byte belongs to an entry".to_owned(),
        count => format!("{count} stretches belong to no entry"),
    };
    Ok(outcome)
}
