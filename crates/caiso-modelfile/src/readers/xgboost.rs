//! XGBoost models: JSON, and the same document as UBJSON
//! (<https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>).

mod trees;

use memchr::memmem;

use crate::Format;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::tree::{Facts, Reading};
use crate::value::{self, Value};
use crate::walk::{Expect, Scope};
use crate::wire::shown;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct XgBoost {
    pub(crate) version: String,
    pub(crate) booster: String,
    pub(crate) objective: String,
    pub(crate) features: Option<i64>,
    pub(crate) classes: Option<i64>,
    pub(crate) feature_names: Vec<String>,
    pub(crate) trees: usize,
    pub(crate) nodes: u64,
    /// What the training program left: `best_iteration`, `scikit_learn`.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) problems: Suspicions,
}

impl XgBoost {
    /// For the description of a file.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let number = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        let attributes = self.attributes.iter().map(|(key, value)| format!("{key}: {value}"));
        vec![
            ("xgboost version", self.version.clone()),
            ("booster", self.booster.clone()),
            ("objective", self.objective.clone()),
            ("features", number(self.features)),
            ("feature names", self.feature_names.join(", ")),
            ("classes", number(self.classes.filter(|classes| *classes > 0))),
            ("trees", self.trees.to_string()),
            ("nodes", self.nodes.to_string()),
            ("attributes", attributes.collect::<Vec<_>>().join(", ")),
        ]
    }
}

const MARK: &[u8] = b"gradient_booster";

pub(crate) const JSON: Reader = Reader {
    claims: |artifact| {
        artifact.bytes.trim_ascii_start().starts_with(b"{")
            && !is_ubjson(artifact.bytes)
            && (memmem::find(artifact.bytes, MARK).is_some()
                || artifact.bytes.trim_ascii_start().starts_with(b"{\"learner\":"))
    },
    read: |artifact, scope| {
        let document = value::json(artifact.bytes);
        read(document, scope)
    },
};

pub(crate) const UBJSON: Reader = Reader {
    claims: |artifact| {
        let old = artifact.bytes.starts_with(b"binf");
        old || is_ubjson(artifact.bytes) && memmem::find(artifact.bytes, MARK).is_some()
    },
    read: |artifact, scope| {
        if artifact.bytes.starts_with(b"binf") {
            scope.gap(None, "the binary form of old versions of XGBoost is not read");
            return Some(Reading::new(Format::XgBoost, Facts::Nothing));
        }
        let document = value::ubjson(artifact.bytes).map(|(document, length)| {
            let rest = artifact.bytes.get(length..).unwrap_or_default();
            if !rest.is_empty() {
                scope.part("(behind the model)", rest, Expect::Model);
            }
            document
        });
        read(document, scope)
    },
};

/// A map, and the length of its first key or the marks of a counted map.
fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#' | b'N', ..])
}

fn read(document: Result<Value, String>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let document = match document {
        Ok(document) => document,
        Err(reason) => {
            scope.gap(None, format!("looks like an XGBoost model and cannot be read: {reason}"));
            return Some(Reading::new(Format::XgBoost, Facts::Nothing));
        }
    };
    // A pickled booster holds the model together with its configuration.
    let document = document.get("Model").unwrap_or(&document);
    let learner = document.at(&["learner"]);
    let booster = learner.get("gradient_booster")?;
    let mut facts = XgBoost {
        version: document
            .at(&["version"])
            .numbers()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("."),
        booster: text(booster.at(&["name"])),
        objective: text(learner.at(&["objective", "name"])),
        features: learner.at(&["learner_model_param", "num_feature"]).integer(),
        classes: learner.at(&["learner_model_param", "num_class"]).integer(),
        feature_names: learner.at(&["feature_names"]).list().iter().take(1_000).map(text).collect(),
        attributes: learner
            .at(&["attributes"])
            .entries()
            .iter()
            .take(1_000)
            .map(|(key, value)| (shown(key.as_bytes()), text(value)))
            .collect(),
        ..XgBoost::default()
    };
    trees::learner(learner, &mut facts.problems);
    // The booster `dart` wraps `gbtree`.
    let model = booster.get("gbtree").unwrap_or(booster).at(&["model"]);
    facts.trees = model.at(&["trees"]).list().len();
    if facts.booster != "gblinear" {
        facts.nodes = trees::booster(learner, model, &mut facts.problems);
    }
    Some(Reading::new(Format::XgBoost, Facts::XgBoost(facts)))
}

fn text(value: &Value) -> String {
    shown(value.text().unwrap_or_default().as_bytes())
}
