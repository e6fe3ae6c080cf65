//! Core ML models and packages. Field numbers are those of
//! <https://github.com/apple/coremltools/tree/main/mlmodel/format>.

use std::collections::BTreeSet;

use crate::Format;
use crate::document::{self, Value as Json, may_hold};
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Scope};
use crate::wire::{self, Value};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoreMl {
    /// Version of the specification.
    pub(crate) version: u64,
    /// Kind of the model, by its field: `neural network`.
    pub(crate) kind: String,
    /// Classes of custom models and layers, which the app has to bring.
    pub(crate) custom: BTreeSet<String>,
    /// Files that the model refers to.
    pub(crate) files: BTreeSet<String>,
    /// Author, licence, description and what the converter wrote.
    pub(crate) metadata: Vec<(String, String)>,
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| is_model(artifact.bytes) || is_package(artifact), read };

/// The message of each kind of model.
const KINDS: [(u64, &str); 16] = [
    (200, "pipeline classifier"),
    (201, "pipeline regressor"),
    (202, "pipeline"),
    (300, "generalized linear regressor"),
    (301, "support vector regressor"),
    (302, "tree ensemble regressor"),
    (303, "neural network regressor"),
    (400, "generalized linear classifier"),
    (401, "support vector classifier"),
    (402, "tree ensemble classifier"),
    (403, "neural network classifier"),
    (500, "neural network"),
    (502, "program"),
    (555, "custom model"),
    (556, "linked model"),
    (3000, "serialised model"),
];

const PROGRAM: u64 = 502;
const CUSTOM: u64 = 555;
const LINKED: u64 = 556;
const SERIALISED: u64 = 3000;

/// A version, a description, and one kind of model, whose number no other format has.
fn is_model(bytes: &[u8]) -> bool {
    let (mut version, mut description, mut kind) = (false, false, false);
    for field in wire::fields(bytes).take(64) {
        match (field.number, field.value) {
            (1, Value::Varint(1..=100)) => version = true,
            (2, Value::Bytes(_)) => description = true,
            (1 | 2, _) => return false,
            (number, Value::Bytes(_)) => kind |= KINDS.iter().any(|(known, _)| *known == number),
            // Core ML steps over fields that it does not know.
            _ => {}
        }
    }
    version && description && kind
}

/// The manifest of a package (`.mlpackage`).
fn is_package(artifact: &Artifact<'_>) -> bool {
    may_hold(artifact.bytes, &["itemInfoEntries"])
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut model = CoreMl::default();
    if is_package(artifact) {
        package(artifact.bytes, &mut model)?;
    } else {
        if !wire::is_whole(artifact.bytes) {
            scope.gap(None, "the model is cut off");
        }
        model.read(artifact.bytes, 0, scope);
    }
    Some(Reading::new(Format::CoreMl, Facts::CoreMl(model)))
}

fn package(bytes: &[u8], model: &mut CoreMl) -> Option<()> {
    let root = document::json(bytes).ok()?;
    "package".clone_into(&mut model.kind);
    for (_, item) in root.get("itemInfoEntries")?.entries().iter().take(MOST) {
        model.files.extend(item.get("path").and_then(Json::text).map(str::to_owned));
    }
    Some(())
}

/// Most names of any kind that are kept.
const MOST: usize = 1_000;
/// How deep pipelines may lie in pipelines.
const DEPTH: usize = 16;

impl CoreMl {
    fn read(&mut self, bytes: &[u8], depth: usize, scope: &mut Scope<'_, '_>) {
        if depth == 0 {
            self.version = wire::number(bytes, 1).unwrap_or_default();
            self.metadata(wire::content(wire::content(bytes, 2), 100));
        }
        for field in wire::fields(bytes) {
            let Value::Bytes(content) = field.value else { continue };
            let Some((_, kind)) = KINDS.iter().find(|(number, _)| *number == field.number) else {
                continue;
            };
            if depth == 0 {
                (*kind).clone_into(&mut self.kind);
            }
            match field.number {
                200..=202 if depth < DEPTH => {
                    let pipeline =
                        if field.number == 202 { content } else { wire::content(content, 1) };
                    for inner in wire::contents(pipeline, 1) {
                        self.read(inner, depth.saturating_add(1), scope);
                    }
                }
                200..=202 => scope.gap(None, format!("pipelines lie more than {DEPTH} deep")),
                303 | 403 | 500 => {
                    for layer in wire::contents(content, 1) {
                        // NeuralNetworkLayer.custom, CustomLayerParams.className
                        for custom in wire::contents(layer, 500) {
                            self.custom(wire::text(custom, 10));
                        }
                    }
                }
                CUSTOM => self.custom(wire::text(content, 10)),
                // LinkedModelFile: default values of file name and search path.
                LINKED => texts(content, 0, &mut |text| {
                    self.file(text);
                }),
                PROGRAM => texts(content, 0, &mut |text| {
                    if text.contains("@model_path") || text.contains(".bin") {
                        self.file(text);
                    }
                }),
                SERIALISED => self.custom(wire::text(content, 1)),
                _ => {}
            }
        }
    }

    fn custom(&mut self, class: String) {
        if self.custom.len() < MOST {
            self.custom.insert(if class.is_empty() {
                "(without a name)".to_owned()
            } else {
                class
            });
        }
    }

    fn file(&mut self, text: &str) {
        if self.files.len() < MOST {
            self.files.insert(text.to_owned());
        }
    }

    /// `Metadata`: description, version, author, licence, and pairs that the user defined.
    fn metadata(&mut self, bytes: &[u8]) {
        for (number, name) in
            [(1, "description"), (2, "model version"), (3, "author"), (4, "licence")]
        {
            let text = wire::text(bytes, number);
            if !text.is_empty() {
                self.metadata.push((name.to_owned(), text));
            }
        }
        for pair in wire::contents(bytes, 100).take(MOST) {
            self.metadata.push((wire::text(pair, 1), wire::text(pair, 2)));
        }
    }

    /// Files in the words of the folder that the model lies in.
    pub(crate) fn relative(file: &str) -> &str {
        file.strip_prefix("@model_path/").unwrap_or(file)
    }
}

/// Every text in a message, as far as contents can be told for messages or texts.
fn texts(bytes: &[u8], depth: usize, visit: &mut dyn FnMut(&str)) {
    for field in wire::fields(bytes) {
        let Value::Bytes(content) = field.value else { continue };
        let text = std::str::from_utf8(content).ok().filter(|text| {
            content.len() <= 4096 && !text.is_empty() && !text.chars().any(char::is_control)
        });
        if let Some(text) = text {
            visit(text);
        } else if depth < 32 && wire::is_whole(content) {
            texts(content, depth.saturating_add(1), visit);
        }
    }
}
