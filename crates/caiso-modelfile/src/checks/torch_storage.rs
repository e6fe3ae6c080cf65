use caiso_core::{
    Check, CheckError, Finding, Meta, Outcome, ParameterSet, Parameters, RunContext, Severity,
};

use crate::checks::pickle::{REMEDIATION, pickles};
use crate::readers::archive::Archive;
use crate::readers::pickle::Storage;
use crate::tree::Facts;
use crate::{Format, ModelFileInput};

caiso_core::unit! {
    /// ## What it does
    /// Compares the storages that the pickle of a PyTorch archive asks for with the entries of the
    /// archive: keys that are paths, keys without an entry, and numbers of elements beyond the size
    /// of the entry.
    ///
    /// ## Why it matters
    /// A loader that trusts the number reads memory beyond the weights, also with `weights_only`; one
    /// that trusts the key reads another file.
    ///
    /// ## References
    /// - CVE-2026-24747 (PyTorch, `weights_only`), CVE-2025-32434
    /// - MITRE ATLAS AML.T0011.000, AML.T0037
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-TOR-001",
            name: "torch-storage-mismatch",
            title: "A PyTorch checkpoint refers to memory that it does not hold",
            severity: Severity::High,
            techniques: &["AML.T0011.000", "AML.T0010.003", "AML.T0037"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: torch_storage,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn torch_storage(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let mut storages = 0_usize;
    for (node, pickle) in pickles(input) {
        let Some(archive) = node.parent.and_then(|parent| archive(input, parent)) else { continue };
        // The storages of `data.pkl` lie in the folder `data`, those of `constants.pkl` in `constants`.
        let name = node.name().rsplit('/').next().unwrap_or_default();
        let folder = name.strip_suffix(".pkl").unwrap_or("data");
        for id in &pickle.persistent {
            let Some(storage) = Storage::parse(id) else { continue };
            storages = storages.saturating_add(1);
            if let Some((severity, problem)) = problem(&storage, archive, folder) {
                let mut finding = Finding::of(
                    &UNIT.meta,
                    input.at(node, &format!("storage {}", storage.key)),
                    format!("the storage `{}` {problem}", storage.key),
                    REMEDIATION,
                );
                finding.severity = severity;
                outcome.findings.push(finding);
            }
        }
    }
    outcome.summary = match outcome.findings.len() {
        0 => format!("the archive holds the {storages} storages that its pickle asks for"),
        count => format!("{count} of {storages} storages are not as the pickle says"),
    };
    Ok(outcome)
}

/// The archive that a pickle lies in, if it is one of PyTorch.
fn archive(input: &ModelFileInput, parent: usize) -> Option<&Archive> {
    let parent = input.tree.nodes.get(parent)?;
    parent.readings.iter().find_map(|reading| match (&reading.facts, reading.format) {
        (Facts::Archive(archive), Format::PyTorch | Format::TorchScript) => Some(archive),
        _ => None,
    })
}

/// What is wrong with a storage, if anything.
fn problem(storage: &Storage<'_>, archive: &Archive, folder: &str) -> Option<(Severity, String)> {
    let Some(&held) = archive.storages.get(&format!("{folder}/{}", storage.key)) else {
        return Some(if storage.key.contains(['/', '\\']) {
            (Severity::High, "is named by a path: a loader may read another file".to_owned())
        } else {
            (Severity::Medium, "is not in the archive".to_owned())
        });
    };
    let claimed = storage.elements.saturating_mul(storage.size());
    // PyTorch itself keeps the example inputs of a trace without their memory.
    if held == 0 && claimed > 0 {
        return Some((Severity::Low, "is empty".to_owned()));
    }
    (claimed > held).then(|| {
        let text = format!(
            "is said to hold {claimed} bytes and holds {held}: a loader may read memory beyond it"
        );
        (Severity::High, text)
    })
}
