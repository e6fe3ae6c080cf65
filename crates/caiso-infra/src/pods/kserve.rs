//! KServe inference services: each component is a pod specification, usually with one container
//! whose defaults come from a serving runtime.

use super::walk::{Walk, named};
use super::{Layers, Role};
use crate::labels::Labels;
use crate::yaml::Node;

/// Parts of an inference service that become pods.
const COMPONENTS: [&str; 3] = ["predictor", "transformer", "explainer"];
/// Keys whose value is a container that serves a model; all but `model` are of the older form.
const MODELS: [&str; 15] = [
    "model",
    "sklearn",
    "xgboost",
    "lightgbm",
    "pytorch",
    "tensorflow",
    "onnx",
    "triton",
    "pmml",
    "paddle",
    "huggingface",
    "mlflow",
    "alibi",
    "art",
    "aix",
];

pub(super) fn inference_service(walk: &mut Walk<'_>, node: &Node, title: &str) {
    let Some(spec) = node.get("spec") else { return };
    // v1alpha2 had the components one level deeper.
    let parents =
        [("", Some(spec)), (" default", spec.get("default")), (" canary", spec.get("canary"))];
    for (prefix, parent) in parents {
        for part in COMPONENTS {
            if let Some(component) =
                parent.and_then(|node| node.get(part)).filter(|node| node.is_mapping())
            {
                self::component(walk, node, component, &format!("{title}{prefix} {part}"), part);
            }
        }
    }
}

fn component(walk: &mut Walk<'_>, service: &Node, node: &Node, title: &str, part: &str) {
    let models: Vec<(&str, &Node)> = MODELS
        .iter()
        .filter_map(|key| Some((*key, node.get(key).filter(|node| node.is_mapping())?)))
        .collect();
    let runtime_name = models.iter().find_map(|(_, model)| model.text_at(&["runtime"]));
    let runtime = runtime_name.and_then(|name| walk.runtimes.get(name).copied());
    let who = (!models.is_empty() && runtime.is_none()).then(|| match runtime_name {
        Some(name) => format!("the serving runtime `{name}`"),
        None => "the serving runtime that KServe chooses".to_owned(),
    });
    let mut spec = Layers::of(node).completed_by(who.clone());
    if let Some(runtime) = runtime {
        spec = spec.over(runtime);
    }
    let labels = labels(service, node, part);
    let runtime_container = runtime.and_then(|runtime| {
        let containers = runtime.items_at(&["containers"]);
        let main = |item: &&Node| item.text_at(&["name"]) == Some("kserve-container");
        containers.iter().find(main).or_else(|| containers.first())
    });
    let mut containers = Vec::new();
    for (index, (key, model)) in models.into_iter().enumerate() {
        let mut layers = Layers::of(model).completed_by(who.clone());
        if let Some(defaults) = runtime_container {
            layers = layers.over(defaults);
        }
        let mut container = named(layers, Role::Regular, title, index);
        container.title = format!("{title} {key}");
        containers.push(container);
    }
    let pod = walk.pod(spec, Some(labels), title);
    // Containers beside the model stand as they are written.
    for container in &mut pod.containers {
        container.spec.completed_by = None;
    }
    pod.containers.extend(containers);
    if let Some(worker) = node.get("workerSpec") {
        walk.pod(Layers::of(worker).completed_by(who), None, &format!("{title} workerSpec"));
    }
}

fn labels(service: &Node, component: &Node, part: &str) -> Labels {
    let mut labels = Labels::of(service.at(&["metadata", "labels"]), false);
    labels.add(component.get("labels"));
    if let Some(name) = service.text_at(&["metadata", "name"]) {
        labels.insert("serving.kserve.io/inferenceservice", name);
        labels.insert("app", &format!("isvc.{name}-{part}"));
    }
    labels.insert("component", part);
    labels
}
