//! Which output holds the scores, and how far its end is cut back to logits.

use super::graph::Builder;
use super::shape;
use super::value::{Rows, Value};
use std::sync::Arc;

use crate::kernels::{Arithmetic, Kernel, Norm, Normalize, Operand, Operator, Unary};
use crate::onnx::{DataType, ValueInfo, ValueType};
use crate::program::Step;
use crate::{LogitTap, Scores};

/// Where the logits come from.
pub(super) struct Tail {
    pub(super) output: String,
    pub(super) slot: usize,
    pub(super) classes: usize,
    pub(super) tap: LogitTap,
}

/// Why there are no scores.
pub(super) enum NoScores<'g> {
    /// They need operators that are not supported; names of the outputs.
    Unsupported(Vec<&'g str>),
    Graph {
        at: String,
        problem: String,
    },
}

/// Chooses among the outputs and cuts it back.
pub(super) fn choose<'g>(
    builder: &mut Builder,
    outputs: &[(&'g ValueInfo<'g>, &Value)],
) -> Result<Tail, NoScores<'g>> {
    let mut scores: Vec<(&str, Rows)> = Vec::new();
    let mut labels: Vec<(&str, Rows)> = Vec::new();
    let mut integers: Vec<(&str, Rows)> = Vec::new();
    let (mut missing, mut missing_labels) = (Vec::new(), Vec::new());
    for (info, value) in outputs {
        match value {
            Value::Rows(rows) => {
                if let Some(scores) = builder.arg_max.get(&rows.slot) {
                    labels.push((info.name, scores.clone()));
                } else if builder.is_integer(rows.slot) {
                    integers.push((info.name, rows.clone()));
                } else {
                    scores.push((info.name, rows.clone()));
                }
            }
            Value::Label(rows) => labels.push((info.name, rows.clone())),
            Value::Unsupported if is_label(info) => missing_labels.push(info.name),
            Value::Unsupported => missing.push(info.name),
            Value::Constant(_) => {}
        }
    }
    if !missing.is_empty() {
        return Err(NoScores::Unsupported(missing));
    }
    let only_label = scores.is_empty();
    if let (true, true, Some((name, rows))) = (only_label, labels.is_empty(), integers.first()) {
        return label_only(builder, name, rows);
    }
    let mut cuts = Vec::new();
    for (name, rows) in if only_label { labels } else { scores } {
        let cut = cut(builder, &rows);
        cuts.push((name, rows, cut));
    }
    if let Some((_, _, first)) = cuts.first()
        && cuts.iter().any(|(_, _, cut)| (cut.slot, cut.flipped) != (first.slot, first.flipped))
    {
        let names: Vec<_> = cuts.iter().map(|(name, ..)| *name).collect();
        return Err(NoScores::Graph {
            at: "graph".to_owned(),
            problem: format!("its outputs {names:?} hold different scores, expected one output"),
        });
    }
    let Some((name, rows, Cut { slot, tap, flipped })) = cuts.into_iter().next() else {
        return Err(if missing_labels.is_empty() {
            let problem = "no output depends on the input".to_owned();
            NoScores::Graph { at: "graph".to_owned(), problem }
        } else {
            NoScores::Unsupported(missing_labels)
        });
    };
    let at = || format!("output {name:?}");
    if builder.fixed_batch != Some(1) && (rows.layout.outer || rows.layout.inner) {
        let dims = rows.dims();
        let problem = format!("has shape {dims:?}, expected one score for each class of each row");
        return Err(NoScores::Graph { at: at(), problem });
    }
    if rows.shape.iter().filter(|&&length| length > 1).count() > 1 {
        let problem =
            format!("has rows of shape {:?}, expected one score for each class", rows.shape);
        return Err(NoScores::Graph { at: at(), problem });
    }
    let classes = builder.slots.get(slot).copied().unwrap_or(0);
    let (slot, tap) = if classes == 1 {
        let problem = |tap| match tap {
            LogitTap::Output => Ok(LogitTap::SingleOutput),
            LogitTap::Sigmoid => Ok(LogitTap::Sigmoid),
            _ => Err("holds one class only".to_owned()),
        };
        let tap = problem(tap).map_err(|problem| NoScores::Graph { at: at(), problem })?;
        let z = Rows::new(slot, vec![1]);
        let two = match two_classes_of_trees(builder, slot).filter(|_| !flipped) {
            Some(two) => Ok(two),
            None => builder.push(Kernel::TwoClasses { flipped }, &[&z], vec![2]),
        };
        let two =
            two.map_err(|_| NoScores::Graph { at: at(), problem: "is too large".to_owned() })?;
        (two.slot, tap)
    } else {
        (slot, tap)
    };
    let classes = classes.max(2);
    let tap = if only_label { LogitTap::ArgMax } else { tap };
    Ok(Tail { output: name.to_owned(), slot, classes, tap })
}

/// The logits of a model whose only output is a class computed from no scores: 1 for that class.
fn label_only<'g>(builder: &mut Builder, name: &str, rows: &Rows) -> Result<Tail, NoScores<'g>> {
    let error = |problem: String| NoScores::Graph { at: format!("output {name:?}"), problem };
    if shape::size(&rows.shape) != Some(1) {
        return Err(error(format!(
            "has rows of integers of shape {:?}, expected one score for each class or one class",
            rows.shape
        )));
    }
    let classes = builder.count(rows.slot).filter(|&classes| classes > 1);
    let classes = classes.ok_or_else(|| {
        error("holds integers, and nothing says how many classes they name".to_owned())
    })?;
    let logits = builder
        .push(Kernel::OneHot { classes }, &[rows], vec![classes])
        .map_err(|_| error("is too large".to_owned()))?;
    Ok(Tail { output: name.to_owned(), slot: logits.slot, classes, tap: LogitTap::Labels })
}

/// Whether an output is declared as integers or texts.
fn is_label(info: &ValueInfo<'_>) -> bool {
    matches!(
        &info.kind,
        ValueType::Tensor { element, .. } if !element.is_float() && *element != DataType::UNDEFINED
    )
}

struct Cut {
    slot: usize,
    tap: LogitTap,
    /// From the probability of the first of two classes.
    flipped: bool,
}

/// The slot of the logits behind the scores.
fn cut(builder: &mut Builder, rows: &Rows) -> Cut {
    let as_it_is = Cut { slot: rows.slot, tap: LogitTap::Output, flipped: false };
    if let Some(logits) = builder.logits.get(&rows.slot) {
        return Cut { slot: logits.slot, ..as_it_is };
    }
    let size = shape::size(&rows.shape).unwrap_or(0);
    match find(&builder.steps, rows.slot, size) {
        Some(Cut { slot, tap: LogitTap::OneVsRest, .. }) => {
            let z = Rows::new(slot, rows.shape.clone());
            let kernel = Kernel::Unary(Unary::LogSigmoid);
            builder.push(kernel, &[&z], rows.shape.clone()).map_or(as_it_is, |logits| Cut {
                slot: logits.slot,
                tap: LogitTap::OneVsRest,
                flipped: false,
            })
        }
        Some(cut) => cut,
        None => probabilities_of_trees(builder, rows).unwrap_or(as_it_is),
    }
}

/// The logarithms of what trees yield, where these are probabilities.
fn probabilities_of_trees(builder: &mut Builder, rows: &Rows) -> Option<Cut> {
    let step = writer(&builder.steps, rows.slot)?;
    let Kernel::Trees(trees) = &step.kernel else { return None };
    if !trees.is_distribution() {
        return None;
    }
    let (trees, input) = (trees.with_scores(Scores::Probabilities), only(step)?);
    let slot = builder.rewrite(Kernel::Trees(Arc::new(trees)), input, rows).ok()?.slot;
    Some(Cut { slot, tap: LogitTap::Probabilities, flipped: false })
}

/// The logits of two classes from trees that have one output.
fn two_classes_of_trees(builder: &mut Builder, slot: usize) -> Option<Rows> {
    let step = writer(&builder.steps, slot)?;
    let Kernel::Trees(trees) = &step.kernel else { return None };
    let (trees, input) = (trees.with_scores(Scores::Margin), only(step)?);
    let like = Rows::new(slot, vec![2]);
    builder.rewrite(Kernel::Trees(Arc::new(trees)), input, &like).ok()
}

fn find(steps: &[Step], slot: usize, size: usize) -> Option<Cut> {
    let cut = |slot, tap| Some(Cut { slot, tap, flipped: false });
    let step = writer(steps, slot)?;
    match &step.kernel {
        Kernel::Softmax(softmax) if softmax.length == size => cut(only(step)?, LogitTap::Softmax),
        Kernel::Unary(Unary::Sigmoid) if size == 1 => cut(only(step)?, LogitTap::Sigmoid),
        Kernel::Unary(Unary::Sigmoid) => cut(only(step)?, LogitTap::Sigmoids),
        Kernel::Normalize(Normalize { norm: Norm::L1, length }) if *length == size => {
            let before = writer(steps, only(step)?)?;
            match &before.kernel {
                // The values of a softmax have sum 1 already.
                Kernel::Softmax(softmax) if softmax.length == size && !softmax.log => {
                    cut(only(before)?, LogitTap::Softmax)
                }
                Kernel::Unary(Unary::Sigmoid) if size > 1 => {
                    cut(only(before)?, LogitTap::OneVsRest)
                }
                _ => None,
            }
        }
        Kernel::Arithmetic(Arithmetic {
            operator: Operator::Mul,
            operands: [Operand::Slot { map: None }, Operand::Constant(ones)],
            ..
        }) if ones.iter().all(|one| *one == 1.0) => find(steps, only(step)?, size),
        Kernel::Concat(concat) if concat.parts == [1, 1] && size == 2 => {
            let &[left, right] = step.inputs.as_slice() else { return None };
            let (probability, flipped) = if complement(steps, left) == Some(right) {
                (right, false)
            } else if complement(steps, right) == Some(left) {
                (left, true)
            } else {
                return None;
            };
            let sigmoid = writer(steps, probability)?;
            matches!(sigmoid.kernel, Kernel::Unary(Unary::Sigmoid)).then_some(Cut {
                slot: only(sigmoid)?,
                tap: LogitTap::Sigmoid,
                flipped,
            })
        }
        _ => None,
    }
}

fn writer(steps: &[Step], slot: usize) -> Option<&Step> {
    steps.iter().rev().find(|step| step.output == slot)
}

fn only(step: &Step) -> Option<usize> {
    match step.inputs.as_slice() {
        &[slot] => Some(slot),
        _ => None,
    }
}

/// The slot `p` if this one is `1 - p`.
fn complement(steps: &[Step], slot: usize) -> Option<usize> {
    let step = writer(steps, slot)?;
    match &step.kernel {
        Kernel::Arithmetic(Arithmetic {
            operator: Operator::Sub,
            operands: [Operand::Constant(one), Operand::Slot { .. }],
            ..
        }) if one.as_slice() == [1.0] => only(step),
        _ => None,
    }
}
