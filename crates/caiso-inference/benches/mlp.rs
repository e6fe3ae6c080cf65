//! Rows per second on one thread (`--threads` of the pool below): forward, gradient, and the loop of PGD with
//! 20 steps, on the example's network and on one of 64-128-64-10.

use caiso_inference::{Differentiable, Loss, Model, OnnxModel};
use divan::counter::ItemsCount;

#[path = "../tests/it/encoder.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
mod encoder;

const EXAMPLE: &[u8] = include_bytes!("../../../examples/mortgage/model/mortgage.onnx");
const STEPS: usize = 20;

fn main() {
    divan::main();
}

fn perceptron() -> Vec<u8> {
    let number = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 4000.0 - 0.126;
    let mut graph = encoder::Graph::new(17).input(&[64]);
    let widths = [64, 128, 64, 10];
    let mut name = "x".to_owned();
    for (layer, pair) in widths.windows(2).enumerate() {
        let weights: Vec<f32> = (0..pair[0] * pair[1]).map(number).collect();
        let bias: Vec<f32> = (0..pair[1]).map(number).collect();
        let [w, b, z, y] = ["w", "b", "z", "y"].map(|letter| format!("{letter}{layer}"));
        graph = graph
            .floats(&w, &[pair[0], pair[1]], &weights)
            .floats(&b, &[pair[1]], &bias)
            .node("Gemm", &[&name, &w, &b], &[&z], &[])
            .node("Relu", &[&z], &[&y], &[]);
        name = if layer == 2 { z } else { y };
    }
    graph.output(&name).encode()
}

struct Setting {
    model: OnnxModel,
    rows: Vec<f32>,
    labels: Vec<usize>,
    pool: rayon::ThreadPool,
}

fn setting(name: &str) -> Setting {
    let (bytes, count) =
        if name == "example" { (EXAMPLE.to_vec(), 1190) } else { (perceptron(), 64) };
    let model = OnnxModel::load(&bytes).expect("it loads");
    let rows = (0..count * model.features()).map(|i| (i % 23) as f32 / 23.0).collect();
    let labels = (0..count).map(|i| i % 2).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    Setting { model, rows, labels, pool }
}

const MODELS: [&str; 2] = ["example", "64-128-64-10"];

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

/// Sign steps, clamped to a ball and a box; no snapping to valid values, which is the attack's business.
#[divan::bench(args = MODELS)]
fn pgd_20(bencher: divan::Bencher<'_, '_>, name: &str) {
    use caiso_inference::CHUNK;
    let Setting { model, rows, labels, .. } = setting(name);
    let d = model.features();
    let mut session = model.session();
    let (mut losses, mut gradients) = (vec![0.0; CHUNK], vec![0.0; CHUNK * d]);
    let mut points = rows.clone();
    bencher.counter(ItemsCount::new(labels.len())).bench_local(|| {
        points.copy_from_slice(&rows);
        let chunks = points.chunks_mut(CHUNK * d).zip(rows.chunks(CHUNK * d));
        for ((points, rows), labels) in chunks.zip(labels.chunks(CHUNK)) {
            let gradients = &mut gradients[..rows.len()];
            for _ in 0..STEPS {
                session
                    .loss_and_gradient(
                        points,
                        labels,
                        Loss::CrossEntropy,
                        &mut losses[..labels.len()],
                        gradients,
                    )
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
