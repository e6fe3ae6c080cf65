//! The manifests of a deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use caiso_core::Diagnostic;

use crate::pods::{self, Pod};
use crate::yaml::{self, Entry, Flaw, Node};

/// The manifests of one deployment, parsed once for all checks.
#[derive(Clone, Debug)]
pub struct InfraInput {
    pub(crate) component: String,
    pub(crate) files: usize,
    pub(crate) documents: usize,
    pub(crate) objects: Vec<Object>,
    /// Indices of the objects of each kind.
    kinds: BTreeMap<String, Vec<usize>>,
    pub(crate) pods: Vec<Pod>,
    problems: Vec<Diagnostic>,
}

/// A Kubernetes object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) path: Arc<str>,
    pub(crate) node: Node,
    /// The part before the slash of `apiVersion`; empty for the core group.
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    /// `None`: decided by whoever applies the manifest.
    pub(crate) namespace: Option<String>,
}

impl Object {
    /// Whether it is in a namespace, or may be: one that is not written down may be any.
    pub(crate) fn is_in(&self, namespace: Option<&str>) -> bool {
        self.namespace.is_none() || namespace.is_none() || self.namespace.as_deref() == namespace
    }

    /// `Deployment/api`.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// Calls `visit` with every entry of every mapping in an object, and the place in words.
pub(crate) fn each_entry(object: &Object, visit: &mut impl FnMut(&str, &Entry)) {
    fn walk(node: &Node, title: &str, visit: &mut impl FnMut(&str, &Entry)) {
        for (index, item) in node.items().iter().enumerate() {
            walk(item, &longer(title, &item_name(index, item)), visit);
        }
        for entry in node.entries() {
            visit(title, entry);
            walk(&entry.value, &longer(title, &entry.key), visit);
        }
    }
    walk(&object.node, &object.title(), visit);
}

impl InfraInput {
    /// Parses the files (path relative to the manifest's folder, content) of `component`
    /// (`deployment:production`).
    ///
    /// Never fails: what cannot be read is in [`InfraInput::problems`], and makes every check
    /// incomplete. At most 16 MiB, a million values and a depth of 128 are read of a file.
    pub fn parse(component: impl Into<String>, files: &[(&str, &[u8])]) -> Self {
        let mut input = Self {
            component: component.into(),
            files: files.len(),
            documents: 0,
            objects: Vec::new(),
            kinds: BTreeMap::new(),
            pods: Vec::new(),
            problems: Vec::new(),
        };
        for (path, bytes) in files {
            let path: Arc<str> = (*path).into();
            let (documents, flaws) = yaml::parse(bytes);
            input.problems.extend(flaws.iter().map(|flaw| diagnostic(&path, flaw)));
            input.documents = input.documents.saturating_add(documents.len());
            for document in documents {
                input.open(&path, &document, None);
            }
        }
        for (index, object) in input.objects.iter().enumerate() {
            input.kinds.entry(object.kind.clone()).or_default().push(index);
        }
        input.pods = pods::find(&input.objects, &mut input.problems);
        input
            .problems
            .sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        input
    }

    /// What could not be read: broken YAML, text that is not UTF-8, templates, documents that are
    /// no Kubernetes objects. Without source excerpts, which could show a secret.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.problems
    }

    /// Number of Kubernetes objects, lists opened.
    pub fn objects(&self) -> usize {
        self.objects.len()
    }

    /// Number of pod specifications in all objects.
    pub fn pod_specs(&self) -> usize {
        self.pods.len()
    }

    /// The objects of a kind, in order.
    pub(crate) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Object> + use<'_> {
        let indices = self.kinds.get(kind).map_or(&[][..], Vec::as_slice);
        indices.iter().filter_map(|index| self.objects.get(*index))
    }

    /// How many objects there are of each kind.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&str, usize)> {
        self.kinds.iter().map(|(kind, indices)| (kind.as_str(), indices.len()))
    }

    /// Takes up an object, or those of a list. `item_kind` is the kind of a list's items, which
    /// need not repeat it.
    fn open(&mut self, path: &Arc<str>, node: &Node, item_kind: Option<&str>) {
        let mut problem = |message: String, help| {
            let (line, column) = node.place();
            self.problems.push(diagnostic(path, &Flaw { line, column, message, help }));
        };
        let Some(kind) = node.text_at(&["kind"]).or(item_kind) else {
            problem(
                "no `kind`: not a Kubernetes object".to_owned(),
                "name only manifests under `paths`; values files and patches are assessed once \
                 rendered",
            );
            return;
        };
        let api = node.text_at(&["apiVersion"]).unwrap_or_default();
        if api.starts_with("kustomize.config.k8s.io/") {
            problem(
                format!("a {} changes the manifests it names when they are built", printable(kind)),
                "assess the output of `kustomize build`",
            );
            return;
        }
        if let Some(item_kind) = kind.strip_suffix("List")
            && let Some(items) = node.get("items")
        {
            let item_kind = (!item_kind.is_empty()).then_some(item_kind);
            for item in items.items() {
                self.open(path, item, item_kind);
            }
            return;
        }
        let metadata = |key: &str| node.text_at(&["metadata", key]).map(printable);
        self.objects.push(Object {
            path: Arc::clone(path),
            group: api.split_once('/').map_or("", |(group, _)| group).to_owned(),
            kind: printable(kind),
            name: metadata("name")
                .or_else(|| metadata("generateName"))
                .unwrap_or_else(|| "unnamed".to_owned()),
            namespace: metadata("namespace"),
            node: node.clone(),
        });
    }
}

pub(crate) fn diagnostic(path: &str, flaw: &Flaw) -> Diagnostic {
    Diagnostic {
        file: path.to_owned(),
        line: flaw.line,
        column: flaw.column,
        message: flaw.message.clone(),
        help: Some(flaw.help.to_owned()),
        excerpt: None,
    }
}

/// Longest title, beyond which parts are left out.
const MAX_TITLE: usize = 400;
/// Parts of a path that say nothing to a reader.
const SILENT: [&str; 5] = ["spec", "template", "jobTemplate", "workflowSpec", "items"];

/// A title with one more part of the path, if it says something.
pub(crate) fn longer(title: &str, part: &str) -> String {
    if title.len() > MAX_TITLE || SILENT.contains(&part) || part.ends_with("ReplicaSpecs") {
        return title.to_owned();
    }
    format!("{title} {}", printable(part))
}

/// The name of an item of a list, else its index.
pub(crate) fn item_name(index: usize, item: &Node) -> String {
    let name = ["name", "groupName"].iter().find_map(|key| item.text_at(&[key]));
    name.map_or_else(|| index.to_string(), printable)
}

/// A name from a manifest, short and on one line.
pub(crate) fn printable(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(253).collect()
}
