//! Configuration of Keras models: `config.json` and `metadata.json` of the archive of version 3, the
//! attributes of HDF5 files, architectures that are kept as JSON.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::Format;
use crate::document::{self, Value, cut, may_hold, shown};
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

/// Most objects of a configuration that are kept.
const MAX_OBJECTS: usize = 100_000;
/// Most code objects whose names are kept.
const MAX_CODES: usize = 1_000;

/// What the configuration says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keras {
    /// Everything that the loader instantiates or looks up, in the order of the file.
    pub(crate) objects: Vec<Object>,
    /// Marshalled Python code.
    pub(crate) codes: Vec<Code>,
    /// Layers by class.
    pub(crate) layers: BTreeMap<String, u64>,
    /// Version, backend, name, optimiser, loss, metrics.
    pub(crate) facts: BTreeMap<String, String>,
}

/// An object that the loader is to build or find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// Where in the configuration.
    pub(crate) at: String,
    pub(crate) module: Option<String>,
    pub(crate) class: String,
    pub(crate) registered: Option<String>,
    /// For `class` = `function`: which. Of a Lambda layer of Keras 2: module and name.
    pub(crate) function: Option<String>,
    /// Arguments that name a file: argument and value.
    pub(crate) files: Vec<(String, String)>,
}

/// Python code in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) at: String,
    /// Names that the code uses, if it could be decoded.
    pub(crate) names: Option<Vec<String>>,
}

impl Keras {
    /// What is worth telling about the model.
    pub(crate) fn describe(&self, facts: &mut BTreeMap<String, String>) {
        let layers = self.layers.iter().map(|(class, count)| format!("{class}: {count}"));
        let layers = layers.collect::<Vec<_>>().join(", ");
        if !layers.is_empty() {
            facts.insert("layers".to_owned(), shown(&layers));
        }
        facts.extend(self.facts.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| may_hold(artifact.bytes, &["class_name", "keras_version"]), read };

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let root = match document::json(artifact.bytes) {
        Ok(root) => root,
        Err(error) => {
            memchr::memmem::find(artifact.bytes, b"\"class_name\"")?;
            scope.gap(None, format!("the configuration is no JSON: {}", error.0));
            return Some(reading(Keras::default()));
        }
    };
    let mut keras = Keras::default();
    let mut torch = Vec::new();
    root.walk(&mut |at, value| {
        if let Some(class) = value.text_of("class_name") {
            keras.object(at, class, value);
            if class == "TorchModuleWrapper" {
                torch.extend(value.get("config").and_then(|config| decoded(config.get("module")?)));
            }
        }
        keras.code(at, value);
    });
    let version = root.text_of("keras_version");
    if keras.objects.is_empty() && version.is_none() {
        return None;
    }
    keras.fact("keras version", version);
    keras.fact("backend", root.text_of("backend"));
    keras.fact("saved on", root.text_of("date_saved"));
    keras.model(&root);
    for (index, bytes) in torch.iter().enumerate() {
        scope.part(&format!("torch module {index}"), bytes, Expect::Model);
    }
    if keras.objects.len() >= MAX_OBJECTS || keras.codes.len() >= MAX_CODES {
        scope.gap(None, format!("the configuration names more than {MAX_OBJECTS} objects"));
    }
    Some(reading(keras))
}

fn reading(keras: Keras) -> Reading {
    Reading::new(Format::KerasConfiguration, Facts::Keras(keras))
}

impl Keras {
    fn fact(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.facts.insert(name.to_owned(), shown(value));
        }
    }

    /// What the model as a whole says about itself and its training.
    fn model(&mut self, root: &Value) {
        let config = root.get("config");
        self.fact("model class", root.text_of("class_name"));
        self.fact("model name", config.and_then(|config| config.text_of("name")));
        let shape = config.and_then(|config| {
            config.get("batch_input_shape").or_else(|| config.get("build_input_shape"))
        });
        self.fact("input shape", shape.map(Value::shown).as_deref());
        let compiled = root.get("compile_config").unwrap_or(root);
        let optimizer = compiled.get("optimizer").or_else(|| compiled.get("optimizer_config"));
        if let Some(optimizer) = optimizer {
            let class = optimizer.text_of("class_name").or_else(|| optimizer.text());
            self.fact("optimizer", class);
            let rate = optimizer.get("config").and_then(|config| config.get("learning_rate"));
            self.fact("learning rate", rate.map(Value::shown).as_deref());
            for key in ["loss", "metrics"] {
                let value = compiled.get(key).filter(|value| **value != Value::Null);
                self.fact(key, value.map(Value::shown).as_deref());
            }
        }
    }

    fn object(&mut self, at: &str, class: &str, value: &Value) {
        let is_layer = |list: &str| at.contains(&format!("{list}[")) && at.ends_with(']');
        let inner = |name: &str| at.rsplit('.').next().is_some_and(|last| last.starts_with(name));
        if is_layer("layers") && inner("layers[") {
            let count = self.layers.entry(cut(class, 100).into_owned()).or_default();
            *count = count.saturating_add(1);
        }
        if self.objects.len() >= MAX_OBJECTS {
            return;
        }
        let text = |key: &str| value.text_of(key).map(|text| cut(text, 300).into_owned());
        let config = value.get("config");
        let function = match config {
            Some(Value::Text(name)) => Some(cut(name, 300).into_owned()),
            // Keras 2 keeps the name and the module of the function that a Lambda layer calls.
            Some(config) if class == "Lambda" => {
                let name = config.text_of("function").zip(config.text_of("module"));
                name.map(|(name, module)| cut(&format!("{module}.{name}"), 300).into_owned())
            }
            Some(config) if class == "function" => {
                config.text_of("name").map(|name| cut(name, 300).into_owned())
            }
            _ => None,
        };
        let mut files = Vec::new();
        for (key, value) in config.map(Value::entries).unwrap_or_default() {
            if names_a_file(class, key)
                && let Some(file) = value.text()
                && !file.is_empty()
            {
                files.push((key.clone(), cut(file, 300).into_owned()));
            }
        }
        self.objects.push(Object {
            at: at.to_owned(),
            module: text("module"),
            class: cut(class, 300).into_owned(),
            registered: text("registered_name"),
            function,
            files,
        });
    }

    /// Code of a lambda: `config.code` of `__lambda__`, `config.function[0]` and its kin of a layer.
    fn code(&mut self, at: &str, value: &Value) {
        let class = value.text_of("class_name").unwrap_or_default();
        let Some(config) = value.get("config") else { return };
        let mut found = Vec::new();
        if class == "__lambda__" {
            // Every text: the loader of one version reads `code`, that of another `value`.
            config.walk(&mut |_, inner| found.extend(inner.text().map(|_| inner.clone())));
            if found.is_empty() {
                found.push(Value::Null);
            }
            found.truncate(1);
        } else {
            for key in ["function", "output_shape", "mask"] {
                let code = match config.get(key) {
                    // Code, defaults, closure.
                    Some(Value::List(items)) => items.first(),
                    Some(text @ Value::Text(_))
                        if config.text_of(&format!("{key}_type")) == Some("lambda") =>
                    {
                        Some(text)
                    }
                    _ => None,
                };
                found.extend(code.filter(|code| code.text().is_some()).cloned());
            }
        }
        for code in found {
            if self.codes.len() < MAX_CODES {
                let names = decoded(&code).as_deref().map(names);
                self.codes.push(Code { at: at.to_owned(), names });
            }
        }
    }
}

/// Whether an argument of a layer is a file that the layer reads when it is built.
fn names_a_file(class: &str, key: &str) -> bool {
    let lookup = ["StringLookup", "IntegerLookup", "TextVectorization", "IndexLookup"];
    match key {
        "vocabulary" => lookup.contains(&class) || class.ends_with("Lookup"),
        "filepath" | "file_path" | "path" | "filename" | "log_dir" | "backup_dir" | "origin"
        | "url" | "fname" | "vocabulary_file" | "merges_file" => true,
        _ => false,
    }
}

fn decoded(value: &Value) -> Option<Vec<u8>> {
    let text: String = value.text()?.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let engine = GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    engine.decode(text).ok()
}

/// The names in marshalled code: its runs of letters, digits and `_` with a length before them.
fn names(code: &[u8]) -> Vec<String> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let mut names: Vec<String> = Vec::new();
    let mut at = 0_usize;
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        // `z`, `Z`, `a`, `A` and `u`, with or without the flag of a reference, begin a string.
        let (length, header) = match rest {
            [kind, length, ..] if matches!(kind & 0x7f, b'z' | b'Z') => (usize::from(*length), 2),
            [kind, a, b, 0, 0, ..] if matches!(kind & 0x7f, b'u' | b'a' | b'A') => {
                (usize::from(*a) | usize::from(*b) << 8, 5_usize)
            }
            _ => (0, 0),
        };
        let end = header.saturating_add(length);
        match rest.get(header..end).filter(|text| text.len() > 1 && text.iter().all(word)) {
            Some(text) => {
                let name = String::from_utf8_lossy(text).into_owned();
                if !names.contains(&name) && names.len() < 50 {
                    names.push(cut(&name, 100).into_owned());
                }
                at = at.saturating_add(end);
            }
            None => at = at.saturating_add(1),
        }
    }
    names
}
