//! The description of an ONNX file: what it says about itself, and what it refers to.

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::NotAssessed;
use caiso_core::Severity::High;
use caiso_inference::onnx::{
    AttributeValue, DecodeError, Dimension, Graph, Model, Node, STANDARD_DOMAIN, Tensor,
    TensorData, ValueInfo, ValueType,
};

use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::tree::{Facts, Reading};
use crate::{Format, wire};

mod tricks;

pub(crate) const READER: Reader = Reader {
    claims: |artifact| claims(artifact.bytes),
    read: |artifact, scope| {
        let facts = match describe(artifact.bytes) {
            Ok(description) => Facts::Onnx(Box::new(description)),
            Err(Unread::Ambiguous(reason)) => {
                scope.gap(None, format!("the model cannot be described: {reason}"));
                let mut suspicions = Suspicions::default();
                let message = format!(
                    "{reason}: loaders differ in which they take, so that the model that was looked at \
                     need not be the one that runs"
                );
                suspicions.add(High, "model", message);
                Facts::OnnxAmbiguous(suspicions)
            }
            Err(Unread::Other(reason)) => {
                scope.gap(None, format!("begins like an ONNX model but cannot be read: {reason}"));
                Facts::Nothing
            }
        };
        Some(Reading::new(Format::Onnx, facts))
    },
};

/// An IR version in field 1, and a graph (7) or operator sets (8), each itself a message.
fn claims(bytes: &[u8]) -> bool {
    let mut version = None;
    let mut model_part = false;
    for field in wire::fields(bytes).take(4096) {
        match (field.number, field.value) {
            (1, wire::Value::Varint(number)) if version.is_none() => version = Some(number),
            (7 | 8, wire::Value::Bytes(message)) if wire::looks_like_a_message(message) => {
                model_part = true;
            }
            (2 | 3 | 4 | 6, wire::Value::Bytes(_)) | (5, wire::Value::Varint(_)) => {}
            // A known number with the wrong type: some other protocol buffer.
            (1..=8, _) => return false,
            _ => {}
        }
    }
    model_part && matches!(version, Some(1..=1000))
}

/// What an ONNX file says and holds. Domains are written out: `ai.onnx`, not the empty string.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Description {
    pub(crate) ir_version: i64,
    /// Name and version of the tool that wrote the file.
    pub(crate) producer: String,
    pub(crate) domain: String,
    pub(crate) model_version: i64,
    pub(crate) graph_name: String,
    /// Domain to version.
    pub(crate) operator_sets: BTreeMap<String, i64>,
    /// (domain, operator) to number of nodes, in the graph, its subgraphs and functions.
    pub(crate) operators: BTreeMap<(String, String), u64>,
    /// (domain, name) of the operators that the file defines itself.
    pub(crate) functions: BTreeSet<(String, String)>,
    /// Elements of all floating-point initializers.
    pub(crate) parameters: u64,
    /// Element type to number of constants of that type.
    pub(crate) elements: BTreeMap<String, u64>,
    /// `features: float [batch, 12]`.
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) metadata: Vec<(String, String)>,
    /// One entry for each location that a tensor names; more than one for a tensor is possible.
    pub(crate) external: Vec<ExternalTensor>,
    /// What loaders read differently, or should not be there.
    pub(crate) structure: Suspicions,
    /// Parts of the file that the reader does not decode: `1 attribute of unknown kind`.
    unread: Vec<String>,
}

/// A tensor whose data lies in another file, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExternalTensor {
    pub(crate) name: String,
    pub(crate) location: String,
    pub(crate) offset: Option<String>,
    pub(crate) length: Option<String>,
}

impl Description {
    /// What none of the checks of an ONNX file has seen.
    pub(crate) fn not_read(&self) -> Option<NotAssessed> {
        (!self.unread.is_empty()).then(|| NotAssessed {
            what: self.unread.join(", "),
            reason: "this version does not read these parts of an ONNX file".to_owned(),
            remedy: "export the model for inference only, with dense tensors".to_owned(),
        })
    }
}

/// Why a file cannot be described.
pub(crate) enum Unread {
    Ambiguous(String),
    Other(String),
}

/// Describes a file; the reason why it cannot be read otherwise.
pub(crate) fn describe(bytes: &[u8]) -> Result<Description, Unread> {
    let model = Model::decode(bytes).map_err(|error| match error {
        DecodeError::Ambiguous { .. } => Unread::Ambiguous(error.to_string()),
        _ => Unread::Other(error.to_string()),
    })?;
    let mut description = Description {
        ir_version: model.ir_version,
        producer: format!("{} {}", model.producer_name, model.producer_version).trim().to_owned(),
        domain: model.domain.to_owned(),
        model_version: model.model_version,
        graph_name: model.graph.name.to_owned(),
        functions: model
            .functions
            .iter()
            .map(|function| (domain_name(function.domain), function.name.to_owned()))
            .collect(),
        parameters: model.parameter_count(),
        inputs: inputs(&model.graph),
        outputs: model.graph.outputs.iter().map(value).collect(),
        metadata: model
            .metadata
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect(),
        ..Description::default()
    };
    let function_imports = model.functions.iter().flat_map(|function| &function.opset_imports);
    for import in model.opset_imports.iter().chain(function_imports) {
        let version = description.operator_sets.entry(domain_name(import.domain)).or_default();
        *version = import.version.max(*version);
    }
    // The IR specification demands at least one; a file cut off behind its graph has none.
    if description.operator_sets.is_empty() {
        let reason = "it imports no operator set; the file may be cut off";
        return Err(Unread::Other(reason.to_owned()));
    }
    for used in model.operators() {
        let count = u64::try_from(used.count).unwrap_or(u64::MAX);
        description.operators.insert((used.domain, used.operator), count);
    }
    let mut constants = Constants::default();
    constants.of_graph(&model.graph);
    for function in &model.functions {
        constants.of_nodes(&function.nodes);
    }
    for training in &model.training {
        for graph in training.initialization.iter().chain(&training.algorithm) {
            constants.of_graph(graph);
        }
    }
    match constants.other {
        0 => {}
        1 => description.unread.push("1 attribute of unknown kind".to_owned()),
        count => description.unread.push(format!("{count} attributes of unknown kind")),
    }
    description.elements = constants.elements;
    description.external = constants.external;
    description.structure = constants.structure;
    tricks::of_model(&model, &description.operators, &mut description.structure);
    Ok(description)
}

fn domain_name(domain: &str) -> String {
    if domain.is_empty() { STANDARD_DOMAIN } else { domain }.to_owned()
}

/// The inputs that a caller has to give: before IR version 4 the initializers are among them.
fn inputs(graph: &Graph<'_>) -> Vec<String> {
    let constants: BTreeSet<&str> = graph.initializers.iter().map(|tensor| tensor.name).collect();
    graph.inputs.iter().filter(|input| !constants.contains(input.name)).map(value).collect()
}

/// `features: float [batch, 12]`.
fn value(value: &ValueInfo<'_>) -> String {
    let kind = match &value.kind {
        ValueType::Tensor { element, shape: Some(shape) } => {
            let axes = shape.iter().map(|axis| match axis {
                Dimension::Known(size) => size.to_string(),
                Dimension::Named(name) => (*name).to_owned(),
                Dimension::Unknown => "?".to_owned(),
            });
            format!("{element} [{}]", axes.collect::<Vec<_>>().join(", "))
        }
        ValueType::Tensor { element, shape: None } => format!("{element} of unknown shape"),
        ValueType::SparseTensor => "sparse tensor".to_owned(),
        ValueType::Sequence => "sequence".to_owned(),
        ValueType::Map => "map".to_owned(),
        ValueType::Optional => "optional value".to_owned(),
        _ => "unknown type".to_owned(),
    };
    format!("{}: {kind}", value.name)
}

/// The constants of a file, wherever they are. The decoder has bounded the depth.
#[derive(Default)]
struct Constants {
    elements: BTreeMap<String, u64>,
    external: Vec<ExternalTensor>,
    structure: Suspicions,
    other: usize,
}

impl Constants {
    fn of_graph(&mut self, graph: &Graph<'_>) {
        tricks::of_graph(graph, &mut self.structure);
        for tensor in &graph.initializers {
            self.see(tensor);
        }
        for sparse in &graph.sparse_initializers {
            self.see(&sparse.values);
            self.see(&sparse.indices);
        }
        self.of_nodes(&graph.nodes);
    }

    fn of_nodes(&mut self, nodes: &[Node<'_>]) {
        for attribute in nodes.iter().flat_map(|node| &node.attributes) {
            match &attribute.value {
                AttributeValue::Tensor(tensor) => self.see(tensor),
                AttributeValue::Tensors(tensors) => {
                    for tensor in tensors {
                        self.see(tensor);
                    }
                }
                AttributeValue::SparseTensor(sparse) => {
                    self.see(&sparse.values);
                    self.see(&sparse.indices);
                }
                AttributeValue::SparseTensors(tensors) => {
                    for sparse in tensors {
                        self.see(&sparse.values);
                        self.see(&sparse.indices);
                    }
                }
                AttributeValue::Graph(graph) => self.of_graph(graph),
                AttributeValue::Graphs(graphs) => {
                    for graph in graphs {
                        self.of_graph(graph);
                    }
                }
                AttributeValue::Other(_) => self.other = self.other.saturating_add(1),
                _ => {}
            }
        }
    }

    fn see(&mut self, tensor: &Tensor<'_>) {
        let count = tensor.element_count().and_then(|count| u64::try_from(count).ok());
        let total = self.elements.entry(tensor.data_type.to_string()).or_default();
        *total = total.saturating_add(count.unwrap_or(0));
        tricks::of_tensor(tensor, &mut self.structure);
        if tensor.data != TensorData::External {
            return;
        }
        let last = |key: &str| {
            let mut entries = tensor.external.iter().rev();
            entries.find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned())
        };
        let entry = |location: &str| ExternalTensor {
            name: tensor.name.to_owned(),
            location: location.to_owned(),
            offset: last("offset"),
            length: last("length"),
        };
        // A tensor that names two places is read from the one by one loader and from the other by another.
        let before = self.external.len();
        let places = tensor.external.iter().filter(|(name, _)| *name == "location");
        self.external.extend(places.map(|(_, location)| entry(location)));
        if self.external.len() == before {
            self.external.push(entry(""));
        }
    }
}
