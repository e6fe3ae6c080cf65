//! Networks of convolutions and pools against their definitions in double precision.

mod definition;
mod layer;
mod windows;

use caiso_inference::{Differentiable, Model, OnnxModel};

use self::layer::{Layer, random_layer};
use self::windows::Windows;
use crate::encoder::{Attribute, Graph};
use crate::exports::assert_close;
use crate::gradients::Random;

/// Values of one image: channels, then up to three axes.
#[derive(Debug, Clone)]
struct Image {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Image {
    fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }

    fn pixels(&self) -> usize {
        self.shape[1..].iter().product()
    }
}

/// What a network computes, layer by layer.
struct Trace {
    values: Vec<Image>,
    /// Distance to the nearest kink, relative to the values there.
    distance: f64,
}

struct Network {
    input: Vec<usize>,
    layers: Vec<Layer>,
}

impl Network {
    fn random(seed: u64) -> Self {
        let mut random = Random(seed);
        let rank = [1, 2, 2, 2, 3][random.below(5)];
        let longest = [12, 12, 9, 5][rank];
        let input: Vec<usize> = std::iter::once(1 + random.below(5))
            .chain((0..rank).map(|_| 2 + random.below(longest)))
            .collect();
        let mut shapes = vec![input.clone()];
        let mut layers = Vec::new();
        for _ in 0..=random.below(6) {
            let layer = random_layer(&mut random, &shapes);
            shapes.push(layer.shape(&shapes));
            layers.push(layer);
            if shapes[shapes.len() - 1].iter().product::<usize>() > 20_000 {
                break;
            }
        }
        // A sigmoid at the end would be cut off.
        if matches!(layers.last(), Some(Layer::Sigmoid)) {
            shapes.push(shapes[shapes.len() - 1].clone());
            layers.push(Layer::Relu);
        }
        if shapes[shapes.len() - 1].iter().product::<usize>() == 1 {
            layers.push(Layer::Concat(1));
            let last = shapes[shapes.len() - 1].clone();
            if shapes[shapes.len() - 2][1..] != last[1..] {
                return Self::random(seed.wrapping_mul(31).wrapping_add(7));
            }
        }
        Self { input, layers }
    }

    /// Many channels and windows of 3 x 3 with stride 1, for which there is a way of its own, with a shortcut;
    /// depthwise ones before.
    fn squares(seed: u64) -> Self {
        let mut random = Random(seed);
        let input = vec![16 * (1 + random.below(2)), 3 + random.below(11), 3 + random.below(11)];
        let mut shapes = vec![input.clone()];
        let mut layers = Vec::new();
        for depthwise in [true, false, false] {
            let shape = &shapes[shapes.len() - 1];
            let pads = |random: &mut Random| {
                if depthwise { vec![1, 1] } else { vec![1 + random.below(2), random.below(3)] }
            };
            let windows = Windows {
                kernel: vec![3, 3],
                strides: vec![1, 1],
                dilations: vec![1, 1],
                before: pads(&mut random),
                after: pads(&mut random),
                auto: None,
                ceil: false,
            };
            let groups = if depthwise { shape[0] } else { 1 };
            let outputs = if depthwise { shape[0] } else { 16 * (1 + random.below(3)) };
            let weights = random.floats(outputs * shape[0] / groups * 9);
            let weights = weights.iter().map(|w| w / (shape[0] / groups) as f32).collect();
            let bias = random.floats(outputs);
            layers.push(Layer::Conv { windows, groups, outputs, weights, bias });
            shapes.push(layers[layers.len() - 1].shape(&shapes));
            if depthwise {
                layers.push(Layer::Add(1));
                shapes.push(shapes[shapes.len() - 1].clone());
            }
            layers.push(Layer::Relu);
            shapes.push(shapes[shapes.len() - 1].clone());
        }
        Self { input, layers }
    }

    fn evaluate(&self, row: &[f32]) -> Trace {
        let values = row.iter().map(|&x| f64::from(x)).collect();
        let mut trace = Trace {
            values: vec![Image { shape: self.input.clone(), values }],
            distance: f64::INFINITY,
        };
        for layer in &self.layers {
            let value = layer.apply(&trace.values, &mut trace.distance);
            trace.values.push(value);
        }
        trace
    }

    /// The transposed Jacobian times `seed`.
    fn adjoint(&self, trace: &Trace, seed: &[f32]) -> Vec<f64> {
        let mut gradients: Vec<Image> =
            trace.values.iter().map(|value| Image::zeros(&value.shape)).collect();
        let last = gradients.len() - 1;
        gradients[last].values = seed.iter().map(|&x| f64::from(x)).collect();
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let seed = gradients[index + 1].clone();
            layer.adjoint(&trace.values[..index + 2], &seed, &mut gradients[..=index]);
        }
        gradients.swap_remove(0).values
    }

    fn encode(&self) -> Vec<u8> {
        let dims: Vec<u64> = self.input.iter().map(|&length| length as u64).collect();
        let mut graph = Graph::new(18).input(&dims);
        let mut names = vec!["x".to_owned()];
        let mut channels = vec![self.input[0]];
        for (index, layer) in self.layers.iter().enumerate() {
            let out = format!("v{index}");
            graph = layer.encode(graph, &names, &out);
            names.push(out);
            channels.push(0);
        }
        graph.node("Flatten", &[&names[names.len() - 1]], &["flat"], &[]).output("flat").encode()
    }
}

/// Outputs and the transposed Jacobian times a random vector; whether the gradient could be compared.
fn check(network: &Network, seed: u64) -> bool {
    let what = || format!("seed {seed}, {:?}, {:?}", network.input, network.layers);
    let model =
        OnnxModel::load(&network.encode()).unwrap_or_else(|error| panic!("{error}, {}", what()));
    let mut random = Random(!seed);
    let rows: Vec<Vec<f32>> = (0..2).map(|_| random.floats(model.features())).collect();
    let traces: Vec<Trace> = rows.iter().map(|row| network.evaluate(row)).collect();
    let outputs: Vec<Vec<f64>> =
        traces.iter().map(|trace| trace.values.last().unwrap().values.clone()).collect();
    let mut session = model.session();
    session.forward(&rows.concat()).unwrap();
    let (logits, seeds) = session.outputs();
    assert_close(&what(), logits, &outputs, 0.1);
    let seed: Vec<f32> = random.floats(seeds.len());
    seeds.copy_from_slice(&seed);
    let mut gradients = vec![0.0; 2 * model.features()];
    session.backward(&mut gradients).unwrap();
    if traces.iter().any(|trace| trace.distance < 1e-4) {
        return false;
    }
    let expected: Vec<Vec<f64>> = traces
        .iter()
        .zip(seed.chunks(outputs[0].len()))
        .map(|(trace, seed)| network.adjoint(trace, seed))
        .collect();
    assert_close(&what(), &gradients, &expected, 0.1);
    true
}

#[test]
fn networks_of_windows_follow_their_definition() {
    // Always the same networks: a rare one loses more digits by cancellation than the tolerance allows.
    (1_000..1_300).for_each(|seed| {
        check(&Network::random(seed), seed);
    });
}

#[test]
fn most_gradients_of_networks_of_windows_are_compared() {
    let compared = (0..200).filter(|&seed| check(&Network::random(seed), seed)).count();
    assert!(compared > 100, "only {compared} lay away from kinks");
}

#[test]
fn networks_of_many_channels_follow_their_definition() {
    let compared = (0..40).filter(|&seed| check(&Network::squares(seed), seed)).count();
    assert!(compared > 10, "only {compared} gradients lay away from kinks");
}

#[test]
fn windows_that_do_not_fit_are_refused_with_what_was_expected() {
    let message = |operator: &str, weights: &[usize], attributes: &[Attribute<'_>]| {
        let values = vec![0.5; weights.iter().product()];
        let graph = Graph::new(17).input(&[2, 5, 6]).floats("w", weights, &values);
        let inputs: &[&str] = if operator.starts_with("Conv") { &["x", "w"] } else { &["x"] };
        let graph = graph
            .node(operator, inputs, &["y"], attributes)
            .node("Flatten", &["y"], &["scores"], &[])
            .output("scores");
        OnnxModel::load(&graph.encode()).err().expect("it is refused").to_string()
    };
    let ints = Attribute::Ints;
    for (operator, weights, attributes, expected) in [
        ("Conv", &[4, 2, 3][..], vec![], "do not fit input of shape"),
        ("Conv", &[4, 3, 3, 3], vec![], "weights for 1 groups of 3 channels do not fit 2 channels"),
        ("Conv", &[4, 1, 3, 3], vec![Attribute::Int("group", 3)], "do not divide into 3 groups"),
        ("Conv", &[4, 2, 7, 3], vec![], "a window of 7 places is longer than the axis, 5 with its"),
        ("Conv", &[4, 2, 3, 3], vec![ints("pads", &[1, 1])], "do not have a beginning and an end"),
        ("Conv", &[4, 2, 3, 3], vec![ints("pads", &[-1, 0, 0, 0])], "cut the input off"),
        ("Conv", &[4, 2, 3, 3], vec![ints("strides", &[0, 1])], "strides are not 2 positive"),
        ("Conv", &[4, 2, 3, 3], vec![ints("kernel_shape", &[3, 2])], "differs from the weights'"),
        ("Conv", &[4, 2, 3, 3], vec![Attribute::Text("auto_pad", "SAME")], "auto_pad is \"SAME\""),
        ("Conv", &[4, 2, 1, 1], vec![ints("pads", &[1 << 40, 0, 0, 0])], "takes more than"),
        ("ConvTranspose", &[3, 2, 3, 3], vec![], "weights for 1 groups of 3 channels do not fit 2"),
        (
            "ConvTranspose",
            &[2, 2, 1, 1],
            vec![ints("pads", &[3, 3, 3, 3])],
            "pads of 6 leave nothing of 5 places",
        ),
        ("MaxPool", &[1], vec![], "kernel_shape does not give the lengths of 2 axes"),
        (
            "MaxPool",
            &[1],
            vec![ints("kernel_shape", &[1, 1]), ints("pads", &[1, 0, 0, 0])],
            "a window covers nothing but padding",
        ),
        ("LpPool", &[1], vec![ints("kernel_shape", &[2, 2]), Attribute::Int("p", 0)], "p is no"),
    ] {
        let message = message(operator, weights, &attributes);
        assert!(message.contains(expected), "{operator} {weights:?}: {message}");
    }
}

#[test]
fn weights_that_depend_on_the_input_are_refused() {
    let graph = Graph::new(17)
        .input(&[1, 3, 3])
        .node("Conv", &["x", "x"], &["y"], &[])
        .node("Flatten", &["y"], &["scores"], &[])
        .output("scores");
    let error = OnnxModel::load(&graph.encode()).err().unwrap().to_string();
    assert_eq!(
        error,
        "1 operator is not supported: ai.onnx.Conv (opset 17) in node n0: input 1 is not a constant"
    );
}
