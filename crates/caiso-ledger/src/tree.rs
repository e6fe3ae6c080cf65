//! The Merkle tree of [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962), section 2.1.

use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Hash of a leaf: SHA-256(0x00 || entry).
pub fn hash_leaf(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0x00]).chain_update(entry).finalize().into()
}

/// Hash of an inner node: SHA-256(0x01 || left || right).
pub fn hash_node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

/// Root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The roots of the perfect subtrees that a tree is made of, one for each set bit of its size,
/// largest first. All that is needed to append: one node hash a leaf on average.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompactRange {
    size: u64,
    nodes: Vec<Hash>,
}

impl CompactRange {
    pub(crate) fn from_parts(size: u64, nodes: Vec<Hash>) -> Self {
        Self { size, nodes }
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        self.nodes
            .iter()
            .copied()
            .rev()
            .reduce(|right, left| hash_node(&left, &right))
            .unwrap_or_else(empty_root)
    }

    /// Appends a leaf hash. `visit(height, index, hash)` is called for each perfect subtree that
    /// this completes, from the leaf (height 0) upwards; `index` counts the subtrees of that
    /// height from the left.
    pub fn push(&mut self, leaf: Hash, mut visit: impl FnMut(u32, u64, Hash)) {
        let mut hash = leaf;
        let (mut height, mut index) = (0, self.size);
        visit(height, index, hash);
        while index & 1 == 1
            && let Some(left) = self.nodes.pop()
        {
            hash = hash_node(&left, &hash);
            height += 1;
            index >>= 1;
            visit(height, index, hash);
        }
        self.nodes.push(hash);
        self.size += 1;
    }
}

/// Root over the leaves `start..end`, from a source of perfect subtrees:
/// `node(height, index)` gives the hash over the leaves `index << height .. (index + 1) << height`.
pub(crate) fn subtree_root<E>(
    start: u64,
    end: u64,
    node: &mut impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Hash, E> {
    let count = end.saturating_sub(start);
    if count == 0 {
        Ok(empty_root())
    } else if count.is_power_of_two() && start.is_multiple_of(count) {
        let height = count.trailing_zeros();
        node(height, start >> height)
    } else {
        let middle = start + split(count);
        Ok(hash_node(&subtree_root(start, middle, node)?, &subtree_root(middle, end, node)?))
    }
}

/// Largest power of two below `count`, for `count >= 2`.
pub(crate) fn split(count: u64) -> u64 {
    1 << (count.saturating_sub(1).max(1)).ilog2()
}
