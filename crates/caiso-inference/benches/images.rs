//! Images per second on one thread: forward, gradient, and the loop of PGD with 20 steps, on a small network for
//! 28 x 28 pixels and on ResNet-18 in the layout for 32 x 32 pixels, 32 and 64 channels wide at first. Weights
//! are arbitrary.

use caiso_inference::{Differentiable, Loss, Model, OnnxModel};
use divan::counter::ItemsCount;

use encoder::{Attribute, Graph};

#[path = "../tests/it/encoder.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod encoder;

const STEPS: usize = 20;

fn main() {
    divan::main();
}

/// A network in the making: the graph and the name of its last value.
struct Network {
    graph: Graph,
    last: String,
    nodes: usize,
}

impl Network {
    fn node(mut self, operator: &str, more: &[&str], attributes: &[Attribute<'_>]) -> Self {
        let out = format!("v{}", self.nodes);
        self.nodes += 1;
        let inputs = [&[self.last.as_str()], more].concat();
        self.graph = self.graph.node(operator, &inputs, &[&out], attributes);
        Self { last: out, ..self }
    }

    /// A constant that keeps values of the same order.
    fn weights(mut self, shape: &[usize]) -> (Self, String) {
        let name = format!("w{}", self.nodes);
        let count = shape.iter().product::<usize>();
        let fan = count / shape[0];
        let scale = (6.0 / fan as f32).sqrt() / 1009.0;
        let number = |i: usize| (((i * 2_654_435_761) % 2019) as f32 - 1009.0) * scale;
        let values: Vec<f32> = (0..count).map(number).collect();
        self.graph = self.graph.floats(&name, shape, &values);
        self.nodes += 1;
        (self, name)
    }

    fn conv(self, from: usize, to: usize, size: usize, stride: i64) -> Self {
        let (network, w) = self.weights(&[to, from, size, size]);
        let (pads, strides) = ([i64::from(size == 3); 4], [stride; 2]);
        let attributes = [Attribute::Ints("pads", &pads), Attribute::Ints("strides", &strides)];
        network.node("Conv", &[&w], &attributes)
    }

    fn relu(self) -> Self {
        self.node("Relu", &[], &[])
    }

    fn half(self) -> Self {
        let window =
            [Attribute::Ints("kernel_shape", &[2, 2]), Attribute::Ints("strides", &[2, 2])];
        self.node("MaxPool", &[], &window)
    }

    fn classes(self, features: usize) -> Vec<u8> {
        let (network, w) = self.node("Flatten", &[], &[]).weights(&[10, features]);
        let network = network.node("Gemm", &[&w], &[Attribute::Int("transB", 1)]);
        network.graph.output(&network.last).encode()
    }

    /// Two convolutions, and a third around them where the size changes.
    fn block(self, from: usize, to: usize, stride: i64) -> Self {
        let before = self.last.clone();
        let mut network = self.conv(from, to, 3, stride).relu().conv(to, to, 3, 1);
        let sum = network.last.clone();
        network.last = before;
        if from != to {
            network = network.conv(from, to, 1, stride);
        }
        network.node("Add", &[&sum], &[]).relu()
    }
}

fn network(name: &str) -> Vec<u8> {
    let start = |shape: &[u64]| Network {
        graph: Graph::new(17).input(shape),
        last: "x".to_owned(),
        nodes: 0,
    };
    let width = match name {
        "ResNet-18, 32 wide" => 32,
        "ResNet-18, 64 wide" => 64,
        _ => {
            let network = start(&[1, 28, 28]).conv(1, 16, 3, 1).relu().half();
            return network.conv(16, 32, 3, 1).relu().half().classes(32 * 7 * 7);
        }
    };
    let mut network = start(&[3, 32, 32]).conv(3, width, 3, 1).relu();
    let mut from = width;
    for (to, stride) in [(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)] {
        network = network.block(from, to, stride).block(to, to, 1);
        from = to;
    }
    network.node("GlobalAveragePool", &[], &[]).classes(from)
}

struct Setting {
    model: OnnxModel,
    rows: Vec<f32>,
    labels: Vec<usize>,
    pool: rayon::ThreadPool,
}

fn setting(name: &str) -> Setting {
    let model = OnnxModel::load(&network(name)).expect("it loads");
    let count = if model.features() == 28 * 28 { 64 } else { 16 };
    let rows = (0..count * model.features()).map(|i| (i % 23) as f32 / 23.0).collect();
    let labels = (0..count).map(|i| i % 10).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    Setting { model, rows, labels, pool }
}

const MODELS: [&str; 3] = ["two convolutions", "ResNet-18, 32 wide", "ResNet-18, 64 wide"];

#[divan::bench(args = MODELS)]
fn forward(bencher: divan::Bencher<'_, '_>, name: &str) {
    let Setting { model, rows, labels, pool } = setting(name);
    bencher
        .counter(ItemsCount::new(labels.len()))
        .bench(|| pool.install(|| model.logits(&rows)).expect("it runs"));
}

#[divan::bench(args = MODELS)]
fn gradient(bencher: divan::Bencher<'_, '_>, name: &str) {
    let Setting { model, rows, labels, pool } = setting(name);
    bencher.counter(ItemsCount::new(labels.len())).bench(|| {
        pool.install(|| model.loss_and_gradient(&rows, &labels, Loss::CrossEntropy))
            .expect("it runs")
    });
}

/// Sign steps, clamped to a ball and a box.
#[divan::bench(args = MODELS, sample_count = 5)]
fn pgd_20(bencher: divan::Bencher<'_, '_>, name: &str) {
    let Setting { model, rows, labels, .. } = setting(name);
    let mut session = model.session();
    let (mut losses, mut gradients) = (vec![0.0; labels.len()], vec![0.0; rows.len()]);
    let mut points = rows.clone();
    let (width, chunk) = (model.features(), model.chunk_rows());
    bencher.counter(ItemsCount::new(labels.len())).bench_local(|| {
        points.copy_from_slice(&rows);
        let chunks = points.chunks_mut(chunk * width).zip(rows.chunks(chunk * width));
        for ((points, rows), labels) in chunks.zip(labels.chunks(chunk)) {
            let (losses, gradients) = (&mut losses[..labels.len()], &mut gradients[..rows.len()]);
            for _ in 0..STEPS {
                session
                    .loss_and_gradient(points, labels, Loss::CrossEntropy, losses, gradients)
                    .expect("it runs");
                for ((point, row), gradient) in points.iter_mut().zip(rows).zip(&*gradients) {
                    let sign = f32::from(*gradient > 0.0) - f32::from(*gradient < 0.0);
                    let (low, high) = ((row - 0.1).max(0.0), (row + 0.1).min(1.0));
                    *point = (*point + 0.01 * sign).max(low).min(high);
                }
            }
        }
    });
}
