//! Every operator against onnxruntime: values, and derivatives by finite differences in double precision
//! (`xtask/operators/make.py`). `cargo xtask test` makes the cases and runs this.

#![expect(clippy::disallowed_methods, reason = "it reads the cases")]

use std::collections::BTreeSet;
use std::path::Path;

use caiso_inference::{Differentiable, Error, Model, OnnxModel};
use serde_json::Value;

/// Largest difference of a value, relative to it and absolute.
const VALUE: (f64, f64) = (2e-5, 2e-6);
/// Largest difference of a derivative, relative to the largest of the row, and absolute.
const GRADIENT: (f64, f64) = (5e-5, 1e-6);

fn table(case: &Value, name: &str) -> Vec<Vec<f64>> {
    let row = |row: &Value| {
        row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
    };
    case[name].as_array().unwrap().iter().map(row).collect()
}

fn narrow(rows: &[Vec<f64>]) -> Vec<f32> {
    rows.iter().flatten().map(|&x| x as f32).collect()
}

/// What is wrong with one case.
fn check(folder: &Path, case: &Value) -> Result<(), String> {
    let name = case["name"].as_str().unwrap();
    let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
    let model = OnnxModel::load(&bytes).map_err(|error| error.to_string())?;
    let (rows, outputs, seeds) =
        (table(case, "rows"), table(case, "outputs"), table(case, "seeds"));
    let whole = narrow(&rows);
    let logits = model.logits(&whole).map_err(|error| error.to_string())?;
    let width = model.classes();
    if width != outputs[0].len() {
        return Err(format!("{width} outputs for {}", outputs[0].len()));
    }
    let expected: Vec<f64> = outputs.concat();
    for (place, (actual, expected)) in logits.iter().zip(&expected).enumerate() {
        let difference = (f64::from(*actual) - expected).abs();
        if difference.is_nan() || difference > VALUE.0 * expected.abs() + VALUE.1 {
            return Err(format!("value {place}: {actual} for {expected}"));
        }
    }
    for (row, logits) in rows.iter().zip(logits.chunks(width)) {
        let alone = model.logits(&narrow(std::slice::from_ref(row))).unwrap();
        if alone.iter().zip(logits).any(|(a, b)| a.to_bits() != b.to_bits()) {
            return Err("a row alone has other bits".to_owned());
        }
    }
    if case["gradients"].is_null() {
        if model.differentiable().is_some() || model.spec().without_gradient.is_empty() {
            return Err("it has a gradient".to_owned());
        }
        let mut session = model.session();
        session.forward(&whole).unwrap();
        let refused = session.backward(&mut vec![0.0; whole.len()]);
        return match refused {
            Err(Error::NoGradient) => Ok(()),
            other => Err(format!("{other:?}")),
        };
    }
    let model = model
        .differentiable()
        .ok_or_else(|| format!("no gradient: {:?}", model.spec().without_gradient))?;
    let mut session = model.session();
    session.forward(&whole).unwrap();
    session.outputs().1.copy_from_slice(&narrow(&seeds));
    let mut actual = vec![f32::NAN; whole.len()];
    session.backward(&mut actual).unwrap();
    for (row, expected) in table(case, "gradients").iter().enumerate() {
        let scale = expected.iter().fold(0.0, |scale: f64, x| scale.max(x.abs()));
        let actual = &actual[row * expected.len()..];
        for (place, (actual, expected)) in actual.iter().zip(expected).enumerate() {
            let difference = (f64::from(*actual) - expected).abs();
            if difference.is_nan() || difference > GRADIENT.0 * scale + GRADIENT.1 {
                return Err(format!(
                    "derivative {place} of row {row}: {actual} for {expected}, scale {scale}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
#[ignore = "needs the cases that xtask/operators/make.py makes with onnxruntime"]
fn operators_agree_with_onnxruntime() {
    let folder =
        std::env::var("CAISO_OPERATOR_CASES").expect("CAISO_OPERATOR_CASES is their folder");
    let folder = Path::new(&folder);
    let cases: Value =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let known: BTreeSet<&str> = OnnxModel::operators()
        .iter()
        .filter(|(domain, _)| *domain == "ai.onnx")
        .map(|(_, name)| *name)
        .collect();
    let mut seen = BTreeSet::new();
    let mut failures = Vec::new();
    for case in cases.as_array().unwrap() {
        let operators: Vec<&str> = case["operators"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        seen.extend(operators);
        if let Err(problem) = check(folder, case) {
            failures.push(format!("{}: {problem}", case["name"].as_str().unwrap()));
        }
    }
    let missing: Vec<_> = known.difference(&seen).collect();
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
    assert!(missing.is_empty(), "operators without a case: {missing:?}");
}
