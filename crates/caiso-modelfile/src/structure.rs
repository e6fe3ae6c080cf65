//! What the readers of tree ensembles share: contradictions, and whether a tree is one.

use caiso_core::Severity;

/// Most contradictions that are listed for a file.
const MOST: usize = 100;

/// Something in a file that contradicts the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where: `tree 3`. Identifies the finding from run to run.
    pub(crate) part: String,
    pub(crate) message: String,
    pub(crate) severity: Severity,
}

/// A list of contradictions, one for each part and kind at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems {
    pub(crate) all: Vec<Problem>,
    /// How many more there are.
    pub(crate) more: u64,
}

impl Problems {
    pub(crate) fn push(&mut self, severity: Severity, part: &str, message: impl Into<String>) {
        if self.all.len() >= MOST {
            self.more = self.more.saturating_add(1);
        } else {
            let (part, message) = (part.to_owned(), message.into());
            self.all.push(Problem { part, message, severity });
        }
    }

    /// Two counts that have to be the same.
    pub(crate) fn same(&mut self, part: &str, says: &str, said: i64, what: &str, found: usize) {
        if usize::try_from(said) != Ok(found) {
            let message = format!("`{says}` is {said}, and there are {found} {what}");
            self.push(Severity::Medium, part, message);
        }
    }
}

/// Follows the children of a binary tree of `count` nodes from its root, node 0, and says what is
/// wrong with it. `children` gives the nodes below one, `None` for a leaf.
pub(crate) fn follow(
    count: usize,
    children: impl Fn(usize) -> [Option<i64>; 2],
) -> Result<(), String> {
    let mut seen = vec![false; count];
    let mut open = vec![0_usize];
    while let Some(node) = open.pop() {
        let Some(mark) = seen.get_mut(node) else {
            return Err("the tree has no root".to_owned());
        };
        if std::mem::replace(mark, true) {
            return Err(format!(
                "node {node} is below more than one node, or below itself: whoever evaluates the tree \
                 may never end"
            ));
        }
        for child in children(node).into_iter().flatten() {
            match usize::try_from(child) {
                Ok(child) if child < count => open.push(child),
                _ => {
                    return Err(format!(
                        "node {node} leads to node {child} of {count}: whoever evaluates the tree reads \
                         memory that is not its own"
                    ));
                }
            }
        }
    }
    Ok(())
}
