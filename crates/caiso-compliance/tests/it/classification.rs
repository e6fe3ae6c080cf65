//! Cases of our own with the class that the law gives, and what an unknown answer does.

use caiso_compliance::{Class, Classification, Frameworks, Truth, classify};
use serde_json::{Value, json};

use crate::answers;

fn class(given: &Value) -> Classification {
    classify(Frameworks::embedded(), &answers(given))
}

fn has(found: &Classification, item: &str) -> bool {
    found.obligations.contains(&format!("eu-ai-act:{item}"))
}

/// Name, answers that differ from the defaults, headline, whether it is provisional.
fn cases() -> Vec<(&'static str, Value, Class, bool)> {
    use Class::{
        AnnexIiiDerogated, Excluded, GpaiModel, HighRiskAnnexIA, HighRiskAnnexIB, HighRiskAnnexIii,
        Minimal, OutOfScope, Prohibited, Transparency,
    };
    vec![
        ("spam filter", json!({}), Minimal, false),
        ("fixed rules", json!({"is_ai_system": false}), OutOfScope, false),
        ("no link to the Union", json!({"eu_nexus": []}), OutOfScope, false),
        ("military only", json!({"exclusion": "military_defence_security_only"}), Excluded, false),
        ("open-source library", json!({"open_source": true}), Excluded, false),
        (
            "open source does not help a listed use",
            json!({"open_source": true, "annex_iii_points": ["4-a"], "profiling": true}),
            HighRiskAnnexIii,
            false,
        ),
        // Annex III
        (
            "credit scoring, provider",
            json!({"annex_iii_points": ["5-b"], "profiling": true, "decides_on_people": true}),
            HighRiskAnnexIii,
            false,
        ),
        (
            "credit scoring, bank as deployer",
            json!({"annex_iii_points": ["5-b"], "profiling": true, "roles": ["deployer"],
                "decides_on_people": true}),
            HighRiskAnnexIii,
            false,
        ),
        (
            "fraud detection is not credit scoring",
            json!({"annex_iii_points": ["5-b"], "annex_iii_exclusion": "financial_fraud_detection"}),
            Minimal,
            false,
        ),
        (
            "recruitment with profiling",
            json!({"annex_iii_points": ["4-a"], "profiling": true}),
            HighRiskAnnexIii,
            false,
        ),
        (
            "file sorting in recruitment",
            json!({"annex_iii_points": ["4-a"], "no_significant_risk": true,
                "filter_conditions": ["a"]}),
            AnnexIiiDerogated,
            false,
        ),
        (
            "derogation fails with profiling",
            json!({"annex_iii_points": ["4-a"], "profiling": true, "no_significant_risk": true,
                "filter_conditions": ["a", "d"]}),
            HighRiskAnnexIii,
            false,
        ),
        (
            "a condition alone is no derogation",
            json!({"annex_iii_points": ["3-b"], "filter_conditions": ["d"]}),
            HighRiskAnnexIii,
            false,
        ),
        (
            "low risk alone is no derogation",
            json!({"annex_iii_points": ["3-b"], "no_significant_risk": true}),
            HighRiskAnnexIii,
            false,
        ),
        ("critical infrastructure", json!({"annex_iii_points": ["2"]}), HighRiskAnnexIii, false),
        ("remote identification", json!({"rbi": "remote_identification"}), HighRiskAnnexIii, false),
        ("unlocking by face", json!({"rbi": "verification_only"}), Minimal, false),
        // Article 5
        (
            "emotions in a call centre's workers",
            json!({"emotion_inference_biometric": true, "emotion_setting": "workplace"}),
            Prohibited,
            false,
        ),
        (
            "fatigue warning for drivers",
            json!({"emotion_inference_biometric": true, "emotion_setting": "workplace",
                "emotion_purpose": "safety"}),
            HighRiskAnnexIii,
            false,
        ),
        (
            "dark pattern without significant harm",
            json!({"manipulative_technique": true, "distorts_behaviour": true}),
            Minimal,
            false,
        ),
        (
            "harmful dark pattern",
            json!({"manipulative_technique": true, "distorts_behaviour": true,
                "significant_harm": true}),
            Prohibited,
            false,
        ),
        ("undressing app", json!({"ncii_capability": "intended"}), Prohibited, false),
        (
            "image generator with safeguards",
            json!({"ncii_capability": "foreseeable_with_safeguards",
                "csam_capability": "foreseeable_with_safeguards", "generates_synthetic": true}),
            Transparency,
            false,
        ),
        (
            "social scoring across contexts",
            json!({"social_scoring": true, "social_score_detriment": "unrelated_context",
                "annex_iii_points": ["5-a"]}),
            Prohibited,
            false,
        ),
        (
            "crime prediction on facts",
            json!({"crime_prediction": true, "annex_iii_points": ["6-d"], "profiling": true}),
            HighRiskAnnexIii,
            false,
        ),
        // Annex I
        (
            "AI in a medical device",
            json!({"annex_i": "section_a", "safety_component_or_product": true,
                "third_party_assessment": true}),
            HighRiskAnnexIA,
            false,
        ),
        (
            "AI brake in a car",
            json!({"annex_i": "section_b", "safety_component_or_product": true,
                "third_party_assessment": true}),
            HighRiskAnnexIB,
            false,
        ),
        (
            "comfort function of a lift",
            json!({"annex_i": "section_a", "safety_component_or_product": true,
                "third_party_assessment": true, "only_convenience_function": true}),
            Minimal,
            false,
        ),
        (
            "comfort function that endangers",
            json!({"annex_i": "section_a", "safety_component_or_product": true,
                "third_party_assessment": true, "only_convenience_function": true,
                "failure_endangers": true}),
            HighRiskAnnexIA,
            false,
        ),
        (
            "notified body for the radio only",
            json!({"annex_i": "section_a", "safety_component_or_product": true,
                "third_party_assessment": true, "third_party_only_non_safety": true}),
            Minimal,
            false,
        ),
        (
            "toy that profiles children in school",
            json!({"annex_i": "section_a", "safety_component_or_product": true,
                "third_party_assessment": true, "annex_iii_points": ["3-b"], "profiling": true}),
            HighRiskAnnexIii,
            false,
        ),
        // General-purpose models
        (
            "frontier model",
            json!({"subject": "gpai_model", "gpai_training_flop": 3e25}),
            GpaiModel,
            false,
        ),
        (
            "open model",
            json!({"subject": "gpai_model", "gpai_open_source_qualifying": true}),
            GpaiModel,
            false,
        ),
        (
            "chatbot on an own model",
            json!({"subject": "system_on_own_gpai", "interacts_with_people": true,
                "generates_synthetic": true}),
            Transparency,
            false,
        ),
        // Article 50
        (
            "obvious chatbot",
            json!({"interacts_with_people": true, "interaction_obvious": true}),
            Minimal,
            false,
        ),
        (
            "news text under editorial control",
            json!({"roles": ["deployer"], "public_interest_text": true, "editorial_control": true}),
            Minimal,
            false,
        ),
        (
            "satirical deep fake",
            json!({"roles": ["deployer"], "deep_fake_output": true, "artistic_work": true}),
            Transparency,
            false,
        ),
        // Unknown answers
        (
            "unknown profiling is profiling",
            json!({"annex_iii_points": ["4-a"], "profiling": null, "no_significant_risk": true,
                "filter_conditions": ["a"]}),
            HighRiskAnnexIii,
            true,
        ),
        (
            "unknown exclusion excludes nothing",
            json!({"annex_iii_points": ["5-b"], "annex_iii_exclusion": null}),
            HighRiskAnnexIii,
            true,
        ),
        (
            "unknown listed uses count as listed",
            json!({"annex_iii_points": null}),
            HighRiskAnnexIii,
            true,
        ),
        (
            "unknown harm is no prohibition, but open",
            json!({"manipulative_technique": true, "distorts_behaviour": true,
                "significant_harm": null}),
            Minimal,
            true,
        ),
        (
            "an unknown that decides nothing stays final",
            json!({"manipulative_technique": false, "significant_harm": null}),
            Minimal,
            false,
        ),
        (
            "unknown safety component",
            json!({"annex_i": "section_a", "safety_component_or_product": null,
                "third_party_assessment": true}),
            HighRiskAnnexIA,
            true,
        ),
    ]
}

#[test]
fn cases_get_their_class() {
    for (name, given, expected, provisional) in cases() {
        let found = class(&given);
        assert_eq!(found.headline, Some(expected), "{name}: {:?}", found.classes);
        assert_eq!(found.provisional, provisional, "{name}: {:?}", found.open);
        assert_eq!(found.open.is_empty(), !provisional, "{name}");
        assert!(found.path.iter().all(|step| !step.cite.is_empty()), "{name}");
    }
}

#[test]
fn nothing_answered_is_high_risk_and_open_at_every_question() {
    let found = classify(Frameworks::embedded(), &caiso_compliance::Answers::default());
    assert_eq!(found.headline, Some(Class::HighRiskAnnexIii));
    assert!(found.provisional);
    assert!(found.prohibited.is_empty());
    let stages: Vec<&str> = found.open.iter().map(|open| open.stage.as_str()).collect();
    for stage in ["scope", "prohibited", "annex_i", "annex_iii", "duties", "art_50"] {
        assert!(stages.contains(&stage), "{stage}");
    }
    let open = found.open.iter().find(|open| open.node == "B6").unwrap();
    assert_eq!(open.unanswered["profiling"], "Does it profile natural persons (GDPR Art. 4(4))?");
}

#[test]
fn credit_scoring_owes_what_its_role_owes() {
    let provider = class(&json!({"annex_iii_points": ["5-b"], "profiling": true}));
    assert!(
        ["art-9", "art-15", "art-43", "art-49-1", "art-4"].iter().all(|item| has(&provider, item))
    );
    assert!(!has(&provider, "art-26-1") && !has(&provider, "art-27"));
    assert_eq!(provider.route.as_deref(), Some("eu-ai-act:art-43-2"));
    assert_eq!(provider.annex_iii_points, ["5-b"]);
    assert_eq!(provider.dates[0].from, jiff::civil::date(2027, 12, 2));
    assert_eq!(provider.not_yet(jiff::civil::date(2026, 12, 2)).len(), 1);
    assert!(provider.not_yet(jiff::civil::date(2027, 12, 2)).is_empty());

    let bank =
        class(&json!({"annex_iii_points": ["5-b"], "profiling": true, "roles": ["deployer"],
        "workplace_use": true, "decides_on_people": true}));
    assert!(
        ["art-26-1", "art-27", "art-26-7", "art-26-11", "art-86"]
            .iter()
            .all(|item| has(&bank, item))
    );
    assert!(!has(&bank, "art-9") && !has(&bank, "art-26-8"));
}

#[test]
fn infrastructure_is_neither_registered_nor_impact_assessed() {
    let found = class(&json!({"annex_iii_points": ["2"], "roles": ["provider", "deployer"],
        "deployer_kind": "public_body"}));
    assert!(!has(&found, "art-49-1") && !has(&found, "art-27") && !has(&found, "art-49-3"));
    let both = class(&json!({"annex_iii_points": ["2", "5-b"], "roles": ["provider", "deployer"],
        "deployer_kind": "public_body"}));
    assert!(has(&both, "art-49-1") && has(&both, "art-27") && has(&both, "art-49-3"));
}

#[test]
fn every_prohibition_is_reported_and_dated() {
    let found = class(&json!({"ncii_capability": "intended",
        "csam_capability": "foreseeable_without_safeguards", "untargeted_face_scraping": true}));
    assert_eq!(
        found.prohibited,
        ["eu-ai-act:art-5-1-ba", "eu-ai-act:art-5-1-bb", "eu-ai-act:art-5-1-e"]
    );
    let dates: Vec<String> =
        found.dates.iter().map(|date| format!("{} {}", date.of, date.from)).collect();
    assert_eq!(
        dates,
        ["hit:art-5-1-ba 2026-12-02", "hit:art-5-1-bb 2026-12-02", "hit:art-5-1-e 2025-02-02"]
    );
    assert!(!has(&found, "art-9"), "a prohibited system is not made lawful by high-risk duties");
}

#[test]
fn general_purpose_models_owe_what_their_size_and_licence_ask() {
    let big = class(&json!({"subject": "gpai_model", "gpai_training_flop": 3e25,
        "gpai_open_source_qualifying": true}));
    assert!(has(&big, "art-55-1-a") && has(&big, "art-53-1-a"));
    let open = class(&json!({"subject": "gpai_model", "gpai_training_flop": 1e25,
        "gpai_open_source_qualifying": true}));
    assert!(has(&open, "art-53-1-c") && !has(&open, "art-53-1-a") && !has(&open, "art-55-1-a"));
    let unknown = class(&json!({"subject": "gpai_model", "gpai_training_flop": null,
        "gpai_designated": null}));
    assert!(unknown.provisional && has(&unknown, "art-55-1-a"));
    let designated = class(&json!({"subject": "gpai_model", "gpai_training_flop": null,
        "gpai_designated": true}));
    assert!(!designated.provisional && has(&designated, "art-52"));
}

#[test]
fn transparency_stands_beside_high_risk_and_marking_has_its_date() {
    let found = class(&json!({"annex_iii_points": ["4-a"], "profiling": true,
        "roles": ["provider", "deployer"], "interacts_with_people": true,
        "generates_synthetic": true, "placed_before_2026_08_02": true, "deep_fake_output": true}));
    assert_eq!(found.classes, [Class::HighRiskAnnexIii, Class::Transparency]);
    assert!(["art-50-1", "art-50-2", "art-50-4-1"].iter().all(|item| has(&found, item)));
    assert!(!has(&found, "art-50-3"));
    let marking = found.dates.iter().find(|date| date.of == "obl:art-50-2").unwrap();
    assert_eq!(marking.from, jiff::civil::date(2026, 12, 2));
    let exempt =
        class(&json!({"generates_synthetic": true, "marking_exception": "assistive_editing"}));
    assert_eq!(exempt.headline, Some(Class::Minimal));
}

#[test]
fn rebranding_makes_a_provider() {
    let found = class(&json!({"roles": ["deployer"], "art25_trigger": "rebrand",
        "annex_iii_points": ["4-a"], "profiling": true}));
    assert!(found.flags.contains(&"becomes_provider_if_high_risk".to_owned()));
    assert!(has(&found, "art-16") && has(&found, "art-26-1"));
}

#[test]
fn answers_that_need_legal_judgement_are_named() {
    let found = class(&json!({"annex_iii_points": ["4-a"], "no_significant_risk": true,
        "filter_conditions": ["a"]}));
    for fact in ["no_significant_risk", "filter_conditions", "significant_harm"] {
        assert!(found.legal_judgement.contains(&fact.to_owned()), "{fact}");
    }
    assert!(!found.legal_judgement.contains(&"failure_endangers".to_owned()), "not on the path");
}

#[test]
fn the_record_of_a_walk() {
    let found = class(&json!({"annex_iii_points": ["5-b"], "profiling": true,
        "roles": ["provider", "deployer"], "decides_on_people": true}));
    let path: Vec<String> = found
        .path
        .iter()
        .map(|step| {
            let answer = match step.answer {
                Truth::Yes => "yes",
                Truth::No => "no",
                Truth::Unknown => "unknown",
            };
            format!(
                "{:3} {} [{}] {answer} {}",
                step.node,
                step.question,
                step.cite.join(", "),
                step.emitted.join(" ")
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    insta::assert_snapshot!(path.join("\n"));
}
