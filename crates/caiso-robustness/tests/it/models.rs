//! Small networks: in plain arithmetic as the oracle, and as ONNX files for the attacks.

use std::sync::Arc;

use caiso_core::RunContext;
use caiso_inference::{Model, OnnxModel};
use caiso_math::Stream;
use caiso_robustness::{Attacked, Domain, Norm, Problem, RobustnessInput, Settings, find, run};
use serde_json::Value;

/// Fully connected layers with ReLU in between; logits at the end.
#[derive(Clone)]
pub(crate) struct Network {
    pub(crate) layers: Vec<Layer>,
}

#[derive(Clone)]
pub(crate) struct Layer {
    /// `[outputs, inputs]`, row-major.
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

impl Layer {
    fn inputs(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    pub(crate) fn weight(&self, output: usize, input: usize) -> f32 {
        self.weights[output * self.inputs() + input]
    }
}

/// One layer: `weights[class][feature]`.
pub(crate) fn linear(weights: &[&[f32]], bias: &[f32]) -> Network {
    Network { layers: vec![Layer { weights: weights.concat(), bias: bias.to_vec() }] }
}

/// Random weights for layers of these widths.
pub(crate) fn network(widths: &[usize], seed: u64) -> Network {
    let mut stream = Stream::new(seed, "test-network", 0);
    let layers = widths.windows(2).map(|pair| {
        let scale = (2.0 / pair[0] as f64).sqrt();
        let mut draw = |count| (0..count).map(|_| (scale * stream.next_normal()) as f32).collect();
        Layer { weights: draw(pair[0] * pair[1]), bias: draw(pair[1]) }
    });
    Network { layers: layers.collect() }
}

/// Valid rows, uniform in the domain, and the classes that the model gives them.
pub(crate) fn rows(
    domain: &Domain,
    model: &Network,
    count: usize,
    seed: u64,
) -> (Vec<f32>, Vec<usize>) {
    let mut stream = Stream::new(seed, "test-rows", 0);
    let mut rows = Vec::with_capacity(count * domain.width());
    for _ in 0..count {
        for feature in domain.features() {
            let value = feature.lower + feature.range() * stream.next_f64();
            rows.push(if feature.integer { value.round() } else { value } as f32);
        }
    }
    let labels = rows.chunks(domain.width()).map(|row| model.class(row)).collect();
    (rows, labels)
}

/// Runs the attack of this name with some parameters.
pub(crate) fn attack(
    name: &str,
    parameters: &Value,
    model: &dyn Model,
    domain: &Domain,
    (rows, labels): (&[f32], &[usize]),
    settings: &Settings,
) -> Attacked {
    let attack = find(name).unwrap();
    let parameters = attack.parameters.resolve(parameters.as_object().unwrap()).unwrap();
    let problem = Problem { model, domain, rows, labels, surrogate: None };
    run(attack, &parameters, &problem, settings, &RunContext::with_seed(1), &|_| ()).unwrap()
}

/// Under L-infinity, within an epsilon.
pub(crate) fn linf(epsilon: f64) -> Settings {
    Settings::new(Norm::Linf, Some(epsilon))
}

/// The input of a check.
pub(crate) fn input(
    model: &Network,
    domain: Domain,
    rows: Vec<f32>,
    labels: Vec<usize>,
) -> RobustnessInput {
    let classes = (0..model.classes()).map(|class| format!("class {class}")).collect();
    RobustnessInput {
        component: "model:test".to_owned(),
        path: Some("model/test.onnx".to_owned()),
        model: Arc::new(model.load()),
        rows,
        labels,
        classes,
        domain,
    }
}

impl Network {
    fn classes(&self) -> usize {
        self.layers[self.layers.len() - 1].bias.len()
    }

    /// The class of a row, computed in `f64`.
    pub(crate) fn class(&self, row: &[f32]) -> usize {
        let mut values: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
        for (index, layer) in self.layers.iter().enumerate() {
            let output = layer.bias.iter().enumerate().map(|(i, &bias)| {
                let terms =
                    values.iter().enumerate().map(|(j, x)| f64::from(layer.weight(i, j)) * x);
                let sum = terms.sum::<f64>() + f64::from(bias);
                if index + 1 < self.layers.len() { sum.max(0.0) } else { sum }
            });
            values = output.collect();
        }
        (0..values.len()).rev().max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap()
    }

    /// The network as a loaded ONNX file.
    pub(crate) fn load(&self) -> OnnxModel {
        OnnxModel::load(&self.to_onnx()).unwrap()
    }

    /// Gemm (with transposed weights) and Relu, operator set 17.
    fn to_onnx(&self) -> Vec<u8> {
        let last = self.layers.len() - 1;
        let mut graph = Vec::new();
        for i in 0..=last {
            let input = if i == 0 { "x".to_owned() } else { format!("relu{}", i - 1) };
            let output = if i == last { "logits".to_owned() } else { format!("gemm{i}") };
            let transposed = [text(1, "transB"), number(3, 1), number(20, 2)].concat();
            let names = [input, format!("w{i}"), format!("b{i}")];
            let inputs: Vec<u8> = names.iter().flat_map(|name| text(1, name)).collect();
            let gemm = [inputs, text(2, &output), text(4, "Gemm"), bytes(5, &transposed)].concat();
            graph.extend(bytes(1, &gemm));
            if i < last {
                let relu = [text(1, &output), text(2, &format!("relu{i}")), text(4, "Relu")];
                graph.extend(bytes(1, &relu.concat()));
            }
        }
        graph.extend(text(2, "network"));
        for (i, layer) in self.layers.iter().enumerate() {
            let (outputs, inputs) = (layer.bias.len(), layer.inputs());
            let weights = tensor(&format!("w{i}"), &[outputs, inputs], &layer.weights);
            graph.extend(bytes(5, &weights));
            graph.extend(bytes(5, &tensor(&format!("b{i}"), &[outputs], &layer.bias)));
        }
        graph.extend(bytes(11, &value("x", self.layers[0].inputs())));
        graph.extend(bytes(12, &value("logits", self.classes())));
        let operators = [text(1, ""), number(2, 17)].concat();
        [number(1, 8), bytes(7, &graph), bytes(8, &operators)].concat()
    }
}

/// `TensorProto` of floats.
fn tensor(name: &str, dims: &[usize], values: &[f32]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&dim| number(1, dim)).collect();
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [dims, number(2, 1), text(8, name), bytes(9, &raw)].concat()
}

/// `ValueInfoProto` of a float tensor `[batch, width]`.
fn value(name: &str, width: usize) -> Vec<u8> {
    let shape = [bytes(1, &text(2, "batch")), bytes(1, &number(1, width))].concat();
    let tensor = [number(1, 1), bytes(2, &shape)].concat();
    [text(1, name), bytes(2, &bytes(1, &tensor))].concat()
}

fn number(field: usize, value: usize) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn text(field: usize, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

fn bytes(field: usize, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len()), value.to_vec()].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
