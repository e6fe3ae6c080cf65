//! Configuration, tokenizers and templates of Hugging Face models, and model cards.

use std::collections::{BTreeMap, BTreeSet};

use crate::Format;
use crate::document::{self, Value, cut, may_hold, shown};
use crate::readers::{Reader, other};
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Scope};

/// Most entries of a list of facts.
const MAX_LISTED: usize = 2_000;

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    /// Code that the loader is to run: where it is named, and as what.
    pub(crate) code: Vec<Named>,
    /// Native code that is fetched from elsewhere.
    pub(crate) kernels: Vec<Named>,
    /// Python objects that are imported by their dotted names.
    pub(crate) imports: Vec<Named>,
    /// Where `trust_remote_code` is true.
    pub(crate) trusts: Vec<String>,
    /// Files that hold the weights.
    pub(crate) weight_files: BTreeSet<String>,
    /// Chat templates, by their names.
    pub(crate) templates: Vec<Named>,
    /// Architecture, licence, versions, sizes.
    pub(crate) facts: BTreeMap<String, String>,
}

/// A key and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) at: String,
    pub(crate) value: String,
}

/// Keys that only these configurations have.
const MARKS: [&str; 22] = [
    "architectures",
    "model_type",
    "transformers_version",
    "auto_map",
    "auto_mapping",
    "trust_remote_code",
    "custom_pipelines",
    "chat_template",
    "tokenizer_class",
    "weight_map",
    "peft_type",
    "_class_name",
    "_diffusers_version",
    "processor_class",
    "image_processor_type",
    "feature_extractor_type",
    "_name_or_path",
    "base_model_name_or_path",
    "attn_implementation",
    "_attn_implementation",
    "added_tokens_decoder",
    "log_history",
];

pub(crate) const READER: Reader = Reader {
    claims: |artifact| {
        may_hold(artifact.bytes, &MARKS)
            || is_module_list(artifact.bytes)
            || front_matter(artifact.bytes).is_some()
            || is_template(artifact)
    },
    read,
};

/// `modules.json` of sentence-transformers, a list.
fn is_module_list(bytes: &[u8]) -> bool {
    let window = bytes.get(..4096).unwrap_or(bytes);
    let holds = |needle: &[u8]| memchr::memmem::find(window, needle).is_some();
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
        && holds(b"\"type\"")
        && holds(b"\"idx\"")
        && holds(b"\"path\"")
}

/// A chat template that lies in a file of its own.
fn is_template(artifact: &Artifact<'_>) -> bool {
    if !other::begins_like_text(artifact.bytes) {
        return false;
    }
    // Sources and cards that hold or explain a template are none.
    if matches!(artifact.extension().as_str(), "py" | "pyi" | "md" | "rst" | "html" | "ipynb") {
        return false;
    }
    let holds = |needle: &[u8]| memchr::memmem::find(artifact.bytes, needle).is_some();
    let marked = artifact.extension() == "jinja" || artifact.extension() == "j2";
    (marked || holds(b"messages")) && holds(b"{%") && holds(b"%}") && artifact.bytes.first() != Some(&b'{')
        || marked && holds(b"{{")
        // A JSON configuration never begins so.
        || artifact.bytes.starts_with(b"{%") || artifact.bytes.starts_with(b"{{-")
}

/// The YAML between the first two `---` of a model card.
fn front_matter(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let rest = bytes.strip_prefix(b"---\n").or_else(|| bytes.strip_prefix(b"---\r\n"))?;
    let window = rest.get(..1 << 20).unwrap_or(rest);
    let end = memchr::memmem::find(window, b"\n---")?;
    let (yaml, after) = rest.split_at_checked(end.checked_add(1)?)?;
    // Documents of a stream are no card: text follows a card.
    let keys =
        [&b"license"[..], b"datasets", b"library_name", b"pipeline_tag", b"base_model", b"tags"];
    let starts = |key: &&[u8]| {
        yaml.starts_with(key) || memchr::memmem::find(yaml, &[b"\n", *key].concat()).is_some()
    };
    (keys.iter().any(starts) && !after.is_empty()).then_some(yaml)
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut found = Configuration::default();
    if let Some(yaml) = front_matter(artifact.bytes) {
        match document::yaml(yaml) {
            Ok(yaml) => found.card(yaml.documents.first()?),
            Err(error) => scope.gap(None, format!("the front of the model card: {}", error.0)),
        }
    } else if is_template(artifact) {
        let text = document::text(artifact.bytes)?;
        found.templates.push(Named { at: "template".to_owned(), value: text.into_owned() });
    } else {
        let root = match document::json(artifact.bytes) {
            Ok(root) => root,
            Err(error) => {
                let marks = ["auto_map", "architectures", "weight_map", "chat_template"];
                let known = |mark: &&str| memchr::memmem::find(artifact.bytes, mark.as_bytes());
                marks.iter().find_map(known)?;
                scope.gap(None, format!("the configuration is no JSON: {}", error.0));
                return Some(found.reading());
            }
        };
        let marked = |key: &str| root.get(key).is_some();
        if !MARKS.iter().any(|mark| marked(mark)) && root.items().is_empty() {
            return None;
        }
        found.configuration(&root);
    }
    Some(found.reading())
}

impl Configuration {
    fn reading(self) -> Reading {
        Reading::new(Format::HuggingFaceConfiguration, Facts::HuggingFace(self))
    }

    fn card(&mut self, card: &Value) {
        let keys = [
            "license",
            "license_name",
            "license_link",
            "language",
            "datasets",
            "metrics",
            "tags",
            "library_name",
            "pipeline_tag",
            "base_model",
            "model_name",
        ];
        for key in keys {
            if let Some(value) = card.get(key) {
                self.facts.insert(format!("card {key}"), value.shown());
            }
        }
    }

    fn configuration(&mut self, root: &Value) {
        let keys = [
            "architectures",
            "model_type",
            "transformers_version",
            "torch_dtype",
            "dtype",
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "max_position_embeddings",
            "tokenizer_class",
            "license",
            "_name_or_path",
            "base_model_name_or_path",
            "peft_type",
            "_class_name",
            "_diffusers_version",
            "quantization_config",
            "problem_type",
            "id2label",
        ];
        for key in keys {
            if let Some(value) = root.get(key).filter(|value| **value != Value::Null) {
                self.facts.insert(key.trim_start_matches('_').to_owned(), value.shown());
            }
        }
        // The traces of a training that `trainer_state.json` keeps.
        for key in ["epoch", "global_step", "best_metric", "max_steps", "train_batch_size"] {
            if root.get("log_history").is_some()
                && let Some(value) = root.get(key)
            {
                self.facts.insert(format!("training {key}"), value.shown());
            }
        }
        let total = root.get("metadata").and_then(|metadata| metadata.get("total_size"));
        if let Some(total) = total {
            self.facts.insert("weights size".to_owned(), total.shown());
        }
        for (_, file) in root.get("weight_map").map(Value::entries).unwrap_or_default() {
            if let Some(file) = file.text()
                && self.weight_files.len() < MAX_LISTED
            {
                self.weight_files.insert(cut(file, 1000).into_owned());
            }
        }
        self.pipeline(root);
        // The configuration of a model inside a model counts like its own.
        root.walk(&mut |at, value| self.value(at, value));
        for (index, module) in root.items().iter().enumerate() {
            if let Some(class) = module.text_of("type") {
                push(&mut self.imports, &format!("[{index}].type"), class);
            }
        }
    }

    /// `model_index.json` of diffusers: each component with its library and class.
    fn pipeline(&mut self, root: &Value) {
        if root.get("_diffusers_version").is_none() && root.get("_class_name").is_none() {
            return;
        }
        if let Some(Value::List(items)) = root.get("_class_name")
            && let [library, class] = items.as_slice()
        {
            let named = format!("{}.{}", library.shown(), class.shown());
            push(&mut self.code, "_class_name", &named);
        }
        for (key, value) in root.entries() {
            if let [Value::Text(library), Value::Text(class)] = value.items()
                && key != "_class_name"
            {
                push(&mut self.imports, &key.clone(), &format!("{library}.{class}"));
            }
        }
    }

    fn value(&mut self, at: &str, value: &Value) {
        for (key, inner) in value.entries() {
            let place =
                || if at.is_empty() { cut(key, 100).into_owned() } else { format!("{at}.{key}") };
            match key.as_str() {
                "auto_map" => {
                    inner.walk(&mut |below, leaf| {
                        if let Some(text) = leaf.text() {
                            push(&mut self.code, &format!("{}.{below}", place()), text);
                        }
                    });
                }
                "custom_pipelines" => {
                    for (name, pipeline) in inner.entries() {
                        let code = pipeline.text_of("impl").unwrap_or(name);
                        push(&mut self.code, &format!("{}.{name}", place()), code);
                    }
                }
                "custom_pipeline" | "custom_generate" | "custom_generation" => {
                    if let Some(text) = inner.text() {
                        push(&mut self.code, &place(), text);
                    }
                }
                "trust_remote_code"
                    if matches!(inner, Value::Bool(true)) && self.trusts.len() < MAX_LISTED =>
                {
                    self.trusts.push(place());
                }
                "attn_implementation"
                | "_attn_implementation"
                | "_attn_implementation_internal"
                | "experts_implementation"
                | "_experts_implementation" => {
                    inner.walk(&mut |_, leaf| {
                        if let Some(text) = leaf.text().filter(|text| text.contains('/')) {
                            push(&mut self.kernels, &place(), text);
                        }
                    });
                }
                "parent_library" => {
                    if let Some(text) = inner.text() {
                        let class = value.text_of("base_model_class").unwrap_or("module");
                        push(&mut self.imports, &place(), &format!("{text}.{class}"));
                    }
                }
                "chat_template" => match inner {
                    Value::Text(text) => self.template(&place(), text),
                    Value::List(items) => {
                        for (index, item) in items.iter().enumerate() {
                            if let Some(text) = item.text_of("template") {
                                self.template(&format!("{}[{index}]", place()), text);
                            }
                        }
                    }
                    Value::Map(entries) => {
                        for (name, text) in entries {
                            if let Some(text) = text.text() {
                                self.template(&format!("{}.{name}", place()), text);
                            }
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn template(&mut self, at: &str, text: &str) {
        if self.templates.len() < 100 {
            self.templates.push(Named { at: shown(at), value: text.to_owned() });
        }
    }
}

fn push(list: &mut Vec<Named>, at: &str, value: &str) {
    if list.len() < MAX_LISTED {
        list.push(Named { at: shown(at), value: shown(&cut(value, 300)) });
    }
}
