//! Files that PyTorch and scikit-learn export, against what these compute in double precision
//! (`fixtures/make.py`).

use caiso_inference::{Differentiable, LogitTap, Loss, Model, OnnxModel};

/// Largest difference, relative to the largest value of the row.
const TOLERANCE: f64 = 1e-5;

struct Expected {
    rows: Vec<f32>,
    labels: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    loss: Vec<f64>,
    gradients: Vec<Vec<f64>>,
}

fn expected(json: &str) -> Expected {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let table = |name: &str| -> Vec<Vec<f64>> {
        let rows = json[name].as_array().unwrap().iter();
        let numbers = |row: &serde_json::Value| {
            row.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
        };
        rows.map(numbers).collect()
    };
    let list = |name: &str| -> Vec<f64> {
        json[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
    };
    Expected {
        rows: table("rows").concat().iter().map(|&value| value as f32).collect(),
        labels: list("labels").iter().map(|&label| label as usize).collect(),
        probabilities: table("probabilities"),
        loss: list("loss"),
        gradients: table("gradients"),
    }
}

/// Asserts that each row agrees within [`TOLERANCE`] of its largest value, or of `floor` where that is more:
/// rows that cancel to nearly nothing keep the rounding of what was cancelled.
pub(crate) fn assert_close(what: &str, actual: &[f32], expected: &[Vec<f64>], floor: f64) {
    assert_eq!(actual.len(), expected.iter().map(Vec::len).sum::<usize>(), "{what}");
    let width = expected[0].len();
    for (row, (actual, expected)) in actual.chunks(width).zip(expected).enumerate() {
        let scale = expected.iter().fold(floor, |scale, value| scale.max(value.abs()));
        for (actual, expected) in actual.iter().zip(expected) {
            let difference = (f64::from(*actual) - expected).abs();
            assert!(
                difference <= TOLERANCE * scale,
                "{what}, row {row}: {actual} for {expected}, {:.1e} of {scale:.3e}",
                difference / scale
            );
        }
    }
}

fn check(bytes: &[u8], json: &str, tap: LogitTap, labels: &[&str]) {
    let expected = expected(json);
    let model = OnnxModel::load(bytes).unwrap();
    assert_eq!(model.spec().tap, tap);
    assert_eq!(model.spec().labels, labels);
    assert_eq!(model.features(), expected.gradients[0].len());
    assert_eq!(model.classes(), expected.probabilities[0].len());

    let probabilities = model.probabilities(&expected.rows).unwrap();
    assert_close("probabilities", &probabilities, &expected.probabilities, 0.0);
    let (losses, gradients) =
        model.loss_and_gradient(&expected.rows, &expected.labels, Loss::CrossEntropy).unwrap();
    let loss: Vec<_> = expected.loss.iter().map(|&loss| vec![loss]).collect();
    assert_close("loss", &losses, &loss, 0.0);
    assert_close("gradient", &gradients, &expected.gradients, 0.0);
}

macro_rules! exports {
    ($($test:ident: $file:literal, $tap:ident, $labels:expr;)*) => {$(
        #[test]
        fn $test() {
            check(
                include_bytes!(concat!("../fixtures/", $file, ".onnx")),
                include_str!(concat!("../fixtures/", $file, ".json")),
                LogitTap::$tap,
                &$labels,
            );
        }
    )*};
}

exports! {
    torch_script_exporter: "torch-legacy", Softmax, [];
    torch_script_exporter_at_opset_11: "torch-opset11", Softmax, [];
    torch_dynamo_exporter: "torch-dynamo", Softmax, [];
    image_flattened_by_computed_shape: "image-legacy", Output, [];
    image_flattened_by_dynamo: "image-dynamo", Output, [];
    residual_convolutions: "conv-legacy", Output, [];
    residual_convolutions_by_dynamo: "conv-dynamo", Output, [];
    single_probability: "sigmoid-legacy", Sigmoid, [];
    single_probability_by_dynamo: "sigmoid-dynamo", Sigmoid, [];
    logistic_regression_with_zip_map: "logistic-two", Sigmoid, ["0", "1"];
    logistic_regression_of_three_named_classes:
        "logistic-three-names", Softmax, ["denied", "granted", "open"];
    logistic_regression_after_scaler_and_normalizer: "logistic-two-plain", Sigmoid, ["0", "1"];
    perceptron_of_scikit_learn: "perceptron-two", Sigmoid, ["0", "1"];
    perceptron_of_scikit_learn_with_named_classes:
        "perceptron-three-names", Softmax, ["denied", "granted", "open"];
}

#[test]
fn the_example() {
    let model = include_bytes!("../../../../examples/mortgage/model/mortgage.onnx");
    check(model, include_str!("../fixtures/mortgage.json"), LogitTap::Output, &[]);
}
