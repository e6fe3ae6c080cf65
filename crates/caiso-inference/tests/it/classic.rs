//! Models of scikit-learn, XGBoost and LightGBM as ONNX files, against what onnxruntime computes with them
//! (`fixtures/classic/make.py`): labels, and probabilities or, where there are none, scores.

use caiso_inference::{LogitTap, Loss, load};

/// Largest difference, of probabilities or relative to the largest score.
const TOLERANCE: f64 = 2e-6;

/// What there is of a row: the probabilities are those of onnxruntime, the logits are its scores, or the second logit is its
/// only one.
enum Kind {
    Probabilities,
    Scores,
    Value,
    /// As probabilities, which onnxruntime and libsvm find by an iteration that they stop up to 0.003 short of where it
    /// leads: the sigmoid of the only pair's decision.
    Iterated,
    /// Runtimes give two classes of support vectors the scores `[-d, d]` with `d` positive for the first class; the logits
    /// are `[d, 0]`.
    Mirrored,
}

fn check(bytes: &[u8], json: &str, kind: &Kind, tap: LogitTap, is_trees: bool) {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let table = |name: &str| -> Vec<Vec<f64>> {
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
        let row = |row: &serde_json::Value| row.as_array().unwrap().iter().map(number).collect();
        json[name].as_array().unwrap().iter().map(row).collect()
    };
    let rows: Vec<f32> = table("rows").concat().iter().map(|&value| value as f32).collect();
    let model = load(bytes).unwrap();
    assert_eq!(model.spec().tap, tap);
    assert_eq!(model.trees().is_some(), is_trees);
    let own = match kind {
        Kind::Probabilities | Kind::Iterated => model.probabilities(&rows).unwrap(),
        _ => model.logits(&rows).unwrap(),
    };
    let scores = table("scores");
    let scale = match kind {
        Kind::Probabilities => 1.0,
        Kind::Iterated => 0.003 / TOLERANCE,
        _ => scores.iter().flatten().fold(1.0_f64, |most, score| most.max(score.abs())),
    };
    for (row, (own, scores)) in own.chunks(model.classes()).zip(&scores).enumerate() {
        let mirrored = [-own[0], own[0]];
        let own = match kind {
            Kind::Value => &own[1..],
            Kind::Mirrored => &mirrored,
            _ => own,
        };
        assert_eq!(own.len(), scores.len());
        for (own, score) in own.iter().zip(scores) {
            let difference = (f64::from(*own) - score).abs();
            assert!(difference <= TOLERANCE * scale, "row {row}: {own}, expected {score}");
        }
    }
    let labels = json["labels"].as_array().unwrap();
    for (row, (label, class)) in labels.iter().zip(model.predict(&rows).unwrap()).enumerate() {
        let name = model.spec().labels.get(class).cloned().unwrap_or_else(|| class.to_string());
        assert_eq!(name, label.as_str().unwrap(), "row {row}");
    }
    for (row, expected) in rows.chunks(model.features()).zip(own.chunks(model.classes())) {
        if !matches!(kind, Kind::Probabilities | Kind::Iterated) {
            assert_eq!(model.logits(row).unwrap(), expected);
        }
    }
}

macro_rules! exports {
    ($($test:ident: $file:literal, $kind:ident, $tap:ident, $trees:literal;)*) => {$(
        #[test]
        fn $test() {
            check(
                include_bytes!(concat!("../fixtures/classic/", $file, ".onnx")),
                include_str!(concat!("../fixtures/classic/", $file, ".json")),
                &Kind::$kind,
                LogitTap::$tap,
                $trees,
            );
        }
    )*};
}

exports! {
    random_forest: "forest-two", Probabilities, Probabilities, true;
    random_forest_of_named_classes: "forest-three", Probabilities, Probabilities, true;
    extra_trees_with_zip_map: "extra-trees", Probabilities, Probabilities, true;
    decision_tree: "tree", Probabilities, Probabilities, true;
    gradient_boosting: "boosting-two", Probabilities, Sigmoid, true;
    gradient_boosting_of_three_classes: "boosting-three", Probabilities, Softmax, true;
    random_forest_regression: "forest-regression", Value, SingleOutput, true;
    xgboost: "xgboost-two", Probabilities, Sigmoid, true;
    xgboost_of_three_classes: "xgboost-three", Probabilities, Softmax, true;
    lightgbm_with_zip_map: "lightgbm-two", Probabilities, Sigmoid, true;
    every_comparison: "tree-modes", Scores, Output, true;
    trees_of_version_5: "tree-version-5", Scores, Output, true;
    lightgbm_of_three_classes: "lightgbm-three", Probabilities, Softmax, true;
    forest_after_scaler: "pipeline-forest", Probabilities, Probabilities, true;
    support_vectors_with_gaussian_kernel: "svc-rbf-two", Mirrored, Output, false;
    support_vectors_with_polynomial_kernel: "svc-poly-two", Mirrored, Output, false;
    support_vectors_with_linear_kernel: "svc-linear-two", Mirrored, Output, false;
    support_vectors_with_probabilities: "svc-probability-two", Iterated, Sigmoid, false;
    support_vectors_of_three_classes: "svc-pairs-three", Scores, Output, false;
    support_vector_regression: "svr", Value, SingleOutput, false;
    linear_support_vectors: "linear-svc-two", Value, SingleOutput, false;
    linear_support_vectors_of_three_classes: "linear-svc-three", Scores, Output, false;
    linear_regression: "linear-regression", Value, SingleOutput, false;
    imputer_before_logistic_regression: "pipeline-imputer", Probabilities, Softmax, false;
    binarizer_before_logistic_regression: "pipeline-binarizer", Probabilities, Sigmoid, false;
    columns_of_all_kinds: "pipeline-columns", Probabilities, Sigmoid, false;
    columns_before_support_vectors: "pipeline-columns-svc", Mirrored, Output, false;
}

/// Gradients of the margin between two classes against differences, in double precision where the model is smooth.
fn check_gradient(bytes: &[u8], json: &str) {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let model = load(bytes).unwrap();
    let differentiable = model.differentiable().expect("gradients");
    for row in json["rows"].as_array().unwrap().iter().take(6) {
        let row: Vec<f32> =
            row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
        let label = model.predict(&row).unwrap();
        let margin = |row: &[f32]| {
            let logits = model.logits(row).unwrap();
            let rival = (0..logits.len()).filter(|&k| k != label[0]);
            f64::from(rival.map(|k| logits[k]).fold(f32::MIN, f32::max) - logits[label[0]])
        };
        let (_, gradient) = differentiable.loss_and_gradient(&row, &label, Loss::Margin).unwrap();
        for (j, &slope) in gradient.iter().enumerate() {
            let step = 5e-3_f32;
            let (mut ahead, mut behind) = (row.clone(), row.clone());
            ahead[j] += step;
            behind[j] -= step;
            let expected = (margin(&ahead) - margin(&behind)) / f64::from(ahead[j] - behind[j]);
            let close = (f64::from(slope) - expected).abs() <= 2e-3 * expected.abs().max(1.0);
            assert!(close, "feature {j}: {slope}, expected {expected}");
        }
    }
}

#[test]
fn decision_functions_of_support_vectors_have_gradients() {
    macro_rules! check {
        ($($file:literal),*) => {$(
            check_gradient(
                include_bytes!(concat!("../fixtures/classic/", $file, ".onnx")),
                include_str!(concat!("../fixtures/classic/", $file, ".json")),
            );
        )*};
    }
    check!(
        "svc-rbf-two",
        "svc-poly-two",
        "svc-linear-two",
        "svc-probability-two",
        "svc-pairs-three",
        "svr"
    );
}
