//! Model files: decoding, and loading of what decodes.
#![no_main]

use caiso_inference::OnnxModel;
use caiso_inference::onnx::Model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if Model::decode(bytes).is_ok() {
        let _ = OnnxModel::load(bytes);
    }
});
