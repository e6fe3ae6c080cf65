//! Reader of ONNX files (protocol buffers, <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>).
//!
//! [`Model::decode`] reads what a file says without running, resolving or trusting any of it: names and raw
//! tensor data stay slices of the file, external data is only named. Reading is bounded by a [`Budget`].

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod decode;
mod describe;
mod error;
mod tensor;
mod wire;

pub(crate) use describe::domain_name;
pub use describe::{ExternalData, OperatorUse};
pub use error::DecodeError;
pub use tensor::{DataType, SparseTensor, Tensor, TensorData};

/// Domain of the standard operators; in a file mostly written as the empty string.
pub const STANDARD_DOMAIN: &str = "ai.onnx";

/// Limits of what a file may make the reader allocate or descend into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Nested messages; a subgraph takes three levels.
    pub depth: usize,
    /// Decoded messages and strings: nodes, attributes, tensors, names, dimensions.
    pub items: usize,
    /// Elements of tensors and attributes that are stored as lists. (Raw data is not copied and not limited.)
    pub elements: usize,
}

impl Default for Budget {
    /// Enough for a language model of 100,000 nodes; about 1.5 GB of memory at worst.
    fn default() -> Self {
        Self { depth: 64, items: 4_000_000, elements: 64_000_000 }
    }
}

/// A decoded ONNX file.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Model<'a> {
    /// Version of the file format.
    pub ir_version: i64,
    /// Operator sets imported, in the file's order; a domain can occur twice.
    pub opset_imports: Vec<OpsetImport<'a>>,
    /// Tool that wrote the file.
    pub producer_name: &'a str,
    /// Its version.
    pub producer_version: &'a str,
    /// Namespace of the model, in reverse domain notation.
    pub domain: &'a str,
    /// Version of the model.
    pub model_version: i64,
    /// Description in prose.
    pub doc_string: &'a str,
    /// Named texts.
    pub metadata: Vec<(&'a str, &'a str)>,
    /// The graph.
    pub graph: Graph<'a>,
    /// Operators that the file defines itself.
    pub functions: Vec<Function<'a>>,
    /// How to train the model on.
    pub training: Vec<Training<'a>>,
    /// Fields that the format does not have, added up by message and number. Readers skip them.
    pub unknown: Vec<UnknownField>,
}

/// How to train a model on: graphs that no inference runs.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Training<'a> {
    /// Sets the values that training changes.
    pub initialization: Option<Graph<'a>>,
    /// One step of the training.
    pub algorithm: Option<Graph<'a>>,
    /// Which outputs become which initializers.
    pub bindings: Vec<(&'a str, &'a str)>,
}

/// A field that the format does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownField {
    /// The message that it lies in: `GraphProto`.
    pub message: &'static str,
    /// Its number.
    pub number: u64,
    /// Where the content of the first one begins.
    pub offset: usize,
    /// Bytes of all of them.
    pub size: usize,
}

/// An operator set and its version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpsetImport<'a> {
    /// Domain as written; the empty string is the standard domain.
    pub domain: &'a str,
    /// Version.
    pub version: i64,
}

/// A graph of nodes, in an order in which they can be evaluated.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Graph<'a> {
    /// Name.
    pub name: &'a str,
    /// Description in prose.
    pub doc_string: &'a str,
    /// Operations.
    pub nodes: Vec<Node<'a>>,
    /// Constants, in the main graph mostly the parameters.
    pub initializers: Vec<Tensor<'a>>,
    /// Constants in sparse form.
    pub sparse_initializers: Vec<SparseTensor<'a>>,
    /// Inputs; before IR version 4 this includes the initializers.
    pub inputs: Vec<ValueInfo<'a>>,
    /// Outputs.
    pub outputs: Vec<ValueInfo<'a>>,
    /// What is said about values in between.
    pub value_info: Vec<ValueInfo<'a>>,
}

/// One operation.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Node<'a> {
    /// Name, often empty.
    pub name: &'a str,
    /// Operator: `Gemm`.
    pub op_type: &'a str,
    /// Domain as written; the empty string is the standard domain.
    pub domain: &'a str,
    /// Names of the values it takes; the empty string is an optional input left out.
    pub inputs: Vec<&'a str>,
    /// Names of the values it yields.
    pub outputs: Vec<&'a str>,
    /// Parameters.
    pub attributes: Vec<Attribute<'a>>,
}

/// A named parameter of a node.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Attribute<'a> {
    /// Name.
    pub name: &'a str,
    /// Value.
    pub value: AttributeValue<'a>,
}

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue<'a> {
    /// A number.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A text, not necessarily UTF-8.
    String(&'a [u8]),
    /// A tensor.
    Tensor(Box<Tensor<'a>>),
    /// A subgraph: the branch of an `If`, the body of a `Loop` or `Scan`.
    Graph(Box<Graph<'a>>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Texts.
    Strings(Vec<&'a [u8]>),
    /// Tensors.
    Tensors(Vec<Tensor<'a>>),
    /// Subgraphs.
    Graphs(Vec<Graph<'a>>),
    /// In the body of a function: the attribute of the calling node with this name.
    Reference(&'a str),
    /// A sparse tensor.
    SparseTensor(Box<SparseTensor<'a>>),
    /// Sparse tensors.
    SparseTensors(Vec<SparseTensor<'a>>),
    /// One or more types, which are not decoded.
    Type,
    /// A kind of attribute that this reader does not know; its number in `AttributeProto.AttributeType`.
    Other(i32),
}

/// Name, type and shape of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueInfo<'a> {
    /// Name.
    pub name: &'a str,
    /// Description in prose.
    pub doc_string: &'a str,
    /// Type and shape, if given.
    pub kind: ValueType<'a>,
}

/// Type of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueType<'a> {
    /// Not given.
    #[default]
    Unknown,
    /// A dense tensor.
    Tensor {
        /// Type of its elements.
        element: DataType,
        /// Its axes; `None` if not even their number is given.
        shape: Option<Vec<Dimension<'a>>>,
    },
    /// A sparse tensor.
    SparseTensor,
    /// A sequence.
    Sequence,
    /// A map.
    Map,
    /// An optional value.
    Optional,
}

/// Size of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension<'a> {
    /// A number, as written in the file.
    Known(i64),
    /// A name for a size that is known at run time only: `batch`.
    Named(&'a str),
    /// Not given.
    Unknown,
}

/// An operator that the file defines itself.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Function<'a> {
    /// Name.
    pub name: &'a str,
    /// Domain.
    pub domain: &'a str,
    /// Names of its inputs.
    pub inputs: Vec<&'a str>,
    /// Names of its outputs.
    pub outputs: Vec<&'a str>,
    /// Names of its attributes, with and without a default.
    pub attributes: Vec<&'a str>,
    /// Values of attributes that a calling node need not give.
    pub defaults: Vec<Attribute<'a>>,
    /// Its body.
    pub nodes: Vec<Node<'a>>,
    /// Operator sets its body imports.
    pub opset_imports: Vec<OpsetImport<'a>>,
}
