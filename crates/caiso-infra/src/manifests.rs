//! The manifests of a deployment.

use std::sync::Arc;

use caiso_core::Diagnostic;

use crate::pods::{self, Pod};
use crate::yaml::{self, Flaw, Node};

/// The manifests of one deployment, parsed once for all checks.
#[derive(Clone, Debug)]
pub struct InfraInput {
    pub(crate) component: String,
    pub(crate) documents: usize,
    pub(crate) objects: Vec<Object>,
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
    /// `Deployment/api`.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
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
            documents: 0,
            objects: Vec::new(),
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
        input.pods = pods::find(&input.objects, &mut input.problems);
        input
            .problems
            .sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        input
    }

    /// What could not be read: broken YAML, text that is not UTF-8, templates, documents that are no
    /// Kubernetes objects. Without source excerpts, which could show a secret.
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

    /// Takes up an object, or those of a list. `item_kind` is the kind of a list's items, which need
    /// not repeat it.
    fn open(&mut self, path: &Arc<str>, node: &Node, item_kind: Option<&str>) {
        let mut problem = |message: String, help| {
            let (line, column) = node.place();
            self.problems.push(diagnostic(path, &Flaw { line, column, message, help }));
        };
        let Some(kind) = node.text_at(&["kind"]).or(item_kind) else {
            problem(
                "no `kind`: not a Kubernetes object".to_owned(),
                "name only manifests under `paths`; values files and patches are assessed once rendered",
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

/// A name from a manifest, short and on one line.
pub(crate) fn printable(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(253).collect()
}
