//! Argo workflows: each template with a container is a pod.

use super::walk::{Walk, named};
use super::{Layers, Role};
use crate::labels::Labels;
use crate::manifests::printable;
use crate::yaml::Node;

/// Settings that a template replaces as a whole, not key by key.
const REPLACED: [&str; 3] =
    ["securityContext", "serviceAccountName", "automountServiceAccountToken"];

pub(super) fn workflow(walk: &mut Walk<'_>, spec: &Node, title: &str) {
    for (index, item) in spec.items_at(&["templates"]).iter().enumerate() {
        let name = item.text_at(&["name"]).map_or_else(|| index.to_string(), printable);
        let title = format!("{title} template {name}");
        if let Some(manifest) = item.at(&["resource", "manifest"]) {
            walk.embedded_object(manifest, &title);
        }
        template(walk, spec, item, &title);
    }
}

fn template(walk: &mut Walk<'_>, workflow: &Node, node: &Node, title: &str) {
    let mut containers = Vec::new();
    for key in ["container", "script"] {
        let Some(own) = node.get(key).filter(|node| node.is_mapping()) else { continue };
        let mut layers = Layers::of(own);
        if let Some(defaults) = workflow.at(&["templateDefaults", key]) {
            layers = layers.over(defaults);
        }
        let mut container = named(layers, Role::Regular, title, 0);
        container.title = format!("{title} {key}");
        containers.push(("main".to_owned(), container));
    }
    for (index, item) in node.items_at(&["containerSet", "containers"]).iter().enumerate() {
        if item.is_mapping() {
            let name = item.text_at(&["name"]).unwrap_or("main").to_owned();
            containers.push((name, named(Layers::of(item), Role::Regular, title, index)));
        }
    }
    if containers.is_empty() {
        return;
    }
    for (index, item) in node.items_at(&["sidecars"]).iter().enumerate() {
        if item.is_mapping() {
            let name = item.text_at(&["name"]).unwrap_or_default().to_owned();
            containers.push((name, named(Layers::of(item), Role::Regular, title, index)));
        }
    }
    let mut lower = workflow.clone();
    for key in REPLACED {
        if node.get(key).is_some() {
            lower = lower.without(key);
        }
    }
    let patches: Vec<Node> = [workflow.get("podSpecPatch"), node.get("podSpecPatch")]
        .into_iter()
        .flatten()
        .filter_map(|patch| walk.embedded(patch, &format!("{title}: `podSpecPatch`")))
        .collect();
    let labels = Labels::of(node.at(&["metadata", "labels"]), false);
    let pod = walk.pod(Layers::of(node).over(&lower), Some(labels), title);
    for patch in &patches {
        pod.spec.patch(patch);
        for part in patch.items_at(&["containers"]) {
            let named = part.text_at(&["name"]);
            for (_, container) in containers.iter_mut().filter(|(name, _)| named == Some(name)) {
                container.spec.patch(part);
            }
        }
    }
    pod.containers.extend(containers.into_iter().map(|(_, container)| container));
}
