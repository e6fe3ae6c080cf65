//! The table of operators, and what each is given.

use std::rc::Rc;

use super::graph::Builder;
use super::layout::Layout;
use super::value::{Constant, Rows, Value};
use super::{
    arithmetic, attention, classic, columns, conv, dense, einsum, ensemble, extent, indexing,
    movement, normalization, pool, ranking, recurrent, reduce, resize, structure, support,
};
use crate::Error;
use crate::onnx::{AttributeValue, Node, Tensor, domain_name};

/// Why a node cannot become a part of the program.
pub(super) enum Fault {
    /// What about it is not supported; empty if it is the operator as such.
    Unsupported(String),
    /// The graph contradicts itself or the standard.
    Graph(String),
}

impl Fault {
    pub(super) fn at(self, at: &str) -> Error {
        let (Self::Unsupported(problem) | Self::Graph(problem)) = self;
        Error::Graph { at: at.to_owned(), problem }
    }
}

/// Reads one node; yields its outputs in order.
pub(super) type Operator = fn(&mut Builder, &Op<'_>) -> Result<Vec<Value>, Fault>;

/// Makes `find` and the list of names from one table.
macro_rules! table {
    ($(($domain:literal, $($name:literal)|+) => $operator:path,)*) => {
        pub(super) const NAMES: &[(&str, &str)] = &[$($(($domain, $name)),+),*];

        /// The operators that can be run.
        pub(super) fn find(domain: &str, name: &str) -> Option<Operator> {
            Some(match (domain_name(domain), name) {
                $(($domain, $($name)|+) => $operator,)*
                _ => return None,
            })
        }
    };
}

table! {
    ("ai.onnx", "Gemm") => dense::gemm,
    ("ai.onnx", "MatMul") => dense::matmul,
    ("ai.onnx", "Einsum") => einsum::einsum,
    ("ai.onnx", "Conv") => conv::conv,
    ("ai.onnx", "ConvTranspose") => conv::conv_transpose,
    ("ai.onnx", "MaxPool") => pool::max_pool,
    ("ai.onnx", "AveragePool") => pool::average_pool,
    ("ai.onnx", "LpPool") => pool::lp_pool,
    ("ai.onnx", "GlobalMaxPool") => pool::global_max_pool,
    ("ai.onnx", "GlobalAveragePool") => pool::global_average_pool,
    ("ai.onnx", "GlobalLpPool") => pool::global_lp_pool,
    ("ai.onnx",
        "Abs" | "Acos" | "Acosh" | "Asin" | "Asinh" | "Atan" | "Atanh" | "Ceil" | "Celu"
        | "Cos" | "Cosh" | "Elu" | "Erf" | "Exp" | "Floor" | "Gelu" | "HardSigmoid"
        | "HardSwish" | "IsInf" | "IsNaN" | "LeakyRelu" | "Log" | "Mish" | "Neg" | "Not"
        | "Reciprocal" | "Relu" | "Round" | "Selu" | "Shrink" | "Sigmoid" | "Sign" | "Sin"
        | "Sinh" | "Softplus" | "Softsign" | "Sqrt" | "Swish" | "Tan" | "Tanh"
        | "ThresholdedRelu") => arithmetic::function,
    ("ai.onnx",
        "Add" | "And" | "Div" | "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual"
        | "Max" | "Mean" | "Min" | "Mod" | "Mul" | "Or" | "PRelu" | "Pow" | "Sub" | "Sum"
        | "Xor") => arithmetic::operator,
    ("ai.onnx", "Clip") => arithmetic::clip,
    ("ai.onnx", "Where") => arithmetic::where_,
    ("ai.onnx",
        "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax"
        | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum" | "ReduceSumSquare") => reduce::reduce,
    ("ai.onnx", "Softmax" | "LogSoftmax") => reduce::softmax,
    ("ai.onnx", "CumSum") => reduce::cumulative_sum,
    ("ai.onnx", "ArgMax" | "ArgMin") => ranking::arg_extreme,
    ("ai.onnx", "TopK") => ranking::top_k,
    ("ai.onnx", "Hardmax") => ranking::hardmax,
    ("ai.onnx", "Constant") => structure::constant,
    ("ai.onnx", "ConstantOfShape") => structure::constant_of_shape,
    ("ai.onnx", "Identity") => structure::identity,
    ("ai.onnx", "Dropout") => structure::dropout,
    ("ai.onnx", "Cast") => structure::cast,
    ("ai.onnx", "CastLike") => structure::cast_like,
    ("ai.onnx", "Shape") => structure::shape_of,
    ("ai.onnx", "Size") => structure::size_of,
    ("ai.onnx", "Reshape") => structure::reshape,
    ("ai.onnx", "Flatten") => structure::flatten,
    ("ai.onnx", "Squeeze") => structure::squeeze,
    ("ai.onnx", "Unsqueeze") => structure::unsqueeze,
    ("ai.onnx", "Range") => structure::range,
    ("ai.onnx", "NonZero") => structure::non_zero,
    ("ai.onnx", "EyeLike") => structure::eye_like,
    ("ai.onnx", "Transpose") => movement::transpose,
    ("ai.onnx", "Slice") => movement::slice,
    ("ai.onnx", "Split") => movement::split,
    ("ai.onnx", "Concat") => movement::concat,
    ("ai.onnx", "Pad") => extent::pad,
    ("ai.onnx", "Tile") => extent::tile,
    ("ai.onnx", "Expand") => extent::expand,
    ("ai.onnx", "Trilu") => extent::triangle,
    ("ai.onnx", "DepthToSpace" | "SpaceToDepth") => extent::depth_to_space,
    ("ai.onnx", "Gather") => indexing::gather,
    ("ai.onnx", "GatherElements") => indexing::gather_elements,
    ("ai.onnx", "GatherND") => indexing::gather_nd,
    ("ai.onnx", "Scatter" | "ScatterElements") => indexing::scatter_elements,
    ("ai.onnx", "ScatterND") => indexing::scatter_nd,
    ("ai.onnx", "OneHot") => indexing::one_hot,
    ("ai.onnx", "BatchNormalization") => normalization::batch_normalization,
    ("ai.onnx", "LayerNormalization" | "RMSNormalization") => normalization::layer_normalization,
    ("ai.onnx", "GroupNormalization" | "InstanceNormalization") => normalization::group_normalization,
    ("ai.onnx", "LpNormalization") => normalization::lp_normalization,
    ("ai.onnx", "LRN") => normalization::local_response_normalization,
    ("ai.onnx", "MeanVarianceNormalization") => normalization::mean_variance_normalization,
    ("ai.onnx", "Resize" | "Upsample") => resize::resize,
    ("ai.onnx", "GRU" | "LSTM" | "RNN") => recurrent::recurrent,
    ("ai.onnx", "Attention") => attention::attention,
    ("ai.onnx.ml", "LinearClassifier") => classic::linear_classifier,
    ("ai.onnx.ml", "Scaler") => classic::scaler,
    ("ai.onnx.ml", "Normalizer") => classic::normalizer,
    ("ai.onnx.ml", "ZipMap") => classic::zip_map,
    ("ai.onnx.ml", "ArrayFeatureExtractor") => classic::array_feature_extractor,
    ("ai.onnx.ml", "TreeEnsembleClassifier") => ensemble::tree_classifier,
    ("ai.onnx.ml", "TreeEnsembleRegressor") => ensemble::tree_regressor,
    ("ai.onnx.ml", "TreeEnsemble") => ensemble::tree_ensemble,
    ("ai.onnx.ml", "LinearRegressor") => support::linear_regressor,
    ("ai.onnx.ml", "SVMClassifier") => support::svm_classifier,
    ("ai.onnx.ml", "SVMRegressor") => support::svm_regressor,
    ("ai.onnx.ml", "Imputer") => columns::imputer,
    ("ai.onnx.ml", "Binarizer") => columns::binarizer,
    ("ai.onnx.ml", "OneHotEncoder") => columns::one_hot_encoder,
    ("ai.onnx.ml", "FeatureVectorizer") => columns::feature_vectorizer,
}

/// A node with the values that its inputs stand for.
pub(super) struct Op<'n> {
    pub(super) node: &'n Node<'n>,
    /// Version of its operator set.
    pub(super) opset: i64,
    /// `None` for optional inputs left out.
    pub(super) inputs: Vec<Option<Value>>,
}

impl<'n> Op<'n> {
    pub(super) fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index)?.as_ref()
    }

    pub(super) fn input(&self, index: usize) -> Result<&Value, Fault> {
        self.optional(index).ok_or_else(|| Fault::Graph(format!("input {index} is missing")))
    }

    /// An input that differs from row to row, with the batch as first axis.
    pub(super) fn rows(&self, index: usize) -> Result<&Rows, Fault> {
        match self.input(index)? {
            Value::Rows(rows) if rows.layout == Layout::default() => Ok(rows),
            Value::Rows(rows) => Err(Fault::Unsupported(format!(
                "input {index} has shape {:?}, expected the batch as first axis",
                rows.dims()
            ))),
            Value::Label(_) => Err(Fault::Unsupported("it computes with class names".to_owned())),
            _ => Err(Fault::Unsupported(format!(
                "input {index} does not depend on the model's input"
            ))),
        }
    }

    /// An input that is the same for all rows.
    pub(super) fn constant(&self, index: usize) -> Result<Rc<Constant>, Fault> {
        match self.input(index)? {
            Value::Constant(constant) => Ok(Rc::clone(constant)),
            _ => Err(Fault::Unsupported(format!("input {index} is not a constant"))),
        }
    }

    /// A constant of floats.
    pub(super) fn floats(&self, index: usize) -> Result<(Vec<usize>, Vec<f32>), Fault> {
        let constant = self.constant(index)?;
        let values = constant
            .as_floats()
            .ok_or_else(|| Fault::Graph(format!("input {index} does not hold floats")))?;
        Ok((constant.shape.clone(), values.to_vec()))
    }

    /// A constant list of integers.
    pub(super) fn integers(&self, index: usize) -> Result<Vec<i64>, Fault> {
        let constant = self.constant(index)?;
        let values = constant.as_ints();
        let values =
            values.ok_or_else(|| Fault::Graph(format!("input {index} does not hold integers")))?;
        Ok(values.to_vec())
    }

    fn attribute(&self, name: &str) -> Option<&'n AttributeValue<'n>> {
        self.node.attribute(name)
    }

    fn wrong(name: &str, expected: &str) -> Fault {
        Fault::Graph(format!("attribute {name} is not {expected}"))
    }

    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64, Fault> {
        match self.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Int(value)) => Ok(*value),
            Some(_) => Err(Self::wrong(name, "an integer")),
        }
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, Fault> {
        match self.attribute(name) {
            None => Ok(default),
            Some(AttributeValue::Float(value)) => Ok(*value),
            Some(_) => Err(Self::wrong(name, "a number")),
        }
    }

    pub(super) fn int_list(&self, name: &str) -> Result<Option<&'n [i64]>, Fault> {
        match self.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::Ints(values)) => Ok(Some(values)),
            Some(_) => Err(Self::wrong(name, "a list of integers")),
        }
    }

    pub(super) fn float_list(&self, name: &str) -> Result<Option<&'n [f32]>, Fault> {
        match self.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::Floats(values)) => Ok(Some(values)),
            Some(_) => Err(Self::wrong(name, "a list of numbers")),
        }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'n [u8]>, Fault> {
        match self.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::String(value)) => Ok(Some(value)),
            Some(_) => Err(Self::wrong(name, "a text")),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        match self.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::Strings(values)) => {
                let text = |text: &&[u8]| String::from_utf8_lossy(text).into_owned();
                Ok(Some(values.iter().map(text).collect()))
            }
            Some(_) => Err(Self::wrong(name, "a list of texts")),
        }
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<&'n Tensor<'n>>, Fault> {
        match self.attribute(name) {
            None => Ok(None),
            Some(AttributeValue::Tensor(tensor)) => Ok(Some(tensor)),
            Some(_) => Err(Self::wrong(name, "a tensor")),
        }
    }

    /// Axes from the attribute `axes`, or from an input since operator set `since`.
    pub(super) fn axes(&self, input: usize, since: i64) -> Result<Option<Vec<i64>>, Fault> {
        if self.opset < since {
            return Ok(self.int_list("axes")?.map(<[i64]>::to_vec));
        }
        self.optional(input).map(|_| self.integers(input)).transpose()
    }
}
