//! What can be wrong with a model or with what it is asked.

use std::fmt;

use crate::onnx::DecodeError;

/// A model that cannot be loaded, or a call that does not fit it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a whole ONNX file.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Bytes of another format.
    #[error(
        "the file is not one of the models that are read: ONNX, XGBoost (JSON or UBJSON, as save_model writes \
         them), LightGBM (text, as save_model writes it); export the model to one of these"
    )]
    Unrecognised,
    /// A file that is not what its beginning says.
    #[error("the {format} cannot be read: {problem}")]
    Malformed {
        /// Format: `XGBoost model`.
        format: &'static str,
        /// What is wrong and where.
        problem: String,
    },
    /// Operators that cannot be run, all of them.
    #[error("{} not supported: {}", plural(.0.len(), "operator"), listed(.0))]
    Unsupported(Vec<Unsupported>),
    /// A graph that contradicts itself or has an unusual shape.
    #[error("{at}: {problem}")]
    Graph {
        /// Where: `node 3 "fc1" (Gemm)`, `input "x"`, `output "y"`.
        at: String,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// Values that are not whole rows, or not as many rows as there are labels.
    #[error("{values} values are not {} of {features} features", rows_expected(*.expected))]
    Rows {
        /// Number of values.
        values: usize,
        /// Values in a row.
        features: usize,
        /// Number of rows expected, if that is known.
        expected: Option<usize>,
    },
    /// A slice whose length does not fit the rows.
    #[error("{what} has room for {actual} values, expected {expected}")]
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        actual: usize,
        /// The length that fits.
        expected: usize,
    },
    /// A label that is not a class of the model.
    #[error("row {row} has class {label}, the model knows {classes} classes, from 0")]
    Label {
        /// Row in the call, from 0.
        row: usize,
        /// The label.
        label: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// A model that runs elsewhere gave no usable answer.
    #[error("{0}")]
    NoAnswer(String),
    /// A gradient of a model that has none.
    #[error(
        "the model has no gradient; `without_gradient` of its specification names the operators at fault"
    )]
    NoGradient,
    /// The budget of a model that counts what it is asked is spent. What was computed before is right and to
    /// be kept; no later call of this size will be answered.
    #[error("the budget of {budget} queries is spent")]
    BudgetSpent {
        /// Rows that may be asked in total.
        budget: u64,
    },
    /// A backward without a forward.
    #[error("backward was asked for before any forward")]
    NoForward,
}

/// An operator in a graph that cannot be run, or cannot be differentiated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsupported {
    /// Operator: `Conv`.
    pub operator: String,
    /// Its domain, `ai.onnx` for the standard one.
    pub domain: String,
    /// Version of the operator set the file imports for that domain, if it does.
    pub opset: Option<i64>,
    /// Name of the node, or its position in the graph: `conv1`, `#3`.
    pub node: String,
    /// What about it is not supported, where the operator as such is: `axis = 0`.
    pub reason: Option<String>,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} ", self.domain, self.operator)?;
        match self.opset {
            Some(opset) => write!(f, "(opset {opset}) ")?,
            None => write!(f, "(domain not imported) ")?,
        }
        write!(f, "in node {}", self.node)?;
        if let Some(reason) = &self.reason {
            write!(f, ": {reason}")?;
        }
        Ok(())
    }
}

fn listed(operators: &[Unsupported]) -> String {
    operators.iter().map(Unsupported::to_string).collect::<Vec<_>>().join("; ")
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun} is") } else { format!("{count} {noun}s are") }
}

fn rows_expected(expected: Option<usize>) -> String {
    match expected {
        Some(1) => "1 row".to_owned(),
        Some(count) => format!("{count} rows"),
        None => "whole rows".to_owned(),
    }
}
