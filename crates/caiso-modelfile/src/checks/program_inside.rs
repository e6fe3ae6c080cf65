use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Reports programs, shared libraries and scripts with an interpreter line, in archives, in the
    /// bytes of tensors, in and behind other contents. A script or library that is named as one is of
    /// medium severity.
    ///
    /// ## Why it matters
    /// Weights are no programs. One that is hidden there is waiting for something to start it: a
    /// handler, a custom operator, a second stage.
    ///
    /// ## References
    /// - MITRE ATLAS AML.T0018.002 (embed malware), AML.T0011.000, AML.T0074
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ID-003",
            name: "program-inside",
            title: "A program lies among the weights",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0018.002", "AML.T0074"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: program_inside,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn program_inside(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    for node in &input.tree.nodes {
        let program = node.readings.iter().any(|reading| reading.format == Format::Executable);
        let root = node.path.is_empty();
        if !program || root && !is_named_so(&input.path) {
            continue;
        }
        let name = if root { input.path.as_str() } else { node.name() };
        let mut finding = Finding::of(
            &UNIT.meta,
            input.at(node, ""),
            format!("`{name}` is a program, a library or a script"),
            "Do not run it, and do not load what it came with until it is known what it is for",
        );
        // In a folder it does not hide, and a script in an archive says what it is.
        if is_named_so(name) && (root || !is_native(name)) {
            finding.severity = Severity::Medium;
        }
        outcome.findings.push(finding);
    }
    outcome.summary = match outcome.findings.len() {
        0 => "no part is a program".to_owned(),
        count => format!("{count} parts are programs"),
    };
    Ok(outcome)
}

/// Whether the name is one of a program or library in the code of a processor.
fn is_native(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let endings = ["so", "dylib", "dll", "exe"];
    extension.is_some_and(|extension| endings.contains(&extension.as_str()))
}

/// Whether the name says that it is a program: what does not hide.
fn is_named_so(name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let endings =
        ["sh", "bash", "bat", "cmd", "ps1", "so", "dylib", "dll", "exe", "pl", "rb", "js", "wasm"];
    extension.is_some_and(|extension| endings.contains(&extension.as_str()))
}
