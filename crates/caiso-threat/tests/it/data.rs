//! The embedded data holds together.

use std::collections::BTreeSet;

use caiso_threat::{Atlas, Confidence, Mapping, Maturity, Role};

#[test]
fn the_matrix_is_complete() {
    let atlas = Atlas::embedded();
    let count = |sub: bool| atlas.techniques.iter().filter(|of| of.parent.is_some() == sub).count();
    assert_eq!(atlas.version, "5.6.0");
    assert_eq!((atlas.tactics.len(), count(false), count(true)), (16, 101, 69));
    assert_eq!(atlas.mitigations.len(), 35);
    assert_eq!(atlas.mitigations.iter().map(|of| of.techniques.len()).sum::<usize>(), 246);
    let maturity = |of| atlas.techniques.iter().filter(|found| found.maturity == of).count();
    assert_eq!(
        [Maturity::Realized, Maturity::Demonstrated, Maturity::Feasible].map(maturity),
        [64, 89, 17]
    );
    assert_eq!(atlas.techniques.iter().filter(|of| of.attack_id.is_some()).count(), 34);
    // Matrix order, with the number of techniques under each tactic.
    let order: Vec<String> = atlas
        .tactics
        .iter()
        .map(|tactic| {
            let under = atlas
                .techniques
                .iter()
                .filter(|of| of.parent.is_none() && of.tactics.contains(&tactic.id))
                .count();
            format!("{} {under}", tactic.phase_name())
        })
        .collect();
    assert_eq!(
        order.join(", "),
        "reconnaissance 8, resource-development 13, initial-access 7, ai-model-access 4, \
         execution 6, persistence 9, privilege-escalation 4, defense-evasion 15, \
         credential-access 6, discovery 9, lateral-movement 2, collection 4, \
         ai-attack-staging 6, command-and-control 3, exfiltration 6, impact 9"
    );
}

#[test]
fn every_reference_resolves() {
    let atlas = Atlas::embedded();
    let mut ids = BTreeSet::new();
    for technique in &atlas.techniques {
        assert!(ids.insert(&technique.id), "{} twice", technique.id);
        assert!(!technique.tactics.is_empty(), "{}", technique.id);
        assert!(technique.tactics.iter().all(|id| atlas.tactic(id).is_some()), "{}", technique.id);
        if let Some(parent) = &technique.parent {
            assert!(technique.id.starts_with(parent.as_str()));
            assert!(atlas.technique(parent).unwrap().parent.is_none());
        }
    }
    for mitigation in &atlas.mitigations {
        assert!(ids.insert(&mitigation.id), "{} twice", mitigation.id);
        for id in &mitigation.techniques {
            assert!(atlas.technique(id).is_some(), "{} {id}", mitigation.id);
        }
    }
}

#[test]
fn summaries_are_one_plain_sentence() {
    let atlas = Atlas::embedded();
    let summaries = (atlas.tactics.iter().map(|of| (&of.id, &of.summary)))
        .chain(atlas.techniques.iter().map(|of| (&of.id, &of.summary)))
        .chain(atlas.mitigations.iter().map(|of| (&of.id, &of.summary)));
    let mut seen = BTreeSet::new();
    for (id, summary) in summaries {
        assert!(summary.ends_with('.') && !summary.contains(". "), "{id}: {summary}");
        assert!((20..=130).contains(&summary.chars().count()), "{id}: {summary}");
        assert!(seen.insert(summary), "{id} repeats a summary");
        assert!(!summary.to_lowercase().contains("adversar"), "{id} sounds like the original");
    }
}

#[test]
fn the_mapping_follows_the_matrix() {
    let (atlas, mapping) = (Atlas::embedded(), Mapping::embedded());
    assert_eq!(mapping.atlas_version, atlas.version);
    let mut ids = BTreeSet::new();
    for finding in &mapping.findings {
        assert!(ids.insert(&finding.finding_id), "{} twice", finding.finding_id);
        let mut techniques = BTreeSet::new();
        for link in &finding.techniques {
            let known = atlas.technique(&link.id).is_some();
            assert!(known, "{}: {} is unknown", finding.finding_id, link.id);
            assert!(techniques.insert(&link.id), "{}: {} twice", finding.finding_id, link.id);
        }
        for id in &finding.missing_mitigations {
            assert!(atlas.mitigation(id).is_some(), "{}: {id}", finding.finding_id);
        }
        assert!(
            !finding.techniques.is_empty() || !finding.missing_mitigations.is_empty(),
            "{} says nothing",
            finding.finding_id
        );
        for check in &finding.checks {
            assert!(caiso_core::Section::of_code(check).is_some(), "{check}");
        }
    }
    for row in &mapping.mitigations {
        assert!(atlas.mitigation(&row.mitigation).is_some(), "{}", row.mitigation);
    }
}

#[test]
fn the_strongest_link_of_each_technique_counts() {
    let links = Mapping::embedded().techniques_of("RB-PGD-001");
    let evasion = links.iter().find(|link| link.id == "AML.T0043.000").unwrap();
    assert_eq!((evasion.role, evasion.confidence), (Role::Proves, Confidence::High));
    assert!(links.is_sorted_by(|a, b| a.id < b.id), "{links:?}");
    assert!(Mapping::embedded().techniques_of("ZZ-NONE-001").is_empty());
}

#[test]
fn sub_techniques_inherit_mitigations() {
    let atlas = Atlas::embedded();
    let with = atlas.techniques.iter().filter(|of| atlas.mitigations_of(of).next().is_some());
    assert_eq!(with.count(), 88);
}
