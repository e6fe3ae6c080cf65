//! The system and its components.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Located;

/// The AI system under governance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// Short name in kebab case; names the evidence.
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9-]*$"))]
    pub name: Located<String>,
    /// Name for people.
    pub title: Option<String>,
    /// Intended purpose (EU AI Act Article 3(12)): who uses it, on whom, to decide what.
    pub purpose: String,
    /// Uses it is not meant for.
    #[serde(default)]
    pub out_of_scope: Vec<String>,
    /// The named person or role that answers for it.
    pub owner: String,
    /// Where it is in its life.
    #[serde(default)]
    pub stage: Stage,
    /// Answers to the EU AI Act classification, by fact name; `caiso comply classify --questions`
    /// lists them. An unanswered fact takes the stricter branch and makes the result provisional.
    #[serde(default)]
    pub eu_ai_act: BTreeMap<String, Value>,
}

/// Where a system is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Being built.
    #[default]
    Development,
    /// Being tested before use.
    Testing,
    /// In use.
    Production,
    /// No longer in use.
    Retired,
}

/// A model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Name, unique among the models.
    pub name: Located<String>,
    /// File, relative to the manifest.
    pub path: Located<String>,
    /// Detached signature (an OpenSSF Model Signing bundle), relative to the manifest.
    pub signature: Option<Located<String>>,
    /// Public key of whoever is to have signed, a PEM file relative to the manifest; without it the signature
    /// is not verified.
    pub signer: Option<Located<String>>,
    /// The labelled data set that the model is assessed on.
    pub dataset: Option<Located<String>>,
    /// Values of the target column in the order of the model's outputs.
    #[serde(default)]
    pub classes: Located<Vec<String>>,
    /// Inputs in the model's order.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Inputs that are all alike, instead of `features`: the pixels of an image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Inputs>,
    /// Groups of inputs that encode one category each: exactly one of a group is 1, the others are 0, and an
    /// adversarial example keeps to that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_hot: Vec<Located<Vec<String>>>,
}

/// Inputs of a model that are all alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// Columns of the data set, in its order: `*` stands for any text (`pixel_*`). They are the model's input,
    /// the last axis fastest.
    pub columns: Located<String>,
    /// Smallest and largest valid value of each, in the model's units; an adversarial example stays within.
    pub bounds: Located<[f64; 2]>,
    /// Whole numbers only.
    #[serde(default)]
    pub integer: bool,
}

impl Inputs {
    /// The inputs as features, if these are the columns of the data set.
    pub fn features(&self, columns: &[String]) -> Vec<Feature> {
        let parts: Vec<&str> = self.columns.split('*').collect();
        let feature = |column: &String| {
            // Problems with the column are shown where the pattern is.
            let Located { line, column: place, .. } = self.columns;
            let column = Located { value: column.clone(), line, column: place };
            Feature { integer: self.integer, ..Feature::between(column, self.bounds.clone()) }
        };
        columns.iter().filter(|column| matches(&parts, column)).map(feature).collect()
    }
}

/// Whether a text consists of these parts with anything in between.
fn matches(parts: &[&str], text: &str) -> bool {
    match parts {
        [] => text.is_empty(),
        [whole] => text == *whole,
        [first, middle @ .., last] => {
            let Some(mut rest) = text.strip_prefix(first) else { return false };
            for part in middle {
                match rest.split_once(part) {
                    Some((_, behind)) => rest = behind,
                    None => return false,
                }
            }
            rest.ends_with(last)
        }
    }
}

/// One input of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Column of the data set.
    pub column: Located<String>,
    /// Number for each value of a column that is not numeric (`{no: 0, yes: 1}`).
    #[serde(default)]
    pub encoding: BTreeMap<String, f64>,
    /// Smallest and largest valid value, in the model's units; an adversarial example stays
    /// within. Default: the range seen in the data.
    pub bounds: Option<Located<[f64; 2]>>,
    /// Whole numbers only.
    #[serde(default)]
    pub integer: bool,
    /// A person cannot change it and an attack must not.
    #[serde(default)]
    pub immutable: bool,
}

impl Feature {
    /// A number between bounds.
    pub fn between(column: impl Into<Located<String>>, bounds: Located<[f64; 2]>) -> Self {
        Self {
            column: column.into(),
            encoding: BTreeMap::new(),
            bounds: Some(bounds),
            integer: false,
            immutable: false,
        }
    }
}

/// What a data set is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DatasetRole {
    /// The model was fitted to it.
    Train,
    /// Held out for assessment.
    Test,
    /// What the system is compared with in use.
    Reference,
    /// What the system sees now.
    Current,
}

/// A data file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Name, unique among the data sets.
    pub name: Located<String>,
    /// CSV file with a heading line, or Parquet file, relative to the manifest.
    pub path: Located<String>,
    /// What it is used for.
    pub role: DatasetRole,
    /// Column with the true label.
    pub target: Option<Located<String>>,
    /// Value of the target that is good for the person.
    pub favourable: Option<Located<String>>,
    /// Attributes whose groups are compared.
    #[serde(default)]
    pub protected: Vec<Protected>,
}

/// A protected attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Protected {
    /// Column of the data set.
    pub column: Located<String>,
    /// Name for people; default: the column.
    pub title: Option<String>,
    /// Values that form the privileged group; all others are compared with it.
    pub privileged: Located<Vec<String>>,
}

/// Infrastructure that runs the system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Name, unique among the deployments.
    pub name: Located<String>,
    /// Kubernetes manifests: files, or folders whose `.yaml`, `.yml` and `.json` files are read,
    /// relative to the manifest.
    pub paths: Vec<Located<String>>,
}
