//! Every kind of step: its derivative against finite differences of its own values, and a row's numbers whatever
//! the rows beside it. (Values are compared with onnxruntime in `conformance.rs`.)

use caiso_inference::{Differentiable, Model, OnnxModel};
use proptest::prelude::*;

use crate::encoder::{Attribute, Graph};
use crate::gradients::Random;

const FEATURES: usize = 12;

/// With the shape of one row.
fn graph(shape: &[u64]) -> Graph {
    Graph::new(18).input(shape)
}

/// Behind the operator, so that it is not taken for the end of a classifier.
fn finish(graph: Graph) -> Vec<u8> {
    graph
        .floats("last", &[], &[0.125])
        .node("Flatten", &["y"], &["flat"], &[])
        .node("Add", &["flat", "last"], &["scores"], &[])
        .output("scores")
        .encode()
}

fn cases() -> Vec<(String, Vec<u8>)> {
    let mut random = Random(5);
    let mut cases = Vec::new();
    let flat = || graph(&[FEATURES as u64]);
    let wide = || graph(&[3, 4]);
    let mut add = |name: &str, graph: Graph| cases.push((name.to_owned(), finish(graph)));
    for name in [
        "Neg",
        "Abs",
        "Sqrt",
        "Reciprocal",
        "Exp",
        "Log",
        "Sin",
        "Cos",
        "Tan",
        "Asin",
        "Acos",
        "Atan",
        "Sinh",
        "Cosh",
        "Tanh",
        "Asinh",
        "Atanh",
        "Erf",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Celu",
        "Mish",
        "Sigmoid",
        "HardSigmoid",
        "HardSwish",
        "Softplus",
        "Softsign",
    ] {
        add(name, flat().node(name, &["x"], &["y"], &[]));
    }
    add("Acosh", flat().node("Exp", &["x"], &["e"], &[]).node("Acosh", &["e"], &["y"], &[]));
    for name in ["Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "PRelu"] {
        let node = |graph: Graph| {
            graph.node("Sin", &["x"], &["s"], &[]).node(name, &["s", "x"], &["y"], &[])
        };
        add(name, node(wide()));
        // Between the values of a row.
        let column = [0.37, 0.61, 0.79];
        add(name, wide().floats("c", &[3, 1], &column).node(name, &["c", "x"], &["y"], &[]));
    }
    let limit = |graph: Graph| graph.floats("half", &[], &[0.61]);
    add(
        "Where",
        limit(flat())
            .node("Less", &["x", "half"], &["less"], &[])
            .node("Exp", &["x"], &["e"], &[])
            .node("Where", &["less", "e", "x"], &["y"], &[]),
    );
    for name in [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceSumSquare",
    ] {
        for axis in [1, 2] {
            let graph = wide().ints("axes", &[axis]).node("Neg", &["x"], &["n"], &[]);
            let from = if name == "ReduceLogSum" { "x" } else { "n" };
            add(name, graph.node(name, &[from, "axes"], &["y"], &[]));
        }
    }
    for axis in [1, 2] {
        let axis = [Attribute::Int("axis", axis)];
        add("Softmax", wide().node("Softmax", &["x"], &["y"], &axis));
        add("LogSoftmax", wide().node("LogSoftmax", &["x"], &["y"], &axis));
        add("LpNormalization", wide().node("LpNormalization", &["x"], &["y"], &axis));
    }
    add("CumSum", wide().ints("axis", &[1]).node("CumSum", &["x", "axis"], &["y"], &[]));
    add(
        "TopK",
        wide().ints("k", &[2]).node(
            "TopK",
            &["x", "k"],
            &["y", "places"],
            &[Attribute::Int("axis", 2)],
        ),
    );
    let turned = [Attribute::Ints("perm", &[0, 2, 1])];
    add(
        "MatMul",
        wide().node("Transpose", &["x"], &["t"], &turned).node("MatMul", &["x", "t"], &["y"], &[]),
    );
    add(
        "Einsum",
        wide().node("Einsum", &["x", "x"], &["y"], &[Attribute::Text("equation", "bij,bkj->bki")]),
    );
    add("Pad", wide().ints("pads", &[0, 1, 2, 0, 0, 1]).node("Pad", &["x", "pads"], &["y"], &[]));
    add(
        "LayerNormalization",
        wide().floats("scale", &[4], &random.floats(4)).node(
            "LayerNormalization",
            &["x", "scale"],
            &["y"],
            &[],
        ),
    );
    add(
        "InstanceNormalization",
        graph(&[2, 6])
            .floats("scale", &[2], &random.floats(2))
            .floats("bias", &[2], &random.floats(2))
            .node("InstanceNormalization", &["x", "scale", "bias"], &["y"], &[]),
    );
    let axes = [Attribute::Ints("axes", &[1])];
    add(
        "MeanVarianceNormalization",
        wide().node("MeanVarianceNormalization", &["x"], &["y"], &axes),
    );
    let size = [Attribute::Int("size", 3), Attribute::Float("alpha", 0.7)];
    add("LRN", graph(&[6, 2, 1]).node("LRN", &["x"], &["y"], &size));
    for mode in ["nearest", "linear", "cubic"] {
        add(
            "Resize",
            graph(&[1, 3, 4]).floats("scales", &[4], &[1.0, 1.0, 1.7, 0.8]).node(
                "Resize",
                &["x", "", "scales"],
                &["y"],
                &[Attribute::Text("mode", mode)],
            ),
        );
    }
    for (name, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
        let (features, hidden) = (4, 3);
        add(
            name,
            wide()
                .floats(
                    "w",
                    &[2, gates * hidden, features],
                    &random.floats(2 * gates * hidden * features),
                )
                .floats(
                    "r",
                    &[2, gates * hidden, hidden],
                    &random.floats(2 * gates * hidden * hidden),
                )
                .floats("b", &[2, 2 * gates * hidden], &random.floats(4 * gates * hidden))
                .node("Transpose", &["x"], &["t"], &[Attribute::Ints("perm", &[1, 0, 2])])
                .node(
                    name,
                    &["t", "w", "r", "b"],
                    &["z"],
                    &[
                        Attribute::Text("direction", "bidirectional"),
                        Attribute::Int("hidden_size", hidden as i64),
                    ],
                )
                .node("Transpose", &["z"], &["y"], &[Attribute::Ints("perm", &[2, 0, 1, 3])]),
        );
    }
    cases
}

/// Twelve values in some order, far enough from each other and from the kinks of the functions.
fn row(random: &mut Random) -> Vec<f32> {
    let mut values: Vec<f32> = (0..FEATURES).map(|i| 0.22 + 0.06 * i as f32).collect();
    for i in (1..FEATURES).rev() {
        values.swap(i, random.below(i + 1));
    }
    values
}

#[test]
fn derivatives_are_those_of_finite_differences() {
    let step = 0.005;
    for (name, bytes) in cases() {
        let model = OnnxModel::load(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut random = Random(11);
        let row = row(&mut random);
        let seed = random.floats(model.classes());
        let mut session = model.session();
        let mut value = |row: &[f32]| -> f64 {
            session.forward(row).unwrap();
            let (logits, _) = session.outputs();
            logits.iter().zip(&seed).map(|(z, seed)| f64::from(*z) * f64::from(*seed)).sum()
        };
        let slope = |axis: usize| {
            let mut at = |distance: f32| {
                let mut moved = row.clone();
                moved[axis] += distance * step;
                value(&moved)
            };
            (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * f64::from(step))
        };
        let expected: Vec<f64> = (0..FEATURES).map(slope).collect();
        session.forward(&row).unwrap();
        session.outputs().1.copy_from_slice(&seed);
        let mut gradient = [0.0; FEATURES];
        session.backward(&mut gradient).unwrap();
        let scale = expected.iter().fold(1e-3, |scale: f64, x| scale.max(x.abs()));
        for (axis, (actual, expected)) in gradient.iter().zip(&expected).enumerate() {
            let difference = (f64::from(*actual) - expected).abs();
            assert!(difference < 1e-3 * scale, "{name}, {axis}: {actual} for {expected}");
        }
    }
}

#[test]
fn a_row_has_the_same_bits_among_others() {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    for (name, bytes) in cases() {
        let model = OnnxModel::load(&bytes).unwrap();
        let mut random = Random(3);
        let rows: Vec<f32> = (0..9).flat_map(|_| row(&mut random)).collect();
        let classes = model.classes();
        let mut session = model.session();
        let mut run = |rows: &[f32]| {
            session.forward(rows).unwrap();
            let (logits, seed) = session.outputs();
            let logits = logits.to_vec();
            seed.iter_mut().enumerate().for_each(|(i, seed)| *seed = (i % classes) as f32 - 0.7);
            let mut gradients = vec![0.0; rows.len()];
            session.backward(&mut gradients).unwrap();
            (logits, gradients)
        };
        let (logits, gradients) = run(&rows);
        for (index, row) in rows.chunks(FEATURES).enumerate() {
            let alone = run(row);
            assert_eq!(bits(&alone.0), bits(&logits[index * classes..][..classes]), "{name}");
            assert_eq!(bits(&alone.1), bits(&gradients[index * FEATURES..][..FEATURES]), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Constants of any shape that broadcasts with a row, against the definition.
    #[test]
    fn constants_broadcast(
        shape in proptest::collection::vec(1..4_usize, 1..4),
        ones in proptest::collection::vec(any::<bool>(), 3),
        axes in 0..4_usize,
        left in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let rank = shape.len();
        let axes = axes.min(rank);
        let own: Vec<usize> = shape[rank - axes..]
            .iter()
            .zip(&ones)
            .map(|(&length, &one)| if one { 1 } else { length })
            .collect();
        let size: usize = shape.iter().product();
        prop_assume!(size > 1);
        let mut random = Random(seed);
        let constant = random.floats(own.iter().product());
        let dims: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
        let inputs = if left { ["c", "x"] } else { ["x", "c"] };
        let bytes = finish(
            graph(&dims).floats("c", &own, &constant).node("Sub", &inputs, &["y"], &[]),
        );
        let row = random.floats(size);
        let actual = OnnxModel::load(&bytes).unwrap().logits(&row).unwrap();
        for (place, actual) in actual.iter().enumerate() {
            let (mut rest, mut at, mut stride) = (place, 0, 1);
            for (axis, &length) in shape.iter().enumerate().rev() {
                let index = rest % length;
                rest /= length;
                if let Some(own) = axis.checked_sub(rank - axes).map(|axis| own[axis]) {
                    at += if own == 1 { 0 } else { index * stride };
                    stride *= own;
                }
            }
            let difference = if left { constant[at] - row[place] } else { row[place] - constant[at] };
            prop_assert_eq!(*actual, difference + 0.125);
        }
    }
}
