//! What the checks on pickles have in common.

use caiso_core::{Finding, Meta, Outcome};
use caiso_pickle::{Category, Concern};

use crate::Format;
use crate::ModelFileInput;
use crate::globals::cited;
use crate::readers::pickle::Pickle;
use crate::tree::{Facts, Node};

pub(super) const REMEDIATION: &str = "Do not load the file. Get the weights in a format that runs no code \
    (safetensors, ONNX, GGUF), or from a source that signs them, and find out who wrote this file";

/// The formats that are pickles.
const PICKLES: [Format; 3] = [Format::Pickle, Format::Joblib, Format::PyTorchLegacy];

/// Every pickle in the file.
pub(super) fn pickles(input: &ModelFileInput) -> impl Iterator<Item = (&Node, &Pickle)> {
    input.facts(|facts| match facts {
        Facts::Pickle(pickle) => Some(pickle),
        _ => None,
    })
}

/// The concerns of these categories as findings.
pub(super) fn concerns(input: &ModelFileInput, meta: &Meta, categories: &[Category]) -> Outcome {
    select(input, meta, |concern| !concern.difference && categories.contains(&concern.category))
}

/// The places where readers differ.
pub(super) fn differences(input: &ModelFileInput, meta: &Meta) -> Outcome {
    select(input, meta, |concern| concern.difference)
}

fn select(input: &ModelFileInput, meta: &Meta, wanted: impl Fn(&Concern) -> bool) -> Outcome {
    let mut outcome = Outcome::default();
    for (node, pickle) in pickles(input) {
        // The classes that a TorchScript archive defines itself are code in the archive, which is judged there.
        let own =
            |concern: &Concern| script(input, node) && concern.global.starts_with("__torch__.");
        let wanted = |concern: &&Concern| wanted(concern) && !own(concern);
        for concern in pickle.concerns.iter().filter(wanted) {
            let mut finding = Finding::of(
                meta,
                input.at_bytes(node, &concern.global, &concern.span),
                format!("loading {}{}", concern.message, cited(concern.reference)),
                REMEDIATION,
            );
            finding.severity = concern.severity;
            outcome.findings.push(finding);
        }
    }
    outcome.not_assessed.extend(input.not_assessed(&PICKLES));
    outcome
}

/// Whether the part lies in a TorchScript archive.
fn script(input: &ModelFileInput, node: &Node) -> bool {
    holder(input, node).any(|format| format == Format::TorchScript)
}

/// Whether the part is a checkpoint of PyTorch or lies in one: its loader supplies the storages.
pub(super) fn of_torch(input: &ModelFileInput, node: &Node) -> bool {
    let own = node.readings.iter().map(|reading| reading.format);
    let torch = [Format::PyTorch, Format::PyTorchLegacy, Format::TorchScript];
    own.chain(holder(input, node)).any(|format| torch.contains(&format))
}

/// What the part lies in.
fn holder(input: &ModelFileInput, node: &Node) -> impl Iterator<Item = Format> {
    let parent = node.parent.and_then(|parent| input.tree.nodes.get(parent));
    parent.into_iter().flat_map(|parent| parent.readings.iter().map(|reading| reading.format))
}
