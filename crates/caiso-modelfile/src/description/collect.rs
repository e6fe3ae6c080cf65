//! From the facts of the readers to one description.

use std::collections::BTreeSet;

use caiso_inference::onnx::STANDARD_DOMAIN;

use super::formats;
use super::packages::{package_and_version, package_of_module};
use super::{Description, count_in};
use crate::Format;
use crate::readers::{archive, onnx, pickle};
use crate::tree::{Facts, Reading, Tree};

/// Describes a file with everything packed in it.
pub fn describe(tree: &Tree) -> Description {
    let mut whole = Description::default();
    if let Some(root) = tree.root() {
        whole.formats = root.readings.iter().map(|reading| reading.format).collect();
    }
    for node in &tree.nodes {
        // Two readings of the same bytes would count twice.
        if let Some(mut part) = node.readings.iter().find_map(of_reading) {
            // The shape of one array among many says nothing about the whole.
            if !node.path.is_empty() && node.readings.iter().any(|r| r.format == Format::Numpy) {
                part.facts.clear();
            }
            whole.merge(&part);
        }
    }
    name_software(&mut whole);
    whole
}

/// What one reading says; a format that only holds others says nothing itself.
fn of_reading(reading: &Reading) -> Option<Description> {
    match &reading.facts {
        Facts::Archive(archive) => of_archive(archive),
        Facts::Gguf(gguf) => Some(gguf.description.clone()),
        Facts::MessagePack(messagepack) => Some(messagepack.description.clone()),
        Facts::Numpy(numpy) => Some(numpy.description.clone()),
        Facts::Onnx(onnx) => Some(of_onnx(onnx)),
        Facts::Pickle(pickle) => Some(of_pickle(pickle)),
        Facts::Safetensors(safetensors) => Some(safetensors.description.clone()),
        Facts::TensorFlowLite(tflite) => Some(tflite.description.clone()),
        Facts::Caffe(network) => {
            let mut said = Description::default();
            for layer in &network.layers {
                said.operator(layer);
            }
            Some(said)
        }
        Facts::CatBoost(catboost) => Some(formats::of_catboost(catboost)),
        Facts::CoreMl(coreml) => Some(formats::of_coreml(coreml)),
        Facts::Hdf5(hdf5) => Some(formats::of_hdf5(hdf5)),
        Facts::HuggingFace(configuration) => Some(formats::of_hugging_face(configuration)),
        Facts::Hydra(targets) => Some(Description::of_facts(&targets.facts)),
        Facts::Keras(keras) => Some(formats::of_keras(keras)),
        Facts::LightGbm(lightgbm) => Some(formats::of_lightgbm(lightgbm)),
        Facts::Mar(mar) => Some(formats::of_mar(mar)),
        Facts::OpenVino(openvino) => Some(formats::of_openvino(openvino)),
        Facts::Pmml(pmml) => Some(formats::of_pmml(pmml)),
        Facts::Skops(skops) => Some(formats::of_skops(skops)),
        Facts::TensorFlow(tensorflow) => Some(formats::of_tensorflow(tensorflow)),
        Facts::XgBoost(xgboost) => Some(formats::of_xgboost(xgboost)),
        Facts::Nothing | Facts::OnnxAmbiguous(_) | Facts::Python(_) | Facts::Text(_) => None,
    }
}

/// The storages of a PyTorch archive; their element types stand in its pickle.
fn of_archive(archive: &archive::Archive) -> Option<Description> {
    let is_storage = |key: &str| {
        ["data/", "constants/", "tensors/"].iter().any(|folder| key.starts_with(folder))
    };
    let sizes = archive.storages.iter().filter(|(key, _)| is_storage(key)).map(|(_, &size)| size);
    let (count, bytes) = sizes.fold((0_u64, 0_u64), |(count, bytes), size| {
        (count.saturating_add(1), bytes.saturating_add(size))
    });
    (count > 0).then(|| {
        Description::of_facts([
            ("storages", count.to_string()),
            ("storage bytes", bytes.to_string()),
        ])
    })
}

fn of_onnx(onnx: &onnx::Description) -> Description {
    let sets = onnx.operator_sets.iter().map(|(domain, version)| format!("{domain} {version}"));
    let mut description = Description::of_facts([
        ("ir version", onnx.ir_version.to_string()),
        ("producer", onnx.producer.clone()),
        ("domain", onnx.domain.clone()),
        ("model version", onnx.model_version.to_string()),
        ("graph", onnx.graph_name.clone()),
        ("operator sets", sets.collect::<Vec<_>>().join(", ")),
    ]);
    for (key, value) in &onnx.metadata {
        description.fact(&format!("metadata {key}"), value);
    }
    let places: BTreeSet<&str> =
        onnx.external.iter().map(|tensor| tensor.location.as_str()).collect();
    description.fact("external data", places.into_iter().collect::<Vec<_>>().join(", "));
    description.parameters = Some(onnx.parameters);
    for (element, &values) in &onnx.elements {
        count_in(&mut description.elements, element, values);
    }
    for ((domain, operator), &nodes) in &onnx.operators {
        let name = match domain.as_str() {
            STANDARD_DOMAIN => operator.clone(),
            domain => format!("{domain}::{operator}"),
        };
        count_in(&mut description.operators, &name, nodes);
    }
    description.inputs.clone_from(&onnx.inputs);
    description.outputs.clone_from(&onnx.outputs);
    description
}

fn of_pickle(pickle: &pickle::Pickle) -> Description {
    let mut description = Description::of_facts([
        ("pickle protocol", pickle.protocol.to_string()),
        ("pickles", pickle.streams.to_string()),
        ("class", pickle.class.clone().unwrap_or_default()),
    ]);
    let plain = ["builtins", "collections", "joblib", "numpy", "pandas", "torch._utils"];
    let is_plain = |class: &String| {
        plain
            .iter()
            .any(|module| class.strip_prefix(module).is_some_and(|rest| rest.starts_with('.')))
    };
    if let Some(class) = pickle.class.as_ref().filter(|class| !is_plain(class)) {
        description.fact("architecture", class);
    }
    for global in &pickle.globals {
        if let Some(package) = package_of_module(global) {
            description.uses(package, None);
        }
    }
    // A storage stands in the pickle once for each tensor that is a view of it.
    let mut seen = BTreeSet::new();
    for id in &pickle.persistent {
        if let Some(storage) = pickle::Storage::parse(id)
            && seen.insert(storage.key)
        {
            description.tensor(storage.element(), storage.elements);
        }
    }
    for (key, value) in &pickle.notes {
        match key.strip_prefix("version of ") {
            Some(package) => description.uses(package, Some(value)),
            None => description.fact(key, value),
        }
    }
    description
}

/// What a file says about its maker, and every fact of the kind `xgboost version`.
fn name_software(description: &mut Description) {
    let mut named: Vec<(&str, Option<String>)> = Vec::new();
    for (key, value) in &description.facts {
        let key = ["metadata ", "attribute "]
            .iter()
            .find_map(|prefix| key.strip_prefix(prefix))
            .unwrap_or(key);
        let found = if matches!(key, "producer" | "framework") {
            package_and_version(value)
                .map(|(package, version)| (package, version.map(str::to_owned)))
        } else {
            let name = key
                .strip_suffix(" version")
                .or_else(|| key.strip_suffix("_version"))
                .and_then(package_of_module);
            let version = value
                .split([',', ' '])
                .next()
                .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()));
            name.map(|package| (package, version.map(str::to_owned)))
        };
        named.extend(found);
    }
    if description.facts.get("framework").is_some_and(|framework| framework == "pt") {
        named.push(("torch", None));
    }
    for (package, version) in named {
        description.uses(package, version.as_deref());
    }
}
