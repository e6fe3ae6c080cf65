use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;
use crate::checks::archive::oddities;
use crate::readers::archive::OddityKind;

caiso_core::unit! {
    /// ## What it does
    /// Reports an entry or stream that expands to more than a thousand times its size beyond 64 MiB.
    /// It is inspected up to there; the rest is reported as not inspected.
    ///
    /// ## Why it matters
    /// Whoever loads or scans the file runs out of memory or disk: the service that was to serve the
    /// model stops.
    ///
    /// ## References
    /// - CWE-409 (improper handling of highly compressed data)
    /// - MITRE ATLAS AML.T0029 (denial of AI service)
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ARC-005",
            name: "decompression-bomb",
            title: "The archive expands as only a bomb does",
            severity: Severity::Medium,
            techniques: &["AML.T0029"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: archive_bomb,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn archive_bomb(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for (node, oddity) in oddities(input, &[OddityKind::Bomb]) {
        let entry = oddity.entry.as_deref().unwrap_or("the stream");
        outcome.findings.push(Finding::of(
            &UNIT.meta,
            input.at(node, &format!("size of {entry}")),
            format!("loading the file can exhaust memory: {}", oddity.message),
            "Do not load the file; get it from its source again",
        ));
    }
    outcome.summary = match outcome.findings.len() {
        0 => "nothing expands out of proportion".to_owned(),
        count => format!("{count} parts expand out of proportion"),
    };
    Ok(outcome)
}
