//! What a model should not hold: what loaders read differently, operators that run Python, hidden content.

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::Severity::{High, Low, Medium};
use caiso_inference::onnx::{Graph, Model, Tensor, TensorData};

use crate::readers::other::is_executable;
use crate::suspicion::Suspicions;
use crate::text_signs;

/// Operators that run Python: of ONNX Runtime, its training and its extensions.
const PYTHON: [&str; 8] = [
    "PyOp",
    "PyCustomOp",
    "PythonOp",
    "PythonOpGrad",
    "PyFunction",
    "PyFunctionOp",
    "PyFunc",
    "InvokeSubprocess",
];

/// No file is as long as this.
const BEYOND_ANY_FILE: u64 = 1 << 46;

/// What concerns the model as a whole.
pub(super) fn of_model(
    model: &Model<'_>,
    operators: &BTreeMap<(String, String), u64>,
    found: &mut Suspicions,
) {
    for (domain, operator) in operators.keys() {
        if PYTHON.contains(&operator.as_str()) {
            found.add(
                High,
                format!("operator {domain}::{operator}"),
                format!("the operator `{operator}` of the domain `{domain}` runs Python code in the process that serves the model"),
            );
        }
    }
    for (domain, name) in recursive(model) {
        found.add(
            High,
            format!("function {domain}::{name}"),
            format!("the function `{name}` calls itself: a loader that expands it does not end"),
        );
    }
    for field in &model.unknown {
        let (message, number, size) = (field.message, field.number, field.size);
        found.add(
            if size >= 64 { Medium } else { Low },
            format!("field {number} of {message}"),
            format!("{size} bytes lie in field {number} of {message}, which the format does not have: no loader reads them, so that something may be hidden there"),
        );
    }
    let docs =
        [("description", model.doc_string), ("description of the graph", model.graph.doc_string)];
    let metadata = model.metadata.iter().map(|(key, value)| (*key, *value));
    for (key, text) in metadata.chain(docs) {
        if let Some(sign) = text_signs::look(text) {
            let message = format!("the metadata `{key}` {}", sign.message);
            found.add(sign.severity, format!("metadata {key}"), message);
        }
    }
    let mut keys = BTreeSet::new();
    for (key, _) in &model.metadata {
        if !keys.insert(key) {
            let message = format!("the metadata `{key}` is given twice");
            found.add(Low, format!("metadata {key}"), message);
        }
    }
}

/// Names that are given twice in a graph.
pub(super) fn of_graph(graph: &Graph<'_>, found: &mut Suspicions) {
    let mut names = BTreeSet::new();
    let sparse = graph.sparse_initializers.iter().map(|sparse| &sparse.values);
    for tensor in graph.initializers.iter().chain(sparse) {
        if !names.insert(tensor.name) {
            found.add(
                High,
                format!("constant {}", tensor.name),
                format!("the constant `{}` is given twice: one loader takes the first, another the last", tensor.name),
            );
        }
    }
    let mut outputs = BTreeSet::new();
    let named = graph.nodes.iter().flat_map(|node| &node.outputs).filter(|name| !name.is_empty());
    for output in named {
        if !outputs.insert(*output) {
            let message = format!(
                "the value `{output}` is computed by two nodes: loaders differ in which they take"
            );
            found.add(High, format!("value {output}"), message);
        }
    }
}

/// Sizes that cannot be.
pub(super) fn of_tensor(tensor: &Tensor<'_>, found: &mut Suspicions) {
    if let TensorData::Raw(content) = &tensor.data
        && is_executable(content)
    {
        let message = format!("the bytes of the constant `{}` are a program", tensor.name);
        found.add(High, format!("constant {}", tensor.name), message);
    }
    let what = format!("tensor {}", tensor.name);
    let bytes = tensor
        .element_count()
        .zip(tensor.data_type.bits())
        .and_then(|(count, bits)| count.checked_mul(bits))
        .map(|bits| bits.div_ceil(8));
    if tensor.element_count().is_none() {
        let message =
            format!("the shape {:?} of `{}` overflows or is negative", tensor.dims, tensor.name);
        found.add(High, &what, message);
    }
    let too_large = bytes.is_none() && tensor.element_count() > Some(usize::MAX / 64);
    let listed = match &tensor.data {
        TensorData::Floats(values) => Some(values.len()),
        TensorData::Doubles(values) => Some(values.len()),
        TensorData::Strings(values) => Some(values.len()),
        _ => None,
    };
    if let (Some(listed), Some(count)) = (listed, tensor.element_count())
        && listed < count
    {
        let message = format!(
            "the tensor `{}` lists {listed} values, its shape asks for {count}",
            tensor.name
        );
        found.add(Medium, &what, message);
    }
    match tensor.data {
        TensorData::Raw(raw) if too_large || bytes.is_some_and(|bytes| bytes > raw.len()) => found.add(
            High,
            &what,
            format!(
                "the tensor `{}` ({} {:?}) has {} bytes, fewer than its size: a loader that does not check \
                 reads memory that is not the file's",
                tensor.name,
                tensor.data_type,
                tensor.dims,
                raw.len()
            ),
        ),
        TensorData::Raw(raw) if bytes.is_some_and(|bytes| bytes.saturating_add(64) < raw.len()) => found.add(
            Medium,
            &what,
            format!("the tensor `{}` carries {} bytes, more than its size: something may be hidden there", tensor.name, raw.len()),
        ),
        _ => {}
    }
    let number = |key: &str| {
        let mut values = tensor.external.iter().filter(|(name, _)| *name == key);
        values.next_back().and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let (offset, length) = (number("offset").unwrap_or(0), number("length"));
    let end = offset.checked_add(length.unwrap_or(0));
    if end.is_none_or(|end| end > BEYOND_ANY_FILE) {
        found.add(
            High,
            &what,
            format!(
                "the data of `{}` is said to end beyond any file (offset {offset}, length {length:?}): a \
                 loader allocates without bound or reckons with less than it reads",
                tensor.name
            ),
        );
    } else if let (Some(length), Some(bytes)) = (length, bytes)
        && u64::try_from(bytes).is_ok_and(|bytes| length < bytes)
    {
        let message = format!(
            "the data of `{}` is said to have {length} bytes in another file, its size is {bytes}",
            tensor.name
        );
        found.add(High, &what, message);
    }
}

/// Functions that call themselves, directly or by others.
fn recursive(model: &Model<'_>) -> Vec<(String, String)> {
    type Name = (String, String);
    let key = |domain: &str, name: &str| (domain.to_owned(), name.to_owned());
    let mut calls: BTreeMap<Name, BTreeSet<Name>> = BTreeMap::new();
    for function in &model.functions {
        let called = function.nodes.iter().map(|node| key(node.domain, node.op_type));
        calls.entry(key(function.domain, function.name)).or_default().extend(called);
    }
    let reaches = |start: &Name| {
        let mut seen: BTreeSet<&Name> = BTreeSet::new();
        let mut next: Vec<&Name> = calls.get(start).into_iter().flatten().collect();
        while let Some(name) = next.pop() {
            if name == start {
                return true;
            }
            if seen.insert(name) {
                next.extend(calls.get(name).into_iter().flatten());
            }
        }
        false
    };
    calls.keys().filter(|name| reaches(name)).cloned().collect()
}
