//! Evaluation of 300 trees of depth 6 on 30 features, as gradient boosting makes them.

use caiso_inference::{Model, load};
use divan::Bencher;
use divan::counter::ItemsCount;

const FEATURES: usize = 30;
const DEPTH: usize = 6;
const TREES: usize = 300;

fn main() {
    divan::main();
}

/// A LightGBM file of complete trees with pseudo-random thresholds between 0 and 1.
fn model() -> Box<dyn Model> {
    let mut state = 1_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut text = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx={}\nobjective=binary sigmoid:1\n",
        FEATURES - 1
    );
    let splits = (1 << DEPTH) - 1;
    let inner = |at: usize| if at < splits { at as i64 } else { -1 - (at - splits) as i64 };
    for tree in 0..TREES {
        let column = |value: &mut dyn FnMut(usize) -> String, count: usize| {
            (0..count).map(value).collect::<Vec<_>>().join(" ")
        };
        text += &format!("\nTree={tree}\nnum_leaves={}\n", splits + 1);
        text += &format!(
            "split_feature={}\n",
            column(&mut |_| (next() % FEATURES).to_string(), splits)
        );
        text += &format!(
            "threshold={}\n",
            column(&mut |_| format!("0.{:06}", next() % 1_000_000), splits)
        );
        text += &format!("decision_type={}\n", column(&mut |_| "10".to_owned(), splits));
        text +=
            &format!("left_child={}\n", column(&mut |at| inner(2 * at + 1).to_string(), splits));
        text +=
            &format!("right_child={}\n", column(&mut |at| inner(2 * at + 2).to_string(), splits));
        let mut leaf = |_| format!("{}", next() as f64 / f64::from(1 << 30) - 1.0);
        text += &format!("leaf_value={}\n", column(&mut leaf, splits + 1));
    }
    load((text + "\nend of trees\n").as_bytes()).expect("a model")
}

#[divan::bench(args = [1, 16, 100, 10_000])]
fn logits(bencher: Bencher<'_, '_>, rows: usize) {
    let model = model();
    let values: Vec<f32> = (0..rows * FEATURES)
        .map(|at| (at * 2_654_435_761 % 1_000_003) as f32 / 1_000_003.0)
        .collect();
    bencher.counter(ItemsCount::new(rows)).bench_local(|| model.logits(&values));
}
