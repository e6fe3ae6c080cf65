//! What is said about whole files, checked against what the programs that wrote them say.

use caiso_modelfile::{Description, Format, InMemory, Limits, describe, package_of_module, read};

use crate::formats::MORTGAGE;

fn description(name: &str, bytes: &[u8]) -> Description {
    describe(&read(name, bytes, &Limits::default(), &InMemory))
}

/// A file that a current package wrote.
macro_rules! real {
    ($name:literal) => {
        description(
            $name,
            include_bytes!(concat!("../../../caiso-scan/tests/real/", $name)).as_slice(),
        )
    };
}

fn software(description: &Description) -> Vec<(&str, Option<&str>)> {
    let software = description.software.iter();
    software.map(|(name, version)| (name.as_str(), version.as_deref())).collect()
}

#[test]
fn onnx_is_described() {
    let onnx = description("mortgage.onnx", MORTGAGE);
    assert_eq!(onnx.formats, [Format::Onnx]);
    assert_eq!(onnx.parameters, Some(1002));
    assert_eq!(onnx.inputs, ["features: float [batch, 12]"]);
    assert_eq!(onnx.outputs, ["logits: float [batch, 2]"]);
    assert_eq!(onnx.operators["Gemm"], 3);
    assert_eq!(software(&onnx), [("torch", Some("2.15.0"))]);
    assert_eq!(onnx.facts["operator sets"], "ai.onnx 17");
}

#[test]
fn the_same_weights_are_counted_alike_in_every_container() {
    // One network of 174 numbers and the counter of its batch norm, as tests/real/VERSIONS.md says.
    let archive = real!("torch-state.pt");
    let legacy = real!("torch-state-legacy.pt");
    for description in [&archive, &legacy] {
        assert_eq!(description.parameters, Some(175));
        assert_eq!(description.tensors, Some(9));
        assert_eq!(description.elements["float32"], 174);
        assert_eq!(description.elements["int64"], 1);
        assert!(description.software.contains_key("torch"));
    }
    assert_eq!(real!("torch.safetensors").parameters, Some(175));
    assert_eq!(archive.facts["storages"], "9");
    assert_eq!(archive.facts["storage bytes"], (174 * 4 + 8).to_string());
    assert_eq!(archive.facts.get("architecture"), None, "a dictionary is no architecture");
    assert_eq!(real!("torch-lstm.pt").facts["architecture"], "torch.nn.modules.rnn.LSTM");
    assert_eq!(real!("torch-checkpoint.pt").facts["training epoch"], "3");
}

#[test]
fn pickles_name_their_class_protocol_and_packages() {
    for forest in [real!("sklearn-forest-protocol-2.pkl"), real!("sklearn-forest-gzip.joblib")] {
        let class = "sklearn.ensemble._forest.RandomForestClassifier";
        assert_eq!(forest.facts["architecture"], class);
        assert_eq!(forest.software["scikit-learn"].as_deref(), Some("1.9.1"));
    }
    assert_eq!(real!("sklearn-forest-protocol-2.pkl").facts["pickle protocol"], "2");
    assert_eq!(real!("xgboost.pkl").software.get("xgboost"), Some(&None));
}

#[test]
fn other_formats_tell_what_they_hold() {
    let gguf = real!("llama.gguf");
    assert_eq!((gguf.parameters, gguf.facts["licence"].as_str()), (Some(320), "apache-2.0"));
    let tflite = real!("net.tflite");
    assert_eq!((tflite.inputs.len(), tflite.outputs.len()), (1, 1));
    assert_eq!(tflite.operators["FULLY_CONNECTED"], 1);
    // Arrays of an archive add up, and the shape of one is not that of all.
    let arrays = real!("arrays.npz");
    assert!(arrays.tensors > Some(1) && !arrays.facts.contains_key("shape"), "{arrays:?}");
    let bytes = include_bytes!("../../../caiso-scan/tests/real/savedmodel/saved_model.pb");
    let saved = description("saved_model.pb", bytes);
    assert_eq!(saved.software["tensorflow"].as_deref(), Some("2.21.0"));
    assert!(!saved.inputs.is_empty() && !saved.outputs.is_empty(), "{saved:?}");
    for (keras, name) in [(real!("dense.keras"), "3"), (real!("dense.h5"), "2")] {
        assert_eq!(keras.software["keras"].as_deref(), Some("3.15.1"), "{name}");
        assert!(keras.operators.contains_key("Dense"), "{keras:?}");
        assert!(keras.parameters > Some(0), "{keras:?}");
    }
    let skops = real!("sklearn-svc.skops");
    assert_eq!(skops.facts["architecture"], "sklearn.svm._classes.SVC");
    for boosted in [real!("xgboost.json"), real!("xgboost.ubj"), real!("lightgbm.txt")] {
        assert_eq!(boosted.facts["task"], "classification");
        assert_eq!(boosted.inputs.len(), 1);
    }
    let nothing = description("x", b"");
    assert_eq!(nothing, Description::default());
}

#[test]
fn names_of_modules_and_makers_become_packages() {
    for (name, package) in [
        ("sklearn.svm._classes.SVC", Some("scikit-learn")),
        ("pytorch", Some("torch")),
        ("PIL.Image", Some("pillow")),
        ("imblearn.pipeline", Some("imbalanced-learn")),
        ("CatBoost", Some("catboost")),
        ("os", None),
        ("torchish", None),
        ("", None),
    ] {
        assert_eq!(package_of_module(name), package, "{name}");
    }
}
