//! The example's model and data.

use std::sync::Arc;

use caiso_inference::OnnxModel;
use caiso_robustness::{Domain, FeatureDomain, RobustnessInput};

pub(crate) const MODEL: &[u8] = include_bytes!("../../../../examples/mortgage/model/mortgage.onnx");
const DATA: &str = include_str!("../../../../examples/mortgage/data/test.csv");

/// Inputs of the model in its order.
pub(crate) const FEATURES: [&str; 12] = [
    "pirat",
    "hirat",
    "lvrat",
    "chist",
    "mhist",
    "phist",
    "unemp",
    "selfemp",
    "insurance",
    "condomin",
    "single",
    "hschool",
];

/// Bounds of the inputs, as in the example's manifest.
pub(crate) const BOUNDS: [(f64, f64); 12] = [
    (0.0, 3.0),
    (0.0, 3.0),
    (0.0, 2.0),
    (1.0, 6.0),
    (1.0, 4.0),
    (0.0, 1.0),
    (1.8, 10.6),
    (0.0, 1.0),
    (0.0, 1.0),
    (0.0, 1.0),
    (0.0, 1.0),
    (0.0, 1.0),
];

/// Rows `[n, 12]` and classes of the test half: `yes` is 1, `no` is 0, other values are numbers.
pub(crate) fn data() -> (Vec<f32>, Vec<usize>) {
    let value = |text: &str| match text {
        "no" => 0.0,
        "yes" => 1.0,
        number => number.parse::<f32>().unwrap(),
    };
    let mut lines = DATA.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let heading = lines.next().unwrap();
    let column = |name: &str| heading.iter().position(|&heading| heading == name).unwrap();
    let (target, features) = (column("deny"), FEATURES.map(column));
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for line in lines {
        rows.extend(features.map(|feature| value(line[feature])));
        labels.push(value(line[target]) as usize);
    }
    (rows, labels)
}

/// The input of a check, with the domain of the example's manifest: an applicant can shade the three
/// ratios and nothing else.
pub(crate) fn input() -> RobustnessInput {
    let (rows, labels) = data();
    let features =
        FEATURES.iter().zip(BOUNDS).enumerate().map(|(j, (name, (lower, upper)))| FeatureDomain {
            integer: j > 2 && *name != "unemp",
            immutable: j > 2,
            ..FeatureDomain::continuous(*name, lower, upper)
        });
    RobustnessInput {
        component: "model:mortgage".to_owned(),
        path: Some("model/mortgage.onnx".to_owned()),
        model: Arc::new(OnnxModel::load(MODEL).expect("the example's model loads")),
        rows,
        labels,
        classes: vec!["no".to_owned(), "yes".to_owned()],
        domain: Domain::new(features.collect()).expect("the bounds are intervals"),
    }
}
