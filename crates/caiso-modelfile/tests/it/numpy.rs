//! NumPy arrays: headers that lie, and arrays of Python objects.

use caiso_core::Severity;
use caiso_modelfile::Format;

use crate::run::{assert_clean, findings, survives, worst};

const OBJECTS: &[u8] = include_bytes!("../fixtures/numpy/objects.npy");
const FLOAT: &[u8] = include_bytes!("../fixtures/numpy/float.npy");

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
}

#[test]
fn real_arrays_are_clean() {
    let files: [&[u8]; 7] = [
        FLOAT,
        include_bytes!("../fixtures/numpy/fortran.npy"),
        include_bytes!("../fixtures/numpy/scalar.npy"),
        include_bytes!("../fixtures/numpy/structured.npy"),
        include_bytes!("../fixtures/numpy/text.npy"),
        include_bytes!("../fixtures/numpy/times.npy"),
        include_bytes!("../fixtures/numpy/two.npy"),
    ];
    for bytes in files {
        assert_clean("array.npy", bytes, Format::Numpy);
    }
}

#[test]
fn arrays_of_objects_are_named_and_their_pickle_is_judged() {
    assert_eq!(worst("MF-NPY-001", "array.npy", OBJECTS), Some(Severity::Low));
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
    let bytes = file(header, b"cos\nsystem\n(S'id'\ntR.");
    let worst = findings("array.npy", &bytes).into_iter().map(|finding| finding.severity).max();
    assert!(worst >= Some(Severity::High));
}

#[test]
fn headers_that_lie_are_found() {
    let of = |header: &str, data: &[u8]| worst("MF-NPY-001", "array.npy", &file(header, data));
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
    assert_eq!(of(header, &[0; 8]), None);
    assert!(of(header, &[0; 4]) >= Some(Severity::Medium));
    let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4), }\n";
    assert!(of(huge, &[0; 4]) >= Some(Severity::Medium));
    let code =
        "{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (2,), }\n";
    assert!(of(code, &[0; 8]) >= Some(Severity::Medium));
}

proptest::proptest! {
    #[test]
    fn a_damaged_array_never_panics(at in 0..OBJECTS.len(), byte: u8, cut in 0..OBJECTS.len()) {
        let mut damaged = OBJECTS.to_vec();
        damaged[at] = byte;
        survives("array.npy", &damaged);
        survives("array.npy", &OBJECTS[..cut]);
    }
}
