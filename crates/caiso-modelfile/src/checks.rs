//! The checks over a model file, one file each.

use caiso_core::Check;

use crate::Format;
use crate::ModelFileInput;

mod archive;
mod hugging_face;
mod pickle;
mod python;
mod suspicions;

caiso_core::units![
    Check<ModelFileInput>:
    identification,
    polyglot,
    program_inside,
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
    torch_storage,
    keras_code,
    keras_object,
    keras_gadget,
    hdf5_outside,
    skops_type,
    tensorflow_operator,
    tensorflow_asset,
    tflite_operators,
    tflite_structure,
    custom_operator_domain,
    external_data,
    onnx_structure,
    safetensors_structure,
    safetensors_metadata,
    gguf_structure,
    gguf_template,
    numpy_structure,
    messagepack_structure,
    xgboost_structure,
    lightgbm_structure,
    caffe_python,
    catboost_structure,
    pmml_content,
    openvino_content,
    coreml_content,
    remote_code,
    weight_files,
    chat_template,
    instantiated_target,
    model_archive_handler,
    python_calls,
    torchscript_operator,
    site_hook,
    requirement_elsewhere,
    secret_in_text,
    missing_signature,
];

/// The formats that the checks of a topic (the middle word of their codes) judge. A check of a topic that
/// is not listed judges every file.
#[rustfmt::skip] // One line each.
const TOPICS: &[(&str, &[Format])] = &[
    ("ARC", ARCHIVES),
    ("CAF", &[Format::Caffe]),
    ("CAT", &[Format::CatBoost]),
    ("CML", &[Format::CoreMl]),
    ("GGUF", &[Format::Gguf]),
    ("HDF5", &[Format::Hdf5, Format::KerasHdf5]),
    ("HF", &[Format::HuggingFaceConfiguration]),
    ("HYD", &[Format::HydraConfiguration]),
    ("KER", &[Format::KerasConfiguration, Format::KerasHdf5]),
    ("LGB", &[Format::LightGbm]),
    ("MAR", &[Format::TorchModelArchive]),
    ("MSGP", &[Format::MessagePack]),
    ("NPY", &[Format::Numpy, Format::NumpyArchive]),
    ("ONNX", &[Format::Onnx]),
    ("OV", &[Format::OpenVino]),
    ("PKL", &[Format::Joblib, Format::Pickle, Format::PyTorchLegacy]),
    ("PMML", &[Format::Pmml]),
    ("PTH", &[Format::SiteHook]),
    ("PY", &[Format::PythonSource, Format::Text]),
    ("SEC", &[Format::Text]),
    ("SKO", &[Format::Skops, Format::Pickle, Format::Joblib]),
    ("ST", &[Format::Safetensors]),
    ("TF", &[Format::SavedModel, Format::FrozenGraph]),
    ("TFL", &[Format::TensorFlowLite]),
    ("TOR", &[Format::PyTorch, Format::TorchScript]),
    ("TS", &[Format::PythonSource]),
    ("XGB", &[Format::XgBoost]),
];

const ARCHIVES: &[Format] = &[
    Format::Bzip2,
    Format::Gzip,
    Format::Keras,
    Format::Lz4,
    Format::NeMo,
    Format::NumpyArchive,
    Format::PyTorch,
    Format::PyTorchLegacy,
    Format::SevenZip,
    Format::Skops,
    Format::Tar,
    Format::TorchModelArchive,
    Format::TorchScript,
    Format::Xz,
    Format::Zip,
    Format::Zlib,
    Format::Zstandard,
];

/// Whether the check with this code has anything to judge in a file.
pub fn applies(code: &str, input: &ModelFileInput) -> bool {
    let topic = code.split('-').nth(1).unwrap_or_default();
    // The table is in order.
    match TOPICS.binary_search_by(|(word, _)| (*word).cmp(topic)) {
        Ok(at) => TOPICS.get(at).is_some_and(|(_, formats)| input.tree.holds(formats)),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn topics_are_in_order() {
        assert!(super::TOPICS.is_sorted_by_key(|(topic, _)| *topic));
    }
}
