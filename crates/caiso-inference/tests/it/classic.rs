//! Models of scikit-learn, XGBoost and LightGBM as ONNX files, against what onnxruntime computes with them
//! (`fixtures/classic/make.py`): labels, and probabilities or, where there are none, scores.

use caiso_inference::{LogitTap, load};

/// Largest difference, of probabilities or relative to the largest score.
const TOLERANCE: f64 = 2e-6;

/// What there is of a row: the probabilities are those of onnxruntime, the logits are its scores, or the second logit is its
/// only one.
enum Kind {
    Probabilities,
    Scores,
    Value,
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
        Kind::Probabilities => model.probabilities(&rows).unwrap(),
        Kind::Scores | Kind::Value => model.logits(&rows).unwrap(),
    };
    let scores = table("scores");
    let scale = match kind {
        Kind::Probabilities => 1.0,
        _ => scores.iter().flatten().fold(1.0_f64, |most, score| most.max(score.abs())),
    };
    for (row, (own, scores)) in own.chunks(model.classes()).zip(&scores).enumerate() {
        let own = if matches!(kind, Kind::Value) { &own[1..] } else { own };
        assert_eq!(own.len(), scores.len());
        for (own, score) in own.iter().zip(scores) {
            let difference = (f64::from(*own) - score).abs();
            assert!(difference <= TOLERANCE * scale, "row {row}: {own}, expected {score}");
        }
    }
    let labels = json["labels"].as_array().unwrap();
    for (row, (label, class)) in labels.iter().zip(model.predict(&rows).unwrap()).enumerate() {
        assert_eq!(model.spec().labels[class], label.as_str().unwrap(), "row {row}");
    }
    for (row, expected) in rows.chunks(model.features()).zip(own.chunks(model.classes())) {
        if matches!(kind, Kind::Scores | Kind::Value) {
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
}
