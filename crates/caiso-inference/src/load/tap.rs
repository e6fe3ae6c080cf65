//! Which value of the graph the logits are.

use std::collections::BTreeMap;

use super::attributes::{labels, string};
use super::lower::scalar;
use crate::onnx::{AttributeValue, DataType, Graph, Node, ValueInfo, ValueType};
use crate::{Error, LogitTap};

/// Where the walk to the logits ends.
pub(super) struct Tap<'g> {
    /// The model's output.
    pub(super) output: &'g str,
    pub(super) source: Source<'g>,
    pub(super) kind: LogitTap,
    /// The single score stands for class 0.
    pub(super) flipped: bool,
    pub(super) labels: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source<'g> {
    /// A named value.
    Value(&'g str),
    /// The scores of the `LinearClassifier` at this index, before its post-transform.
    Scores(usize),
}

struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    producers: &'g BTreeMap<&'g str, usize>,
    /// Softmax of the standard before 13 has another default axis.
    opset: i64,
    labels: Vec<String>,
}

pub(super) fn find<'g>(
    graph: &'g Graph<'g>,
    producers: &'g BTreeMap<&'g str, usize>,
    wanted: Option<&str>,
    opset: Option<i64>,
) -> Result<Tap<'g>, Error> {
    let output = choose(graph, wanted)?;
    let mut walk = Walk { graph, producers, opset: opset.unwrap_or_default(), labels: Vec::new() };
    let (source, kind, flipped) = if is_label(output) {
        walk.label(output.name)
    } else {
        walk.scores(output.name)
    };
    Ok(Tap { output: output.name, source, kind, flipped, labels: walk.labels })
}

fn is_label(output: &ValueInfo<'_>) -> bool {
    matches!(output.kind, ValueType::Tensor { element, .. }
        if !element.is_float() && element != DataType::UNDEFINED)
}

fn choose<'g>(graph: &'g Graph<'g>, wanted: Option<&str>) -> Result<&'g ValueInfo<'g>, Error> {
    let fail = |problem| Error::Graph { at: "outputs".to_owned(), problem };
    let names: Vec<_> = graph.outputs.iter().map(|output| output.name).collect();
    if let Some(wanted) = wanted {
        let mut outputs = graph.outputs.iter();
        return outputs
            .find(|output| output.name == wanted)
            .ok_or_else(|| fail(format!("there is no output {wanted:?}, there are {names:?}")));
    }
    let scores: Vec<_> = graph.outputs.iter().filter(|output| !is_label(output)).collect();
    match (scores.as_slice(), graph.outputs.as_slice()) {
        ([only], _) | ([], [only]) => Ok(only),
        (_, []) => Err(fail("there are none".to_owned())),
        _ => Err(fail(format!("several could be the scores, name one of {names:?}"))),
    }
}

type Found<'g> = (Source<'g>, LogitTap, bool);

impl<'g> Walk<'g, '_> {
    fn producer(&self, name: &str) -> Option<(usize, &'g Node<'g>)> {
        let index = *self.producers.get(name)?;
        Some((index, self.graph.nodes.get(index)?))
    }

    /// The first value before `name` that no operator in `transparent` yields. (The number of steps is
    /// bounded because a hostile graph can go in circles.)
    fn before(&mut self, mut name: &'g str, transparent: &[&str]) -> &'g str {
        for _ in 0..self.graph.nodes.len() {
            let Some((_, node)) = self.producer(name) else { break };
            let input = match node.op_type {
                "ArrayFeatureExtractor" => 1,
                _ => 0,
            };
            match node.inputs.get(input) {
                Some(input) if transparent.contains(&node.op_type) => {
                    if node.op_type == "ZipMap" {
                        self.labels = labels(node, "classlabels_int64s", "classlabels_strings");
                    }
                    name = input;
                }
                _ => break,
            }
        }
        name
    }

    /// From an output of labels.
    fn label(&mut self, output: &'g str) -> Found<'g> {
        let tail =
            ["Identity", "Cast", "Reshape", "Squeeze", "Flatten", "ArrayFeatureExtractor"];
        let name = self.before(output, &tail);
        match self.producer(name) {
            Some((index, node)) if node.op_type == "LinearClassifier" => {
                self.linear(index, node).unwrap_or((Source::Scores(index), LogitTap::ArgMax, false))
            }
            Some((_, node)) if node.op_type == "ArgMax" && last_axis(node, 0) => {
                match node.inputs.first().map(|input| self.scores(input)) {
                    Some((source, LogitTap::Output, flipped)) => (source, LogitTap::ArgMax, flipped),
                    Some(found) => found,
                    None => (Source::Value(output), LogitTap::Output, false),
                }
            }
            // Lowering says what about it is not supported.
            _ => (Source::Value(output), LogitTap::Output, false),
        }
    }

    /// From an output of scores.
    fn scores(&mut self, output: &'g str) -> Found<'g> {
        let plain = self.before(output, &["ZipMap", "Identity"]);
        let name = self.before(
            plain,
            &["Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Dropout"],
        );
        self.cut(name).unwrap_or((Source::Value(plain), LogitTap::Output, false))
    }

    /// What a final normalisation is applied to; `None` where there is none.
    fn cut(&mut self, name: &'g str) -> Option<Found<'g>> {
        let (index, node) = self.producer(name)?;
        let input = *node.inputs.first()?;
        let default_axis = if self.opset < 13 { 1 } else { -1 };
        match node.op_type {
            "Softmax" | "LogSoftmax" if last_axis(node, default_axis) => {
                Some((Source::Value(input), LogitTap::Softmax, false))
            }
            "Sigmoid" => Some((Source::Value(input), LogitTap::Sigmoids, false)),
            "Concat" => {
                let &[left, right] = node.inputs.as_slice() else { return None };
                let (p, flipped) = if self.one_minus(left) == Some(right) {
                    (right, false)
                } else if self.one_minus(right) == Some(left) {
                    (left, true)
                } else {
                    return None;
                };
                let p = self.before(p, &["Identity", "Cast"]);
                let (_, sigmoid) = self.producer(p).filter(|(_, node)| node.op_type == "Sigmoid")?;
                Some((Source::Value(sigmoid.inputs.first()?), LogitTap::Sigmoid, flipped))
            }
            "LinearClassifier" if node.outputs.get(1) == Some(&name) => self.linear(index, node),
            "Normalizer" if string(node, "norm", "MAX").ok()? == "L1" => {
                let before = self.before(input, &["Identity", "Cast"]);
                match self.cut(before)? {
                    (source, LogitTap::Sigmoids, flipped) => {
                        Some((source, LogitTap::OneVsRest, flipped))
                    }
                    found => Some(found),
                }
            }
            _ => None,
        }
    }

    fn linear(&mut self, index: usize, node: &'g Node<'g>) -> Option<Found<'g>> {
        self.labels = labels(node, "classlabels_ints", "classlabels_strings");
        let kind = match string(node, "post_transform", "NONE").ok()? {
            "SOFTMAX" => LogitTap::Softmax,
            // Two complementary scores: their sigmoids sum to 1 as they are.
            "LOGISTIC" if is_complementary(node) => LogitTap::OneVsRest,
            "LOGISTIC" => LogitTap::Sigmoids,
            _ => return None,
        };
        Some((Source::Scores(index), kind, false))
    }

    /// `p`, if `name` is `1 - p`.
    fn one_minus(&self, name: &str) -> Option<&'g str> {
        let (_, node) = self.producer(name).filter(|(_, node)| node.op_type == "Sub")?;
        let &[one, p] = node.inputs.as_slice() else { return None };
        let initializer = self.graph.initializers.iter().find(|tensor| tensor.name == one);
        let value = match initializer {
            Some(tensor) => scalar(tensor),
            None => match self.producer(one)?.1.attribute("value")? {
                AttributeValue::Tensor(tensor) => scalar(tensor),
                _ => None,
            },
        };
        (value? == 1.0).then_some(p)
    }
}

/// Whether an operator works along the last of two axes.
fn last_axis(node: &Node<'_>, default: i64) -> bool {
    match node.attribute("axis") {
        None => matches!(default, 1 | -1),
        Some(AttributeValue::Int(axis)) => matches!(axis, 1 | -1),
        Some(_) => false,
    }
}

/// Whether a linear classifier scores two classes with numbers of opposite sign.
fn is_complementary(node: &Node<'_>) -> bool {
    let opposite = |name| match node.attribute(name) {
        Some(AttributeValue::Floats(values)) => {
            let (left, right) = values.split_at(values.len() / 2);
            left.len() == right.len() && left.iter().zip(right).all(|(a, b)| *a == -b)
        }
        None => true,
        Some(_) => false,
    };
    let classes = labels(node, "classlabels_ints", "classlabels_strings").len();
    classes == 2 && opposite("coefficients") && opposite("intercepts")
}
