//! The nodes of a graph and of the functions of its library.

use std::collections::{BTreeMap, BTreeSet};

use super::{MOST, Operator, TensorFlow, signature};
use crate::walk::Scope;
use crate::wire::{self, Value};

/// Most nodes of one graph or function.
const MOST_NODES: usize = 4_000_000;
/// Most texts that are kept for an operator.
const MOST_TEXTS: usize = 64;

/// What of the rest of a model bears on its graph.
#[derive(Default)]
pub(super) struct Context {
    /// Names of the tensor that saves the variables and of the operation that restores them.
    pub(super) savers: BTreeSet<String>,
    /// Names of the tensors that the loader replaces by the places of assets.
    pub(super) assets: BTreeSet<String>,
}

/// The operators with which a model saves and restores its own variables.
const SAVER: [&str; 10] = [
    "SaveV2",
    "RestoreV2",
    "MergeV2Checkpoints",
    "ShardedFilename",
    "ShardedFilespec",
    "Save",
    "SaveSlices",
    "Restore",
    "RestoreSlice",
    "CheckpointExists",
];

/// A node: its name, its operator, all of it.
type NodeDef<'a> = (&'a [u8], &'a [u8], &'a [u8]);

pub(super) fn read(
    bytes: &[u8],
    context: &Context,
    facts: &mut TensorFlow,
    scope: &mut Scope<'_, '_>,
) {
    if !wire::is_whole(bytes) {
        scope.gap(None, "a graph is cut off");
    }
    let top = nodes(bytes, 1, scope);
    // (name, nodes) of each function.
    let mut functions: Vec<(String, Vec<NodeDef<'_>>)> = Vec::new();
    for function in wire::contents(bytes, 2).flat_map(|library| wire::contents(library, 1)) {
        let name = wire::text(wire::content(function, 1), 1);
        functions.push((name, nodes(function, 3, scope)));
    }
    let known = functions.iter().map(|(name, _)| name.clone());
    facts.functions.extend(known);
    let saver = saver_functions(&top, &functions, context, &facts.functions);
    // Before functions were saved, the saver's operations lay in a name scope of the graph.
    let scopes: BTreeSet<&str> = context
        .savers
        .iter()
        .filter_map(|name| Some(name.trim_start_matches('^').rsplit_once('/')?.0))
        .collect();
    let in_scope = |node: &[u8]| {
        let node = String::from_utf8_lossy(node);
        scopes
            .iter()
            .any(|scope| node.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/')))
    };
    see("", &top, context, &|node| in_scope(node), facts);
    for (name, nodes) in &functions {
        let saves = saver.contains(name.as_str());
        see(name, nodes, context, &|_| saves, facts);
    }
    if facts.more_operators {
        scope.gap(None, format!("there are more than {MOST} operators"));
    }
}

fn nodes<'a>(bytes: &'a [u8], number: u64, scope: &mut Scope<'_, '_>) -> Vec<NodeDef<'a>> {
    let mut all: Vec<NodeDef<'a>> = Vec::new();
    for node in wire::contents(bytes, number) {
        if all.len() >= MOST_NODES {
            scope.gap(None, format!("a graph has more than {MOST_NODES} nodes"));
            break;
        }
        all.push((wire::content(node, 1), wire::content(node, 2), node));
    }
    all
}

/// The functions that nothing but the saver's own operations call.
fn saver_functions<'f>(
    top: &[NodeDef<'_>],
    functions: &'f [(String, Vec<NodeDef<'_>>)],
    context: &Context,
    known: &BTreeSet<String>,
) -> BTreeSet<&'f str> {
    let operation = |name: &str| {
        let name = name.trim_start_matches('^');
        name.split(':').next().unwrap_or(name).to_owned()
    };
    let savers: BTreeSet<String> = context.savers.iter().map(|name| operation(name)).collect();
    // Function to whether the saver and whether anything else calls it.
    let mut callers: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    let mut calls = |node: &NodeDef<'_>, is_saver: bool| {
        let mut called = BTreeSet::new();
        references(node.2, 0, &mut called);
        called.insert(String::from_utf8_lossy(node.1).into_owned());
        for name in called.into_iter().filter(|name| known.contains(name)) {
            let entry = callers.entry(name).or_default();
            entry.0 |= is_saver;
            entry.1 |= !is_saver;
        }
    };
    for node in top {
        calls(node, savers.contains(&*String::from_utf8_lossy(node.0)));
    }
    for node in functions.iter().flat_map(|(_, nodes)| nodes) {
        calls(node, false);
    }
    let only_saver = |name: &&str| callers.get(*name) == Some(&(true, false));
    functions.iter().map(|(name, _)| name.as_str()).filter(only_saver).collect()
}

/// The functions that the attributes of a node or of a function reference name.
fn references(bytes: &[u8], depth: usize, found: &mut BTreeSet<String>) {
    // Attributes are field 5 of a node, field 2 of a reference in an attribute.
    let number = if depth == 0 { 5 } else { 2 };
    if depth > 8 {
        return;
    }
    for attribute in wire::contents(bytes, number) {
        let value = wire::content(attribute, 2);
        let listed = wire::contents(value, 1).flat_map(|list| wire::contents(list, 9));
        for reference in wire::contents(value, 10).chain(listed) {
            found.insert(wire::text(reference, 1));
            references(reference, depth.saturating_add(1), found);
        }
    }
}

/// Counts the operators of a graph or function.
fn see(
    function: &str,
    nodes: &[NodeDef<'_>],
    context: &Context,
    saves: &dyn Fn(&[u8]) -> bool,
    facts: &mut TensorFlow,
) {
    let mut texts: Option<BTreeMap<&[u8], &[u8]>> = None;
    for (name, operator, node) in nodes {
        let operator_name = wire::shown(operator);
        if *operator == b"Const" {
            let tensor = attribute(node, b"value").map(|value| wire::content(value, 8));
            let elements = tensor.map(|tensor| {
                let kind = wire::number(tensor, 1).unwrap_or_default();
                signature::elements(kind, wire::content(tensor, 2))
            });
            facts.parameters = facts.parameters.saturating_add(elements.unwrap_or_default());
        }
        if facts.operators.len() >= MOST && !facts.operators.contains_key(&operator_name) {
            facts.more_operators = true;
            continue;
        }
        let saver = SAVER.contains(&operator_name.as_str()) && saves(name);
        let used = facts.operators.entry(operator_name).or_default();
        used.count = used.count.saturating_add(1);
        if saver {
            continue;
        }
        used.outside_saver = used.outside_saver.saturating_add(1);
        if used.place.is_empty() {
            let separator = if function.is_empty() { "" } else { "/" };
            used.place = format!("{function}{separator}{}", wire::shown(name));
        }
        // Which texts matter only the check knows; constants are looked up once for each graph.
        if used.texts.len() < MOST_TEXTS && takes_text(operator) {
            let texts = texts.get_or_insert_with(|| {
                let constants = nodes.iter().filter(|(_, operator, _)| *operator == b"Const");
                constants.map(|(name, _, node)| (*name, *node)).collect()
            });
            gather(node, texts, context, used);
        }
    }
}

/// Operators whose texts are never places: the many that compute.
fn takes_text(operator: &[u8]) -> bool {
    !matches!(
        operator,
        b"Const"
            | b"Identity"
            | b"NoOp"
            | b"MatMul"
            | b"AddV2"
            | b"BiasAdd"
            | b"ReadVariableOp"
            | b"Placeholder"
            | b"StatefulPartitionedCall"
            | b"PartitionedCall"
            | b"VarHandleOp"
    )
}

/// The texts in the attributes and the constant inputs of a node.
fn gather(node: &[u8], constants: &BTreeMap<&[u8], &[u8]>, context: &Context, used: &mut Operator) {
    let mut keep = |text: &[u8]| {
        if !text.is_empty() && used.texts.len() < MOST_TEXTS {
            used.texts.insert(wire::shown(text));
        }
    };
    for entry in wire::contents(node, 5) {
        // `_class`, `_output_shapes` and the like are notes for the runtime.
        if wire::content(entry, 1).starts_with(b"_") {
            continue;
        }
        let value = wire::content(entry, 2);
        let listed = wire::contents(value, 1).flat_map(|list| wire::contents(list, 2));
        wire::contents(value, 2).chain(listed).for_each(&mut keep);
    }
    for input in wire::contents(node, 3) {
        let end = input.iter().position(|byte| *byte == b':').unwrap_or(input.len());
        let name = input.get(..end).unwrap_or(input);
        let Some(constant) = constants.get(name) else { continue };
        let tensor = String::from_utf8_lossy(name);
        if context.assets.contains(&format!("{tensor}:0")) || context.assets.contains(&*tensor) {
            continue;
        }
        let tensor = attribute(constant, b"value").map(|value| wire::content(value, 8));
        for field in tensor.map(wire::fields).into_iter().flatten() {
            if let (8, Value::Bytes(text)) = (field.number, field.value) {
                keep(text);
            }
        }
    }
}

/// The value of an attribute.
fn attribute<'a>(node: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let entry = wire::contents(node, 5).find(|entry| wire::content(entry, 1) == key)?;
    Some(wire::content(entry, 2))
}
