//! The walk from the inputs to the logits.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::constant;
use super::operators::{self, Lower};
use super::shape::size;
use super::tap::{self, Source};
use super::LoadOptions;
use crate::kernels::{Kernel, Unary};
use crate::onnx::{self, DataType, Dimension, Graph, Node, Tensor, ValueInfo, ValueType};
use crate::program::{Program, Step};
use crate::{Error, LogitTap, ModelSpec, Unsupported};

/// Why a node cannot be lowered.
#[derive(Debug)]
pub(super) enum Problem {
    /// The operator is used in a way that cannot be run.
    Unsupported(String),
    /// The graph contradicts itself.
    Invalid(String),
}

/// A value of the graph.
#[derive(Clone)]
pub(super) enum Value {
    /// Depends on the input: one sample of this shape for each row.
    Rows { slot: usize, shape: Vec<usize> },
    /// A constant.
    Floats { shape: Vec<usize>, data: Rc<[f32]> },
    /// An integer constant, or what is computed from shapes.
    Ints { shape: Vec<usize>, data: Vec<Size> },
}

/// An integer in a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Known(i64),
    /// The number of rows, which no file knows.
    Batch,
}

/// Program under construction.
pub(super) struct Lowering<'m> {
    /// Version of the standard operator set.
    pub(super) opset: i64,
    /// Number of rows the file was exported for, where it fixes one.
    pub(super) fixed_batch: Option<i64>,
    pub(super) external: &'m BTreeMap<&'m str, &'m [u8]>,
    slots: Vec<usize>,
    steps: Vec<Step>,
}

impl Lowering<'_> {
    /// Adds a step that yields one sample of `shape` for each row.
    pub(super) fn push(
        &mut self,
        kernel: Kernel,
        inputs: Vec<usize>,
        shape: Vec<usize>,
    ) -> Result<Value, Problem> {
        let slot = self.slot(&shape)?;
        self.steps.push(Step { kernel, inputs, first: Vec::new(), output: slot });
        Ok(Value::Rows { slot, shape })
    }

    fn slot(&mut self, shape: &[usize]) -> Result<usize, Problem> {
        let size = size(shape)?;
        if size == 0 {
            return Err(Problem::Invalid(format!("a value of shape {shape:?} is empty")));
        }
        self.slots.push(size);
        Ok(self.slots.len() - 1)
    }
}

/// `node 3 "fc1" (Gemm)`, for errors.
fn place(index: usize, node: &Node<'_>) -> String {
    format!("node {index} {:?} ({})", node.name, node.op_type)
}

fn error_at(at: impl Into<String>) -> impl Fn(Problem) -> Error {
    let at = at.into();
    move |problem| match problem {
        Problem::Invalid(problem) | Problem::Unsupported(problem) => {
            Error::Graph { at: at.clone(), problem }
        }
    }
}

pub(super) fn lower(
    model: &onnx::Model<'_>,
    options: &LoadOptions<'_>,
) -> Result<(ModelSpec, Program), Error> {
    let graph = &model.graph;
    let producers = producers(graph)?;
    let tap = tap::find(graph, &producers, options.output, model.opset(""))?;
    let needed = needed(graph, &producers, &tap.source);
    let lowers = supported(model, &needed)?;

    let input = input(graph)?;
    let (shape, fixed_batch) = input_shape(input)?;
    let mut lowering = Lowering {
        opset: model.opset("").unwrap_or_default(),
        fixed_batch,
        external: &options.external,
        slots: Vec::new(),
        steps: Vec::new(),
    };
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    let at_input = error_at(format!("input {:?}", input.name));
    let slot = lowering.slot(&shape).map_err(&at_input)?;
    values.insert(input.name, Value::Rows { slot, shape: shape.clone() });
    let features = size(&shape).map_err(at_input)?;

    let used = used_names(graph, &needed, &tap.source);
    for tensor in graph.initializers.iter().filter(|tensor| used.contains(tensor.name)) {
        let value = constant::value(tensor, lowering.external)
            .map_err(error_at(format!("initializer {:?}", tensor.name)))?;
        if values.insert(tensor.name, value).is_some() && tensor.name != input.name {
            let at = format!("initializer {:?}", tensor.name);
            return Err(Error::Graph { at, problem: "its name is taken twice".to_owned() });
        }
    }
    let mut logits = None;
    for (&index, lower) in needed.iter().zip(lowers) {
        let node = &graph.nodes[index];
        let inputs = operands(&values, index, node)?;
        let fail = |problem| match problem {
            Problem::Unsupported(reason) => {
                Error::Unsupported(vec![unsupported(model, index, node, Some(reason))])
            }
            Problem::Invalid(problem) => Error::Graph { at: place(index, node), problem },
        };
        if tap.source == Source::Scores(index) {
            logits = Some(operators::linear_scores(&mut lowering, node, &inputs).map_err(fail)?);
            continue;
        }
        let outputs = lower(&mut lowering, node, &inputs).map_err(fail)?;
        for (name, value) in node.outputs.iter().zip(outputs) {
            if let Some(value) = value {
                values.insert(name, value);
            }
        }
    }
    if let Source::Value(name) = tap.source {
        logits = values.remove(name);
    }

    let at = format!("output {:?}", tap.output);
    let (slot, tap_kind) = finish(&mut lowering, logits, &tap).map_err(error_at(&*at))?;
    let program = Program::new(lowering.slots, lowering.steps, slot);
    if !program.depends_on_input() {
        return Err(Error::Graph { at, problem: "it does not depend on the input".to_owned() });
    }
    let classes = program.slots[program.output];
    let spec = ModelSpec {
        input: input.name.to_owned(),
        input_shape: shape,
        features,
        classes,
        output: tap.output.to_owned(),
        tap: tap_kind,
        labels: if tap.labels.len() == classes { tap.labels } else { Vec::new() },
    };
    Ok((spec, program))
}

/// Turns what the tap found into the slot of the logits.
fn finish(
    lowering: &mut Lowering<'_>,
    logits: Option<Value>,
    tap: &tap::Tap<'_>,
) -> Result<(usize, LogitTap), Problem> {
    let Some(Value::Rows { slot, shape }) = logits else {
        return Err(Problem::Invalid("it does not depend on the input".to_owned()));
    };
    let classes = match shape.as_slice() {
        [] => 1,
        &[classes] => classes,
        _ => {
            return Err(Problem::Invalid(format!(
                "one sample yields a value of shape {shape:?}, expected one score for each class"
            )));
        }
    };
    let (kernel, size, kind) = match (tap.kind, classes) {
        (LogitTap::Softmax | LogitTap::ArgMax | LogitTap::OneVsRest, 1) => {
            return Err(Problem::Invalid("there is one class only".to_owned()));
        }
        (LogitTap::Output, 1) => {
            (Kernel::TwoClasses { flipped: tap.flipped }, 2, LogitTap::SingleOutput)
        }
        (LogitTap::Sigmoid | LogitTap::Sigmoids, 1) => {
            (Kernel::TwoClasses { flipped: tap.flipped }, 2, LogitTap::Sigmoid)
        }
        (LogitTap::Sigmoid, _) => {
            return Err(Problem::Invalid(format!(
                "p and 1 - p stand side by side, where p has {classes} values"
            )));
        }
        (LogitTap::OneVsRest, _) => {
            (Kernel::Unary(Unary::LogSigmoid), classes, LogitTap::OneVsRest)
        }
        (kind, _) => return Ok((slot, kind)),
    };
    match lowering.push(kernel, vec![slot], vec![size])? {
        Value::Rows { slot, .. } => Ok((slot, kind)),
        _ => unreachable!("push yields rows"),
    }
}

/// Which node yields a value.
fn producers<'g>(graph: &'g Graph<'_>) -> Result<BTreeMap<&'g str, usize>, Error> {
    let mut producers = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        for &name in node.outputs.iter().filter(|name| !name.is_empty()) {
            if producers.insert(name, index).is_some() {
                let problem = format!("value {name:?} is already yielded by an earlier node");
                return Err(Error::Graph { at: place(index, node), problem });
            }
        }
    }
    Ok(producers)
}

/// Nodes that the logits need, in the order of the file.
fn needed(
    graph: &Graph<'_>,
    producers: &BTreeMap<&str, usize>,
    source: &Source<'_>,
) -> BTreeSet<usize> {
    let mut open = match *source {
        Source::Value(name) => producers.get(name).copied().into_iter().collect(),
        Source::Scores(index) => vec![index],
    };
    let mut needed = BTreeSet::new();
    while let Some(index) = open.pop() {
        if needed.insert(index) {
            let inputs = graph.nodes[index].inputs.iter();
            open.extend(inputs.filter_map(|name| producers.get(name)));
        }
    }
    needed
}

fn used_names<'g>(
    graph: &Graph<'g>,
    needed: &BTreeSet<usize>,
    source: &Source<'g>,
) -> BTreeSet<&'g str> {
    let inputs = needed.iter().flat_map(|&index| graph.nodes[index].inputs.iter().copied());
    let tapped = match *source {
        Source::Value(name) => Some(name),
        Source::Scores(_) => None,
    };
    inputs.chain(tapped).collect()
}

/// The lowering of each needed node, or all that have none.
fn supported(model: &onnx::Model<'_>, needed: &BTreeSet<usize>) -> Result<Vec<Lower>, Error> {
    let mut lowers = Vec::new();
    let mut refused = Vec::new();
    for &index in needed {
        let node = &model.graph.nodes[index];
        let opset = model.opset(node.domain);
        let own = |function: &onnx::Function<'_>| {
            function.name == node.op_type
                && onnx::domain_name(function.domain) == onnx::domain_name(node.domain)
        };
        if model.functions.iter().any(own) {
            let reason = "a function that the file defines; export with functions inlined";
            refused.push(unsupported(model, index, node, Some(reason.to_owned())));
            continue;
        }
        match operators::find(node.domain, node.op_type) {
            Some(operator) => match operators::check_opset(node.domain, opset) {
                Ok(()) => lowers.push(operator),
                Err(reason) => refused.push(unsupported(model, index, node, reason)),
            },
            None => refused.push(unsupported(model, index, node, None)),
        }
    }
    if refused.is_empty() { Ok(lowers) } else { Err(Error::Unsupported(refused)) }
}

fn unsupported(
    model: &onnx::Model<'_>,
    index: usize,
    node: &Node<'_>,
    reason: Option<String>,
) -> Unsupported {
    Unsupported {
        operator: node.op_type.to_owned(),
        domain: onnx::domain_name(node.domain).to_owned(),
        opset: model.opset(node.domain),
        node: if node.name.is_empty() { format!("#{index}") } else { node.name.to_owned() },
        reason,
    }
}

fn operands(
    values: &BTreeMap<&str, Value>,
    index: usize,
    node: &Node<'_>,
) -> Result<Vec<Option<Value>>, Error> {
    let operand = |name: &&str| match values.get(name) {
        Some(value) => Ok(Some(value.clone())),
        None if name.is_empty() => Ok(None),
        None => Err(Error::Graph {
            at: place(index, node),
            problem: format!("it takes {name:?}, which nothing before it yields as a number"),
        }),
    };
    node.inputs.iter().map(operand).collect()
}

/// The one input that is not a constant.
fn input<'g, 'a>(graph: &'g Graph<'a>) -> Result<&'g ValueInfo<'a>, Error> {
    let constants: BTreeSet<&str> = graph.initializers.iter().map(|tensor| tensor.name).collect();
    let inputs: Vec<_> =
        graph.inputs.iter().filter(|input| !constants.contains(input.name)).collect();
    match inputs.as_slice() {
        [input] => Ok(input),
        _ => {
            let names: Vec<_> = inputs.iter().map(|input| input.name).collect();
            Err(Error::Graph {
                at: "inputs".to_owned(),
                problem: format!("expected one input, found {}: {names:?}", names.len()),
            })
        }
    }
}

/// Shape of one sample, and the number of rows where the file fixes it.
fn input_shape(input: &ValueInfo<'_>) -> Result<(Vec<usize>, Option<i64>), Error> {
    let fail = |problem: String| Error::Graph { at: format!("input {:?}", input.name), problem };
    let ValueType::Tensor { element, shape } = &input.kind else {
        return Err(fail("it is not a tensor".to_owned()));
    };
    if *element != DataType::FLOAT {
        return Err(fail(format!("its elements are {element}, expected float")));
    }
    let Some([batch, sample @ ..]) = shape.as_deref() else {
        return Err(fail("it has no shape, expected a batch axis and those of a sample".to_owned()));
    };
    let batch = match *batch {
        Dimension::Known(size) => Some(size),
        Dimension::Named(_) | Dimension::Unknown => None,
    };
    let axis = |(index, dimension): (usize, &Dimension<'_>)| match *dimension {
        Dimension::Known(size @ 1..) => {
            usize::try_from(size).map_err(|_| fail(format!("axis {} is too long", index + 1)))
        }
        Dimension::Known(size) => Err(fail(format!("axis {} has size {size}", index + 1))),
        Dimension::Named(name) => Err(fail(format!(
            "axis {} has the open size {name:?}; only the first axis may be open",
            index + 1
        ))),
        Dimension::Unknown => {
            Err(fail(format!("axis {} has no size; only the first axis may be open", index + 1)))
        }
    };
    let sample: Vec<usize> = sample.iter().enumerate().map(axis).collect::<Result<_, _>>()?;
    Ok((sample, batch))
}

/// A constant that is a single number.
pub(super) fn scalar(tensor: &Tensor<'_>) -> Option<f32> {
    match tensor.element_count() {
        Some(1) => tensor.to_floats()?.first().copied(),
        _ => None,
    }
}
