//! The walk over a graph's nodes, its branches and the functions that the file defines.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::graph::Builder;
use super::operators::{self, Fault, Op};
use super::tail;
use super::value::{Constant, Rows, Value};
use crate::onnx::{
    Attribute, AttributeValue, DataType, Dimension, Function, Graph, Model, Node, OpsetImport,
    STANDARD_DOMAIN, Tensor, ValueInfo, ValueType, domain_name,
};
use crate::program::Program;
use crate::{Error, ModelSpec, Unsupported};

/// Versions of the standard operators that are known here: from the one on that broadcasts as today, to the
/// newest (ONNX 1.23).
const STANDARD_OPSETS: RangeInclusive<i64> = 7..=28;
/// Versions of the operators of classic machine learning.
const CLASSIC_OPSETS: RangeInclusive<i64> = 1..=5;

/// Functions and branches within each other, and nodes of all of them as often as they are called.
const DEEPEST: usize = 32;
const LONGEST: usize = 1_000_000;

/// Builds the program of a classifier.
pub(super) fn build(model: &Model<'_>) -> Result<(ModelSpec, Program), Error> {
    check_opset(model)?;
    let graph = &model.graph;
    let mut scope = Scope {
        values: BTreeMap::new(),
        initializers: graph.initializers.iter().map(|tensor| (tensor.name, tensor)).collect(),
        imports: &model.opset_imports,
        prefix: String::new(),
        top: None,
        depth: 0,
    };
    let input = the_input(&graph.inputs, &scope.initializers)?;
    let (input_shape, fixed_batch) = input_shape(input)?;
    let builder = Builder::new(&input_shape, fixed_batch)
        .map_err(|fault| fault.at(&format!("input {:?}", input.name)))?;
    scope.values.insert(input.name, Value::Rows(Rows::new(0, input_shape.clone())));
    let mut walk = Walk { functions: &model.functions, builder, faults: Vec::new(), visited: 0 };
    walk.nodes(&graph.nodes, &mut scope)?;
    let Walk { mut builder, faults, .. } = walk;

    let values = &scope.values;
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
    let features = builder.slots.first().copied().unwrap_or(0);
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

/// Names that a graph or a function sees.
struct Scope<'s, 'a> {
    values: BTreeMap<&'a str, Value>,
    initializers: BTreeMap<&'a str, &'s Tensor<'a>>,
    imports: &'s [OpsetImport<'a>],
    /// The calling nodes: `layer1/attention/`.
    prefix: String,
    /// Index of the node of the main graph that all of this belongs to.
    top: Option<usize>,
    depth: usize,
}

impl<'a> Scope<'_, 'a> {
    fn opset(&self, domain: &str) -> Option<i64> {
        let same = |import: &&OpsetImport<'_>| domain_name(import.domain) == domain_name(domain);
        self.imports.iter().filter(same).map(|import| import.version).max()
    }

    /// `node 3 "fc1" (Gemm)`.
    fn place_of(&self, index: usize, node: &Node<'_>) -> String {
        let name = format!("{}{}", self.prefix, node.name);
        if name.is_empty() {
            format!("node {index} ({})", node.op_type)
        } else {
            format!("node {index} {name:?} ({})", node.op_type)
        }
    }

    fn name_of(&self, index: usize, node: &Node<'_>) -> String {
        if node.name.is_empty() {
            format!("{}#{index}", self.prefix)
        } else {
            format!("{}{}", self.prefix, node.name)
        }
    }

    fn unsupported(&self, index: usize, node: &Node<'_>, reason: String) -> Unsupported {
        Unsupported {
            operator: node.op_type.to_owned(),
            domain: domain_name(node.domain).to_owned(),
            opset: self.opset(node.domain),
            node: self.name_of(index, node),
            reason: Some(reason).filter(|reason| !reason.is_empty()),
        }
    }

    /// What a name stands for; initializers are read when they are first used.
    fn find(&mut self, name: &'a str) -> Result<Option<Value>, Error> {
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let Some(tensor) = self.initializers.get(name) else { return Ok(None) };
        let problem = |problem| Error::Graph { at: format!("initializer {name:?}"), problem };
        let value = Constant::of(tensor).map_err(problem)?;
        self.values.insert(name, value.clone());
        Ok(Some(value))
    }
}

/// Why a node yields nothing.
enum Failure {
    Fault(Fault),
    /// Of a node within it.
    Within(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Walk<'s, 'a> {
    functions: &'s [Function<'a>],
    builder: Builder,
    /// Operators that cannot be run, with the node of the main graph that they belong to.
    faults: Vec<(usize, Unsupported)>,
    visited: usize,
}

impl<'a> Walk<'_, 'a> {
    fn nodes(&mut self, nodes: &[Node<'a>], scope: &mut Scope<'_, 'a>) -> Result<(), Error> {
        for (index, node) in nodes.iter().enumerate() {
            let at = scope.place_of(index, node);
            self.visited = self.visited.saturating_add(1);
            if self.visited > LONGEST {
                let problem = format!("more than {LONGEST} nodes with those of functions");
                return Err(Error::Graph { at, problem });
            }
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for &name in &node.inputs {
                let value = if name.is_empty() { None } else { scope.find(name)? };
                if value.is_none() && !name.is_empty() {
                    let problem = format!("takes {name:?}, which nothing before it yields");
                    return Err(Error::Graph { at, problem });
                }
                inputs.push(value);
            }
            let top = scope.top.unwrap_or(index);
            let before = self.builder.steps.len();
            let mut outputs = match self.evaluate(node, index, inputs, scope) {
                Ok(outputs) => outputs,
                Err(Failure::Fault(Fault::Unsupported(reason))) => {
                    self.faults.push((top, scope.unsupported(index, node, reason)));
                    Vec::new()
                }
                Err(Failure::Fault(fault)) => return Err(fault.at(&at)),
                Err(Failure::Within(error)) => return Err(error),
            };
            self.note_blocked(before, || {
                let reason = "piecewise constant, without a gradient".to_owned();
                scope.unsupported(index, node, reason)
            });
            outputs.resize(node.outputs.len().max(outputs.len()), Value::Unsupported);
            for (&name, value) in node.outputs.iter().zip(outputs) {
                if name.is_empty() {
                    continue;
                }
                // A branch may hide a name of the graph around it.
                let own = scope.initializers.contains_key(name)
                    || scope.values.insert(name, value).is_some();
                if own && scope.depth == 0 {
                    let problem = format!("yields {name:?}, which there is already");
                    return Err(Error::Graph { at, problem });
                }
            }
        }
        Ok(())
    }

    /// Notes which of the steps since `before` end the way back of a gradient.
    fn note_blocked(&mut self, before: usize, blame: impl Fn() -> Unsupported) {
        let builder = &mut self.builder;
        let mut blocked = Vec::new();
        for step in builder.steps.get(before..).unwrap_or_default() {
            let carried = |(input, slot): (usize, &usize)| {
                step.kernel.carries(input) && !builder.fixed.contains(slot)
            };
            let fixed = builder.fixed.contains(&step.output);
            if !fixed && !step.inputs.iter().enumerate().any(carried) {
                blocked.push(step.output);
            }
        }
        for slot in blocked {
            // A node within a function is named before the function.
            builder.blocked.entry(slot).or_insert_with(&blame);
        }
    }

    fn evaluate(
        &mut self,
        node: &Node<'a>,
        index: usize,
        inputs: Vec<Option<Value>>,
        scope: &Scope<'_, 'a>,
    ) -> Result<Vec<Value>, Failure> {
        if scope.depth > DEEPEST {
            return Err(
                Fault::Graph(format!("functions call each other {DEEPEST} levels deep")).into()
            );
        }
        let functions = self.functions;
        let own = functions.iter().find(|function| {
            function.name == node.op_type
                && domain_name(function.domain) == domain_name(node.domain)
        });
        let undone = inputs.iter().flatten().any(|value| matches!(value, Value::Unsupported));
        if let Some(function) = own {
            if undone {
                return Ok(Vec::new());
            }
            return self.call(function, node, index, inputs, scope);
        }
        if (domain_name(node.domain), node.op_type) == (STANDARD_DOMAIN, "If") {
            return self.branch(node, index, &inputs, scope);
        }
        let opset = scope.opset(node.domain);
        let (Some(operator), Some(opset)) = (operators::find(node.domain, node.op_type), opset)
        else {
            return Err(Fault::Unsupported(String::new()).into());
        };
        if undone {
            return Ok(Vec::new());
        }
        Ok(operator(&mut self.builder, &Op { node, opset, inputs })?)
    }

    /// The branch that a constant condition chooses.
    fn branch(
        &mut self,
        node: &Node<'a>,
        index: usize,
        inputs: &[Option<Value>],
        scope: &Scope<'_, 'a>,
    ) -> Result<Vec<Value>, Failure> {
        let condition = match inputs {
            [Some(Value::Constant(constant))] => constant.as_ints().and_then(<[i64]>::first),
            _ => None,
        };
        let Some(&condition) = condition else {
            let reason = "its condition depends on the input";
            return Err(Fault::Unsupported(reason.to_owned()).into());
        };
        let name = if condition == 0 { "else_branch" } else { "then_branch" };
        let Some(AttributeValue::Graph(graph)) = node.attribute(name) else {
            return Err(Fault::Graph(format!("attribute {name} is no graph")).into());
        };
        let graph: &Graph<'a> = graph;
        let mut initializers: BTreeMap<&'a str, &Tensor<'a>> =
            scope.initializers.iter().map(|(&name, &tensor)| (name, tensor)).collect();
        initializers.extend(graph.initializers.iter().map(|tensor| (tensor.name, tensor)));
        let mut inner = Scope {
            values: scope.values.clone(),
            initializers,
            imports: scope.imports,
            prefix: format!("{}/", scope.name_of(index, node)),
            top: Some(scope.top.unwrap_or(index)),
            depth: scope.depth.saturating_add(1),
        };
        self.nodes(&graph.nodes, &mut inner).map_err(Failure::Within)?;
        let mut outputs = Vec::with_capacity(graph.outputs.len());
        for output in &graph.outputs {
            let value = inner.find(output.name).map_err(Failure::Within)?;
            outputs.push(value.ok_or_else(|| {
                Fault::Graph(format!("nothing in {name} yields {:?}", output.name))
            })?);
        }
        Ok(outputs)
    }

    /// A function of the file, its nodes in the place of the call.
    fn call(
        &mut self,
        function: &Function<'a>,
        node: &Node<'a>,
        index: usize,
        inputs: Vec<Option<Value>>,
        scope: &Scope<'_, 'a>,
    ) -> Result<Vec<Value>, Failure> {
        self.visited = self.visited.saturating_add(function.nodes.len());
        let given = inputs.into_iter().chain(std::iter::repeat(None));
        let values = function.inputs.iter().zip(given);
        let values = values.filter_map(|(&name, value)| Some((name, value?))).collect();
        let nodes: Vec<Node<'a>> =
            function.nodes.iter().map(|inner| with_attributes(inner, node, function)).collect();
        let mut inner = Scope {
            values,
            initializers: BTreeMap::new(),
            imports: &function.opset_imports,
            prefix: format!("{}/", scope.name_of(index, node)),
            top: Some(scope.top.unwrap_or(index)),
            depth: scope.depth.saturating_add(1),
        };
        // An optional input left out is none for the nodes within as well.
        let missing: BTreeSet<&str> = function
            .inputs
            .iter()
            .filter(|name| !inner.values.contains_key(*name))
            .copied()
            .collect();
        let blank = |mut node: Node<'a>| {
            for name in &mut node.inputs {
                if missing.contains(name) {
                    *name = "";
                }
            }
            node
        };
        let nodes: Vec<Node<'a>> = nodes.into_iter().map(blank).collect();
        self.nodes(&nodes, &mut inner).map_err(Failure::Within)?;
        let value = |name: &&'a str| {
            inner.values.get(name).cloned().ok_or_else(|| {
                Failure::from(Fault::Graph(format!("nothing in the function yields {name:?}")))
            })
        };
        function.outputs.iter().map(value).collect()
    }
}

/// A node of a function with the attributes of the calling node, or their defaults.
fn with_attributes<'a>(node: &Node<'a>, caller: &Node<'a>, function: &Function<'a>) -> Node<'a> {
    let mut node = node.clone();
    node.attributes = node
        .attributes
        .into_iter()
        .filter_map(|attribute| match attribute.value {
            AttributeValue::Reference(name) => {
                let mut known = caller.attributes.iter().chain(&function.defaults);
                let value = known.find(|given| given.name == name)?.value.clone();
                Some(Attribute { name: attribute.name, value })
            }
            AttributeValue::Graph(mut graph) => {
                let nodes = graph.nodes.iter();
                graph.nodes = nodes.map(|inner| with_attributes(inner, caller, function)).collect();
                Some(Attribute { name: attribute.name, value: AttributeValue::Graph(graph) })
            }
            _ => Some(attribute),
        })
        .collect();
    node
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
