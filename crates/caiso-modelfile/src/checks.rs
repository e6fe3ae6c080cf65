//! The checks over a model file, one file each.

use caiso_core::Check;

use crate::Format::{self, Onnx};
use crate::ModelFileInput;

caiso_core::units![Check<ModelFileInput>: identification, custom_operator_domain, external_data, missing_signature];

/// The formats that the checks of a topic (the middle word of their codes) judge. A check of a topic that
/// is not listed judges every file.
const TOPICS: &[(&str, &[Format])] = &[("ONNX", &[Onnx])];

/// Whether the check with this code has anything to judge in a file.
pub fn applies(code: &str, input: &ModelFileInput) -> bool {
    let topic = code.split('-').nth(1).unwrap_or_default();
    let formats = TOPICS.iter().find(|(word, _)| *word == topic);
    formats.is_none_or(|(_, formats)| input.tree.holds(formats))
}
