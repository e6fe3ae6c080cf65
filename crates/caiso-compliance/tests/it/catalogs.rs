//! The embedded data holds together.

use std::collections::{BTreeMap, BTreeSet};

use caiso_compliance::{CatalogError, Coverage, EvidenceMode, Frameworks, Sources};
use serde_json::Value;

#[test]
fn every_catalog_meets_the_schema() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../catalogs/frameworks/framework.schema.json"))
            .unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, text) in Sources::EMBEDDED.catalogs {
        let catalog: Value = serde_json::from_str(text).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&catalog).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    let broken: Value = serde_json::json!({"catalog": {}, "items": []});
    assert!(!validator.is_valid(&broken));
}

#[test]
fn published_counts_agree_with_the_items() {
    let frameworks = Frameworks::embedded();
    let count = |catalog: &str, test: &dyn Fn(&caiso_compliance::Requirement) -> bool| {
        frameworks
            .requirements()
            .filter(|(_, of, item)| of.about.id == catalog && test(item))
            .count() as u64
    };
    let stated = |catalog: &str, name: &str| {
        frameworks.catalogs.iter().find(|of| of.about.id == catalog).unwrap().about.counts[name]
    };
    let kind = |catalog, name, kind: &str| {
        assert_eq!(count(catalog, &|item| item.kind == kind), stated(catalog, name), "{name}");
    };
    kind("nist-ai-rmf", "functions", "function");
    kind("nist-ai-rmf", "categories", "category");
    kind("nist-ai-rmf", "subcategories", "subcategory");
    kind("nist-ai-600-1", "risks", "risk");
    kind("nist-ai-600-1", "actions", "action");
    kind("iso-42001", "controls", "control");
    kind("eu-ai-act", "prohibitions", "prohibition");
    kind("eu-ai-act", "annex_iii_uses", "use-case");
    kind("eu-ai-act", "annex_viii_fields", "registration-field");
    assert_eq!(count("eu-ai-act", &|_| true), stated("eu-ai-act", "items"));
    for (catalog, assessable) in &frameworks.evidence.about.assessable_by_framework {
        assert_eq!(count(catalog, &|item| item.assessable), *assessable, "{catalog}");
    }
    let mut directions: BTreeMap<String, u64> = BTreeMap::new();
    for pair in &frameworks.crosswalk.pairs {
        let of = |key: &str| key.split(':').next().unwrap().to_owned();
        *directions.entry(format!("{} -> {}", of(&pair.source), of(&pair.target))).or_default() +=
            1;
        *directions.entry("total".to_owned()).or_default() += 1;
    }
    let stated: BTreeMap<String, u64> =
        serde_json::from_value(frameworks.crosswalk.about["counts"].clone()).unwrap();
    assert_eq!(directions, stated);
}

#[test]
fn attest_only_is_what_no_kind_supports() {
    let frameworks = Frameworks::embedded();
    for (catalog, listed) in &frameworks.evidence.about.attest_only {
        let found: BTreeSet<String> =
            frameworks
                .requirements()
                .filter(|(key, of, item)| {
                    of.about.id == *catalog
                        && item.assessable
                        && !frameworks.evidence.kinds.iter().any(|kind| {
                            kind.supports.iter().any(|support| support.requirement == *key)
                        })
                })
                .map(|(_, _, item)| item.id.clone())
                .collect();
        assert_eq!(found, listed.iter().cloned().collect(), "{catalog}");
    }
}

#[test]
fn evidence_supports_only_what_can_be_assessed() {
    let frameworks = Frameworks::embedded();
    for kind in &frameworks.evidence.kinds {
        for support in kind.supports.iter().filter(|of| of.coverage > Coverage::Context) {
            let (_, item) = frameworks.requirement(&support.requirement).unwrap();
            assert!(item.assessable, "{} supports {}", kind.id, support.requirement);
            assert_ne!(item.evidence_mode, EvidenceMode::None, "{}", support.requirement);
        }
    }
}

#[test]
fn every_action_of_the_profile_has_its_subcategory() {
    let frameworks = Frameworks::embedded();
    for (key, _, item) in frameworks.requirements().filter(|(_, _, item)| item.kind == "action") {
        let parent = format!("nist-ai-600-1:{}", item.parent.as_deref().unwrap());
        let (_, group) = frameworks.requirement(&parent).unwrap();
        let subcategory = group.data["rmf_subcategory"].as_str().unwrap();
        assert!(frameworks.requirement(subcategory).is_some(), "{key}: {subcategory}");
    }
}

#[test]
fn a_check_names_the_requirements_it_bears_on() {
    let frameworks = Frameworks::embedded();
    assert!(frameworks.requirements_of_check("RB-PGD-001").contains("eu-ai-act:art-15-5"));
    assert!(frameworks.requirements_of_check("IN-K8S-007").contains("eu-ai-act:art-15-5"));
    assert!(!frameworks.requirements_of_check("RB-PGD-001").contains("eu-ai-act:art-9-2-b"));
    assert!(frameworks.requirements_of_check("XX-NONE-001").is_empty());
}

fn with_catalogs(change: impl Fn(&mut Value)) -> CatalogError {
    let mut catalog: Value = serde_json::from_str(Sources::EMBEDDED.catalogs[4].1).unwrap();
    change(&mut catalog);
    let text = catalog.to_string();
    let mut catalogs = Sources::EMBEDDED.catalogs.to_vec();
    catalogs[4].1 = &text;
    Frameworks::load(Sources { catalogs: &catalogs, ..Sources::EMBEDDED }).unwrap_err()
}

#[test]
fn contradictions_in_the_data_are_refused() {
    let twice = with_catalogs(|catalog| {
        let items = catalog["items"].as_array_mut().unwrap();
        items.push(items[2].clone());
    });
    assert_eq!(twice.to_string(), "two requirements have the key oecd-ai:1.1.a");

    let orphan = with_catalogs(|catalog| catalog["items"][2]["parent"] = "9.9".into());
    assert_eq!(orphan.to_string(), "oecd-ai:1.1.a refers to oecd-ai:9.9, which does not exist");

    let gone = with_catalogs(|catalog| {
        catalog["items"].as_array_mut().unwrap().retain(|item| item["id"] != "1.4.b");
    });
    assert_eq!(gone.to_string(), "crosswalk refers to oecd-ai:1.4.b, which does not exist");

    let condition = with_catalogs(|catalog| {
        catalog["items"][2]["applies_from"][0]["when"] = "one day".into();
    });
    assert_eq!(
        condition.to_string(),
        "requirement oecd-ai:1.1.a applies under the unknown condition \"one day\""
    );

    let loops = Sources::EMBEDDED
        .procedure
        .replace(r#""unknown":"END","yes":"E2""#, r#""unknown":"S1","yes":"E2""#);
    assert_ne!(loops, Sources::EMBEDDED.procedure);
    let error = Frameworks::load(Sources { procedure: &loops, ..Sources::EMBEDDED }).unwrap_err();
    assert_eq!(error.to_string(), "classification procedure: node E1: S1 is no later node");

    let typo =
        Sources::EMBEDDED.procedure.replace(r#""in":["section_b"]"#, r#""in":["section_c"]"#);
    let error = Frameworks::load(Sources { procedure: &typo, ..Sources::EMBEDDED }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "classification procedure: node A4: section_c is no value of the fact"
    );
}
