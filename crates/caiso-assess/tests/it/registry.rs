//! What every check must have, whichever engine it comes from.

use std::collections::BTreeSet;

use caiso_assess::registry;
use caiso_compliance::Frameworks;
use caiso_core::Section;
use caiso_threat::Atlas;

#[test]
fn codes_are_unique_and_name_a_section() {
    let mut seen = BTreeSet::new();
    for check in registry() {
        assert!(seen.insert(check.meta.code), "{} is used twice", check.meta.code);
        assert!(Section::of_code(check.meta.code).is_some(), "{}", check.meta.code);
    }
    assert!(seen.len() > 20, "{seen:?}");
}

#[test]
fn every_section_has_a_check() {
    let sections: BTreeSet<Section> = registry().iter().map(|check| check.meta.section()).collect();
    assert_eq!(sections.len(), Section::ALL.len());
}

#[test]
fn every_check_documents_itself() {
    for check in registry() {
        for heading in ["## What it does", "## Why it matters", "## References"] {
            assert!(check.meta.docs.contains(heading), "{} lacks `{heading}`", check.meta.code);
        }
        for (name, schema) in check.parameters.properties() {
            assert!(schema.get("description").is_some(), "{}: {name}", check.meta.code);
        }
    }
}

#[test]
fn techniques_exist_in_atlas() {
    for check in registry() {
        for id in check.meta.techniques {
            assert!(Atlas::embedded().technique(id).is_some(), "{}: {id}", check.meta.code);
        }
    }
}

#[test]
fn evidence_kinds_agree_with_the_catalog() {
    let checks = &Frameworks::embedded().check_evidence;
    for check in registry() {
        let own: BTreeSet<&str> = check.meta.evidence.iter().copied().collect();
        let catalog: BTreeSet<&str> = checks
            .iter()
            .filter(|row| row.matches(check.meta.code))
            .map(|row| row.kind.as_str())
            .collect();
        assert_eq!(own, catalog, "{}", check.meta.code);
    }
}
