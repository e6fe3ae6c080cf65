//! Whether the nodes of a tree ensemble are a tree.

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
