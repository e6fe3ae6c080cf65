//! What every unit owes.

use caiso_core::Section;
use caiso_evals::ALL;

#[test]
fn units_are_documented() {
    for check in ALL {
        let meta = &check.meta;
        assert_eq!(meta.section(), Section::Threats);
        for heading in ["## What it does", "## Why it matters", "## References"] {
            assert!(meta.docs.contains(heading), "{} lacks {heading}", meta.code);
        }
        for (name, schema) in check.parameters.properties() {
            assert!(schema.get("description").is_some(), "{name} has no description");
            assert!(schema.get("minimum").is_some(), "{name} has no range");
        }
    }
}
