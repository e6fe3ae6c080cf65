//! Signed notes, and the checkpoints in them.
#![no_main]

use caiso_ledger::{Checkpoint, Note};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(note) = Note::parse(bytes) {
        let _ = Checkpoint::parse(note.unverified_text());
    }
});
