//! Manifest of TorchServe model archives.

use std::collections::BTreeMap;

use crate::Format;
use crate::document::{self, Value, cut, may_hold, shown};
use crate::readers::Reader;
use crate::tree::{Facts, Reading};

/// What the manifest says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mar {
    /// Files that the manifest names, by what it takes them for.
    pub(crate) files: BTreeMap<String, Vec<String>>,
    /// Name, version, runtime, date.
    pub(crate) facts: BTreeMap<String, String>,
}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| may_hold(artifact.bytes, &["archiverVersion", "serializedFile", "handler"]),
    read: |artifact, _| {
        let root = document::json(artifact.bytes).ok()?;
        let model = root.get("model").filter(|model| {
            ["handler", "modelName", "serializedFile"].iter().any(|key| model.get(key).is_some())
        })?;
        let mut mar = Mar::default();
        for (of, key) in [
            (&root, "createdOn"),
            (&root, "runtime"),
            (&root, "archiverVersion"),
            (model, "modelName"),
            (model, "modelVersion"),
        ] {
            if let Some(value) = of.get(key) {
                mar.facts.insert(format!("manifest {key}"), value.shown());
            }
        }
        for key in [
            "handler",
            "modelFile",
            "serializedFile",
            "requirementsFile",
            "configFile",
            "extraFiles",
        ] {
            let files: Vec<String> = match model.get(key) {
                Some(Value::Text(text)) => text.split(',').map(name).collect(),
                Some(Value::List(items)) => {
                    items.iter().filter_map(Value::text).map(name).collect()
                }
                _ => continue,
            };
            mar.files.insert(key.to_owned(), files.into_iter().take(1000).collect());
        }
        Some(Reading::new(Format::TorchModelArchive, Facts::Mar(mar)))
    },
};

fn name(file: &str) -> String {
    shown(&cut(file.trim(), 1000))
}
