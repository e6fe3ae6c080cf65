use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::ModelFileInput;

caiso_core::unit! {
    /// ## What it does
    /// Reports a file in a model's folder that is a symbolic link to a file outside of that folder. The file
    /// it leads to is scanned as well. Links of a Hugging Face cache, from a snapshot to the blobs beside
    /// it, are as they should be.
    ///
    /// ## Why it matters
    /// Who loads the folder reads, with its own rights, a file that whoever made the folder chose: a
    /// secret taken for weights, or weights that change without the folder changing.
    ///
    /// ## References
    /// - CWE-59 (link following), CVE-2026-27489 (ONNX external data through a symbolic link)
    /// - MITRE ATLAS AML.T0037 (data from local system), AML.T0010.003
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ID-004",
            name: "link-outside-folder",
            title: "A file of the model is a link that leads outside its folder",
            severity: Severity::Medium,
            techniques: &["AML.T0037", "AML.T0010.003"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: outside_link,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn outside_link(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    match &input.link {
        Some(target) if !is_cached_blob(target) => {
            outcome.summary = format!("`{}` leads to `{target}`", input.path);
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                input.location(None),
                format!(
                    "`{}` is a link to `{target}`, outside of the folder: whoever loads the model reads that \
                     file",
                    input.path
                ),
                "Replace the link by the file it is meant to be, or do not load the folder",
            ));
        }
        Some(target) => {
            outcome.summary = format!("`{}` leads to the cached `{target}`", input.path);
        }
        None => outcome.summary = format!("`{}` is no link", input.path),
    }
    Ok(outcome)
}

/// `…/models--name/blobs/<digest>`, as the Hugging Face cache names what snapshots link to.
fn is_cached_blob(target: &str) -> bool {
    let mut parts = target.rsplit(['/', '\\']);
    let digest = parts.next().unwrap_or_default();
    let is_digest = digest.len() >= 40 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest
        && parts.next() == Some("blobs")
        && parts.next().is_some_and(|name| name.contains("--"))
}
