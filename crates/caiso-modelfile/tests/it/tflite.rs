//! TensorFlow Lite: operators that reach files, and tables that lead nowhere.

use caiso_core::Severity;
use caiso_modelfile::Format;

use crate::run::{assert_clean, findings, input, survives, worst};

const DENSE: &[u8] = include_bytes!("../fixtures/tflite/dense.tflite");
const QUANTISED: &[u8] = include_bytes!("../fixtures/tflite/quantised.tflite");
const READ_FILE: &[u8] = include_bytes!("../fixtures/tflite/read-file.tflite");

#[test]
fn real_models_are_clean() {
    assert_clean("dense.tflite", DENSE, Format::TensorFlowLite);
    assert_clean("quantised.tflite", QUANTISED, Format::TensorFlowLite);
}

#[test]
fn an_operator_that_reads_files_is_found() {
    assert_eq!(worst("MF-TFL-001", "m.tflite", READ_FILE), Some(Severity::High));
    assert_eq!(worst("MF-TFL-001", "m.tflite", DENSE), None);
}

#[test]
fn tables_that_lead_nowhere_are_never_a_pass() {
    // The root table lies behind the end.
    let mut bytes = DENSE.to_vec();
    bytes[..4].copy_from_slice(&0x7fff_fff0_u32.to_le_bytes());
    let said = !findings("m.tflite", &bytes).is_empty();
    assert!(said || input("m.tflite", &bytes).tree.gaps().next().is_some());
}

proptest::proptest! {
    #[test]
    fn a_damaged_model_never_panics(at in 0..DENSE.len(), byte: u8, cut in 0..DENSE.len()) {
        let mut damaged = DENSE.to_vec();
        damaged[at] = byte;
        survives("m.tflite", &damaged);
        survives("m.tflite", &DENSE[..cut]);
    }
}
