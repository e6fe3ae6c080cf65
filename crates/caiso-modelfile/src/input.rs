//! What a model file check works on.

use std::ops::Range;

use caiso_core::{CheckError, Location, NotAssessed, Span};

use crate::Format;
use crate::readers::onnx;
use crate::tree::{Facts, Gap, Node, Tree};
use crate::walk::{Limits, Scratch, read};

/// A model file with its place in the system, read once for all checks.
#[derive(Clone, Debug)]
pub struct ModelFileInput {
    /// Component of the system: `model:mortgage`.
    pub component: String,
    /// Path relative to the manifest, with forward slashes.
    pub path: String,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Detached signature, where the manifest names one.
    pub signature: Option<Signature>,
    /// Where the file leads to, if it is a link to a file outside of the folder it was found in.
    pub link: Option<String>,
    /// The files beside it that it keeps tensors in, where somebody looked; see [`Tree::data_files`].
    pub beside: Option<Vec<DataFile>>,
    /// What the file turned out to be, and everything packed in it.
    pub tree: Tree,
}

/// A file that a model keeps tensors in, as a loader finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Path from the model's folder, as the model names it.
    pub name: String,
    /// What lies there.
    pub found: Found,
}

/// What lies where a model keeps tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A file.
    File,
    /// Nothing that can be read.
    Nothing,
    /// A symbolic link, with where it leads to.
    Link(String),
    /// A file that has another name elsewhere.
    HardLink,
}

/// A detached signature file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Path relative to the manifest.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
    /// Public key of whoever is to have signed, PEM; without it nothing can be verified.
    pub signer: Option<Vec<u8>>,
}

impl ModelFileInput {
    /// Reads `bytes`. Nothing of the file is executed, and the bytes are not kept.
    pub fn new(
        component: impl Into<String>,
        path: impl Into<String>,
        sha256: impl Into<String>,
        bytes: &[u8],
        signature: Option<Signature>,
        scratch: &dyn Scratch,
    ) -> Self {
        let path = path.into();
        let name = path.rsplit('/').next().unwrap_or(&path);
        let tree = read(name, bytes, &Limits::default(), scratch);
        Self {
            component: component.into(),
            path,
            sha256: sha256.into(),
            signature,
            link: None,
            beside: None,
            tree,
        }
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.tree.root().map_or(0, |root| root.size)
    }

    /// The format of the file, if it is a known one.
    pub fn format(&self) -> Option<Format> {
        self.tree.root()?.readings.first().map(|reading| reading.format)
    }

    /// The place of the file, or of something in it.
    pub(crate) fn location(&self, part: Option<String>) -> Location {
        Location {
            component: self.component.clone(),
            path: Some(self.path.clone()),
            part,
            ..Location::default()
        }
    }

    /// The place of something in a part of the file: `archive/data.pkl: os.system`. What is given as
    /// `what` names the weak thing, not where it lies, since it identifies the finding from run to run.
    pub(crate) fn at(&self, node: &Node, what: &str) -> Location {
        let part = match (node.path.as_str(), what) {
            ("", "") => None,
            ("", what) => Some(what.to_owned()),
            (path, "") => Some(path.to_owned()),
            (path, what) => Some(format!("{path}: {what}")),
        };
        self.location(part)
    }

    /// The same with the bytes of the part where it lies.
    pub(crate) fn at_bytes(&self, node: &Node, what: &str, bytes: &Range<usize>) -> Location {
        let number = |place: usize| u64::try_from(place).unwrap_or(u64::MAX);
        let bytes = Span { start: number(bytes.start), end: number(bytes.end) };
        Location { bytes: Some(bytes), ..self.at(node, what) }
    }

    /// The readings of every part with the facts that `select` picks.
    pub(crate) fn facts<T: 'static>(
        &self,
        select: fn(&Facts) -> Option<&T>,
    ) -> impl Iterator<Item = (&Node, &T)> {
        self.tree
            .readings()
            .filter_map(move |(node, reading)| Some((node, select(&reading.facts)?)))
    }

    /// What of the parts of these formats was not inspected: a check that did not see everything of its
    /// formats is incomplete.
    pub(crate) fn not_assessed(&self, formats: &[Format]) -> Vec<NotAssessed> {
        let judged = |node: &Node| {
            node.readings.is_empty()
                || node.readings.iter().any(|reading| formats.contains(&reading.format))
        };
        let gaps = self.tree.gaps().filter(|(node, _)| judged(node));
        gaps.map(|(node, gap)| self.gap(node, gap)).collect()
    }

    /// A gap in words.
    pub(crate) fn gap(&self, node: &Node, gap: &Gap) -> NotAssessed {
        let path = match node.path.as_str() {
            "" => self.path.clone(),
            path => format!("{}!{path}", self.path),
        };
        let what = match &gap.range {
            Some(range) => format!("bytes {} to {} of `{path}`", range.start, range.end),
            None => format!("`{path}`"),
        };
        NotAssessed {
            what,
            reason: gap.reason.clone(),
            remedy: "get the file from its source again, or look at this part by other means"
                .to_owned(),
        }
    }

    /// Every ONNX model in the file.
    pub(crate) fn onnx(&self) -> impl Iterator<Item = (&Node, &onnx::Description)> {
        self.facts(|facts| match facts {
            Facts::Onnx(description) => Some(&**description),
            _ => None,
        })
    }
}

/// The outcome of a check that has no part of its formats in the file.
pub(crate) fn unrecognised(path: &str) -> CheckError {
    CheckError::not_assessable(
        format!("the content of `{path}` is of no model format that caiso knows"),
        "name the model file itself under `path`, not a pointer or a document",
    )
}
