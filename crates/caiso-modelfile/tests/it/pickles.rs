//! Pickles: what each of their checks finds, and what it leaves alone.

use caiso_core::Severity;

use crate::run::{survives, worst};

#[test]
fn each_weakness_is_found_by_its_check() {
    let cases: [(&str, &[u8]); 4] = [
        ("MF-PKL-001", b"cos\nsystem\n(S'id'\ntR."),
        ("MF-PKL-002", b"curllib.request\nurlopen\n(S'http://example.org'\ntR."),
        ("MF-PKL-003", b"cimportlib\nimport_module\n(S'os'\ntR."),
        ("MF-PKL-004", b"cmy_package.layers\nBlock\n)R."),
    ];
    for (code, bytes) in cases {
        let least = if code == "MF-PKL-004" { Severity::Low } else { Severity::Medium };
        assert!(worst(code, "model.pkl", bytes) >= Some(least), "{code}");
    }
}

#[test]
fn plain_data_and_known_constructors_are_clean() {
    let files: [&[u8]; 3] = [
        b"\x80\x04}\x94\x8c\x01a\x94K\x01s.",
        b"(dp0\nS'a'\np1\nI1\ns.",
        b"\x80\x02ccollections\nOrderedDict\n)R.",
    ];
    for bytes in files {
        for code in
            ["MF-PKL-001", "MF-PKL-002", "MF-PKL-003", "MF-PKL-004", "MF-PKL-005", "MF-PKL-006"]
        {
            assert!(worst(code, "model.pkl", bytes) <= Some(Severity::Low), "{code}: {bytes:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_pickle_is_survived(bytes in proptest::collection::vec(0_u8.., 0..200)) {
        for start in [&b"\x80\x04"[..], b"cos\nsystem\n", b"(", b""] {
            survives("model.pkl", &[start, &bytes].concat());
        }
    }
}
