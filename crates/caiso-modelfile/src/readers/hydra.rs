//! Configurations that name what is instantiated: Hydra, NeMo, MLflow, YAML with Python tags.

use std::collections::BTreeMap;

use crate::Format;
use crate::document::{self, Value, cut, may_hold, shown};
use crate::readers::{Reader, other};
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Scope};

/// Most targets that are kept.
const MAX_TARGETS: usize = 10_000;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    /// What is imported and called: place and dotted name.
    pub(crate) targets: Vec<(String, String)>,
    /// Python objects that YAML tags name, without what comes before `python/`.
    pub(crate) tags: Vec<String>,
    /// What an `MLmodel` file says.
    pub(crate) mlflow: Option<MlFlow>,
    /// Versions, names, training.
    pub(crate) facts: BTreeMap<String, String>,
}

/// What matters of an `MLmodel` file.
#[derive(Clone, Debug, Default)]
pub(crate) struct MlFlow {
    /// Modules that load the model.
    pub(crate) loaders: Vec<(String, String)>,
    /// Folders or files of code: place and path.
    pub(crate) code: Vec<(String, String)>,
    /// Other paths.
    pub(crate) paths: Vec<(String, String)>,
}

pub(crate) const READER: Reader = Reader { claims, read };

fn claims(artifact: &Artifact<'_>) -> bool {
    if !other::begins_like_text(artifact.bytes) {
        return false;
    }
    let holds = |needle: &[u8]| memchr::memmem::find(artifact.bytes, needle).is_some();
    if may_hold(artifact.bytes, &["_target_"]) {
        return true;
    }
    let yaml = || is_yaml(artifact.bytes);
    holds(b"_target_") && yaml()
        // The same with the escapes of YAML.
        || (holds(b"\\x5f") || holds(b"\\x5F") || holds(b"\\u005") || holds(b"\\U000000")) && yaml()
        || (holds(b"!!python/") || holds(b"tag:yaml.org,2002:python/")) && yaml()
        || holds(b"target:") && (holds(b"params:") || holds(b"nemo_version")) && yaml()
        || holds(b"flavors:") && (holds(b"loader_module") || holds(b"mlflow_version")) && yaml()
}

/// Text of which some line in its beginning is a key of YAML. Source code with such words is none.
fn is_yaml(bytes: &[u8]) -> bool {
    let Some(text) = document::text(bytes.get(..1 << 16).unwrap_or(bytes)).or_else(|| {
        // The window may cut a character.
        let valid = std::str::from_utf8(bytes.get(..1 << 16)?).err()?.valid_up_to();
        document::text(bytes.get(..valid)?)
    }) else {
        return false;
    };
    let key = |line: &str| {
        let line = line.trim_start_matches([' ', '-', '\u{feff}']);
        let (key, rest) = line.split_once(':').unwrap_or(("", line));
        line.starts_with(['!', '{', '[', '&', '?'])
            || line.starts_with("---")
            || !key.is_empty()
                && (rest.is_empty() || rest.starts_with(' '))
                && !key.contains([' ', '(', '.', '=', '['])
    };
    let lines = text.lines().map(str::trim_end);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
    lines.next().is_some_and(key)
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let first = artifact.bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let json = if first == Some(&b'{') { document::json(artifact.bytes).ok() } else { None };
    let (documents, tags) = match json {
        Some(json) => (vec![json], Vec::new()),
        None => match document::yaml(artifact.bytes) {
            Ok(yaml) => (yaml.documents, yaml.tags),
            Err(error) => {
                memchr::memmem::find(artifact.bytes, b"_target_")
                    .or_else(|| memchr::memmem::find(artifact.bytes, b"!!python/"))?;
                scope.gap(None, format!("the configuration: {}", error.0));
                return Some(reading(Configuration::default()));
            }
        },
    };
    let mut found = Configuration::default();
    for tag in tags {
        let python = tag.split_once("python/").map(|(_, rest)| rest);
        if let Some(rest) = python.filter(|_| found.tags.len() < MAX_TARGETS) {
            found.tags.push(shown(&cut(rest, 300)));
        }
    }
    for document in &documents {
        document.walk(&mut |at, value| found.value(at, value));
        found.mlflow(document);
        for key in
            ["nemo_version", "name", "mlflow_version", "model_uuid", "run_id", "utc_time_created"]
        {
            if let Some(value) = document.get(key) {
                found.facts.insert(key.replace('_', " "), value.shown());
            }
        }
        for key in ["max_epochs", "max_steps"] {
            if let Some(value) = document.get("trainer").and_then(|trainer| trainer.get(key)) {
                found.facts.insert(key.replace('_', " "), value.shown());
            }
        }
    }
    if found.targets.is_empty() && found.tags.is_empty() && found.mlflow.is_none() {
        return None;
    }
    if found.targets.len() >= MAX_TARGETS {
        scope.gap(None, format!("the configuration has more than {MAX_TARGETS} targets"));
    }
    Some(reading(found))
}

fn reading(found: Configuration) -> Reading {
    Reading::new(Format::HydraConfiguration, Facts::Hydra(found))
}

impl Configuration {
    fn value(&mut self, at: &str, value: &Value) {
        for (key, inner) in value.entries() {
            // NeMo and latent diffusion name their classes without underscores.
            let named = match key.as_str() {
                "_target_" => true,
                "target" => {
                    value.get("params").is_some()
                        || value.get("nemo_version").is_some()
                        || value.entries().len() == 1
                }
                "cls" => value.get("params").is_some(),
                _ => false,
            };
            if !named || self.targets.len() >= MAX_TARGETS {
                continue;
            }
            let target = match inner {
                Value::Text(text) => shown(&cut(text, 300)),
                Value::Null => continue,
                other => cut(&other.shown(), 300).into_owned(),
            };
            // `target: 5` or `target: the label` names no object.
            if key == "_target_" || target.contains('.') && !target.contains(char::is_whitespace) {
                let place = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                self.targets.push((place, target));
            }
        }
    }

    fn mlflow(&mut self, document: &Value) {
        let Some(flavors) = document.get("flavors").filter(|flavors| !flavors.entries().is_empty())
        else {
            return;
        };
        let mut mlflow = MlFlow::default();
        let names: Vec<&str> = flavors.entries().iter().map(|(name, _)| name.as_str()).collect();
        self.facts.insert("flavors".to_owned(), shown(&names.join(", ")));
        for (flavor, values) in flavors.entries().iter().take(100) {
            for (key, value) in values.entries() {
                let place = shown(&format!("flavors.{flavor}.{key}"));
                let Some(text) = value.text() else { continue };
                let entry = (place, shown(&cut(text, 1000)));
                match key.as_str() {
                    "loader_module" => mlflow.loaders.push(entry),
                    "code" | "model_code_path" => mlflow.code.push(entry),
                    "data" | "model_path" | "pickled_model" | "model_data" | "python_model"
                    | "model_binary" | "custom_objects" | "preprocessor" => {
                        mlflow.paths.push(entry);
                    }
                    "python_version" | "serialization_format" => {
                        self.facts.insert(format!("{flavor} {key}").replace('_', " "), entry.1);
                    }
                    key if key.ends_with("_version") => {
                        self.facts.insert(key.replace('_', " "), entry.1);
                    }
                    _ => {}
                }
            }
        }
        self.mlflow = Some(mlflow);
    }
}
