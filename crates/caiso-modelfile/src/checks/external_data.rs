use std::collections::BTreeMap;

use caiso_core::{
    Check, CheckError, Finding, Meta, NotAssessed, Outcome, ParameterSet, Parameters, RunContext,
    Severity,
};

use crate::readers::onnx::Description;
use crate::{DataFile, Format, Found, ModelFileInput, Node};

caiso_core::unit! {
    /// ## What it does
    /// Reads where an ONNX model keeps tensors outside its own file and reports each place that is not
    /// a plain path below the model's folder: absolute paths, `..`, drive letters and network shares,
    /// URLs, empty names, control characters, and offsets or lengths that are no numbers. Data in the
    /// folder is listed as not assessed, since the digest of the model file does not cover it.
    ///
    /// ## Why it matters
    /// A runtime that follows such a path reads, with the rights of the service, a file that the
    /// author of the model chose. Its content becomes weights that whoever can query or fetch the
    /// model can read back, and a network path hands out credentials.
    ///
    /// ## References
    /// - ONNX external data, <https://github.com/onnx/onnx/blob/main/docs/ExternalData.md>
    /// - CVE-2022-25882, CVE-2024-27318, CVE-2024-5187, CVE-2026-27489 (symbolic link),
    ///   CVE-2026-34446 (hard link)
    /// - MITRE ATLAS AML.T0037 (data from local system), AML.T0010.003, AML.T0011.000
    pub(crate) static UNIT: Check<ModelFileInput> = Check {
        meta: Meta {
            code: "MF-ONNX-002",
            name: "external-data-outside-folder",
            title: "The model refers to data outside its folder",
            severity: Severity::Critical,
            techniques: &["AML.T0037", "AML.T0010.003", "AML.T0011.000"],
            evidence: &["model-file-scan"],
            since: "0.1.0",
            docs: DOCS,
        },
        parameters: ParameterSet::NONE,
        run: external_data,
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every check")]
fn external_data(
    input: &ModelFileInput,
    _: &Parameters,
    _: &RunContext,
) -> Result<Outcome, CheckError> {
    let mut outcome = Outcome::default();
    let mut places = 0_usize;
    for (node, description) in input.onnx() {
        places = places.saturating_add(judge(input, node, description, &mut outcome));
    }
    outcome.not_assessed.extend(input.not_assessed(&[Format::Onnx]));
    outcome.summary = match (places, outcome.findings.len()) {
        (0, 0) => "all tensors are in the model file itself".to_owned(),
        (files, 0) => format!("tensors are kept in {files} other files, all in the model's folder"),
        (_, findings) => format!("{findings} references to external data are unsafe"),
    };
    for file in input.beside.iter().flatten() {
        beside(input, file, &mut outcome);
    }
    if places > 0 && input.beside.is_none() {
        outcome.limits.push(
            "Whether a file in the folder is a link to another place cannot be seen in the model file."
                .to_owned(),
        );
    }
    Ok(outcome)
}

/// Judges what lies where the model keeps tensors.
fn beside(input: &ModelFileInput, file: &DataFile, outcome: &mut Outcome) {
    let name = printable(&file.name);
    let place = input.location(Some(format!("external data {name}")));
    let remediation = "Replace it by the file that it is meant to be, or do not load the model";
    match &file.found {
        Found::File => {}
        Found::Nothing => outcome.not_assessed.push(NotAssessed {
            what: format!("external data `{name}`"),
            reason: "the file that tensors are to be read from is not there".to_owned(),
            remedy: "get the file together with the model".to_owned(),
        }),
        Found::Link(target) => outcome.findings.push(Finding::of(
            &UNIT.meta,
            place,
            format!(
                "`{name}`, which tensors are to be read from, is a link to `{}`: whoever loads the model \
                 reads that file",
                printable(target)
            ),
            remediation,
        )),
        Found::HardLink => {
            let mut finding = Finding::of(
                &UNIT.meta,
                place,
                format!(
                    "`{name}`, which tensors are to be read from, is also a file under another name: it may \
                     be one that is not of the model, and change without the model changing"
                ),
                remediation,
            );
            finding.severity = Severity::Medium;
            outcome.findings.push(finding);
        }
    }
}

/// Judges one model; the number of places it refers to.
fn judge(
    input: &ModelFileInput,
    node: &Node,
    description: &Description,
    outcome: &mut Outcome,
) -> usize {
    // Location to the tensors that are there, so that a model with a thousand tensors in one file gives
    // one line.
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for tensor in &description.external {
        places.entry(&tensor.location).or_default().push(&tensor.name);
        for (key, value) in [("offset", &tensor.offset), ("length", &tensor.length)] {
            if value.as_ref().is_some_and(|value| value.parse::<u64>().is_err()) {
                let mut finding = Finding::of(
                    &UNIT.meta,
                    input.at(node, &format!("tensor {}", tensor.name)),
                    format!(
                        "the {key} of tensor `{}` in `{}` is {:?}, expected a number of bytes",
                        tensor.name,
                        printable(&tensor.location),
                        value.as_deref().unwrap_or_default(),
                    ),
                    "Do not load the file; export the model again",
                );
                finding.severity = Severity::High;
                outcome.findings.push(finding);
            }
        }
    }
    for (location, tensors) in &places {
        let first = tensors.first().copied().unwrap_or_default();
        let tensors = match tensors.len() {
            1 => format!("tensor `{first}` is"),
            count => format!("{count} tensors, `{first}` first, are"),
        };
        if let Some(reason) = escapes(location) {
            outcome.findings.push(Finding::of(
                &UNIT.meta,
                input.at(node, &format!("external data {}", printable(location))),
                format!(
                    "{tensors} to be read from `{}`, which {reason}: whoever loads the model reads a file \
                     that its author chose",
                    printable(location),
                ),
                "Do not load the file; get the model from its source again, with its data in one file or in \
                 plain files beside it",
            ));
        } else {
            outcome.not_assessed.push(NotAssessed {
                what: format!("external data `{location}`"),
                reason: format!(
                    "{tensors} in this file, which the digest of the model does not cover"
                ),
                remedy:
                    "save the model as one file, or add the data file's digest to what is signed"
                        .to_owned(),
            });
        }
    }
    outcome.not_assessed.extend(description.not_read());
    places.len()
}

/// Why a location is not a plain path below the model's folder.
pub(crate) fn escapes(location: &str) -> Option<&'static str> {
    let bytes = location.as_bytes();
    if location.trim().is_empty() {
        return Some("names no file");
    }
    if location.chars().any(char::is_control) {
        return Some("holds control characters");
    }
    if location.starts_with("\\\\") || location.starts_with("//") {
        return Some("is a network share");
    }
    if location.starts_with(['/', '\\', '~']) {
        return Some("is an absolute path");
    }
    if location.contains("://") || location.starts_with("file:") || location.starts_with("data:") {
        return Some("is a URL");
    }
    if matches!(bytes, [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return Some("names a drive");
    }
    if location.split(['/', '\\']).any(|part| part.trim_end_matches(' ') == "..") {
        return Some("leaves the model's folder");
    }
    None
}

/// The location with control characters escaped, for messages.
pub(super) fn printable(location: &str) -> String {
    let shown: String = location.chars().flat_map(shown).take(200).collect();
    if shown.is_empty() { "(nothing)".to_owned() } else { shown }
}

fn shown(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

#[cfg(test)]
mod tests {
    use super::escapes;

    #[test]
    fn only_plain_paths_below_the_folder_are_fine() {
        for fine in ["weights.bin", "data/part 1.bin", "./w", "a..b/..c", "...", "model.onnx.data"]
        {
            assert_eq!(escapes(fine), None, "{fine}");
        }
        for bad in [
            "",
            " ",
            "../w",
            "a/../../w",
            "a\\..\\w",
            "..",
            "a/.. /w",
            "/etc/passwd",
            "\\windows\\w",
            "C:\\w",
            "c:w",
            "\\\\host\\share\\w",
            "//host/share/w",
            "http://host/w",
            "file:/etc/passwd",
            "~/w",
            "w\0.bin",
            "w\n",
        ] {
            assert!(escapes(bad).is_some(), "{bad:?}");
        }
    }
}
