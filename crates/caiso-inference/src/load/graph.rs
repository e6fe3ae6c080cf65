//! The walk over a graph's nodes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::operators::{self, Fault, Op};
use super::value::{Constant, Rows, Value};
use super::{shape, tail};
use crate::kernels::Kernel;
use crate::onnx::{
    DataType, Dimension, Model, Node, STANDARD_DOMAIN, Tensor, ValueInfo, ValueType, domain_name,
};
use crate::program::{Program, Step};
use crate::{Error, ModelSpec, Unsupported};

/// Versions of the standard operators that are known here: from the one on that broadcasts as today, to the
/// newest (ONNX 1.23).
const STANDARD_OPSETS: RangeInclusive<i64> = 7..=28;
/// Versions of the operators of classic machine learning.
const CLASSIC_OPSETS: RangeInclusive<i64> = 1..=5;

/// Values of one row in all slots, and elements of constants computed while loading: 256 MiB of each row.
const LARGEST: usize = 1 << 26;

/// The program as far as it is built.
pub(super) struct Builder {
    pub(super) slots: Vec<usize>,
    pub(super) steps: Vec<Step>,
    /// Length of the batch axis where the file fixes it.
    pub(super) fixed_batch: Option<usize>,
    /// Names of the classes, where an operator states them.
    pub(super) labels: Vec<String>,
    /// Slots that hold integers or booleans; how many different values from 0 on, where that is known.
    integers: BTreeMap<usize, Option<usize>>,
    /// Slots that hold the place of a row's largest value, and where that value is.
    pub(super) arg_max: BTreeMap<usize, Rows>,
    /// For slots of scores whose order is not that of the classes: the logits.
    pub(super) logits: BTreeMap<usize, Rows>,
    /// Slots that a gradient does not get past, and the node that is to blame.
    blocked: BTreeMap<usize, Unsupported>,
    spent: usize,
}

impl Builder {
    /// Number of values of `shape`, if there is room for so many.
    pub(super) fn spend(&mut self, shape: &[usize]) -> Result<usize, Fault> {
        let size = shape::size(shape).unwrap_or(usize::MAX);
        self.spent = self.spent.saturating_add(size);
        if self.spent > LARGEST {
            return Err(Fault::Graph(format!(
                "a row with all its intermediate values takes more than {LARGEST} numbers"
            )));
        }
        Ok(size)
    }

    /// A step and the slot that it writes.
    pub(super) fn push(
        &mut self,
        kernel: Kernel,
        inputs: &[&Rows],
        shape: Vec<usize>,
    ) -> Result<Rows, Fault> {
        let size = self.spend(&shape)?;
        if size == 0 {
            return Err(Fault::Graph(format!("a value of shape {shape:?} is empty")));
        }
        let slot = self.slots.len();
        self.slots.push(size);
        let inputs: Vec<usize> = inputs.iter().map(|rows| rows.slot).collect();
        if inputs.iter().all(|slot| self.integers.contains_key(slot)) {
            self.integers.insert(slot, None);
        }
        self.steps.push(Step { kernel, inputs, first: Vec::new(), output: slot, on_path: false });
        Ok(Rows::new(slot, shape))
    }

    /// A slot that holds the same for all rows.
    pub(super) fn constant_slot(
        &mut self,
        shape: Vec<usize>,
        values: Vec<f32>,
    ) -> Result<Rows, Fault> {
        let rows = self.push(Kernel::Constant(values), &[], shape)?;
        self.note_floats(rows.slot);
        Ok(rows)
    }

    /// What such a slot holds.
    pub(super) fn constant_of(&self, slot: usize) -> Option<&[f32]> {
        // Each step has a slot of its own, after that of the input.
        let step = self.steps.get(slot.checked_sub(1)?)?;
        match &step.kernel {
            Kernel::Constant(values) => Some(values),
            _ => None,
        }
    }

    /// The slot of a value that is computed with together with `like`: for a constant one of its own.
    pub(super) fn slot_of(&mut self, value: &Value, like: &Rows) -> Result<Rows, Fault> {
        match value {
            Value::Rows(rows) => {
                like.check_alignment(rows)?;
                Ok(rows.clone())
            }
            Value::Constant(constant) => {
                let shape = like.align(&constant.shape)?;
                let layout = like.layout_for(shape.len());
                let values = constant.numbers().ok_or_else(|| {
                    Fault::Unsupported(
                        "it computes with the number of rows, or with texts".to_owned(),
                    )
                })?;
                let rows = self.constant_slot(shape, values)?;
                if constant.as_floats().is_none() {
                    self.note_integers(rows.slot, None);
                }
                Ok(Rows { layout, ..rows })
            }
            Value::Label(_) => Err(Fault::Unsupported("it computes with class names".to_owned())),
            Value::Unsupported => Err(Fault::Unsupported(String::new())),
        }
    }

    /// What a kernel makes of one value; `like` gives shape and layout of the result from those of the value.
    pub(super) fn apply(
        &mut self,
        kernel: Kernel,
        value: &Value,
        like: impl FnOnce(&Rows) -> Result<Rows, Fault>,
    ) -> Result<Value, Fault> {
        match value {
            Value::Rows(rows) => {
                let Rows { shape, layout, .. } = like(rows)?;
                Ok(Value::Rows(Rows { layout, ..self.push(kernel, &[rows], shape)? }))
            }
            Value::Constant(constant) => {
                let shape = like(&Rows::new(0, constant.shape.clone()))?.shape;
                let size = self.spend(&shape)?;
                let numbers = constant.numbers().filter(|numbers| !numbers.is_empty());
                let (Some(numbers), true) = (numbers, size > 0) else {
                    return Err(Fault::Unsupported(
                        "it computes with nothing, with the number of rows, or with texts"
                            .to_owned(),
                    ));
                };
                let mut out = vec![0.0; size];
                kernel.forward(1, &[0], &[numbers], &mut out, &mut Vec::new());
                let logical = matches!(&kernel, Kernel::Unary(unary) if unary.is_logical());
                Ok(if logical || constant.as_floats().is_none() {
                    Constant::ints(shape, out.iter().map(|&value| value as i64).collect())
                } else {
                    Constant::floats(shape, out)
                })
            }
            Value::Label(_) => Err(Fault::Unsupported("it computes with class names".to_owned())),
            Value::Unsupported => Err(Fault::Unsupported(String::new())),
        }
    }

    /// A step in the place of the one that writes `like`, with the shape of `like`; it has no more of a gradient.
    pub(super) fn rewrite(
        &mut self,
        kernel: Kernel,
        input: usize,
        like: &Rows,
    ) -> Result<Rows, Fault> {
        let input = Rows::new(input, Vec::new());
        let rows = self.push(kernel, &[&input], like.shape.clone())?;
        if let Some(blocked) = self.blocked.get(&like.slot).cloned() {
            self.blocked.insert(rows.slot, blocked);
        }
        Ok(rows)
    }

    /// Notes that a slot holds integers (0 and 1 for booleans), `count` different ones where that is known.
    /// Slots computed from integers alone hold integers without being noted.
    pub(super) fn note_integers(&mut self, slot: usize, count: Option<usize>) {
        self.integers.insert(slot, count);
    }

    /// Notes that a slot holds floats although it is computed from integers.
    pub(super) fn note_floats(&mut self, slot: usize) {
        self.integers.remove(&slot);
    }

    /// Whether a slot holds integers or booleans.
    pub(super) fn is_integer(&self, slot: usize) -> bool {
        self.integers.contains_key(&slot)
    }

    /// How many different integers, from 0 on, a slot holds, where that is known.
    pub(super) fn count(&self, slot: usize) -> Option<usize> {
        self.integers.get(&slot).copied().flatten()
    }
}

/// Builds the program of a classifier.
pub(super) fn build(model: &Model<'_>) -> Result<(ModelSpec, Program), Error> {
    check_opset(model)?;
    let graph = &model.graph;
    let initializers: BTreeMap<&str, &Tensor<'_>> =
        graph.initializers.iter().map(|tensor| (tensor.name, tensor)).collect();
    let input = the_input(&graph.inputs, &initializers)?;
    let (input_shape, fixed_batch) = input_shape(input)?;
    let mut builder = Builder {
        slots: Vec::new(),
        steps: Vec::new(),
        fixed_batch,
        labels: Vec::new(),
        integers: BTreeMap::new(),
        arg_max: BTreeMap::new(),
        logits: BTreeMap::new(),
        blocked: BTreeMap::new(),
        spent: 0,
    };
    let at_input = |fault: Fault| fault.at(&format!("input {:?}", input.name));
    let features = builder.spend(&input_shape).map_err(at_input)?;
    builder.slots.push(features);

    let mut values = BTreeMap::new();
    values.insert(input.name, Value::Rows(Rows::new(0, input_shape.clone())));
    let mut faults = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let at = place_of(index, node);
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &name in &node.inputs {
            let known = values.get(name).cloned();
            let value = match (known, initializers.get(name)) {
                _ if name.is_empty() => None,
                (Some(value), _) => Some(value),
                (None, Some(tensor)) => {
                    let problem =
                        |problem| Error::Graph { at: format!("initializer {name:?}"), problem };
                    let value = Constant::of(tensor).map_err(problem)?;
                    values.insert(name, value.clone());
                    Some(value)
                }
                (None, None) => {
                    let problem = format!("takes {name:?}, which nothing before it yields");
                    return Err(Error::Graph { at, problem });
                }
            };
            inputs.push(value);
        }
        let before = builder.steps.len();
        let mut outputs = match evaluate(&mut builder, model, node, inputs) {
            Ok(outputs) => outputs,
            Err(Fault::Unsupported(reason)) => {
                faults.push((index, unsupported(model, index, node, reason)));
                Vec::new()
            }
            Err(fault) => return Err(fault.at(&at)),
        };
        for step in builder.steps.get(before..).unwrap_or_default() {
            let carried = |(input, &slot): (usize, &usize)| {
                step.kernel.carries(input) && builder.constant_of(slot).is_none()
            };
            if !step.inputs.is_empty() && !step.inputs.iter().enumerate().any(carried) {
                let reason = "piecewise constant, without a gradient".to_owned();
                builder.blocked.insert(step.output, unsupported(model, index, node, reason));
            }
        }
        outputs.resize(node.outputs.len().max(outputs.len()), Value::Unsupported);
        for (&name, value) in node.outputs.iter().zip(outputs) {
            if name.is_empty() {
                continue;
            }
            if initializers.contains_key(name) || values.insert(name, value).is_some() {
                let problem = format!("yields {name:?}, which there is already");
                return Err(Error::Graph { at, problem });
            }
        }
    }

    let outputs: Vec<_> =
        graph.outputs.iter().filter_map(|info| Some((info, values.get(info.name)?))).collect();
    let tail = match tail::choose(&mut builder, &outputs) {
        Ok(tail) => tail,
        Err(tail::NoScores::Unsupported(names)) => {
            let needed = ancestors(&graph.nodes, &names);
            let faults = faults.into_iter().filter(|(index, _)| needed.contains(index));
            return Err(Error::Unsupported(faults.map(|(_, fault)| fault).collect()));
        }
        Err(tail::NoScores::Graph { at, problem }) => return Err(Error::Graph { at, problem }),
    };
    let classes = tail.classes;
    let program = Program::new(builder.slots, builder.steps, tail.slot);
    if !program.depends_on_input() {
        let problem = "the scores do not depend on the input".to_owned();
        return Err(Error::Graph { at: format!("output {:?}", tail.output), problem });
    }
    let mut without_gradient = Vec::new();
    for fault in program.blocked.iter().rev().filter_map(|slot| builder.blocked.remove(slot)) {
        if without_gradient.last() != Some(&fault) {
            without_gradient.push(fault);
        }
    }
    let labels = if builder.labels.len() == classes { builder.labels } else { Vec::new() };
    let spec = ModelSpec {
        input: input.name.to_owned(),
        input_shape,
        features,
        classes,
        output: tail.output,
        tap: tail.tap,
        labels,
        without_gradient,
    };
    Ok((spec, program))
}

fn evaluate(
    builder: &mut Builder,
    model: &Model<'_>,
    node: &Node<'_>,
    inputs: Vec<Option<Value>>,
) -> Result<Vec<Value>, Fault> {
    let own = model.functions.iter().any(|function| {
        function.name == node.op_type && domain_name(function.domain) == domain_name(node.domain)
    });
    if own {
        let reason = "the file defines it itself; export with functions inlined";
        return Err(Fault::Unsupported(reason.to_owned()));
    }
    let opset = model.opset(node.domain);
    let (Some(operator), Some(opset)) = (operators::find(node.domain, node.op_type), opset) else {
        return Err(Fault::Unsupported(String::new()));
    };
    if inputs.iter().flatten().any(|value| matches!(value, Value::Unsupported)) {
        return Ok(Vec::new());
    }
    operator(builder, &Op { node, opset, inputs })
}

fn check_opset(model: &Model<'_>) -> Result<(), Error> {
    for (domain, known) in [(STANDARD_DOMAIN, STANDARD_OPSETS), ("ai.onnx.ml", CLASSIC_OPSETS)] {
        if let Some(version) = model.opset(domain)
            && !known.contains(&version)
        {
            let (oldest, newest) = known.into_inner();
            return Err(Error::Graph {
                at: format!("operator set {domain}"),
                problem: format!(
                    "version {version} is not between {oldest} and {newest}; \
                     export the model with an operator set in that range"
                ),
            });
        }
    }
    Ok(())
}

/// The only input that is no initializer.
fn the_input<'g, 'a>(
    inputs: &'g [ValueInfo<'a>],
    initializers: &BTreeMap<&str, &Tensor<'_>>,
) -> Result<&'g ValueInfo<'a>, Error> {
    let inputs: Vec<_> =
        inputs.iter().filter(|info| !initializers.contains_key(info.name)).collect();
    match inputs.as_slice() {
        [input] => Ok(input),
        several => {
            let names: Vec<_> = several.iter().map(|info| info.name).collect();
            Err(Error::Graph {
                at: "graph".to_owned(),
                problem: format!(
                    "it has {} inputs {names:?}, expected a single one that holds all features",
                    names.len()
                ),
            })
        }
    }
}

/// Shape of one row, and the length of the batch axis if it is fixed.
fn input_shape(input: &ValueInfo<'_>) -> Result<(Vec<usize>, Option<usize>), Error> {
    let error = |problem: String| Error::Graph { at: format!("input {:?}", input.name), problem };
    let ValueType::Tensor { element, shape } = &input.kind else {
        return Err(error("is no tensor".to_owned()));
    };
    if *element != DataType::FLOAT {
        return Err(error(format!("has type {element}, expected float (32 bits)")));
    }
    let Some([batch, rest @ ..]) = shape.as_deref() else {
        return Err(error("has no shape, expected [batch, features]".to_owned()));
    };
    if rest.is_empty() {
        return Err(error("has one axis only, expected [batch, features]".to_owned()));
    }
    let length = |dim: &Dimension<'_>| match dim {
        Dimension::Known(length) => usize::try_from(*length).ok().filter(|&length| length > 0),
        Dimension::Named(_) | Dimension::Unknown => None,
    };
    let lengths: Option<Vec<usize>> = rest.iter().map(length).collect();
    let lengths = lengths.ok_or_else(|| {
        error(
            "an axis after the batch has no fixed length; export with a fixed number of features"
                .to_owned(),
        )
    })?;
    Ok((lengths, length(batch)))
}

/// `node 3 "fc1" (Gemm)`.
fn place_of(index: usize, node: &Node<'_>) -> String {
    if node.name.is_empty() {
        format!("node {index} ({})", node.op_type)
    } else {
        format!("node {index} {:?} ({})", node.name, node.op_type)
    }
}

fn unsupported(model: &Model<'_>, index: usize, node: &Node<'_>, reason: String) -> Unsupported {
    Unsupported {
        operator: node.op_type.to_owned(),
        domain: domain_name(node.domain).to_owned(),
        opset: model.opset(node.domain),
        node: if node.name.is_empty() { format!("#{index}") } else { node.name.to_owned() },
        reason: Some(reason).filter(|reason| !reason.is_empty()),
    }
}

/// Indices of the nodes that the named values need.
fn ancestors(nodes: &[Node<'_>], names: &[&str]) -> BTreeSet<usize> {
    let mut wanted: BTreeSet<&str> = names.iter().copied().collect();
    let mut needed = BTreeSet::new();
    for (index, node) in nodes.iter().enumerate().rev() {
        if node.outputs.iter().any(|name| wanted.contains(name)) {
            needed.insert(index);
            wanted.extend(node.inputs.iter().filter(|name| !name.is_empty()));
        }
    }
    needed
}
