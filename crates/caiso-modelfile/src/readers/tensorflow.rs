//! TensorFlow SavedModels, graphs, and what lies beside them. The messages are walked in place: a
//! tensor's content is stepped over, never decoded. Field numbers are those of
//! <https://github.com/tensorflow/tensorflow/tree/master/tensorflow/core/protobuf>.

mod graph;
mod signature;

use std::collections::{BTreeMap, BTreeSet};

use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};
use crate::wire::{self, Value};

/// Most entries of any list of facts.
const MOST: usize = 4_000;

/// What a SavedModel or a graph says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct TensorFlow {
    /// Versions of TensorFlow that wrote the graphs.
    pub(crate) versions: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
    /// `serving_default: (x: float [?, 12]) -> (y: float [?, 1])`.
    pub(crate) signatures: Vec<String>,
    /// Operator to its uses, in the graphs and the functions of their libraries.
    pub(crate) operators: BTreeMap<String, Operator>,
    /// Whether there are more operators than are listed.
    pub(crate) more_operators: bool,
    /// Names of the functions that the file defines.
    pub(crate) functions: BTreeSet<String>,
    /// Files that are read beside the model, as written.
    pub(crate) assets: BTreeSet<String>,
    /// Elements of the floating-point variables and constants.
    pub(crate) parameters: u64,
    /// Kinds of the objects that Keras and others keep beside the graph, with their number.
    pub(crate) objects: BTreeMap<String, u64>,
}

/// The uses of an operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operator {
    /// Nodes.
    pub(crate) count: u64,
    /// Nodes that are not part of saving and restoring the model's own variables.
    pub(crate) outside_saver: u64,
    /// The first of these, as `function/node`.
    pub(crate) place: String,
    /// Texts given to these: attributes, and inputs that are constants of the same graph.
    pub(crate) texts: BTreeSet<String>,
}

impl TensorFlow {
    /// For the description of a file.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let list = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let nodes =
            self.operators.values().fold(0, |sum: u64, used| sum.saturating_add(used.count));
        let objects = self.objects.iter().map(|(kind, count)| format!("{kind} {count}"));
        vec![
            ("tensorflow version", list(&self.versions)),
            ("tags", list(&self.tags)),
            ("signatures", self.signatures.join("; ")),
            ("nodes", nodes.to_string()),
            ("operators", self.operators.len().to_string()),
            ("functions", self.functions.len().to_string()),
            ("parameters", self.parameters.to_string()),
            ("assets", list(&self.assets)),
            ("objects", objects.collect::<Vec<_>>().join(", ")),
        ]
    }
}

pub(crate) const READER: Reader = Reader { claims: |artifact| kind(artifact).is_some(), read };

enum Kind {
    SavedModel,
    MetaGraph,
    Graph,
    /// The layers of a SavedModel that Keras 2 wrote.
    KerasMetadata,
    Fingerprint,
    Checkpoint,
}

/// Tells whether a content is of a kind.
type Is = fn(&[u8]) -> bool;

fn kind(artifact: &Artifact<'_>) -> Option<Kind> {
    let bytes = artifact.bytes;
    // The footer of a table of LevelDB, in which a checkpoint lists its tensors.
    if bytes.len() >= 48 && bytes.ends_with(b"\x57\xfb\x80\x8b\x24\x75\x47\xdb") {
        return Some(Kind::Checkpoint);
    }
    let kinds: [(Is, Kind); 5] = [
        (is_saved_model, Kind::SavedModel),
        (is_graph, Kind::Graph),
        (is_meta_graph, Kind::MetaGraph),
        (is_keras_metadata, Kind::KerasMetadata),
        (is_fingerprint, Kind::Fingerprint),
    ];
    if let Some((_, kind)) = kinds.into_iter().find(|(is, _)| is(bytes)) {
        return Some(kind);
    }
    is_checkpoint_shard(artifact.name).then_some(Kind::Checkpoint)
}

/// `variables.data-00000-of-00001`: numbers without a mark, so the name has to tell.
fn is_checkpoint_shard(name: &str) -> bool {
    let shard = name.rsplit_once(".data-").and_then(|(_, shard)| shard.split_once("-of-"));
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    shard.is_some_and(|(shard, count)| digits(shard) && digits(count))
}

/// Version and graphs; or, as TensorFlow steps over fields that it does not know and needs no version,
/// a graph with nodes where a SavedModel has it.
fn is_saved_model(bytes: &[u8]) -> bool {
    let (mut version, mut graphs, mut only) = (false, false, true);
    for field in wire::fields(bytes).take(64) {
        match (field.number, field.value) {
            (1, Value::Varint(1)) => version = true,
            (2, Value::Bytes(graph)) if is_meta_graph_like(graph) => graphs = true,
            _ => only = false,
        }
    }
    let holds_nodes = || {
        let graphs =
            wire::contents(bytes, 2).take(64).flat_map(|meta| wire::contents(meta, 2).take(64));
        graphs.into_iter().any(is_graph)
    };
    version && graphs && only || holds_nodes()
}

/// A message whose fields are all contents and numbered as those of a MetaGraphDef.
fn is_meta_graph_like(bytes: &[u8]) -> bool {
    let mut some = false;
    for field in wire::fields(bytes) {
        match (field.number, field.value) {
            (1..=7, Value::Bytes(_)) => some = true,
            _ => return false,
        }
    }
    some
}

/// A description of the graph with its tags or versions, or nothing, and a graph.
fn is_meta_graph(bytes: &[u8]) -> bool {
    let about = wire::content(bytes, 1);
    let described = about.is_empty() || wire::fields(about).next().is_some();
    described && !wire::content(bytes, 2).is_empty() && is_graph(wire::content(bytes, 2))
}

/// Nodes; fields that a graph does not have are stepped over as TensorFlow does.
fn is_graph(bytes: &[u8]) -> bool {
    let mut nodes = 0_usize;
    for field in wire::fields(bytes).take(64) {
        match (field.number, field.value) {
            (1, Value::Bytes(node)) if is_node(node) => nodes = nodes.saturating_add(1),
            (2 | 4 | 5, Value::Bytes(_)) | (3, Value::Varint(_)) => {}
            (1..=5, _) => return false,
            _ => {}
        }
    }
    nodes > 0
}

fn is_node(bytes: &[u8]) -> bool {
    let name = wire::content(bytes, 1);
    let operator = wire::content(bytes, 2);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./\\->".contains(byte);
    let first = operator.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    first && operator.iter().all(is_name) && !name.is_empty() && name.iter().all(is_name)
}

fn is_keras_metadata(bytes: &[u8]) -> bool {
    let mut nodes = wire::fields(bytes).take(8).peekable();
    nodes.peek().is_some()
        && nodes.all(|field| {
            matches!((field.number, field.value), (1, Value::Bytes(node))
                if wire::content(node, 4).starts_with(b"_tf_keras_"))
        })
}

/// Five hashes, a version, sometimes an identifier.
fn is_fingerprint(bytes: &[u8]) -> bool {
    let mut hashes = 0_u64;
    bytes.len() < 512
        && wire::is_whole(bytes)
        && wire::fields(bytes).all(|field| match (field.number, field.value) {
            (1..=5, Value::Varint(_)) => {
                hashes = hashes.saturating_add(1);
                true
            }
            (6 | 7, Value::Bytes(_)) => true,
            _ => false,
        })
        && hashes == 5
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let bytes = artifact.bytes;
    let kind = kind(artifact)?;
    if matches!(kind, Kind::Checkpoint) {
        return Some(Reading::new(Format::TensorFlowCheckpoint, Facts::Nothing));
    }
    if !wire::is_whole(bytes) {
        let reason = "begins like a TensorFlow file and is cut off, or holds something else too";
        scope.gap(None, reason);
    }
    let mut facts = TensorFlow::default();
    let format = match kind {
        Kind::Fingerprint => return Some(Reading::new(Format::SavedModel, Facts::Nothing)),
        Kind::KerasMetadata => {
            let layers = wire::contents(bytes, 1)
                .map(|layer| (wire::text(layer, 3), wire::content(layer, 5)));
            keras_layers(layers, scope);
            return Some(Reading::new(Format::KerasConfiguration, Facts::Nothing));
        }
        Kind::SavedModel => {
            for graph in wire::contents(bytes, 2) {
                meta_graph(graph, &mut facts, scope);
            }
            Format::SavedModel
        }
        Kind::MetaGraph => {
            meta_graph(bytes, &mut facts, scope);
            Format::FrozenGraph
        }
        Kind::Graph | Kind::Checkpoint => {
            graph::read(bytes, &graph::Context::default(), &mut facts, scope);
            Format::FrozenGraph
        }
    };
    Some(Reading::new(format, Facts::TensorFlow(facts)))
}

fn meta_graph(bytes: &[u8], facts: &mut TensorFlow, scope: &mut Scope<'_, '_>) {
    if !wire::is_whole(bytes) {
        scope.gap(None, "a graph is cut off");
    }
    for about in wire::contents(bytes, 1) {
        facts.tags.extend(wire::contents(about, 4).take(MOST).map(wire::shown));
        let version = wire::text(about, 5);
        if !version.is_empty() {
            facts.versions.insert(version);
        }
    }
    let mut context = graph::Context::default();
    // A decoder merges what is given twice, so every saver is looked at.
    for saver in wire::contents(bytes, 3) {
        context.savers.extend([2, 3].map(|name| wire::text(saver, name)));
    }
    for asset in wire::contents(bytes, 6) {
        if facts.assets.len() < MOST {
            facts.assets.insert(wire::text(asset, 2));
        }
        context.assets.insert(wire::text(wire::content(asset, 1), 1));
    }
    for graph in wire::contents(bytes, 2) {
        graph::read(graph, &context, facts, scope);
    }
    let signatures = wire::contents(bytes, 5).take(MOST);
    facts.signatures.extend(signatures.map(signature::describe));
    let mut layers = Vec::new();
    for object in wire::contents(bytes, 7).flat_map(|objects| wire::contents(objects, 1)) {
        for user in wire::contents(object, 4) {
            let identifier = wire::text(user, 1);
            let metadata = wire::content(user, 3);
            if metadata.starts_with(b"{") {
                layers.push((identifier.clone(), metadata));
            }
            if facts.objects.len() < MOST {
                let count = facts.objects.entry(identifier).or_default();
                *count = count.saturating_add(1);
            }
        }
        for variable in wire::contents(object, 7) {
            let elements = signature::elements(
                wire::number(variable, 1).unwrap_or_default(),
                wire::content(variable, 2),
            );
            facts.parameters = facts.parameters.saturating_add(elements);
        }
    }
    keras_layers(layers.into_iter(), scope);
}

/// Hands the configurations of layers to the reader of Keras.
fn keras_layers<'a>(layers: impl Iterator<Item = (String, &'a [u8])>, scope: &mut Scope<'_, '_>) {
    for (index, (path, json)) in layers.filter(|(_, json)| !json.is_empty()).enumerate() {
        if index >= MOST {
            return scope.gap(None, format!("there are more than {MOST} layers"));
        }
        let name = if path.is_empty() { format!("layer {index}") } else { path };
        scope.part(&format!("{name} (Keras metadata)"), json, Expect::Data);
    }
}
