//! Safetensors: headers that do not describe the file, and what metadata carries.

use caiso_core::Severity;
use caiso_modelfile::Format;

use crate::run::{assert_clean, input, run, survives, worst};

const REAL: &[u8] = include_bytes!("../fixtures/safetensors/model.safetensors");

/// A file with this header and this much data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

#[test]
fn a_real_file_is_clean() {
    assert_clean("model.safetensors", REAL, Format::Safetensors);
}

#[test]
fn headers_that_lie_are_found() {
    let high = Some(Severity::High);
    let tensor = r#"{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    let cases = [
        ("good", format!(r#"{{"a":{tensor}}}"#), 8, None),
        ("beyond the end", format!(r#"{{"a":{tensor}}}"#), 4, high),
        ("twice", format!(r#"{{"a":{tensor},"a":{tensor}}}"#), 8, high),
        ("shared bytes", format!(r#"{{"a":{tensor},"b":{tensor}}}"#), 8, high),
        (
            "not its size",
            r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#.to_owned(),
            8,
            high,
        ),
        (
            "a shape that overflows",
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#
                .to_owned(),
            8,
            high,
        ),
        ("bytes behind", format!(r#"{{"a":{tensor}}}"#), 12, Some(Severity::Medium)),
        (
            "a hole",
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#.to_owned(),
            8,
            Some(Severity::Medium),
        ),
    ];
    for (case, header, size, severity) in cases {
        let bytes = file(&header, &vec![1; size]);
        assert_eq!(worst("MF-ST-001", "m.safetensors", &bytes), severity, "{case}");
    }
    let mut endless = file("{\"a\":1}", b"");
    endless[..8].copy_from_slice(&(1_u64 << 39).to_le_bytes());
    assert_eq!(worst("MF-ST-001", "m.safetensors", &endless), high);
    let outcome = run("MF-ST-001", &input("m.safetensors", &endless)).unwrap();
    assert_eq!(outcome.not_assessed.len(), 1, "what was not read is said");
}

#[test]
fn metadata_that_carries_something_is_found() {
    let with = |text: &str| file(&format!(r#"{{"__metadata__":{{"note":"{text}"}}}}"#), b"");
    let of = |text: &str| worst("MF-ST-002", "m.safetensors", &with(text));
    assert_eq!(of("trained for 3 epochs"), None);
    assert_eq!(of("__import__('os').system('id')"), Some(Severity::Medium));
    // A script behind an interpreter line, in base64.
    assert_eq!(of("IyEvYmluL3NoCmVjaG8gaGVsbG8gd29ybGQK"), Some(Severity::High));
}

proptest::proptest! {
    #[test]
    fn a_damaged_file_never_panics(at in 0..REAL.len(), byte: u8, cut in 0..REAL.len()) {
        let mut damaged = REAL.to_vec();
        damaged[at] = byte;
        survives("m.safetensors", &damaged);
        survives("m.safetensors", &REAL[..cut]);
    }
}
