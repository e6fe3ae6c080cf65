//! The checks over a model file, one file each.

use caiso_core::Check;

use crate::Format::{
    self, Bzip2, Gzip, Joblib, Keras, Lz4, NeMo, NumpyArchive, Onnx, Pickle, PyTorch,
    PyTorchLegacy, SevenZip, Skops, Tar, TorchModelArchive, TorchScript, Xz, Zip, Zlib, Zstandard,
};
use crate::ModelFileInput;

mod archive;
mod pickle;

caiso_core::units![Check<ModelFileInput>:
    identification,
    outside_link,
    archive_views,
    archive_escape,
    archive_hidden,
    archive_checksum,
    archive_bomb,
    pickle_code,
    pickle_input_output,
    pickle_resolver,
    pickle_unknown,
    pickle_differs,
    legacy_magic,
    custom_operator_domain,
    external_data,
    missing_signature,
];

/// The formats that the checks of a topic (the middle word of their codes) judge. A check of a topic that
/// is not listed judges every file.
const TOPICS: &[(&str, &[Format])] = &[("ARC", ARCHIVES), ("ONNX", &[Onnx])];

const ARCHIVES: &[Format] = &[
    Bzip2,
    Gzip,
    Keras,
    Lz4,
    NeMo,
    NumpyArchive,
    PyTorch,
    PyTorchLegacy,
    SevenZip,
    Skops,
    Tar,
    TorchModelArchive,
    TorchScript,
    Xz,
    Zip,
    Zlib,
    Zstandard,
];

/// Whether the check with this code has anything to judge in a file.
pub fn applies(code: &str, input: &ModelFileInput) -> bool {
    let topic = code.split('-').nth(1).unwrap_or_default();
    let formats = TOPICS.iter().find(|(word, _)| *word == topic);
    formats.is_none_or(|(_, formats)| input.tree.holds(formats))
}
