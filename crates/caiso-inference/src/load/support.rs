//! `SVMClassifier` and `SVMRegressor` of `ai.onnx.ml`.

use super::classic::{class_labels, two_probabilities};
use super::dense::transpose;
use super::graph::Builder;
use super::operators::{Fault, Op};
use super::value::{Rows, Value};
use crate::kernels::{Dense, Kernel, OneVsOne, Similarity, SupportVectors};

type Outputs = Result<Vec<Value>, Fault>;

fn graph(problem: impl Into<String>) -> Fault {
    Fault::Graph(problem.into())
}

fn similarity(op: &Op<'_>) -> Result<Similarity, Fault> {
    let (gamma, offset, degree) = match op.float_list("kernel_params")? {
        None | Some([]) => (0.0, 0.0, 3.0),
        Some(&[gamma, offset, degree]) => (gamma, offset, degree),
        Some(_) => return Err(graph("kernel_params are not three numbers")),
    };
    Ok(match op.text("kernel_type")? {
        None | Some(b"LINEAR") => Similarity::Linear,
        Some(b"POLY") => Similarity::Polynomial { gamma, offset, degree },
        Some(b"RBF") => Similarity::Gaussian { gamma },
        Some(b"SIGMOID") => Similarity::Sigmoid { gamma, offset },
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(Fault::Unsupported(format!("kernel_type = {other}")));
        }
    })
}

fn no_transform(op: &Op<'_>) -> Result<(), Fault> {
    match op.text("post_transform")? {
        None | Some(b"NONE") => Ok(()),
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            Err(Fault::Unsupported(format!("post_transform = {other}")))
        }
    }
}

fn features(rows: &Rows) -> Result<usize, Fault> {
    match rows.shape.as_slice() {
        &[features] => Ok(features),
        shape => Err(graph(format!("input 0 has rows of shape {shape:?}, expected one axis"))),
    }
}

/// Labels and scores. The scores of two classes are `[-d, d]`, where `d` is positive for the first class, as
/// runtimes give them; those of more are the decisions between each pair.
pub(super) fn svm_classifier(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let features = features(&rows)?;
    no_transform(op)?;
    let labels = class_labels(op, "classlabels_strings", "classlabels_ints")?;
    let classes = labels.len();
    let counts = op.int_list("vectors_per_class")?.unwrap_or_default();
    let counts: Option<Vec<usize>> = counts.iter().map(|&n| usize::try_from(n).ok()).collect();
    let counts = counts.filter(|counts| counts.len() == classes && classes > 1);
    let counts = counts.ok_or_else(|| {
        Fault::Unsupported(format!("no number of support vectors for each of {classes} classes"))
    })?;
    let count = counts.iter().fold(0_usize, |sum, count| sum.saturating_add(*count));
    let vectors = op.float_list("support_vectors")?.unwrap_or_default();
    let coefficients = op.float_list("coefficients")?.unwrap_or_default();
    let rho = op.float_list("rho")?.unwrap_or_default();
    let rest = classes.saturating_sub(1);
    let pairs = classes.saturating_mul(rest) / 2;
    let expected = (count.saturating_mul(features), count.saturating_mul(rest), pairs);
    let found = (vectors.len(), coefficients.len(), rho.len());
    if found != expected || count == 0 {
        return Err(graph(format!(
            "support_vectors, coefficients and rho have {found:?} numbers, expected {expected:?}"
        )));
    }
    // The rows of coefficients are for the other classes in order.
    builder.spend(&[pairs, count])?;
    let mut weights = Vec::with_capacity(pairs.saturating_mul(count));
    for first in 0..classes {
        for second in first.saturating_add(1)..classes {
            let mut place = 0_usize;
            for (class, &size) in counts.iter().enumerate() {
                let row = match class {
                    _ if class == first => Some(second.saturating_sub(1)),
                    _ if class == second => Some(first),
                    _ => None,
                };
                let begin = row.map(|row| row.saturating_mul(count).saturating_add(place));
                let own =
                    begin.and_then(|begin| coefficients.get(begin..begin.saturating_add(size)));
                match own {
                    Some(own) => weights.extend_from_slice(own),
                    None => weights.resize(weights.len().saturating_add(size), 0.0),
                }
                place = place.saturating_add(size);
            }
        }
    }
    let machine = SupportVectors {
        vectors: vectors.to_vec(),
        features,
        weights,
        offsets: rho.to_vec(),
        similarity: similarity(op)?,
    };
    let kernel = Kernel::SupportVectors(Box::new(machine));
    let decisions = builder.push(kernel, &[&rows], vec![pairs])?;
    builder.labels = labels;
    let platt = (op.float_list("prob_a")?, op.float_list("prob_b")?);
    let scores = match platt {
        (None | Some([]), None | Some([])) => {
            let (scores, logits) = if classes == 2 {
                let both = Dense::new(&[-1.0, 1.0], 1, 2, None);
                let scores = builder.push(Kernel::Dense(both), &[&decisions], vec![2])?;
                let logits = Kernel::TwoClasses { flipped: true };
                (scores, builder.push(logits, &[&decisions], vec![2])?)
            } else {
                let votes = Kernel::OneVsOne(OneVsOne { classes });
                let logits = builder.push(votes, &[&decisions], vec![classes])?;
                (decisions, logits)
            };
            builder.logits.insert(scores.slot, logits.clone());
            return Ok(vec![Value::Label(logits), Value::Rows(scores)]);
        }
        (Some(&[slope]), Some(&[offset])) if classes == 2 => {
            let odds = Dense::new(&[slope], 1, 1, Some(vec![offset]));
            let z = builder.push(Kernel::Dense(odds), &[&decisions], vec![1])?;
            two_probabilities(builder, &z)?
        }
        _ => {
            return Err(Fault::Unsupported(
                "probabilities of more than two classes; export the model without them".to_owned(),
            ));
        }
    };
    Ok(vec![Value::Label(scores.clone()), Value::Rows(scores)])
}

pub(super) fn svm_regressor(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let features = features(&rows)?;
    no_transform(op)?;
    if op.int("one_class", 0)? != 0 {
        return Err(Fault::Unsupported("one_class".to_owned()));
    }
    let count = usize::try_from(op.int("n_supports", 0)?).unwrap_or(0);
    let vectors = op.float_list("support_vectors")?.unwrap_or_default();
    let weights = op.float_list("coefficients")?.unwrap_or_default();
    let Some(&[offset]) = op.float_list("rho")? else {
        return Err(graph("rho is not one number"));
    };
    if count == 0 && weights.len() == features {
        let dense = Dense::new(weights, features, 1, Some(vec![offset]));
        return Ok(vec![Value::Rows(builder.push(Kernel::Dense(dense), &[&rows], vec![1])?)]);
    }
    if weights.len() != count || vectors.len() != count.saturating_mul(features) {
        return Err(graph(format!(
            "{count} support vectors of {features} features have {} numbers and {} coefficients",
            vectors.len(),
            weights.len()
        )));
    }
    let machine = SupportVectors {
        vectors: vectors.to_vec(),
        features,
        weights: weights.to_vec(),
        offsets: vec![offset],
        similarity: similarity(op)?,
    };
    let kernel = Kernel::SupportVectors(Box::new(machine));
    Ok(vec![Value::Rows(builder.push(kernel, &[&rows], vec![1])?)])
}

/// Targets of a linear model.
pub(super) fn linear_regressor(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let features = features(&rows)?;
    no_transform(op)?;
    let targets = usize::try_from(op.int("targets", 1)?).unwrap_or(0);
    let weights = op.float_list("coefficients")?.unwrap_or_default();
    let bias = op.float_list("intercepts")?.filter(|bias| !bias.is_empty());
    let fits = weights.len() == features.saturating_mul(targets) && targets > 0;
    if !fits || bias.is_some_and(|bias| bias.len() != targets) {
        return Err(graph(format!(
            "{} coefficients for {features} features and {targets} targets",
            weights.len()
        )));
    }
    let weights = transpose(weights, targets, features);
    let dense = Dense::new(&weights, features, targets, bias.map(<[f32]>::to_vec));
    Ok(vec![Value::Rows(builder.push(Kernel::Dense(dense), &[&rows], vec![targets])?)])
}
