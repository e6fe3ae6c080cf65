//! A row's numbers do not depend on the rows beside it, nor on the number of threads.

use caiso_inference::{Differentiable, Loss, Model, OnnxModel};
use proptest::prelude::*;

use crate::encoder::{Attribute, Graph};
use crate::gradients::Random;

const EXAMPLE: &[u8] = include_bytes!("../../../../examples/mortgage/model/mortgage.onnx");
const EVERYTHING: &[u8] = include_bytes!("../fixtures/torch-legacy.onnx");
const ROWS: usize = 150;

fn wide_network() -> Vec<u8> {
    let (d, h, k) = (70, 300, 5);
    let mut random = Random(9);
    Graph::new(17)
        .input(&[d as u64])
        .floats("w", &[d, h], &random.floats(d * h))
        .floats("b", &[h], &random.floats(h))
        .floats("v", &[k, h], &random.floats(h * k))
        .node("Gemm", &["x", "w", "b"], &["hidden"], &[])
        .node("Tanh", &["hidden"], &["tanh"], &[])
        .node("Gemm", &["tanh", "v"], &["scores"], &[Attribute::Int("transB", 1)])
        .output("scores")
        .encode()
}

/// Every way of computing a convolution: of few channels and of many, in groups, with windows of 3 x 3, with
/// strides, transposed, and with a shortcut.
fn image_network() -> Vec<u8> {
    let mut random = Random(11);
    let mut graph = Graph::new(17).input(&[2, 9, 11]);
    for (name, shape) in [
        ("a", [16, 2, 3, 3]),
        ("b", [16, 16, 3, 3]),
        ("c", [40, 16, 3, 3]),
        ("d", [40, 1, 3, 1]),
        ("e", [40, 3, 2, 2]),
    ] {
        let weights = random.floats(shape.iter().product());
        let weights: Vec<f32> = weights.iter().map(|weight| weight / 8.0).collect();
        graph = graph.floats(name, &shape, &weights);
    }
    let pads = Attribute::Ints("pads", &[1, 1, 1, 1]);
    let twice = Attribute::Ints("strides", &[2, 2]);
    let window = Attribute::Ints("kernel_shape", &[2, 2]);
    graph
        .node("Conv", &["x", "a"], &["a1"], std::slice::from_ref(&pads))
        .node("Relu", &["a1"], &["a2"], &[])
        .node("Conv", &["a2", "b"], &["b1"], std::slice::from_ref(&pads))
        .node("Add", &["b1", "a2"], &["b2"], &[])
        .node("Relu", &["b2"], &["b3"], &[])
        .node("Conv", &["b3", "c"], &["c1"], &[pads, twice.clone()])
        .node("Conv", &["c1", "d"], &["d1"], &[Attribute::Int("group", 40)])
        .node("ConvTranspose", &["d1", "e"], &["e1"], &[twice])
        .node("MaxPool", &["e1"], &["f"], &[window])
        .node("Flatten", &["f"], &["scores"], &[])
        .output("scores")
        .encode()
}

fn models() -> Vec<OnnxModel> {
    [EXAMPLE, EVERYTHING, &wide_network(), &image_network()]
        .map(|bytes| OnnxModel::load(bytes).unwrap())
        .into()
}

fn rows_of(model: &OnnxModel) -> (Vec<f32>, Vec<usize>) {
    let mut random = Random(77);
    let labels = (0..ROWS).map(|_| random.below(model.classes())).collect();
    (random.floats(ROWS * model.features()), labels)
}

/// Logits, losses and gradients, bit by bit.
fn everything(model: &OnnxModel, rows: &[f32], labels: &[usize]) -> [Vec<u32>; 3] {
    let logits = model.logits(rows).unwrap();
    let (losses, gradients) = model.loss_and_gradient(rows, labels, Loss::CrossEntropy).unwrap();
    [logits, losses, gradients].map(|values| values.into_iter().map(f32::to_bits).collect())
}

#[test]
fn one_thread_and_several_give_the_same_bits() {
    for model in models() {
        let (rows, labels) = rows_of(&model);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| everything(&model, &rows, &labels))
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(7));
    }
}

#[test]
fn a_session_gives_the_bits_of_the_whole_batch_and_as_often_as_asked() {
    for model in models() {
        let (rows, labels) = rows_of(&model);
        let whole = everything(&model, &rows, &labels);
        let d = model.features();
        let mut session = model.session();
        for count in [ROWS, 1, 33, 0, 7] {
            for _ in 0..2 {
                let (mut losses, mut gradients) = (vec![9.0; count], vec![9.0; count * d]);
                let loss = Loss::CrossEntropy;
                session
                    .loss_and_gradient(
                        &rows[..count * d],
                        &labels[..count],
                        loss,
                        &mut losses,
                        &mut gradients,
                    )
                    .unwrap();
                let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&losses), whole[1][..count]);
                assert_eq!(bits(&gradients), whole[2][..count * d]);
            }
        }
    }
}

/// The Jacobian by one forward and one backward for each class, against the gradient of the margin.
#[test]
fn one_forward_serves_many_backwards() {
    let model = OnnxModel::load(EVERYTHING).unwrap();
    let (rows, _) = rows_of(&model);
    let row = &rows[..model.features()];
    let mut session = model.session();
    session.forward(row).unwrap();
    let mut jacobian = vec![vec![0.0; row.len()]; model.classes()];
    for (class, gradient) in jacobian.iter_mut().enumerate() {
        let (_, seed) = session.outputs();
        seed.fill(0.0);
        seed[class] = 1.0;
        session.backward(gradient).unwrap();
    }
    let logits = model.logits(row).unwrap();
    let label = model.predict(row).unwrap()[0];
    let others = (0..model.classes()).filter(|&class| class != label);
    let rival = others.max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
    let (losses, gradient) = model.loss_and_gradient(row, &[label], Loss::Margin).unwrap();
    assert_eq!(losses[0], logits[rival] - logits[label]);
    for (j, gradient) in gradient.iter().enumerate() {
        let expected = jacobian[rival][j] - jacobian[label][j];
        assert!((gradient - expected).abs() < 1e-6, "{gradient} {expected}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_a_batch_gives_the_same_bits(
        which in 0..4_usize,
        cuts in proptest::collection::vec(0..=ROWS, 0..5),
    ) {
        let model = &models()[which];
        let (rows, labels) = rows_of(model);
        let whole = everything(model, &rows, &labels);
        let mut cuts = [vec![0, ROWS], cuts].concat();
        cuts.sort_unstable();
        let mut parts = [const { Vec::new() }; 3];
        for pair in cuts.windows(2) {
            let d = model.features();
            let part = everything(model, &rows[pair[0] * d..pair[1] * d], &labels[pair[0]..pair[1]]);
            parts.iter_mut().zip(part).for_each(|(all, part)| all.extend(part));
        }
        prop_assert_eq!(parts, whole);
    }
}
