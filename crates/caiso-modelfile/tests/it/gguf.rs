//! GGUF: counts and places that lie, and chat templates that run code.

use caiso_core::Severity;
use caiso_modelfile::Format;

use crate::run::{assert_clean, survives, worst};

const REAL: &[u8] = include_bytes!("../fixtures/gguf/model.gguf");
const BIG_ENDIAN: &[u8] = include_bytes!("../fixtures/gguf/big-endian.gguf");

/// A file of version 3 without tensors, with these texts.
fn file(texts: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend((texts.len() as u64).to_le_bytes());
    for (key, text) in texts {
        bytes.extend((key.len() as u64).to_le_bytes());
        bytes.extend(key.as_bytes());
        bytes.extend(8_u32.to_le_bytes());
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[test]
fn real_files_are_clean() {
    assert_clean("model.gguf", REAL, Format::Gguf);
    assert_clean("model.gguf", BIG_ENDIAN, Format::Gguf);
}

#[test]
fn counts_that_no_file_holds_are_found() {
    for at in [8, 16] {
        let mut bytes = REAL.to_vec();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(worst("MF-GGUF-001", "m.gguf", &bytes), Some(Severity::High), "at {at}");
    }
    assert_eq!(worst("MF-GGUF-001", "m.gguf", REAL), None);
}

#[test]
fn templates_that_reach_out_are_found() {
    let of = |template: &str| {
        let bytes =
            file(&[("general.architecture", "llama"), ("tokenizer.chat_template", template)]);
        worst("MF-GGUF-002", "m.gguf", &bytes)
    };
    assert_eq!(of("{% for m in messages %}{{ m['content'] }}{% endfor %}"), None);
    assert!(of("{{ ''.__class__.__mro__ }}") >= Some(Severity::High));
    assert!(of("{{ x|attr('__cl' ~ 'ass__') }}") >= Some(Severity::High));
    assert!(of("{% include '/etc/passwd' %}") >= Some(Severity::High));
}

proptest::proptest! {
    #[test]
    fn a_damaged_file_never_panics(at in 0..REAL.len(), byte: u8, cut in 0..REAL.len()) {
        let mut damaged = REAL.to_vec();
        damaged[at] = byte;
        survives("m.gguf", &damaged);
        survives("m.gguf", &REAL[..cut]);
    }
}
