//! Requirements and techniques of the real catalogs, with states made up.

use caiso_report::{Coverage, RequirementRow, TechniqueCell};
use serde::Deserialize;

#[derive(Deserialize)]
struct Framework {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(rename = "ref")]
    reference: String,
    title: String,
    assessable: bool,
    #[serde(default)]
    applies_from: Vec<From>,
}

#[derive(Deserialize)]
struct From {
    date: Option<String>,
}

/// Assessable items of three catalogs with states made up from their place.
pub(crate) fn requirements() -> Vec<RequirementRow> {
    let catalogs = [
        ("eu-ai-act", include_str!("../../../../catalogs/frameworks/eu-ai-act.yaml")),
        ("iso-42001", include_str!("../../../../catalogs/frameworks/iso-42001.yaml")),
        ("nist-ai-rmf", include_str!("../../../../catalogs/frameworks/nist-ai-rmf.yaml")),
    ];
    let mut rows = Vec::new();
    for (id, text) in catalogs {
        let framework: Framework = serde_saphyr::from_str(text).unwrap();
        for (at, item) in framework.items.into_iter().filter(|item| item.assessable).enumerate() {
            let key = format!("{id}:{}", item.id);
            let (state, why) = match (key.as_str(), at % 9) {
                ("eu-ai-act:art-10-2-f" | "iso-42001:A.7.4", _) => {
                    ("gap", "finding FA-GROUP-001 speaks against it".to_owned())
                }
                ("eu-ai-act:art-15-5", _) => {
                    ("gap", "findings RB-PGD-001 and IN-K8S-003 speak against it".to_owned())
                }
                ("eu-ai-act:art-26-2", _) => ("attested", "attested by Maria Jansen".to_owned()),
                (_, 0 | 4) => {
                    ("evidence-ready", "evidence of this assessment supports it".to_owned())
                }
                (_, 2) if at % 27 == 2 => {
                    ("stale", "the evidence is about another model file".to_owned())
                }
                (_, 7) if id == "eu-ai-act" => {
                    ("not-applicable", "concerns other roles".to_owned())
                }
                _ => ("missing", "no evidence".to_owned()),
            };
            rows.push(RequirementRow {
                reference: item.reference,
                title: item.title,
                state: state.into(),
                why,
                applies_from: item.applies_from.into_iter().find_map(|from| from.date),
                evidence: if state == "evidence-ready" { vec![46, 48] } else { vec![] },
                to_attest: if state == "evidence-ready" && at % 18 == 4 {
                    vec!["that the thresholds fit the purpose".into()]
                } else {
                    vec![]
                },
                key,
            });
        }
    }
    rows
}

#[derive(Deserialize)]
struct Atlas {
    tactics: Vec<Tactic>,
    techniques: Vec<Technique>,
}

#[derive(Deserialize)]
struct Tactic {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Technique {
    id: String,
    name: String,
    parent: Option<String>,
    #[serde(default)]
    tactics: Vec<String>,
}

pub(crate) fn threats() -> Vec<Coverage> {
    let atlas: Atlas =
        serde_saphyr::from_str(include_str!("../../../../catalogs/atlas/atlas.yaml")).unwrap();
    let tactics_of = |technique: &Technique| match &technique.parent {
        Some(parent) => {
            atlas.techniques.iter().find(|t| t.id == *parent).map(|t| t.tactics.clone()).unwrap()
        }
        None => technique.tactics.clone(),
    };
    atlas
        .tactics
        .iter()
        .map(|tactic| Coverage {
            tactic: tactic.id.clone(),
            name: tactic.name.clone(),
            techniques: atlas
                .techniques
                .iter()
                .filter(|technique| tactics_of(technique).contains(&tactic.id))
                .map(|technique| {
                    let (state, checks): (&str, &[&str]) = match technique.id.as_str() {
                        "AML.T0043" | "AML.T0015" => ("found", &["RB-PGD-001"]),
                        "AML.T0105" => ("found", &["IN-K8S-003"]),
                        "AML.T0055" => ("found", &["IN-K8S-007"]),
                        "AML.T0011.000" | "AML.T0018.000" => {
                            ("tested", &["MF-ID-001", "MF-ONNX-001"])
                        }
                        "AML.T0010.003" => ("tested", &["MF-ONNX-002"]),
                        _ => ("untested", &[]),
                    };
                    TechniqueCell {
                        id: technique.id.clone(),
                        name: technique.name.clone(),
                        state: state.into(),
                        checks: checks.iter().map(|&code| code.into()).collect(),
                    }
                })
                .collect(),
        })
        .collect()
}
