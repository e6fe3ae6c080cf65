//! A model with an operator that caiso lacks, in a real onnxruntime.
#![expect(clippy::disallowed_methods, reason = "the test command names the library")]

use std::path::Path;

use caiso_inference::{Access, Error, LogitTap, Model, load};
use caiso_ort::{OrtError, OrtModel};

const MODEL: &[u8] = include_bytes!("../fixtures/fast_gelu.onnx");
const ROWS: [f32; 6] = [0.5, -1.0, 2.0, 0.25, -1.0, 3.0];

/// By the definition of the operator, `fixtures/make.py`.
const PROBABILITIES: [[f32; 3]; 3] = [
    [0.224_439, 0.184_662, 0.590_898],
    [0.730_616, 0.096_679, 0.172_704],
    [0.006_017, 0.987_333, 0.006_648],
];

#[test]
fn a_library_that_is_none_is_told() {
    let error = OrtModel::load(Path::new("no/such/library.so"), MODEL, Vec::new()).err().unwrap();
    assert!(matches!(error, OrtError::Library(_)), "{error}");
}

#[test]
#[ignore = "needs a library of onnxruntime, which the test command takes from its Python package"]
fn what_caiso_lacks_runs_in_onnxruntime() {
    let library = std::env::var("CAISO_ONNXRUNTIME").unwrap();
    let Err(Error::Unsupported(operators)) = load(MODEL) else { panic!("caiso has the operator") };
    assert_eq!(operators[0].operator, "FastGelu");
    let model = OrtModel::load(Path::new(&library), MODEL, operators).unwrap();
    let spec = model.spec();
    assert_eq!((spec.input_shape.as_slice(), spec.classes), ([2].as_slice(), 3));
    assert_eq!(spec.tap, LogitTap::Probabilities);
    assert_eq!(spec.without_gradient[0].operator, "FastGelu");
    assert_eq!(model.access(), Access::Scores);
    let found = model.probabilities(&ROWS).unwrap();
    for (found, expected) in found.iter().zip(PROBABILITIES.as_flattened()) {
        assert!((found - expected).abs() < 1e-5, "{found} for {expected}");
    }
    assert_eq!(model.logits(&ROWS[2..4]).unwrap(), model.logits(&ROWS).unwrap()[3..6]);
}
