//! From bytes to a tree: every plausible reading of every part, under budgets.

use std::io::Read;
use std::ops::Range;

use crate::readers::READERS;
use crate::tree::{Gap, Node, Tree};

/// How much work one file may cause.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep parts may lie in parts.
    pub depth: usize,
    /// Most parts.
    pub nodes: usize,
    /// Most bytes that all compressed parts together may expand to.
    pub expanded: u64,
    /// Most times its compressed size a part may expand to, once it is over 64 MiB.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 8, nodes: 100_000, expanded: 4 << 30, ratio: 1_000 }
    }
}

/// Where expanded content lies while it is looked at. The scan of a folder keeps large content in
/// mapped temporary files, so that memory stays small.
pub trait Scratch {
    /// Keeps everything that `content` gives.
    fn keep(&self, content: &mut dyn Read) -> std::io::Result<Box<dyn AsRef<[u8]>>>;
}

/// Keeps expanded content in memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct InMemory;

impl Scratch for InMemory {
    fn keep(&self, content: &mut dyn Read) -> std::io::Result<Box<dyn AsRef<[u8]>>> {
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
    let mut walk = Walk { limits, scratch, expanded: 0, tree: Tree::default() };
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
    expanded: u64,
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
            let mut scope = Scope { walk: &mut *self, index, depth };
            if let Some(reading) = (reader.read)(artifact, &mut scope) {
                self.node(index, |node| node.readings.push(reading));
            }
        }
        let unknown = expect == Expect::Model && !artifact.bytes.is_empty();
        self.node(index, |node| {
            if unknown && node.readings.is_empty() && node.gaps.is_empty() {
                let reason = "the content is of no format that caiso knows".to_owned();
                node.gaps.push(Gap { range: Some(0..size), reason });
            }
        });
    }

    fn node(&mut self, index: usize, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.tree.nodes.get_mut(index) {
            change(node);
        }
    }
}

/// What a reader may do besides reading: hand on the parts, say what it did not look at.
pub(crate) struct Scope<'s, 'w> {
    walk: &'s mut Walk<'w>,
    index: usize,
    depth: usize,
}

impl Scope<'_, '_> {
    /// The budgets.
    pub(crate) fn limits(&self) -> &Limits {
        self.walk.limits
    }

    /// Looks at a part that lies in the content as it is.
    pub(crate) fn part(&mut self, name: &str, bytes: &[u8], expect: Expect) {
        if let Some(path) = self.enter(name) {
            let depth = self.depth.saturating_add(1);
            let artifact = Artifact { bytes, name };
            self.walk.visit(&artifact, path, Some(self.index), depth, expect);
        }
    }

    /// Looks at a part that has to be expanded first. `packed` is its size before.
    pub(crate) fn expand(
        &mut self,
        name: &str,
        packed: u64,
        content: &mut dyn Read,
        expect: Expect,
    ) {
        if self.walk.limits.expanded <= self.walk.expanded {
            return self.gap(None, format!("`{name}`: the budget for expanded content is spent"));
        }
        let floor = 64 << 20;
        let most = packed.saturating_mul(self.walk.limits.ratio).max(floor);
        let most = most.min(self.walk.limits.expanded.saturating_sub(self.walk.expanded));
        // One byte more tells a content that is as long as allowed from one that is longer.
        let mut counted = Counted { inner: content, left: most.saturating_add(1), error: None };
        let kept = self.walk.scratch.keep(&mut counted);
        let spent = most.saturating_add(1).saturating_sub(counted.left);
        self.walk.expanded = self.walk.expanded.saturating_add(spent);
        let problem = match (&kept, counted.error) {
            (Err(error), _) => Some(format!("`{name}` cannot be kept while it is read: {error}")),
            (_, Some(error)) => Some(format!("`{name}` cannot be expanded to its end: {error}")),
            _ if counted.left == 0 => Some(format!(
                "`{name}` expands to more than {most} bytes, which the budget does not allow"
            )),
            _ => None,
        };
        // What could be expanded is looked at all the same: a payload needs no intact end.
        if let Ok(kept) = kept {
            self.part(name, (*kept).as_ref(), expect);
        }
        if let Some(problem) = problem {
            self.gap(None, problem);
        }
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
            return Some(format!("{parent}{separator}{name}"));
        };
        // One gap tells the reader enough when thousands of parts are refused.
        let known = |node: &Node| node.gaps.iter().filter(|gap| gap.range.is_none()).count() >= 16;
        if !self.walk.tree.nodes.get(self.index).is_some_and(known) {
            self.gap(None, refused);
        }
        None
    }
}

/// Counts what is read, stops at the budget, and keeps an error of the content apart from one of the
/// place it is kept in.
struct Counted<'r> {
    inner: &'r mut dyn Read,
    left: u64,
    error: Option<std::io::Error>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        match self.inner.read(buffer) {
            Ok(count) => {
                self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
                Ok(count)
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                self.error = Some(error);
                Ok(0)
            }
        }
    }
}
