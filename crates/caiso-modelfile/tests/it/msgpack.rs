//! `MessagePack` of Flax: what is cut off or lies.

use caiso_core::Severity;
use caiso_modelfile::Format;

use crate::run::{assert_clean, input, survives};

const REAL: &[u8] = include_bytes!("../fixtures/messagepack/model.msgpack");
const CHUNKED: &[u8] = include_bytes!("../fixtures/messagepack/chunked.msgpack");

#[test]
fn real_files_are_clean() {
    assert_clean("model.msgpack", REAL, Format::MessagePack);
    assert_clean("model.msgpack", CHUNKED, Format::MessagePack);
}

#[test]
fn a_file_that_is_cut_off_is_not_passed() {
    let input = input("model.msgpack", &REAL[..REAL.len() / 2]);
    assert!(input.tree.gaps().next().is_some());
}

#[test]
fn bytes_behind_the_end_are_found() {
    let bytes = [REAL, b"cos\nsystem\n(S'id'\ntR."].concat();
    assert!(crate::run::worst("MF-MSGP-001", "model.msgpack", &bytes) >= Some(Severity::Medium));
    assert_eq!(crate::run::worst("MF-MSGP-001", "model.msgpack", REAL), None);
}

proptest::proptest! {
    #[test]
    fn a_damaged_file_never_panics(at in 0..REAL.len(), byte: u8, cut in 0..REAL.len()) {
        let mut damaged = REAL.to_vec();
        damaged[at] = byte;
        survives("model.msgpack", &damaged);
        survives("model.msgpack", &REAL[..cut]);
    }
}
