//! What there is to say about a decoded file as a whole.

use std::collections::BTreeMap;

use super::{
    Attribute, AttributeValue, Graph, Model, Node, STANDARD_DOMAIN, SparseTensor, Tensor,
    TensorData,
};

/// An operator that a file uses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct OperatorUse {
    /// Domain, `ai.onnx` for the standard one.
    pub domain: String,
    /// Operator: `Gemm`.
    pub operator: String,
    /// Number of nodes, in the graph, its subgraphs, the file's own functions and training graphs.
    pub count: usize,
}

/// A tensor whose data lies in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalData<'a> {
    /// Name of the tensor.
    pub tensor: &'a str,
    /// The other file, relative to the model's folder, as written: it can be anything, also a path that
    /// leaves the folder. Empty where the file names none.
    pub location: &'a str,
    /// First byte, as written; 0 if not given.
    pub offset: &'a str,
    /// Number of bytes, as written, if given.
    pub length: Option<&'a str>,
}

/// The name of a domain, `ai.onnx` for the empty string.
pub(crate) fn domain_name(domain: &str) -> &str {
    if domain.is_empty() { STANDARD_DOMAIN } else { domain }
}

impl<'a> Model<'a> {
    /// Version of the operator set imported for a domain (`""` and `ai.onnx` are the same), the largest if
    /// there are several.
    pub fn opset(&self, domain: &str) -> Option<i64> {
        let imports = self.opset_imports.iter();
        let same = imports.filter(|import| domain_name(import.domain) == domain_name(domain));
        same.map(|import| import.version).max()
    }

    /// Operators used, by domain and name.
    pub fn operators(&self) -> Vec<OperatorUse> {
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        self.visit(&mut |part| {
            if let Part::Node(node) = part {
                let count = counts.entry((domain_name(node.domain), node.op_type)).or_default();
                *count = count.saturating_add(1);
            }
        });
        counts
            .into_iter()
            .map(|((domain, operator), count)| OperatorUse {
                domain: domain.to_owned(),
                operator: operator.to_owned(),
                count,
            })
            .collect()
    }

    /// Tensors with data in other files, anywhere in the file.
    pub fn external_data(&self) -> Vec<ExternalData<'a>> {
        let mut found = Vec::new();
        self.visit(&mut |part| {
            if let Part::Constant(tensor) | Part::Initializer(tensor) = part
                && tensor.data == TensorData::External
            {
                let value = |key| {
                    let mut entries = tensor.external.iter();
                    entries.find(|(name, _)| *name == key).map(|(_, value)| *value)
                };
                found.push(ExternalData {
                    tensor: tensor.name,
                    location: value("location").unwrap_or(""),
                    offset: value("offset").unwrap_or("0"),
                    length: value("length"),
                });
            }
        });
        found
    }

    /// Elements of all floating-point initializers: the number of parameters, as far as a file can tell
    /// parameters from other constants. Saturates.
    pub fn parameter_count(&self) -> u64 {
        let mut count = 0_u64;
        self.visit(&mut |part| {
            if let Part::Initializer(tensor) = part
                && tensor.data_type.is_float()
            {
                let elements = tensor.element_count().map_or(u64::MAX, |elements| elements as u64);
                count = count.saturating_add(elements);
            }
        });
        count
    }

    fn visit(&self, see: &mut impl FnMut(Part<'_, 'a>)) {
        visit_graph(&self.graph, see);
        for function in &self.functions {
            visit_nodes(&function.nodes, see);
        }
        for training in &self.training {
            for graph in training.initialization.iter().chain(&training.algorithm) {
                visit_graph(graph, see);
            }
        }
    }
}

enum Part<'g, 'a> {
    Node(&'g Node<'a>),
    Initializer(&'g Tensor<'a>),
    Constant(&'g Tensor<'a>),
}

// The decoder has bounded the depth.
fn visit_graph<'a>(graph: &Graph<'a>, see: &mut impl FnMut(Part<'_, 'a>)) {
    for tensor in &graph.initializers {
        see(Part::Initializer(tensor));
    }
    for sparse in &graph.sparse_initializers {
        see(Part::Initializer(&sparse.values));
        see(Part::Constant(&sparse.indices));
    }
    visit_nodes(&graph.nodes, see);
}

fn visit_nodes<'a>(nodes: &[Node<'a>], see: &mut impl FnMut(Part<'_, 'a>)) {
    for node in nodes {
        see(Part::Node(node));
        for Attribute { value, .. } in &node.attributes {
            match value {
                AttributeValue::Tensor(tensor) => see(Part::Constant(tensor)),
                AttributeValue::Tensors(tensors) => {
                    for tensor in tensors {
                        see(Part::Constant(tensor));
                    }
                }
                AttributeValue::SparseTensor(sparse) => visit_sparse(sparse, see),
                AttributeValue::SparseTensors(tensors) => {
                    for sparse in tensors {
                        visit_sparse(sparse, see);
                    }
                }
                AttributeValue::Graph(graph) => visit_graph(graph, see),
                AttributeValue::Graphs(graphs) => {
                    for graph in graphs {
                        visit_graph(graph, see);
                    }
                }
                _ => {}
            }
        }
    }
}

fn visit_sparse<'a>(sparse: &SparseTensor<'a>, see: &mut impl FnMut(Part<'_, 'a>)) {
    see(Part::Constant(&sparse.values));
    see(Part::Constant(&sparse.indices));
}

impl<'a> Node<'a> {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue<'a>> {
        let mut attributes = self.attributes.iter();
        attributes.find(|attribute| attribute.name == name).map(|attribute| &attribute.value)
    }
}
