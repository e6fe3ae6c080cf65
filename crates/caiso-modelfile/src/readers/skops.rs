//! Schema of skops files.

mod trusted;

use std::collections::BTreeMap;

use crate::Format;
use crate::document::{self, Value, cut, may_hold, shown};
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Scope};

/// Most nodes that are kept.
const MAX_NODES: usize = 200_000;

/// What the schema says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Skops {
    /// Every object that is built, once for each way of building it, with the first place.
    pub(crate) nodes: Vec<Node>,
    /// Version of skops that wrote it.
    pub(crate) version: String,
    /// Estimators with their numbers.
    pub(crate) estimators: BTreeMap<String, u64>,
    /// Parameters of the outermost estimator.
    pub(crate) parameters: String,
}

/// An object of the schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(crate) module: String,
    pub(crate) class: String,
    pub(crate) loader: String,
    /// For a bound method: its name and the object it is bound to, as the content says.
    pub(crate) method: Option<(String, String)>,
    /// For an operator: its arguments.
    pub(crate) arguments: String,
    pub(crate) at: String,
}

impl Skops {
    /// What is worth telling about the model.
    pub(crate) fn describe(&self, facts: &mut BTreeMap<String, String>) {
        facts.insert("skops version".to_owned(), self.version.clone());
        let estimators = self.estimators.iter().map(|(class, count)| format!("{class}: {count}"));
        facts.insert("classes".to_owned(), shown(&estimators.collect::<Vec<_>>().join(", ")));
        facts.insert("parameters of the model".to_owned(), self.parameters.clone());
        facts.retain(|_, value| !value.is_empty());
    }
}

impl Node {
    /// Whether the node names a function of numpy or scipy that only computes.
    pub(crate) fn only_computes(&self) -> bool {
        let listed = |names: &str| names.split_ascii_whitespace().any(|name| name == self.class);
        match self.module.as_str() {
            "numpy" => listed(trusted::NUMPY),
            "scipy.special" | "scipy.special._ufuncs" | "scipy.special._special_ufuncs" => {
                listed(trusted::SCIPY_SPECIAL)
            }
            _ => false,
        }
    }
}

pub(crate) const READER: Reader =
    Reader { claims: |artifact| may_hold(artifact.bytes, &["__loader__", "_skops_version"]), read };

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let root = match document::json(artifact.bytes) {
        Ok(root) => root,
        Err(error) => {
            memchr::memmem::find(artifact.bytes, b"\"__loader__\"")?;
            scope.gap(None, format!("the schema is no JSON: {}", error.0));
            return Some(reading(Skops::default()));
        }
    };
    let mut skops = Skops::default();
    let mut nodes: BTreeMap<Node, String> = BTreeMap::new();
    root.walk(&mut |at, value| {
        if value.get("__loader__").is_none() || nodes.len() >= MAX_NODES {
            return;
        }
        let node = node(value);
        if node.module.starts_with("sklearn.") && node.loader == "ObjectNode" {
            let count = skops.estimators.entry(node.class.clone()).or_default();
            *count = count.saturating_add(1);
        }
        nodes.entry(node).or_insert_with(|| at.to_owned());
    });
    if nodes.is_empty() {
        return None;
    }
    if nodes.len() >= MAX_NODES {
        scope.gap(None, format!("the schema has more than {MAX_NODES} objects"));
    }
    skops.nodes = nodes.into_iter().map(|(node, at)| Node { at, ..node }).collect();
    skops.version = shown(root.text_of("_skops_version").unwrap_or_default());
    skops.parameters = parameters(&root);
    Some(reading(skops))
}

fn reading(skops: Skops) -> Reading {
    Reading::new(Format::Skops, Facts::Skops(skops))
}

fn node(value: &Value) -> Node {
    let text = |key: &str| match value.get(key) {
        Some(Value::Text(text)) => cut(text, 300).into_owned(),
        Some(other) => cut(&other.shown(), 300).into_owned(),
        None => String::new(),
    };
    let content = value.get("content");
    let method = content.and_then(|content| {
        let object = content.get("obj")?;
        let bound = format!(
            "{}.{}",
            object.text_of("__module__").unwrap_or_default(),
            object.text_of("__class__").unwrap_or_default()
        );
        Some((content.text_of("func")?.to_owned(), bound))
    });
    let arguments = value.get("attrs").map(|attrs| {
        let mut found = String::new();
        attrs.walk(&mut |_, inner| {
            if let Some(content) = inner.text_of("content")
                && found.len() < 300
            {
                found.push_str(if found.is_empty() { "" } else { ", " });
                found.push_str(content);
            }
        });
        cut(&found, 300).into_owned()
    });
    Node {
        module: text("__module__"),
        class: text("__class__"),
        loader: text("__loader__"),
        method: method
            .map(|(name, bound)| (cut(&name, 300).into_owned(), cut(&bound, 300).into_owned())),
        arguments: arguments.unwrap_or_default(),
        at: String::new(),
    }
}

/// `max_depth=2, n_estimators=3`: the plain values of the outermost object.
fn parameters(root: &Value) -> String {
    let content = root.get("content").and_then(|content| content.get("content"));
    let plain =
        content.map(Value::entries).unwrap_or_default().iter().filter_map(|(key, value)| {
            let json = value.text_of("__loader__") == Some("JsonNode") && !key.ends_with('_');
            json.then(|| format!("{key}={}", value.text_of("content").unwrap_or_default()))
        });
    shown(&plain.take(100).collect::<Vec<_>>().join(", "))
}
