//! Finding pod specifications by place and by shape.

use std::collections::BTreeMap;
use std::sync::Arc;

use caiso_core::Diagnostic;

use super::{Container, Layers, Pod, Role, argo, kserve};
use crate::labels::Labels;
use crate::manifests::{Object, diagnostic, item_name, longer, printable};
use crate::yaml::{Flaw, Node, Value, is_template, parse_embedded};

/// Every pod specification of the objects, in order, and what could not be read on the way.
pub(crate) fn find(objects: &[Object], problems: &mut Vec<Diagnostic>) -> Vec<Pod> {
    let runtimes = objects
        .iter()
        .filter(|object| matches!(object.kind.as_str(), "ServingRuntime" | "ClusterServingRuntime"))
        .filter_map(|object| Some((object.name.as_str(), object.node.get("spec")?)))
        .collect();
    let mut pods = Vec::new();
    let mut embedded_bytes = MAX_EMBEDDED_BYTES;
    for object in objects {
        let mut walk = Walk {
            runtimes: &runtimes,
            object,
            pods: &mut pods,
            problems,
            embedded_bytes: &mut embedded_bytes,
            embedding: 0,
        };
        walk.object(&object.node, &object.kind, &object.title());
    }
    pods
}

/// The keys under which a pod specification lists containers.
const LISTS: [(&str, Role); 3] = [
    ("initContainers", Role::Init),
    ("containers", Role::Regular),
    ("ephemeralContainers", Role::Ephemeral),
];

/// Most bytes of manifests inside texts that are read, over all files.
const MAX_EMBEDDED_BYTES: usize = 4 << 20;
/// Most problems that are listed.
const MAX_PROBLEMS: usize = 10_000;
/// How many manifests may be inside one another as texts.
const MAX_EMBEDDING: usize = 3;

/// Kinds of Kubernetes itself that make pods.
const BUILTIN: [&str; 8] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
];

pub(super) struct Walk<'a> {
    /// Specifications of the serving runtimes among the objects, by name.
    pub(super) runtimes: &'a BTreeMap<&'a str, &'a Node>,
    object: &'a Object,
    pods: &'a mut Vec<Pod>,
    problems: &'a mut Vec<Diagnostic>,
    embedded_bytes: &'a mut usize,
    embedding: usize,
}

/// Where the walk is.
#[derive(Clone)]
struct Place<'a> {
    /// Title of the object, then of what is inside it.
    title: String,
    /// Kind of the innermost object.
    kind: &'a str,
    /// The key of the node in its parent.
    key: &'a str,
    /// Labels in `metadata` beside the node.
    metadata: Option<&'a Node>,
}

impl Walk<'_> {
    /// Walks an object, at the top of a document or inside another.
    pub(super) fn object(&mut self, node: &Node, kind: &str, title: &str) {
        // A kind of the same name in another group (a Job of Volcano) is another kind.
        let group = node.text_at(&["apiVersion"]).and_then(|api| api.split_once('/'));
        let builtin =
            group.is_none_or(|(group, _)| matches!(group, "apps" | "batch" | "extensions"));
        let kind = if BUILTIN.contains(&kind) && !builtin { "" } else { kind };
        match kind {
            "InferenceService" => kserve::inference_service(self, node, title),
            "Workflow" | "WorkflowTemplate" | "ClusterWorkflowTemplate" => {
                if let Some(spec) = node.get("spec") {
                    argo::workflow(self, spec, title);
                }
            }
            "CronWorkflow" => {
                if let Some(spec) = node.at(&["spec", "workflowSpec"]) {
                    argo::workflow(self, spec, title);
                }
            }
            "SparkApplication" | "ScheduledSparkApplication" => self.spark(node, title),
            "PodDefault" => {
                if let Some(spec) = node.get("spec") {
                    self.fragment(spec, &[], title, "the pods it is injected into");
                }
            }
            _ => {
                let metadata = (kind == "Pod").then(|| node.get("metadata")).flatten();
                self.entries(node, &Place { title: title.to_owned(), kind, key: "", metadata });
                self.expect_pod(node, kind, title);
            }
        }
    }

    /// Says so where a kind that must hold a pod specification has none that can be read.
    fn expect_pod(&mut self, node: &Node, kind: &str, title: &str) {
        let path: &[&str] = match kind {
            "Pod" => &["spec"],
            "CronJob" => &["spec", "jobTemplate", "spec", "template", "spec"],
            kind if BUILTIN.contains(&kind) => &["spec", "template", "spec"],
            _ => return,
        };
        let spec = node.at(path);
        if !spec.is_some_and(is_pod) {
            let place = spec.unwrap_or(node);
            self.problem(
                place,
                format!("{title} has no list of containers at `{}`", path.join(".")),
            );
        }
    }

    /// The manifest that a text holds. What cannot be read becomes a problem and `None`.
    pub(super) fn embedded(&mut self, text: &Node, what: &str) -> Option<Node> {
        let result = match text.text() {
            Some(content) if !is_template(content) => {
                match self.embedded_bytes.checked_sub(content.len()) {
                    Some(left) => {
                        *self.embedded_bytes = left;
                        parse_embedded(content, text)
                    }
                    None => Err(format!(
                        "more than {MAX_EMBEDDED_BYTES} bytes of manifests stand in texts"
                    )),
                }
            }
            _ => Err(format!("it is {}", text.kind())),
        };
        result.unwrap_or_else(|message| {
            self.problem(text, format!("{what} cannot be read: {message}"));
            None
        })
    }

    /// Walks an object that stands as text in another.
    pub(super) fn embedded_object(&mut self, text: &Node, title: &str) {
        if self.embedding >= MAX_EMBEDDING {
            self.problem(
                text,
                format!("{title}: manifests inside one another more than {MAX_EMBEDDING} deep"),
            );
        } else if let Some(object) = self.embedded(text, title) {
            let kind = object.text_at(&["kind"]).unwrap_or("object");
            self.embedding = self.embedding.saturating_add(1);
            self.object(&object, kind, &longer(title, kind));
            self.embedding = self.embedding.saturating_sub(1);
        }
    }

    pub(super) fn problem(&mut self, place: &Node, message: String) {
        let help = "write the object as Kubernetes defines it; this part was not assessed";
        let flaw = Flaw { line: place.line, column: place.column, message, help };
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(diagnostic(&self.object.path, &flaw));
        }
    }

    fn entries(&mut self, node: &Node, place: &Place<'_>) {
        let metadata = node.get("metadata");
        // Siblings of a pod's `spec` are its labels; at the top of an object only a Pod's are.
        let beside = |key: &str| {
            if place.key.is_empty() { place.metadata } else { metadata.filter(|_| key == "spec") }
        };
        for entry in node.entries() {
            if LISTS.iter().any(|(list, _)| *list == &*entry.key) && is_pod(node) {
                continue;
            }
            let title = longer(&place.title, &entry.key);
            let inner =
                Place { title, kind: place.kind, key: &entry.key, metadata: beside(&entry.key) };
            self.node(&entry.value, &inner);
        }
    }

    fn node(&mut self, node: &Node, place: &Place<'_>) {
        match &node.value {
            Value::Mapping(_) => {
                if let (Some(kind), Some(_), Some(_)) =
                    (node.text_at(&["kind"]), node.text_at(&["apiVersion"]), node.get("spec"))
                {
                    let name = node.text_at(&["metadata", "name"]).unwrap_or("unnamed");
                    let title = longer(&place.title, &format!("{kind}/{name}"));
                    self.object(node, kind, &title);
                    return;
                }
                if is_pod(node) {
                    let labels = labels(place.kind, place.metadata);
                    self.pod(
                        Layers::of(node).completed_by(completion(place.kind)),
                        labels,
                        &place.title,
                    );
                } else if is_container(node) {
                    self.loose(node, &place.title);
                    return;
                }
                self.entries(node, place);
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    let title = longer(&place.title, &item_name(index, item));
                    self.node(item, &Place { title, ..place.clone() });
                }
            }
            _ => {}
        }
    }

    /// Adds a pod and the containers in its lists; returns it for whoever knows more of it.
    pub(super) fn pod(&mut self, spec: Layers, labels: Option<Labels>, title: &str) -> &mut Pod {
        let mut containers = Vec::new();
        let mut wrong = Vec::new();
        if let Some(own) = spec.nodes.first() {
            for (list, role) in LISTS {
                for (index, item) in own.items_at(&[list]).iter().enumerate() {
                    if !item.is_mapping() {
                        wrong.push((
                            item.clone(),
                            format!(
                                "{title}: `{list}[{index}]` is {}, expected a container",
                                item.kind()
                            ),
                        ));
                        continue;
                    }
                    let layers = Layers::of(item).completed_by(spec.completed_by.clone());
                    containers.push(named(layers, role, title, index));
                }
            }
        }
        for (place, message) in wrong {
            self.problem(&place, message);
        }
        self.pods.push(Pod {
            path: Arc::clone(&self.object.path),
            title: title.to_owned(),
            namespace: self.object.namespace.clone(),
            spec,
            labels,
            containers,
        });
        let last = self.pods.len().saturating_sub(1);
        #[expect(clippy::indexing_slicing, reason = "pushed two lines above")]
        &mut self.pods[last]
    }

    /// A container outside a pod specification, as in the trainer of a training job.
    fn loose(&mut self, node: &Node, title: &str) {
        let empty = Node { value: Value::Mapping(Arc::new([])), ..*node };
        let who = Some("the operator of the resource".to_owned());
        let container = Container {
            title: title.to_owned(),
            role: Role::Regular,
            spec: Layers::of(node).completed_by(who.clone()),
        };
        self.pod(Layers::of(&empty).completed_by(who), None, title).containers.push(container);
    }

    /// A mapping that holds settings of a pod and of one container at once.
    fn fragment(&mut self, node: &Node, defaults: &[&Node], title: &str, who: &str) {
        let layers = defaults.iter().fold(Layers::of(node), |layers, node| layers.over(node));
        let layers = layers.completed_by(Some(who.to_owned()));
        let container =
            Container { title: title.to_owned(), role: Role::Regular, spec: layers.clone() };
        let sidecars = node.items_at(&["sidecars"]).iter().enumerate();
        let sidecars = sidecars
            .filter(|(_, item)| item.is_mapping())
            .map(|(index, item)| named(Layers::of(item), Role::Regular, title, index))
            .collect::<Vec<_>>();
        let pod = self.pod(layers, None, title);
        pod.containers.push(container);
        pod.containers.extend(sidecars);
    }

    /// Driver and executor of a Spark application, which take the image from the application.
    fn spark(&mut self, node: &Node, title: &str) {
        let spec = node.at(&["spec", "template"]).or_else(|| node.get("spec"));
        for part in ["driver", "executor"] {
            if let Some(spec) = spec
                && let Some(own) = spec.get(part).filter(|node| node.is_mapping())
            {
                self.fragment(own, &[spec], &format!("{title} {part}"), "the Spark operator");
            }
        }
    }
}

/// The container of a list, named.
pub(super) fn named(spec: Layers, role: Role, title: &str, index: usize) -> Container {
    let word = match role {
        Role::Init => "init container",
        Role::Regular => "container",
        Role::Ephemeral => "ephemeral container",
    };
    let name = spec.nodes.first().and_then(|node| node.text_at(&["name"]));
    let name = name.map_or_else(|| index.to_string(), printable);
    Container { title: format!("{title} {word} {name}"), role, spec }
}

/// Whether a mapping is a pod specification: it lists containers.
fn is_pod(node: &Node) -> bool {
    LISTS.iter().any(|(list, _)| {
        node.items_at(&[list])
            .iter()
            .any(|item| item.get("name").is_some() || item.get("image").is_some())
    })
}

/// Whether a mapping is a container: an image, and how to run it.
fn is_container(node: &Node) -> bool {
    node.text_at(&["image"]).is_some()
        && (node.get("securityContext").is_some_and(Node::is_mapping)
            || ["command", "args", "env"].iter().any(|key| !node.items_at(&[key]).is_empty()))
}

/// Who adds to the pod specifications of a kind what they leave open.
fn completion(kind: &str) -> Option<String> {
    let who = match kind {
        "TrainJob" => "the training runtime",
        "LLMInferenceService" => "the configuration the service is based on",
        "SeldonDeployment" => "the Seldon operator",
        _ => return None,
    };
    Some(who.to_owned())
}

/// Labels of the pods of a specification with this metadata beside it.
fn labels(kind: &str, metadata: Option<&Node>) -> Option<Labels> {
    // A runtime is a part of the pods of the services that name it.
    if matches!(
        kind,
        "ServingRuntime"
            | "ClusterServingRuntime"
            | "TrainingRuntime"
            | "ClusterTrainingRuntime"
            | "PodTemplate"
            | "SandboxTemplate"
    ) {
        return None;
    }
    // Only the built-in controllers are known to add no labels that policies select.
    let complete = BUILTIN.contains(&kind);
    Some(Labels::of(metadata.and_then(|node| node.get("labels")), complete))
}
