//! HDF5 files and Keras configurations.

use caiso_core::Severity;
use caiso_modelfile::Format;
use proptest::prelude::*;

use crate::run::{findings, input, outcome, worst};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}

#[test]
fn real_models_are_clean_and_described() {
    let config = fixture!("keras/small.json");
    assert_eq!(findings("config.json", config), []);
    insta::assert_json_snapshot!(
        "keras_small_MF-KER-002",
        outcome("MF-KER-002", "config.json", config)
    );
    assert_eq!(findings("metadata.json", fixture!("keras/metadata.json")), []);
    let hdf5 = fixture!("keras/small.h5");
    assert_eq!(findings("small.h5", hdf5), []);
    assert_eq!(input("small.h5", hdf5).format(), Some(Format::KerasHdf5));
    insta::assert_json_snapshot!(
        "keras_small_MF-HDF5-001",
        outcome("MF-HDF5-001", "small.h5", hdf5)
    );
    let facts = outcome("MF-KER-001", "small.h5", hdf5).facts;
    assert_eq!(facts["layers"], "Dense: 2, Dropout: 1, InputLayer: 1");
}

#[test]
fn lambda_code_is_found_in_both_formats() {
    let archive = fixture!("keras/lambda.json");
    assert_eq!(worst("MF-KER-001", "config.json", archive), Some(Severity::High));
    let hdf5 = fixture!("keras/lambda.h5");
    insta::assert_json_snapshot!("keras_lambda_MF-KER-001", outcome("MF-KER-001", "m.h5", hdf5));
    assert_eq!(worst("MF-KER-001", "m.h5", hdf5), Some(Severity::Critical));
    // Nested in a layer of a layer, in the old form, with an escape in the key and in UTF-16.
    let nested = r#"{"\u0063lass_name": "Model", "config": {"layers": [{"class_name": "TimeDistributed",
        "config": {"layer": {"class_name": "Lambda", "config": {"function": ["4wEAAA==", null, null],
        "function_type": "lambda", "rate": NaN}}}}]}}"#;
    assert_eq!(worst("MF-KER-001", "config.json", nested.as_bytes()), Some(Severity::High));
    let wide: Vec<u8> = nested.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(worst("MF-KER-001", "config.json", &wide), Some(Severity::High));
}

#[test]
fn names_in_marshalled_code_are_judged() {
    use base64::Engine;
    let code = b"\xe3\0\0\0\0\xda\x02os\xda\x06systemz\x02id";
    let code = base64::engine::general_purpose::STANDARD.encode(code);
    let json = format!(
        r#"{{"class_name": "Lambda", "config": {{"function": {{"class_name": "__lambda__",
            "config": {{"code": "{code}"}}}}}}}}"#
    );
    let outcome = outcome("MF-KER-001", "config.json", json.as_bytes());
    assert_eq!(outcome.worst(), Some(Severity::Critical), "{outcome:?}");
    assert!(outcome.findings[0].message.contains("os.system"), "{outcome:?}");
}

fn object(module: &str, class: &str, config: &str) -> String {
    format!(
        r#"{{"module": "keras", "class_name": "Functional", "config": {{"layers": [{{"module": "{module}",
            "class_name": "{class}", "config": {config}, "registered_name": null}}]}}}}"#
    )
}

#[test]
fn each_published_trick_is_high_or_worse() {
    let cases = [
        ("MF-KER-002", "CVE-2025-1550", object("os", "function", r#""system""#)),
        ("MF-KER-002", "CVE-2025-1550", object("subprocess", "Popen", r#"{"args": "id"}"#)),
        ("MF-KER-003", "CVE-2025-8747", object("keras.utils", "function", r#""get_file""#)),
        ("MF-KER-003", "CVE-2025-8747", object("keras.src.utils.file_utils", "get_file", "{}")),
        (
            "MF-KER-003",
            "CVE-2025-9906",
            object("keras.config", "function", r#""enable_unsafe_deserialization""#),
        ),
        (
            "MF-KER-003",
            "CVE-2025-49655",
            object("keras.layers", "TorchModuleWrapper", r#"{"module": "gAJ9Lg=="}"#),
        ),
        (
            "MF-KER-003",
            "CVE-2025-12058",
            object("keras.layers", "StringLookup", r#"{"vocabulary": "/etc/passwd"}"#),
        ),
        (
            "MF-KER-003",
            "CVE-2026-1462",
            object("keras.layers", "TFSMLayer", r#"{"filepath": "x"}"#),
        ),
    ];
    for (code, id, json) in cases {
        let outcome = outcome(code, "config.json", json.as_bytes());
        assert!(outcome.worst() >= Some(Severity::High), "{id}: {outcome:?}");
        assert!(
            outcome.findings.iter().any(|found| found.message.contains(id)),
            "{id}: {outcome:?}"
        );
    }
    let custom = r#"{"class_name": "Sequential", "config": {"layers": [{"module": null,
        "class_name": "Mine", "registered_name": "Custom>Mine", "config": {}},
        {"module": "my.layers", "class_name": "Own", "config": {}}]}}"#;
    insta::assert_json_snapshot!(
        "keras_custom_MF-KER-002",
        outcome("MF-KER-002", "config.json", custom.as_bytes())
    );
    let plain = object("keras.layers", "StringLookup", r#"{"vocabulary": ["a", "b"]}"#);
    assert_eq!(findings("config.json", plain.as_bytes()), []);
}

#[test]
fn what_lies_outside_an_hdf5_file_is_found() {
    let high = |bytes: &[u8], files: &[&str]| {
        let outcome = outcome("MF-HDF5-001", "m.h5", bytes);
        assert_eq!(outcome.worst(), Some(Severity::High), "{outcome:?}");
        for file in files {
            let named = |found: &caiso_core::Finding| found.message.contains(file);
            assert!(outcome.findings.iter().any(named), "{file}: {outcome:?}");
        }
    };
    high(fixture!("hdf5/ext_earliest.h5"), &["/etc/passwd", "../other.h5"]);
    high(fixture!("hdf5/ext_latest.h5"), &["/etc/passwd", "../other.h5"]);
    high(fixture!("hdf5/dense.h5"), &["/etc/passwd"]);
    high(fixture!("hdf5/extdata_latest.h5"), &["/etc/passwd"]);
    high(fixture!("hdf5/virtual_latest.h5"), &["virtual"]);
    let pickled = outcome("MF-HDF5-001", "m.h5", fixture!("hdf5/pickle_earliest.h5"));
    assert_eq!(pickled.worst(), Some(Severity::Medium), "{pickled:?}");
    let tree = input("m.h5", fixture!("hdf5/pickle_earliest.h5")).tree;
    assert!(tree.nodes.iter().any(|node| node.path == "/t@evil"), "{tree:?}");
}

#[test]
fn a_configuration_behind_a_user_block_or_in_a_broken_file_is_read() {
    let user = fixture!("hdf5/user_latest.h5");
    let config = |bytes: &[u8]| {
        let input = input("m.h5", bytes);
        input.tree.holds(&[Format::KerasConfiguration])
    };
    assert!(config(user));
    let mut polyglot = user.to_vec();
    polyglot[..6].copy_from_slice(b"\x80\x04K\x01.\n");
    let tree = input("m.h5", &polyglot).tree;
    assert!(tree.nodes.iter().any(|node| node.path == "user block"), "{tree:?}");
    let mut broken = fixture!("keras/lambda.h5").to_vec();
    broken[8] = 77;
    assert!(config(&broken));
    assert_eq!(worst("MF-KER-001", "m.h5", &broken), Some(Severity::Critical));
    assert!(!outcome("MF-HDF5-001", "m.h5", &broken).not_assessed.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn damaged_files_never_panic(at in 0_usize..8000, byte in any::<u8>(), cut in 0_usize..8000) {
        for bytes in [fixture!("keras/lambda.h5"), fixture!("hdf5/dense.h5"), fixture!("hdf5/ext_earliest.h5")] {
            let mut damaged = bytes.to_vec();
            let length = damaged.len();
            damaged[at % length] = byte;
            findings("m.h5", &damaged);
            findings("m.h5", &bytes[..cut % length]);
        }
    }

    #[test]
    fn damaged_configurations_never_panic(at in 0_usize..3000, text in ".{0,4}") {
        let config = std::str::from_utf8(fixture!("keras/lambda.json")).unwrap();
        let at = at % config.len();
        let damaged = format!("{}{text}{}", &config[..at], &config[at..]);
        findings("config.json", damaged.as_bytes());
        findings("config.json", &config.as_bytes()[..at]);
    }
}
