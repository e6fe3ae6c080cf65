//! From bytes to a tree: every plausible reading of every part, under budgets.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;

use caiso_archive::{ArchiveError, Budget};

use crate::readers::pickle::HIDDEN;
use crate::readers::{FALLBACKS, READERS, Reader};
use crate::tree::{Facts, Gap, Node, Reading, Tree};

/// How much work one file may cause.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep parts may lie in parts.
    pub depth: usize,
    /// Most parts.
    pub nodes: usize,
    /// Budgets of archives and compressed streams, for the whole file.
    pub archive: caiso_archive::Limits,
    /// Budgets of each pickle.
    pub pickle: caiso_pickle::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        let expanded = 4 << 30;
        let archive = caiso_archive::Limits {
            expanded_total: expanded,
            expanded_entry: expanded,
            ..caiso_archive::Limits::default()
        };
        Self { depth: 8, nodes: 100_000, archive, pickle: caiso_pickle::Limits::default() }
    }
}

/// Where expanded content lies while it is looked at. The scan of a folder keeps large content in
/// mapped temporary files, so that memory stays small.
pub trait Scratch {
    /// Keeps everything that `content` gives.
    fn keep(&self, content: &mut dyn Read) -> io::Result<Box<dyn AsRef<[u8]>>>;
}

/// Keeps expanded content in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Scratch for InMemory {
    fn keep(&self, content: &mut dyn Read) -> io::Result<Box<dyn AsRef<[u8]>>> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        Ok(Box::new(bytes))
    }
}

/// A content that some loader could take for a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Artifact<'a> {
    pub(crate) bytes: &'a [u8],
    /// The name it goes by where it lies: a claim, not a fact.
    pub(crate) name: &'a str,
}

impl Artifact<'_> {
    /// The part of the name behind the last dot, in lower case.
    pub(crate) fn extension(&self) -> String {
        let name = self.name.rsplit(['/', '\\']).next().unwrap_or(self.name);
        name.rsplit_once('.').map_or_else(String::new, |(_, last)| last.to_ascii_lowercase())
    }
}

/// Reads a file and everything packed in it. `name` is the file's name.
pub fn read(name: &str, bytes: &[u8], limits: &Limits, scratch: &dyn Scratch) -> Tree {
    let budget = Budget::new(limits.archive);
    let mut walk =
        Walk { limits, scratch, budget: &budget, paths: HashMap::new(), tree: Tree::default() };
    walk.visit(&Artifact { bytes, name }, String::new(), None, 0, Expect::Model);
    walk.tree
}

/// What the holder of a part uses it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Something that is loaded: a content of unknown format is a gap.
    Model,
    /// Plain data or text, which the holder's loader never interprets.
    Data,
}

struct Walk<'w> {
    limits: &'w Limits,
    scratch: &'w dyn Scratch,
    budget: &'w Budget,
    paths: HashMap<String, usize>,
    tree: Tree,
}

impl Walk<'_> {
    fn visit(
        &mut self,
        artifact: &Artifact<'_>,
        path: String,
        parent: Option<usize>,
        depth: usize,
        expect: Expect,
    ) {
        let index = self.tree.nodes.len();
        let size = u64::try_from(artifact.bytes.len()).unwrap_or(u64::MAX);
        self.tree.nodes.push(Node { path, parent, size, readings: Vec::new(), gaps: Vec::new() });
        for reader in READERS.iter().filter(|reader| (reader.claims)(artifact)) {
            self.take(reader, artifact, index, depth);
        }
        for reader in FALLBACKS.iter().filter(|reader| (reader.claims)(artifact)) {
            if self.tree.nodes.get(index).is_some_and(|node| !node.readings.is_empty()) {
                break;
            }
            self.take(reader, artifact, index, depth);
        }
        // What is left over of a content may hide what a loader that goes on reads.
        let left_over = |node: &Node| {
            let pickle = |reading: &Reading| matches!(reading.facts, Facts::Pickle(_));
            !node.readings.is_empty()
                && (!node.gaps.is_empty() || node.readings.iter().any(is_hdf5))
                && !node.readings.iter().any(pickle)
        };
        if self.tree.nodes.get(index).is_some_and(left_over) && (HIDDEN.claims)(artifact) {
            self.take(&HIDDEN, artifact, index, depth);
        }
        let reason = match artifact.bytes {
            [] if parent.is_none() => "the file is empty",
            [] => return,
            _ => "the content is of no format that caiso knows",
        };
        self.node(index, |node| {
            if expect == Expect::Model && node.readings.is_empty() && node.gaps.is_empty() {
                node.gaps.push(Gap { range: Some(0..size), reason: reason.to_owned() });
            }
        });
    }

    fn take(&mut self, reader: &Reader, artifact: &Artifact<'_>, index: usize, depth: usize) {
        let mut scope = Scope { walk: &mut *self, index, depth };
        if let Some(reading) = (reader.read)(artifact, &mut scope) {
            self.node(index, |node| node.readings.push(reading));
        }
    }

    fn node(&mut self, index: usize, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.tree.nodes.get_mut(index) {
            change(node);
        }
    }
}

/// The content of the data sets of HDF5 is not interpreted by its reader.
fn is_hdf5(reading: &Reading) -> bool {
    matches!(reading.facts, Facts::Hdf5(_))
}

/// What a reader may do besides reading: hand on the parts, say what it did not look at.
pub(crate) struct Scope<'s, 'w> {
    walk: &'s mut Walk<'w>,
    index: usize,
    depth: usize,
}

impl<'w> Scope<'_, 'w> {
    /// The limits of the file.
    pub(crate) fn limits(&self) -> &'w Limits {
        self.walk.limits
    }

    /// What the file may still expand to.
    pub(crate) fn budget(&self) -> &'w Budget {
        self.walk.budget
    }

    /// Looks at a part that lies in the content as it is.
    pub(crate) fn part(&mut self, name: &str, bytes: &[u8], expect: Expect) {
        // A name may hold what separates names.
        let name = &name.replace('!', "_");
        if let Some(path) = self.enter(name) {
            let depth = self.depth.saturating_add(1);
            let artifact = Artifact { bytes, name };
            self.walk.visit(&artifact, path, Some(self.index), depth, expect);
        }
    }

    /// Looks at a part that has to be expanded first, `packed` bytes before, under the budget of the file.
    /// Tells why it stopped early.
    pub(crate) fn expand(
        &mut self,
        name: &str,
        packed: usize,
        content: &mut dyn Read,
        expect: Expect,
    ) -> Option<Stopped> {
        let packed = u64::try_from(packed).unwrap_or(u64::MAX);
        let mut reader = self.walk.budget.reader(content, packed);
        self.keep(name, &mut reader, expect)
    }

    /// The same for content that is under the budget already. What could be expanded is looked at even if
    /// the rest could not: a payload needs no intact end.
    pub(crate) fn keep(
        &mut self,
        name: &str,
        content: &mut dyn Read,
        expect: Expect,
    ) -> Option<Stopped> {
        let mut lenient = Lenient { inner: content, error: None };
        let stopped = match self.walk.scratch.keep(&mut lenient) {
            Ok(kept) => {
                self.part(name, (*kept).as_ref(), expect);
                lenient.error?
            }
            Err(error) => error,
        };
        let bomb = matches!(ArchiveError::of(&stopped), Some(ArchiveError::Ratio { .. }));
        let reason = format!("`{name}` cannot be expanded to its end: {stopped}");
        self.gap(None, reason.clone());
        Some(Stopped { reason, bomb })
    }

    /// Says that something was not inspected, and why.
    pub(crate) fn gap(&mut self, range: Option<Range<u64>>, reason: impl Into<String>) {
        let reason = reason.into();
        self.walk.node(self.index, |node| node.gaps.push(Gap { range, reason }));
    }

    /// The path of a new part, if the budgets allow one.
    fn enter(&mut self, name: &str) -> Option<String> {
        let refused = if self.depth >= self.walk.limits.depth {
            format!("`{name}` lies more than {} levels deep", self.walk.limits.depth)
        } else if self.walk.tree.nodes.len() >= self.walk.limits.nodes {
            format!(
                "`{name}` and what follows: there are more than {} parts",
                self.walk.limits.nodes
            )
        } else {
            let parent = self.walk.tree.nodes.get(self.index).map_or("", |node| &node.path);
            let separator = if parent.is_empty() { "" } else { "!" };
            let mut path = format!("{parent}{separator}{name}");
            // Two parts of one name are two places.
            let count = self.walk.paths.entry(path.clone()).or_insert(0);
            *count = count.saturating_add(1);
            if *count > 1 {
                path.push_str(&format!(" #{count}"));
            }
            return Some(path);
        };
        // One gap tells the reader enough when thousands of parts are refused.
        let known = |node: &Node| node.gaps.iter().filter(|gap| gap.range.is_none()).count() >= 16;
        if !self.walk.tree.nodes.get(self.index).is_some_and(known) {
            self.gap(None, refused);
        }
        None
    }
}

/// Why a part could not be expanded to its end.
pub(crate) struct Stopped {
    pub(crate) reason: String,
    /// It expands as only a decompression bomb does.
    pub(crate) bomb: bool,
}

/// Turns an error into the end of the content and keeps it apart, so that what came before is not lost.
struct Lenient<R> {
    inner: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.error.is_some() {
            return Ok(0);
        }
        match self.inner.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.error = Some(error);
                Ok(0)
            }
            other => other,
        }
    }
}
