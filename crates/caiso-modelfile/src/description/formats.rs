//! What the facts of one format say in the words of all.

use super::{Description, count_in};
use crate::readers::{
    catboost::CatBoost, coreml::CoreMl, hdf5::Hdf5, hugging_face::Configuration, keras::Keras,
    lightgbm::LightGbm, mar::Mar, openvino::OpenVino, pmml::Pmml, skops::Skops,
    tensorflow::TensorFlow, xgboost::XgBoost,
};

/// The facts without those that have a field of their own.
fn without<const N: usize>(
    facts: Vec<(&'static str, String)>,
    fields: [&'static str; N],
) -> Description {
    Description::of_facts(facts.into_iter().filter(|(key, _)| !fields.contains(key)))
}

pub(super) fn of_catboost(catboost: &CatBoost) -> Description {
    let mut description = without(catboost.describe(), ["outputs"]);
    let trees = format!("{} oblivious decision trees", catboost.trees);
    description.fact("architecture", trees);
    description.uses("catboost", None);
    let features = catboost.float_features.saturating_add(catboost.categorical_features);
    description.inputs.push(format!("features: [batch, {features}]"));
    description.outputs.push(format!("raw values: [batch, {}]", catboost.dimension));
    description
}

pub(super) fn of_xgboost(xgboost: &XgBoost) -> Description {
    let mut description = without(xgboost.describe(), []);
    description.fact("architecture", format!("{} of {} trees", xgboost.booster, xgboost.trees));
    description.fact("task", task_of_objective(&xgboost.objective).unwrap_or_default());
    description.uses("xgboost", None);
    if let Some(features) = xgboost.features {
        description.inputs.push(format!("features: [batch, {features}]"));
    }
    description
}

pub(super) fn of_lightgbm(lightgbm: &LightGbm) -> Description {
    let mut description = without(lightgbm.describe(), []);
    description.fact("architecture", format!("{} trees", lightgbm.trees));
    let objective = lightgbm.objective.split_whitespace().next().unwrap_or_default();
    description.fact("task", task_of_objective(objective).unwrap_or_default());
    description.uses("lightgbm", None);
    if !lightgbm.features.is_empty() {
        description.inputs.push(format!("features: [batch, {}]", lightgbm.features));
    }
    description
}

/// The task of an objective of XGBoost or LightGBM.
fn task_of_objective(objective: &str) -> Option<&'static str> {
    let starts = |words: &[&str]| words.iter().any(|word| objective.starts_with(word));
    if starts(&["binary", "multi", "cross_entropy"]) {
        Some("classification")
    } else if starts(&["rank", "lambdarank"]) {
        Some("ranking")
    } else if starts(&["survival"]) {
        Some("survival-analysis")
    } else if starts(&[
        "reg", "count:", "poisson", "tweedie", "gamma", "huber", "quantile", "fair", "mape",
    ]) {
        Some("regression")
    } else {
        None
    }
}

pub(super) fn of_pmml(pmml: &Pmml) -> Description {
    let mut description = without(pmml.describe(), ["models", "fields", "targets"]);
    for (kind, &count) in &pmml.models {
        count_in(&mut description.operators, kind, count);
    }
    let is_target =
        |field: &&String| field.split(": ").next().is_some_and(|name| pmml.targets.contains(name));
    description.inputs = pmml.fields.iter().filter(|field| !is_target(field)).cloned().collect();
    description.outputs = pmml.fields.iter().filter(is_target).cloned().collect();
    let task = pmml.models.keys().find_map(|kind| kind.split(' ').nth(1));
    description.fact("task", task.unwrap_or_default());
    description
}

pub(super) fn of_openvino(openvino: &OpenVino) -> Description {
    let fields = ["layers", "constants", "inputs", "parameters"];
    let mut description = without(openvino.describe(), fields);
    description.parameters = Some(openvino.parameters);
    for (layer, &count) in &openvino.layers {
        let kind = layer.rsplit(' ').next().unwrap_or(layer);
        count_in(&mut description.operators, kind, count);
    }
    let constants = openvino.constants.iter().map(|(kind, count)| format!("{kind} {count}"));
    description.fact("constants", constants.collect::<Vec<_>>().join(", "));
    description.inputs.clone_from(&openvino.inputs);
    description.uses("openvino", None);
    description
}

pub(super) fn of_tensorflow(tensorflow: &TensorFlow) -> Description {
    let mut description = without(tensorflow.describe(), ["nodes", "operators", "parameters"]);
    // The values of a SavedModel lie in the files beside it.
    description.parameters = Some(tensorflow.parameters).filter(|&parameters| parameters > 0);
    for (operator, uses) in &tensorflow.operators {
        count_in(&mut description.operators, operator, uses.count);
    }
    if let Some(signature) = served(&tensorflow.signatures)
        && let Some((inputs, outputs)) = signature.split_once(" -> ")
    {
        description.inputs = listed(inputs);
        description.outputs = listed(outputs);
    }
    description.uses("tensorflow", None);
    description
}

/// The signature that a server calls, without its name.
fn served(signatures: &[String]) -> Option<&str> {
    let of = |signature: &'_ String| signature.starts_with("serving_default: ");
    let signature = signatures.iter().find(|signature| of(signature)).or(signatures.first())?;
    signature.split_once(": ").map(|(_, types)| types)
}

/// `(x: float [?, 12], y: int32 [])` as a list.
fn listed(types: &str) -> Vec<String> {
    let mut items = Vec::new();
    let mut item = String::new();
    let mut within = false;
    for character in types.trim_start_matches('(').trim_end_matches(')').chars() {
        match character {
            '[' => within = true,
            ']' => within = false,
            ',' if !within => {
                items.push(std::mem::take(&mut item));
                continue;
            }
            _ => {}
        }
        item.push(character);
    }
    items.push(item);
    items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

pub(super) fn of_keras(keras: &Keras) -> Description {
    let mut description = Description::default();
    for (key, value) in &keras.facts {
        let key = match key.as_str() {
            "model class" => "architecture",
            "model name" => "graph",
            "optimizer" | "learning rate" | "loss" | "metrics" => &format!("training {key}"),
            key => key,
        };
        description.fact(key, value);
    }
    for (layer, &count) in &keras.layers {
        count_in(&mut description.operators, layer, count);
    }
    if let Some(shape) = keras.facts.get("input shape") {
        description.inputs.push(format!("input: {shape}"));
    }
    description.uses("keras", None);
    description
}

pub(super) fn of_hdf5(hdf5: &Hdf5) -> Description {
    let attributes = hdf5.attributes.iter();
    let mut description = Description::of_facts(
        attributes.map(|(name, value)| (format!("attribute {name}"), value.clone())),
    );
    description.tensors = Some(hdf5.datasets);
    description.parameters = Some(hdf5.parameters);
    for (element, &values) in &hdf5.types {
        count_in(&mut description.elements, element, values);
    }
    let shapes = hdf5.shapes.iter().map(|(path, shape)| format!("{path} {shape}"));
    description.fact("shapes", shapes.collect::<Vec<_>>().join(", "));
    description
}

pub(super) fn of_hugging_face(configuration: &Configuration) -> Description {
    let facts = configuration.facts.iter().map(|(key, value)| {
        let key = match key.as_str() {
            "architectures" => "architecture",
            "card license" => "licence",
            "card pipeline_tag" => "task",
            key => key,
        };
        (key, value)
    });
    let mut description = Description::of_facts(facts);
    if !configuration.weight_files.is_empty() {
        description.fact("weight files", configuration.weight_files.len().to_string());
    }
    if !configuration.templates.is_empty() {
        description.fact("chat templates", configuration.templates.len().to_string());
    }
    description
}

pub(super) fn of_skops(skops: &Skops) -> Description {
    let mut description = Description::of_facts([
        ("skops version", &skops.version),
        ("parameters of the model", &skops.parameters),
    ]);
    if let Some(outermost) = skops.nodes.iter().min_by_key(|node| node.at.len()) {
        description.fact("architecture", format!("{}.{}", outermost.module, outermost.class));
    }
    for (class, &count) in &skops.estimators {
        count_in(&mut description.operators, class, count);
    }
    for node in &skops.nodes {
        if let Some(package) = super::package_of_module(&node.module) {
            description.uses(package, None);
        }
    }
    description.uses("skops", None);
    description
}

pub(super) fn of_mar(mar: &Mar) -> Description {
    let mut description = Description::of_facts(&mar.facts);
    for (kind, files) in &mar.files {
        description.fact(&format!("manifest {kind}"), files.join(", "));
    }
    description
}

pub(super) fn of_coreml(coreml: &CoreMl) -> Description {
    let mut description = Description::of_facts([
        ("format version", coreml.version.to_string()),
        ("architecture", coreml.kind.clone()),
    ]);
    for (key, value) in &coreml.metadata {
        match key.as_str() {
            "description" | "licence" | "model version" => description.fact(key, value),
            key => description.fact(&format!("metadata {key}"), value),
        }
    }
    description
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_become_lists() {
        let signatures = [
            "train: () -> ()".to_owned(),
            "serving_default: (x: float [?, 12], y: int32 []) -> (z: float [?])".to_owned(),
        ];
        let (inputs, outputs) = served(&signatures).unwrap().split_once(" -> ").unwrap();
        assert_eq!(listed(inputs), ["x: float [?, 12]", "y: int32 []"]);
        assert_eq!(listed(outputs), ["z: float [?]"]);
        assert_eq!(served(&[]), None);
        assert_eq!(listed("()"), Vec::<String>::new());
    }
}
