//! Model files of every format: reading under small limits, and every check on what was read.
#![no_main]

use caiso_core::{ParameterSet, RunContext};
use caiso_modelfile::{CHECKS, InMemory, Limits, ModelFileInput, applies, read};

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
    let mut limits = Limits { depth: 4, nodes: 200, ..Limits::default() };
    limits.archive.entries = 200;
    limits.archive.expanded_total = 4 << 20;
    limits.archive.expanded_entry = 1 << 20;
    limits.archive.memory = 1 << 20;
    let tree = read(name, bytes, &limits, &InMemory);
    assert!((1..=limits.nodes).contains(&tree.nodes.len()));
    let input = ModelFileInput {
        component: "fuzz".to_owned(),
        path: name.to_owned(),
        sha256: String::new(),
        signature: None,
        link: None,
        beside: None,
        tree,
    };
    let parameters = ParameterSet::NONE.resolve(&serde_json::Map::new()).expect("none are needed");
    for check in CHECKS.iter().filter(|check| applies(check.meta.code, &input)) {
        let _ = (check.run)(&input, &parameters, &RunContext::default());
    }
});
