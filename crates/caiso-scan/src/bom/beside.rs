//! Configurations beside a model: of Hugging Face models, of MLflow, and caiso's own manifest.

use caiso_core::manifest;
use serde_json::Value;

use super::document::property;
use super::place::Place;
use super::said::Said;

/// Longest configuration that is read.
const LONGEST: usize = 16 << 20;

/// Whether a file with this name describes models.
pub(super) fn is_configuration(name: &str) -> bool {
    matches!(name, "config.json" | "MLmodel")
}

/// What a configuration says; `Ok(None)` if it is one of something else.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Option<Said>, String> {
    if bytes.len() > LONGEST {
        return Err(format!(
            "has {} bytes, configurations of up to {LONGEST} are read",
            bytes.len()
        ));
    }
    if name == "MLmodel" {
        let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
        let value: Value = serde_saphyr::from_str(text).map_err(|error| {
            let error = error.to_string();
            format!("is no YAML: {}", error.lines().next().unwrap_or_default())
        })?;
        return Ok(Some(mlflow(&value)));
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))?;
    let known = value["model_type"].is_string() || value["architectures"].is_array();
    Ok(known.then(|| hugging_face(&value)))
}

/// `config.json` of the transformers library.
fn hugging_face(config: &Value) -> Said {
    let text = |key: &str| config[key].as_str().map(str::to_owned);
    let architecture = config["architectures"][0].as_str();
    let mut said = Said {
        family: text("model_type"),
        architecture: architecture.map(str::to_owned),
        task: architecture.and_then(task_of_class).map(str::to_owned),
        ..Said::default()
    };
    if let Some(version) = text("transformers_version") {
        said.software.push(("transformers".to_owned(), Some(version)));
    }
    for key in [
        "torch_dtype",
        "dtype",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "vocab_size",
        "max_position_embeddings",
        "_name_or_path",
        "quantization_config",
    ] {
        let value = match &config[key] {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let name = key.trim_start_matches('_').replace('_', "-");
        said.properties.push(property(&format!("config:{name}"), value));
    }
    let labels = config["id2label"].as_object().map(|labels| {
        let labels = labels.values().filter_map(Value::as_str).take(1_000);
        labels.collect::<Vec<_>>().join(", ")
    });
    said.properties.extend(labels.map(|labels| property("config:labels", labels)));
    said
}

/// The task that the head of a transformers class, or the class of an estimator, is for.
pub(super) fn task_of_class(class: &str) -> Option<&'static str> {
    const ENDINGS: [(&str, &str); 15] = [
        ("ForCausalLM", "text-generation"),
        ("LMHeadModel", "text-generation"),
        ("ForConditionalGeneration", "text2text-generation"),
        ("ForMaskedLM", "fill-mask"),
        ("ForSequenceClassification", "text-classification"),
        ("ForTokenClassification", "token-classification"),
        ("ForQuestionAnswering", "question-answering"),
        ("ForImageClassification", "image-classification"),
        ("ForObjectDetection", "object-detection"),
        ("ForSemanticSegmentation", "image-segmentation"),
        ("ForAudioClassification", "audio-classification"),
        ("ForCTC", "automatic-speech-recognition"),
        ("Classifier", "classification"),
        ("LogisticRegression", "classification"),
        ("Regressor", "regression"),
    ];
    ENDINGS.iter().find(|(ending, _)| class.ends_with(ending)).map(|(_, task)| *task)
}

/// `MLmodel` (<https://mlflow.org/docs/latest/ml/model/>).
fn mlflow(model: &Value) -> Said {
    let mut said = Said::default();
    if let Some(version) = model["mlflow_version"].as_str() {
        said.software.push(("mlflow".to_owned(), Some(version.to_owned())));
    }
    for (flavour, settings) in model["flavors"].as_object().into_iter().flatten() {
        for (key, value) in settings.as_object().into_iter().flatten() {
            let package = key.strip_suffix("_version").and_then(caiso_modelfile::package_of_module);
            if let (Some(package), Some(version)) = (package, value.as_str()) {
                said.software.push((package.to_owned(), Some(version.to_owned())));
            }
        }
        said.properties.push(property("mlflow:flavour", flavour.clone()));
    }
    for key in ["model_uuid", "run_id", "utc_time_created", "model_id"] {
        if let Some(value) = model[key].as_str() {
            said.properties.push(property(&format!("mlflow:{}", key.replace('_', "-")), value));
        }
    }
    said.inputs = columns(&model["signature"]["inputs"]);
    said.outputs = columns(&model["signature"]["outputs"]);
    said
}

/// A side of a signature, JSON in a text: columns with a name and a type, or tensors.
fn columns(side: &Value) -> Vec<String> {
    let parsed: Value =
        side.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let column = |(number, column): (usize, &Value)| {
        let name = column["name"].as_str().map_or_else(|| number.to_string(), str::to_owned);
        let tensor = &column["tensor-spec"];
        match (column["type"].as_str(), tensor["dtype"].as_str()) {
            (_, Some(element)) => format!("{name}: {element} {}", tensor["shape"]),
            (Some(kind), None) => format!("{name}: {kind}"),
            (None, None) => name,
        }
    };
    parsed.as_array().into_iter().flatten().enumerate().take(10_000).map(column).collect()
}

/// What caiso's manifest says about its models and data, by their paths.
pub(super) struct Manifest {
    /// Path of a model, what is said about it, paths of its data.
    pub(super) models: Vec<(String, Said)>,
    /// What is said about data.
    pub(super) data: Vec<DataSaid>,
}

/// What the manifest says about a data file.
pub(super) struct DataSaid {
    pub(super) path: String,
    pub(super) role: &'static str,
    /// Columns that tell protected groups apart.
    pub(super) protected: Vec<String>,
    /// Who answers for the system.
    pub(super) owner: String,
}

/// Reads `caiso.yaml`.
pub(super) fn manifest(place: &Place, bytes: &[u8]) -> Result<Manifest, String> {
    let manifest = manifest::read(place.name(), bytes).map_err(|problems| {
        let problem = problems.first().map(ToString::to_string).unwrap_or_default();
        format!("is no manifest: {}", problem.lines().next().unwrap_or_default())
    })?;
    let system = &manifest.system;
    let model = |model: &manifest::Model| {
        let mut said = Said {
            name: Some(model.name.to_string()),
            description: system.title.clone(),
            ..Said::default()
        };
        said.considerations.use_cases.push(system.purpose.trim().to_owned());
        let excluded = system.out_of_scope.iter().map(|text| format!("Out of scope: {text}"));
        said.considerations.technical_limitations.extend(excluded);
        said.properties.push(property("system", system.name.to_string()));
        said.properties.push(property("owner", system.owner.clone()));
        if !model.classes.is_empty() {
            said.task = Some("classification".to_owned());
            said.properties.push(property("classes", model.classes.join(", ")));
        }
        let features = model.features.iter().map(|feature| feature.column.to_string());
        let features = features.collect::<Vec<_>>().join(", ");
        if !features.is_empty() {
            said.properties.push(property("features", features));
        }
        (place.join(&model.path).unwrap_or_default(), said)
    };
    let data = manifest.datasets.iter().map(|dataset| DataSaid {
        path: place.join(&dataset.path).unwrap_or_default(),
        role: super::data::role_of(dataset.role),
        protected: dataset.protected.iter().map(|column| column.column.to_string()).collect(),
        owner: system.owner.clone(),
    });
    Ok(Manifest { models: manifest.models.iter().map(model).collect(), data: data.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configurations_are_read() {
        let config = br#"{"model_type":"bert","architectures":["BertForMaskedLM"],"transformers_version":"5.1.0","vocab_size":30522}"#;
        let said = read("config.json", config).unwrap().unwrap();
        assert_eq!(said.family.as_deref(), Some("bert"));
        assert_eq!(said.task.as_deref(), Some("fill-mask"));
        assert_eq!(said.software, [("transformers".to_owned(), Some("5.1.0".to_owned()))]);
        assert_eq!(read("config.json", b"{\"a\": 1}"), Ok(None));
        assert!(read("config.json", b"{").is_err());
        let model = b"flavors:\n  sklearn:\n    sklearn_version: 1.9.1\nmlflow_version: 3.17.2\nsignature:\n  \
                      inputs: '[{\"type\": \"double\", \"name\": \"age\"}]'\n  outputs: '[{\"type\": \"tensor\", \
                      \"tensor-spec\": {\"dtype\": \"int64\", \"shape\": [-1]}}]'\n";
        let said = read("MLmodel", model).unwrap().unwrap();
        assert_eq!(said.inputs, ["age: double"]);
        assert_eq!(said.outputs, ["0: int64 [-1]"]);
        assert_eq!(said.software[1], ("scikit-learn".to_owned(), Some("1.9.1".to_owned())));
    }
}
