//! Models of XGBoost and LightGBM in their own formats, against the raw scores that these libraries give
//! (`fixtures/trees/make.py`): missing values, values on thresholds and one step beside them, zeros,
//! categories known and unknown.

use caiso_inference::{Access, LogitTap, Loss, Model, Thresholded, load};

/// Largest difference, relative to the score or to 1 where that is more.
const TOLERANCE: f64 = 1e-6;

fn table(json: &serde_json::Value, name: &str) -> Vec<Vec<f64>> {
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let row = |row: &serde_json::Value| row.as_array().unwrap().iter().map(number).collect();
    json[name].as_array().unwrap().iter().map(row).collect()
}

/// The scores of the library times `factor` are the logits, without the first of `[0, z]`.
fn check(bytes: &[u8], json: &str, tap: LogitTap, factor: f64) {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let rows: Vec<f32> = table(&json, "rows").concat().iter().map(|&value| value as f32).collect();
    let scores = table(&json, "scores");
    let model = load(bytes).unwrap();
    assert_eq!(model.spec().tap, tap);
    assert_eq!(model.features(), 5);
    let logits = model.logits(&rows).unwrap();
    let width = scores[0].len();
    assert_eq!(model.classes(), width.max(2));
    for (row, (logits, scores)) in logits.chunks(model.classes()).zip(&scores).enumerate() {
        let logits = if width == 1 { &logits[1..] } else { logits };
        for (logit, score) in logits.iter().zip(scores) {
            let (logit, score) = (f64::from(*logit), score * factor);
            let close = (logit - score).abs() <= TOLERANCE * score.abs().max(1.0);
            assert!(close, "row {row}: {logit}, expected {score}");
        }
    }
    let probabilities = table(&json, "probabilities");
    if matches!(tap, LogitTap::Sigmoid | LogitTap::Softmax) && probabilities[0] != scores[0] {
        let own = model.probabilities(&rows).unwrap();
        for (own, expected) in own.chunks(model.classes()).zip(&probabilities) {
            let own = if width == 1 { &own[1..] } else { own };
            for (own, expected) in own.iter().zip(expected) {
                assert!(
                    (f64::from(*own) - expected).abs() <= TOLERANCE,
                    "{own}, expected {expected}"
                );
            }
        }
    }
    // The same bits alone as among others.
    for (row, expected) in rows.chunks(5).zip(logits.chunks(model.classes())) {
        assert_eq!(model.logits(row).unwrap(), expected);
    }
    let many: Vec<f32> = rows.repeat(20);
    assert_eq!(model.logits(&many).unwrap(), logits.repeat(20));
}

macro_rules! models {
    ($($test:ident: $file:literal, $json:literal, $tap:ident, $factor:expr;)*) => {$(
        #[test]
        fn $test() {
            check(
                include_bytes!(concat!("../fixtures/trees/", $file)),
                include_str!(concat!("../fixtures/trees/", $json, ".json")),
                LogitTap::$tap,
                $factor,
            );
        }
    )*};
}

models! {
    xgboost_with_sets_of_categories: "xgboost-two.model.json", "xgboost-two", Sigmoid, 1.0;
    xgboost_raw_scores_as_ubjson: "xgboost-two-ubjson.ubj", "xgboost-two-ubjson", Sigmoid, 1.0;
    xgboost_dart_with_single_categories: "xgboost-dart.model.json", "xgboost-dart", Softmax, 1.0;
    xgboost_with_vectors_in_leaves: "xgboost-vector.model.json", "xgboost-vector", Softmax, 1.0;
    xgboost_linear: "xgboost-linear.model.json", "xgboost-linear", Softmax, 1.0;
    xgboost_gamma_regression: "xgboost-regression.model.json", "xgboost-regression", SingleOutput, 1.0;
    lightgbm_with_steep_sigmoid: "lightgbm-two.model.txt", "lightgbm-two", Sigmoid, 1.5;
    lightgbm_with_zeros_missing: "lightgbm-zero.model.txt", "lightgbm-zero", Sigmoid, 1.0;
    lightgbm_of_three_classes: "lightgbm-three.model.txt", "lightgbm-three", Softmax, 1.0;
    lightgbm_one_vs_rest: "lightgbm-one-vs-rest.model.txt", "lightgbm-one-vs-rest", Sigmoids, 1.0;
    // Its raw scores are the sum over the four trees, its probabilities come from their average.
    lightgbm_random_forest: "lightgbm-forest.model.txt", "lightgbm-forest", Sigmoid, 0.25;
    lightgbm_dart_regression: "lightgbm-regression.model.txt", "lightgbm-regression", SingleOutput, 1.0;
}

#[test]
fn trees_have_scores_and_a_structure_but_no_gradients() {
    let model = load(include_bytes!("../fixtures/trees/lightgbm-two.model.txt")).unwrap();
    assert_eq!(model.access(), Access::Scores);
    assert_eq!(model.trees().unwrap().trees(), 4);
    let model = load(include_bytes!("../fixtures/trees/xgboost-linear.model.json")).unwrap();
    assert_eq!(model.access(), Access::Gradients);
    assert!(model.trees().is_none());
}

#[test]
fn a_regressor_decides_by_a_threshold() {
    let file = include_bytes!("../fixtures/trees/lightgbm-regression.model.txt");
    let rows = [0.5_f32, -0.3, 0.1, 0.0, 3.0];
    let value = load(file).unwrap().logits(&rows).unwrap()[1];
    for (threshold, class) in [(value - 0.01, 1), (value + 0.01, 0)] {
        let model = Thresholded::new(load(file).unwrap(), threshold).unwrap();
        assert_eq!(model.predict(&rows).unwrap(), [class]);
        assert!((model.logits(&rows).unwrap()[1] - (value - threshold)).abs() < 1e-6);
        assert!(model.trees().is_some() && model.differentiable().is_none());
    }
    let classifier = load(include_bytes!("../fixtures/trees/lightgbm-two.model.txt")).unwrap();
    let error = Thresholded::new(classifier, 0.0).err().unwrap().to_string();
    assert!(error.ends_with("holds scores of classes already, expected a single value"), "{error}");
}

#[test]
fn a_linear_regressor_keeps_its_gradient_behind_a_threshold() {
    let file = include_bytes!("../fixtures/classic/linear-regression.onnx");
    let plain = load(file).unwrap();
    let model = Thresholded::new(load(file).unwrap(), 0.25).unwrap();
    let rows = [0.5_f32, -0.3, 0.1, 2.0];
    let expected = plain.logits(&rows).unwrap()[1] - 0.25;
    assert_eq!(model.logits(&rows).unwrap(), [0.0, expected]);
    let gradient = |model: &dyn Model| {
        let model = model.differentiable().unwrap();
        model.loss_and_gradient(&rows, &[0], Loss::Margin).unwrap()
    };
    let (own, inner) = (gradient(&model), gradient(plain.as_ref()));
    assert_eq!(own.0, [expected]);
    assert_eq!(own.1, inner.1);
}
