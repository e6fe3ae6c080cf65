//! Operators of `ai.onnx.ml`, as scikit-learn models are exported with.

use super::arithmetic::combine;
use super::columns;
use super::dense::transpose;
use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape;
use super::value::{Constant, Data, Rows, Value};
use crate::kernels::{
    Arithmetic, Concat, Dense, Kernel, Norm, Normalize, Operand, Operator, Softmax, Unary,
};

type Outputs = Result<Vec<Value>, Fault>;

/// Labels and scores of a linear model.
pub(super) fn linear_classifier(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?;
    let &[k] = rows.shape.as_slice() else {
        return Err(Fault::Graph(format!(
            "input 0 has rows of shape {:?}, expected one axis",
            rows.shape
        )));
    };
    let missing = |name: &str| Fault::Graph(format!("attribute {name} is missing"));
    let coefficients = op.float_list("coefficients")?.ok_or_else(|| missing("coefficients"))?;
    let labels = class_labels(op, "classlabels_strings", "classlabels_ints")?;
    let classes = labels.len();
    if coefficients.len().checked_div(k) != Some(classes) || !coefficients.len().is_multiple_of(k) {
        return Err(Fault::Unsupported(format!(
            "{} coefficients for {k} features and {classes} class labels, expected one for each pair",
            coefficients.len()
        )));
    }
    let intercepts = op.float_list("intercepts")?;
    if intercepts.is_some_and(|values| values.len() != classes) {
        return Err(Fault::Graph(format!("expected {classes} intercepts, one for each class")));
    }
    if classes < 2 {
        return Err(Fault::Unsupported("fewer than two classes".to_owned()));
    }
    let logistic = op.text("post_transform")? == Some(b"LOGISTIC");
    if logistic && let Some((weights, bias)) = second_of_two(coefficients, intercepts, k) {
        builder.labels = labels;
        let dense = Dense::new(weights, weights.len(), 1, Some(vec![bias]));
        let z = builder.push(Kernel::Dense(dense), &[rows], vec![1])?;
        let scores = two_probabilities(builder, &z)?;
        return Ok(vec![Value::Label(scores.clone()), Value::Rows(scores)]);
    }
    let weights = transpose(coefficients, classes, k);
    let dense = Dense::new(&weights, k, classes, intercepts.map(<[f32]>::to_vec));
    let shape = vec![classes];
    let scores = builder.push(Kernel::Dense(dense), &[rows], shape.clone())?;
    let kernel = match op.text("post_transform")? {
        None | Some(b"NONE") => None,
        Some(b"SOFTMAX") => {
            Some(Kernel::Softmax(Softmax { log: false, length: classes, stride: 1 }))
        }
        Some(b"LOGISTIC") => Some(Kernel::Unary(Unary::Sigmoid)),
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(Fault::Unsupported(format!("post_transform = {other}")));
        }
    };
    builder.labels = labels;
    let label = Value::Label(scores.clone());
    let scores = match kernel {
        Some(kernel) => builder.push(kernel, &[&scores], shape)?,
        None => scores,
    };
    Ok(vec![label, Value::Rows(scores)])
}

/// Weights and bias of the second of two classes whose scores are `-z` and `z`, as a binary logistic regression
/// is written.
fn second_of_two<'v>(
    coefficients: &'v [f32],
    intercepts: Option<&[f32]>,
    k: usize,
) -> Option<(&'v [f32], f32)> {
    let (first, second) = coefficients.split_at_checked(k)?;
    let bias = match intercepts {
        None => (0.0, 0.0),
        Some(&[first, second]) => (first, second),
        Some(_) => return None,
    };
    let negated = first.len() == second.len()
        && first.iter().zip(second).all(|(a, b)| *a == -*b)
        && bias.0 == -bias.1;
    negated.then_some((second, bias.1))
}

/// `[1 - sigmoid(z), sigmoid(z)]`.
pub(super) fn two_probabilities(builder: &mut Builder, z: &Rows) -> Result<Rows, Fault> {
    let second = builder.push(Kernel::Unary(Unary::Sigmoid), &[z], vec![1])?;
    let operands = [Operand::Constant(vec![1.0]), Operand::Slot { map: None }];
    let complement = Arithmetic::new(Operator::Sub, operands);
    let first = builder.push(Kernel::Arithmetic(complement), &[&second], vec![1])?;
    let pair = Concat { parts: vec![1, 1] };
    builder.push(Kernel::Concat(pair), &[&first, &second], vec![2])
}

pub(super) fn class_labels(op: &Op<'_>, strings: &str, ints: &str) -> Result<Vec<String>, Fault> {
    match (op.texts(strings)?, op.int_list(ints)?) {
        (Some(labels), None) => Ok(labels),
        (None, Some(labels)) => Ok(labels.iter().map(i64::to_string).collect()),
        (None, None) => Err(Fault::Graph("it names no classes".to_owned())),
        (Some(_), Some(_)) => Err(Fault::Graph("it names its classes twice".to_owned())),
    }
}

/// `(x - offset) * scale`.
pub(super) fn scaler(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let Some(&features) = rows.shape.last() else {
        return Err(Fault::Graph("input 0 has no features".to_owned()));
    };
    let mut value = Value::Rows(rows);
    for (name, operator) in [("offset", Operator::Sub), ("scale", Operator::Mul)] {
        let Some(values) = op.float_list(name)? else { continue };
        if values.len() != 1 && values.len() != features {
            let found = values.len();
            return Err(Fault::Graph(format!("{name} has {found} values for {features} features")));
        }
        let constant = Constant::floats(vec![values.len()], values.to_vec());
        value = combine(builder, operator, &value, &constant)?;
    }
    Ok(vec![value])
}

pub(super) fn normalizer(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?;
    let &[length] = rows.shape.as_slice() else {
        return Err(Fault::Graph(format!(
            "input 0 has rows of shape {:?}, expected one axis",
            rows.shape
        )));
    };
    let norm = match op.text("norm")? {
        None | Some(b"MAX") => Norm::Max,
        Some(b"L1") => Norm::L1,
        Some(b"L2") => Norm::L2,
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(Fault::Graph(format!("norm = {other}, expected MAX, L1 or L2")));
        }
    };
    let kernel = Kernel::Normalize(Normalize { norm, length });
    Ok(vec![Value::Rows(builder.push(kernel, &[rows], rows.shape.clone())?)])
}

/// A map from class label to score for each row: the scores with names.
pub(super) fn zip_map(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?;
    let labels = class_labels(op, "classlabels_strings", "classlabels_int64s")?;
    if shape::size(&rows.shape) != Some(labels.len()) {
        let found = labels.len();
        return Err(Fault::Graph(format!(
            "{found} class labels for rows of shape {:?}",
            rows.shape
        )));
    }
    builder.labels = labels;
    Ok(vec![Value::Rows(rows.clone())])
}

/// The class of an arg-max, or columns of the input.
pub(super) fn array_feature_extractor(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let scores = match op.input(1)? {
        Value::Label(scores) => Some(scores.clone()),
        Value::Rows(places) => builder.arg_max.get(&places.slot).cloned(),
        _ => None,
    };
    if let (Value::Constant(classes), Some(scores)) = (op.input(0)?, scores) {
        builder.labels = match &classes.data {
            Data::Strings(labels) => labels.clone(),
            Data::Ints(labels) => labels.iter().map(i64::to_string).collect(),
            Data::Floats(labels) => labels.iter().map(f32::to_string).collect(),
            Data::Dims(_) => Vec::new(),
        };
        return Ok(vec![Value::Label(scores)]);
    }
    columns::columns_of(builder, op)
}
