//! The pod specifications inside any object, and the values that hold for their containers.

mod argo;
mod kserve;
mod walk;

use std::sync::Arc;

use crate::labels::Labels;
use crate::yaml::{Field, FromNode, Node, read};

pub(crate) use walk::find;

/// A pod specification.
#[derive(Clone, Debug)]
pub(crate) struct Pod {
    /// File of the object.
    pub(crate) path: Arc<str>,
    /// Where in the object: `InferenceService/mortgage predictor`.
    pub(crate) title: String,
    pub(crate) namespace: Option<String>,
    /// The specification.
    pub(crate) spec: Layers,
    /// Labels of the pods made from it; `None` where it is only a part of other specifications.
    pub(crate) labels: Option<Labels>,
    pub(crate) containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    /// `InferenceService/mortgage predictor container kserve-container`.
    pub(crate) title: String,
    pub(crate) role: Role,
    /// The container.
    pub(crate) spec: Layers,
}

/// When a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Before the others (or, as a sidecar, along with them).
    Init,
    /// As long as the pod.
    Regular,
    /// Added to a running pod, to look into it.
    Ephemeral,
}

/// A mapping in layers: what one does not set, the next may.
#[derive(Clone, Debug)]
pub(crate) struct Layers {
    /// The manifest's own mapping first, defaults after it. Never empty.
    nodes: Vec<Node>,
    /// Who else may set what no layer sets; `None` if nobody does.
    pub(crate) completed_by: Option<String>,
}

impl Layers {
    pub(crate) fn of(node: &Node) -> Self {
        Self { nodes: vec![node.clone()], completed_by: None }
    }

    /// Adds defaults.
    pub(crate) fn over(mut self, defaults: &Node) -> Self {
        self.nodes.push(defaults.clone());
        self
    }

    /// Puts a patch on top; the place stays that of the manifest's own mapping.
    pub(crate) fn patch(&mut self, patch: &Node) {
        let (line, column) = self.place();
        self.nodes.insert(0, Node { line, column, value: patch.value.clone() });
    }

    pub(crate) fn completed_by(mut self, who: Option<String>) -> Self {
        self.completed_by = who;
        self
    }

    /// Line and column to report where something is missing.
    pub(crate) fn place(&self) -> (u64, u64) {
        self.nodes.first().map_or((0, 0), |node| (node.line, node.column))
    }

    /// The value at a path of keys, from the first layer that has one.
    pub(crate) fn read<'a, T: FromNode<'a>>(&'a self, path: &[&str]) -> Field<'a, T> {
        self.nodes
            .iter()
            .map(|node| read(node, path))
            .find(|field| !matches!(field, Field::Absent))
            .unwrap_or(Field::Absent)
    }

    /// The node at a path of keys, whatever it is, from the first layer that has one.
    pub(crate) fn raw(&self, path: &[&str]) -> Option<&Node> {
        self.nodes.iter().find_map(|node| node.at(path))
    }

    /// The items of a list at a path of keys in all layers; Kubernetes and operators merge lists.
    pub(crate) fn items<'a>(&'a self, path: &[&str]) -> Vec<&'a Node> {
        self.nodes.iter().flat_map(|node| node.items_at(path)).collect()
    }
}

impl Pod {
    /// A security setting of a container: its own, else that of the pod.
    pub(crate) fn security<'a, T: FromNode<'a>>(
        &'a self,
        container: &'a Container,
        setting: &[&str],
    ) -> Field<'a, T> {
        let path: Vec<&str> = ["securityContext"].iter().chain(setting).copied().collect();
        match container.spec.read(&path) {
            Field::Absent => self.spec.read(&path),
            field => field,
        }
    }

    /// Whether the pod runs on Windows, where Linux settings are neither allowed nor needed.
    pub(crate) fn is_windows(&self) -> bool {
        let is = |path: &[&str]| matches!(self.spec.read::<&str>(path), Field::Known("windows", _));
        is(&["os", "name"]) || is(&["nodeSelector", "kubernetes.io/os"])
    }
}
