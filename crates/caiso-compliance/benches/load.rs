//! Loading the embedded catalogs, as `caiso assess` does once a run.

use caiso_compliance::{Answers, Frameworks, Situation, Sources, assess, classify};
use std::collections::BTreeMap;

fn main() {
    divan::main();
}

/// All nine files, parsed and checked.
#[divan::bench]
fn load() -> usize {
    Frameworks::load(Sources::EMBEDDED).expect("valid").catalogs.len()
}

/// Classification and the states of all requirements without evidence.
#[divan::bench]
fn states() -> usize {
    let frameworks = Frameworks::embedded();
    let classification = classify(frameworks, &Answers::default());
    let situation = Situation {
        as_of: jiff::civil::date(2027, 12, 2),
        classification: Some(&classification),
        deployed: &BTreeMap::new(),
        evidence: &[],
        attestations: &[],
        not_applicable: &[],
    };
    assess(frameworks, &situation).len()
}
