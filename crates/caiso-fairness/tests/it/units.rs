//! What every unit owes.

use std::collections::BTreeSet;

use caiso_core::Section;
use caiso_fairness::ALL;

#[test]
fn units_are_documented_and_their_codes_unique() {
    let mut codes = BTreeSet::new();
    for check in ALL {
        let meta = &check.meta;
        assert!(codes.insert(meta.code), "{} twice", meta.code);
        assert_eq!(meta.section(), Section::Fairness);
        for heading in ["## What it does", "## Why it matters", "## References"] {
            assert!(meta.docs.contains(heading), "{} lacks {heading}", meta.code);
        }
        assert!(meta.evidence.contains(&"fairness-metrics"));
        for (name, schema) in check.parameters.properties() {
            assert!(schema.get("description").is_some(), "{name} has no description");
            assert!(schema.get("default").is_some(), "{name} has no default");
            assert!(schema.get("minimum").is_some(), "{name} has no range");
        }
    }
}
