//! `TreeEnsembleClassifier`, `TreeEnsembleRegressor` and `TreeEnsemble` of `ai.onnx.ml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::classic::{class_labels, two_probabilities};
use super::graph::Builder;
use super::operators::{Fault, Op};
use super::value::{Rows, Value};
use crate::kernels::{Kernel, Softmax, Unary};
use crate::onnx::{DataType, Tensor, TensorData};
use crate::trees::{Node, Test, round_down};
use crate::{Scores, TreeEnsemble};

type Outputs = Result<Vec<Value>, Fault>;

fn graph(problem: impl Into<String>) -> Fault {
    Fault::Graph(problem.into())
}

/// What becomes of the sums of the leaves.
#[derive(Clone, Copy, PartialEq)]
enum Transform {
    None,
    Softmax,
    Logistic,
}

impl Transform {
    fn of(op: &Op<'_>) -> Result<Self, Fault> {
        match op.text("post_transform")? {
            None | Some(b"NONE") => Ok(Self::None),
            Some(b"SOFTMAX") => Ok(Self::Softmax),
            Some(b"LOGISTIC") => Ok(Self::Logistic),
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                Err(Fault::Unsupported(format!("post_transform = {other}")))
            }
        }
    }

    fn push(self, builder: &mut Builder, sums: Rows) -> Result<Rows, Fault> {
        let shape = sums.shape.clone();
        let length = shape.iter().product();
        match self {
            Self::None => Ok(sums),
            Self::Softmax => {
                let softmax = Softmax { log: false, length, stride: 1 };
                builder.push(Kernel::Softmax(softmax), &[&sums], shape)
            }
            Self::Logistic => builder.push(Kernel::Unary(Unary::Sigmoid), &[&sums], shape),
        }
    }
}

/// What the trees are added up to.
#[derive(Clone, Copy, PartialEq)]
enum Aggregate {
    Sum,
    Average,
}

/// Labels and scores.
pub(super) fn tree_classifier(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let labels = class_labels(op, "classlabels_strings", "classlabels_int64s")?;
    let mut classes = labels.len();
    if classes < 2 {
        return Err(Fault::Unsupported("fewer than two classes".to_owned()));
    }
    let forest = Forest::of(op, "class")?;
    let base = doubles(op, "base_values")?.unwrap_or_default();
    let transform = Transform::of(op)?;
    let (mut base, mut leaf): (_, Leaf) = match base.len() {
        0 => (vec![0.0; classes], Box::new(|output, value| vec![(output, value)])),
        count if count == classes => (base, Box::new(|output, value| vec![(output, value)])),
        1 if classes == 2 => (base, Box::new(|output, value| vec![(output, value)])),
        count => return Err(graph(format!("{count} base_values for {classes} classes"))),
    };
    // Two classes whose scores follow from one sum.
    let single = classes == 2 && forest.outputs().all(|output| output == forest.first_output());
    if single {
        let constant = match base.as_slice() {
            // Of two the second counts where the sum has a name of its own.
            &[first] | &[_, first] => first,
            _ => 0.0,
        };
        let positive = forest.values().all(|value| value >= 0.0);
        match (transform, positive) {
            (Transform::Logistic, false) => {
                classes = 1;
                base = vec![constant];
                leaf = Box::new(|_, value| vec![(0, value)]);
            }
            (Transform::None, positive) => {
                // Probabilities of the second class if nothing is negative, else scores on either side of 0.
                base = vec![if positive { 1.0 - constant } else { -constant }, constant];
                leaf = Box::new(|_, value| vec![(0, -value), (1, value)]);
            }
            _ => {
                return Err(Fault::Unsupported(
                    "two classes told apart by one sum, with a post_transform that runtimes disagree about"
                        .to_owned(),
                ));
            }
        }
    } else if base.len() != classes {
        return Err(graph(format!("{} base_values for {classes} classes", base.len())));
    }
    let ensemble = forest.build(&rows, base, 1.0, &*leaf)?;
    let sums = builder.push(Kernel::Trees(Arc::new(ensemble)), &[&rows], vec![classes])?;
    builder.labels = labels;
    let scores = if classes == 1 {
        two_probabilities(builder, &sums)?
    } else {
        transform.push(builder, sums)?
    };
    Ok(vec![Value::Label(scores.clone()), Value::Rows(scores)])
}

/// Targets.
pub(super) fn tree_regressor(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let forest = Forest::of(op, "target")?;
    let aggregate = match op.text("aggregate_function")? {
        None | Some(b"SUM") => Aggregate::Sum,
        Some(b"AVERAGE") => Aggregate::Average,
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            return Err(Fault::Unsupported(format!("aggregate_function = {other}")));
        }
    };
    let base = doubles(op, "base_values")?;
    let targets = op.int("n_targets", 1)?;
    let sums = regression(builder, &rows, &forest, (aggregate, targets), base)?;
    Ok(vec![Value::Rows(Transform::of(op)?.push(builder, sums)?)])
}

/// The one operator of version 5 that replaces both.
pub(super) fn tree_ensemble(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let aggregate = match op.int("aggregate_function", 1)? {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        other => return Err(Fault::Unsupported(format!("aggregate_function = {other}"))),
    };
    // The standard counts SOFTMAX as 1 and LOGISTIC as 2, onnxruntime the other way round.
    let transform = op.int("post_transform", 0)?;
    if transform != 0 {
        return Err(Fault::Unsupported(format!("post_transform = {transform}")));
    }
    let forest = Forest::of_version_5(op)?;
    let targets = op.int("n_targets", 1)?;
    Ok(vec![Value::Rows(regression(builder, &rows, &forest, (aggregate, targets), None)?)])
}

fn regression(
    builder: &mut Builder,
    rows: &Rows,
    forest: &Forest,
    (aggregate, targets): (Aggregate, i64),
    base: Option<Vec<f64>>,
) -> Result<Rows, Fault> {
    let targets = usize::try_from(targets).ok().filter(|targets| (1..=100_000).contains(targets));
    let targets = targets.ok_or_else(|| graph("n_targets is not between 1 and 100000"))?;
    let base = base.filter(|base| !base.is_empty()).unwrap_or_else(|| vec![0.0; targets]);
    if base.len() != targets {
        return Err(graph(format!("{} base_values for {targets} targets", base.len())));
    }
    let factor = match aggregate {
        Aggregate::Sum => 1.0,
        Aggregate::Average => 1.0 / forest.roots.len().max(1) as f64,
    };
    let ensemble = forest.build(rows, base, factor, &|output, value| vec![(output, value)])?;
    builder.push(Kernel::Trees(Arc::new(ensemble)), &[rows], vec![targets])
}

/// What a leaf adds to outputs from a number in the file.
type Leaf = Box<dyn Fn(usize, f64) -> Vec<(usize, f64)>>;

/// The trees of an operator.
struct Forest {
    nodes: Vec<Node>,
    roots: Vec<usize>,
}

/// Columns of the nodes of an operator before version 5.
struct Columns<'n> {
    trees: &'n [i64],
    numbers: &'n [i64],
    features: &'n [i64],
    modes: Vec<String>,
    values: Vec<f64>,
    yes: &'n [i64],
    no: &'n [i64],
    missing: Option<&'n [i64]>,
}

impl Forest {
    /// The nodes of a classifier (`class`) or regressor (`target`).
    fn of(op: &Op<'_>, of: &str) -> Result<Self, Fault> {
        let ints = |name: &str| {
            op.int_list(name)?.ok_or_else(|| graph(format!("attribute {name} is missing")))
        };
        let columns = Columns {
            trees: ints("nodes_treeids")?,
            numbers: ints("nodes_nodeids")?,
            features: ints("nodes_featureids")?,
            modes: op.texts("nodes_modes")?.unwrap_or_default(),
            values: doubles(op, "nodes_values")?.unwrap_or_default(),
            yes: ints("nodes_truenodeids")?,
            no: ints("nodes_falsenodeids")?,
            missing: op.int_list("nodes_missing_value_tracks_true")?.filter(|all| !all.is_empty()),
        };
        let count = columns.trees.len();
        let lengths = [
            columns.numbers.len(),
            columns.features.len(),
            columns.modes.len(),
            columns.values.len(),
            columns.yes.len(),
            columns.no.len(),
            columns.missing.map_or(count, <[i64]>::len),
        ];
        if lengths.iter().any(|&length| length != count) {
            return Err(graph(format!("{count} nodes have columns of {lengths:?} values")));
        }
        let mut places = BTreeMap::new();
        let mut roots = Vec::new();
        for (place, (&tree, &number)) in columns.trees.iter().zip(columns.numbers).enumerate() {
            if place.checked_sub(1).and_then(|before| columns.trees.get(before)) != Some(&tree) {
                roots.push(place);
            }
            if places.insert((tree, number), place).is_some() {
                return Err(graph(format!("tree {tree} has two nodes {number}")));
            }
        }
        let mut nodes = Vec::with_capacity(count);
        for place in 0..count {
            nodes.push(columns.node(place, &places)?);
        }
        let ids = ints(&format!("{of}_ids"))?;
        let (tree, number) = (ints(&format!("{of}_treeids"))?, ints(&format!("{of}_nodeids"))?);
        let weights = doubles(op, &format!("{of}_weights"))?.unwrap_or_default();
        if [tree.len(), number.len(), weights.len()].iter().any(|&length| length != ids.len()) {
            return Err(graph(format!("the columns {of}_… differ in length")));
        }
        for (((&tree, &number), &id), &weight) in tree.iter().zip(number).zip(ids).zip(&weights) {
            let node = places.get(&(tree, number)).and_then(|&place| nodes.get_mut(place));
            let Some(Node::Leaf(values)) = node else {
                return Err(graph(format!("{of}_nodeids names {number} of tree {tree}, no leaf")));
            };
            values.push((index(id)?, weight));
        }
        Ok(Self { nodes, roots })
    }

    fn of_version_5(op: &Op<'_>) -> Result<Self, Fault> {
        let ints = |name: &str| {
            op.int_list(name)?.ok_or_else(|| graph(format!("attribute {name} is missing")))
        };
        let missing_tensor = |name: &str| graph(format!("attribute {name} is missing"));
        let features = ints("nodes_featureids")?;
        let modes = op.tensor("nodes_modes")?.and_then(Tensor::to_ints);
        let modes = modes.ok_or_else(|| missing_tensor("nodes_modes"))?;
        let splits = op.tensor("nodes_splits")?.and_then(to_doubles);
        let splits = splits.ok_or_else(|| missing_tensor("nodes_splits"))?;
        let (yes, no) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
        let (yes_leaf, no_leaf) = (ints("nodes_trueleafs")?, ints("nodes_falseleafs")?);
        let missing = op.int_list("nodes_missing_value_tracks_true")?;
        let missing = missing.filter(|all| !all.is_empty());
        let count = features.len();
        let lengths = [
            modes.len(),
            splits.len(),
            yes.len(),
            no.len(),
            yes_leaf.len(),
            no_leaf.len(),
            missing.map_or(count, <[i64]>::len),
        ];
        if lengths.iter().any(|&length| length != count) {
            return Err(graph(format!("{count} nodes have columns of {lengths:?} values")));
        }
        let outputs = ints("leaf_targetids")?;
        let weights = op.tensor("leaf_weights")?.and_then(to_doubles);
        let weights = weights.filter(|weights| weights.len() == outputs.len());
        let weights = weights.ok_or_else(|| graph("leaf_weights do not fit leaf_targetids"))?;
        let members = op.tensor("membership_values")?.and_then(to_doubles).unwrap_or_default();
        // The sets of the nodes that ask for one, in order, with NaN at the end of each.
        let mut sets = members.split(|member| member.is_nan());
        let mut nodes = Vec::with_capacity(count);
        let mut leaves = Vec::new();
        let columns = features
            .iter()
            .zip(modes)
            .zip(splits)
            .zip(yes.iter().zip(yes_leaf))
            .zip(no.iter().zip(no_leaf));
        for (place, ((((&feature, mode), split), yes), no)) in columns.enumerate() {
            let question = match mode {
                0 => Question::Leq,
                1 => Question::Lt,
                2 => Question::Gte,
                3 => Question::Gt,
                4 => Question::Eq,
                5 => Question::Neq,
                6 => Question::Member(sets.next().unwrap_or_default()),
                other => return Err(Fault::Unsupported(format!("nodes_modes = {other}"))),
            };
            // A leaf may be named more than once, as by a tree that is nothing but a leaf.
            let mut child = |(&to, &is_leaf): (&i64, &i64)| -> Result<usize, Fault> {
                if is_leaf == 0 {
                    return index(to);
                }
                let leaf = index(to)?;
                let (Some(&output), Some(&weight)) = (outputs.get(leaf), weights.get(leaf)) else {
                    return Err(graph(format!("there is no leaf {to}")));
                };
                leaves.push(Node::Leaf(vec![(index(output)?, weight)]));
                Ok(count.saturating_add(leaves.len()).saturating_sub(1))
            };
            let (yes, no) = (child(yes)?, child(no)?);
            let tracks = missing.and_then(|all| all.get(place)).is_some_and(|&tracks| tracks != 0);
            nodes.push(question.node(index(feature)?, split, tracks, (yes, no)));
        }
        nodes.append(&mut leaves);
        let roots = ints("tree_roots")?.iter().map(|&root| index(root));
        Ok(Self { nodes, roots: roots.collect::<Result<_, _>>()? })
    }

    fn leaves(&self) -> impl Iterator<Item = &(usize, f64)> {
        self.nodes.iter().flat_map(|node| match node {
            Node::Leaf(values) => values.as_slice(),
            Node::Split { .. } => &[],
        })
    }

    fn outputs(&self) -> impl Iterator<Item = usize> {
        self.leaves().map(|(output, _)| *output)
    }

    fn first_output(&self) -> usize {
        self.outputs().next().unwrap_or(0)
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.leaves().map(|(_, value)| *value)
    }

    /// The ensemble, all values times `factor`.
    fn build(
        &self,
        rows: &Rows,
        base: Vec<f64>,
        factor: f64,
        leaf: &dyn Fn(usize, f64) -> Vec<(usize, f64)>,
    ) -> Result<TreeEnsemble, Fault> {
        let &[features] = rows.shape.as_slice() else {
            let shape = &rows.shape;
            return Err(graph(format!("input 0 has rows of shape {shape:?}, expected one axis")));
        };
        let nodes: Vec<Node> = self
            .nodes
            .iter()
            .map(|node| match node {
                Node::Leaf(values) => Node::Leaf(
                    values
                        .iter()
                        .flat_map(|&(output, value)| leaf(output, value * factor))
                        .collect(),
                ),
                split @ Node::Split { .. } => split.clone(),
            })
            .collect();
        let mut ensemble = TreeEnsemble::new(features, Scores::Margins, base);
        ensemble.push(&nodes, &self.roots).map_err(Fault::Graph)?;
        Ok(ensemble)
    }
}

impl Columns<'_> {
    fn node(&self, place: usize, places: &BTreeMap<(i64, i64), usize>) -> Result<Node, Fault> {
        let of = |column: &[i64]| column.get(place).copied().unwrap_or(0);
        let mode = self.modes.get(place).map_or("", String::as_str);
        let question = match mode {
            "LEAF" => return Ok(Node::Leaf(Vec::new())),
            "BRANCH_LEQ" => Question::Leq,
            "BRANCH_LT" => Question::Lt,
            "BRANCH_GTE" => Question::Gte,
            "BRANCH_GT" => Question::Gt,
            "BRANCH_EQ" => Question::Eq,
            "BRANCH_NEQ" => Question::Neq,
            other => return Err(Fault::Unsupported(format!("nodes_modes = {other}"))),
        };
        let tree = of(self.trees);
        let child = |number: i64| {
            let child = places.get(&(tree, number)).copied();
            child.ok_or_else(|| graph(format!("tree {tree} has no node {number}")))
        };
        let children = (child(of(self.yes))?, child(of(self.no))?);
        let threshold = self.values.get(place).copied().unwrap_or(0.0);
        let tracks = self.missing.is_some_and(|missing| of(missing) != 0);
        Ok(question.node(index(of(self.features))?, threshold, tracks, children))
    }
}

/// What a node asks.
enum Question<'s> {
    Leq,
    Lt,
    Gte,
    Gt,
    Eq,
    Neq,
    Member(&'s [f64]),
}

impl Question<'_> {
    /// The split whose children are reached if the answer is yes and no; `tracks` answers yes for a missing value.
    fn node(
        &self,
        feature: usize,
        threshold: f64,
        tracks: bool,
        (yes, no): (usize, usize),
    ) -> Node {
        #[expect(clippy::cast_possible_truncation, reason = "compared with the exact number")]
        let exactly = |number: f64| {
            let near = number as f32;
            (f64::from(near) == number).then_some((near, near))
        };
        let at_most = Test::AtMost(round_down(threshold));
        let below = Test::below(round_up(threshold));
        let (test, swapped, missing_yes) = match self {
            Self::Leq => (at_most, false, tracks),
            Self::Lt => (below, false, tracks),
            Self::Gt => (at_most, true, tracks),
            Self::Gte => (below, true, tracks),
            Self::Eq => (Test::within(exactly(threshold)), false, tracks),
            // NaN differs from everything.
            Self::Neq => (Test::within(exactly(threshold)), true, true),
            Self::Member(members) => {
                let mut members: Vec<_> = members.iter().filter_map(|&x| exactly(x)).collect();
                members.sort_by(|a, b| a.0.total_cmp(&b.0));
                (Test::within(members), false, tracks)
            }
        };
        let (left, right) = if swapped { (no, yes) } else { (yes, no) };
        Node::Split { feature, test, missing_left: missing_yes != swapped, left, right }
    }
}

/// The smallest 32-bit number that is not below.
fn round_up(number: f64) -> f32 {
    -round_down(-number)
}

fn index(number: i64) -> Result<usize, Fault> {
    usize::try_from(number).map_err(|_| graph(format!("{number} is no index")))
}

/// A list of numbers, or the same as a tensor in 64 bits (`…_as_tensor`).
fn doubles(op: &Op<'_>, name: &str) -> Result<Option<Vec<f64>>, Fault> {
    if let Some(values) = op.float_list(name)? {
        return Ok(Some(values.iter().map(|&value| f64::from(value)).collect()));
    }
    let name = format!("{name}_as_tensor");
    let Some(tensor) = op.tensor(&name)? else { return Ok(None) };
    to_doubles(tensor).map(Some).ok_or_else(|| graph(format!("attribute {name} holds no floats")))
}

fn to_doubles(tensor: &Tensor<'_>) -> Option<Vec<f64>> {
    match (&tensor.data, tensor.data_type) {
        (TensorData::Doubles(values), DataType::DOUBLE) => Some(values.clone()),
        (TensorData::Raw(raw), DataType::DOUBLE) => {
            let (values, rest) = raw.as_chunks();
            rest.is_empty().then(|| values.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect())
        }
        _ => Some(tensor.to_floats()?.into_iter().map(f64::from).collect()),
    }
}
