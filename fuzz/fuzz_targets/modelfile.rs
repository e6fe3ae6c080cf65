//! Model files of every format: reading, and every check on what was read.
#![no_main]

use caiso_core::{ParameterSet, RunContext};
use caiso_modelfile::{CHECKS, InMemory, ModelFileInput, applies};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The first byte chooses the name, which counts for formats without a mark.
    let names = [
        "model.bin",
        "model.pkl",
        "model.py",
        "model.pth",
        "model.xml",
        "model.yaml",
        "config.json",
    ];
    let Some((first, bytes)) = bytes.split_first() else { return };
    let name = names[usize::from(*first) % names.len()];
    let input = ModelFileInput::new("fuzz", name, String::new(), bytes, None, &InMemory);
    let parameters = ParameterSet::NONE.resolve(&serde_json::Map::new()).expect("none are needed");
    for check in CHECKS.iter().filter(|check| applies(check.meta.code, &input)) {
        let _ = (check.run)(&input, &parameters, &RunContext::default());
    }
});
