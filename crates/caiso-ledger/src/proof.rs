//! Inclusion and consistency proofs of [RFC 6962](https://www.rfc-editor.org/rfc/rfc6962),
//! sections 2.1.1 and 2.1.2; verification as in
//! [RFC 9162](https://www.rfc-editor.org/rfc/rfc9162), sections 2.1.3.2 and 2.1.4.2.

use crate::LedgerError;
use crate::error::Result;
use crate::tree::{Hash, empty_root, hash_node, split, subtree_root};

/// Proof that the leaf `index` is in the tree of `size` leaves: sibling hashes from the leaf up to
/// the root. `node(height, index)` gives the hash of a perfect subtree. Empty if `index >= size`.
pub fn prove_inclusion<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    if index >= size {
        return Ok(path);
    }
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(subtree_root(middle, end, &mut node)?);
            end = middle;
        } else {
            path.push(subtree_root(start, middle, &mut node)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Proof that the tree of `new` leaves extends the tree of `old` leaves. Empty if `old` is zero,
/// equal to `new` or above it.
pub fn prove_consistency<E>(
    old: u64,
    new: u64,
    mut node: impl FnMut(u32, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut start, mut end) = (0, new);
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    // `old` is a leaf border inside start..end until the border of a complete subtree is met.
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(subtree_root(middle, end, &mut node)?);
            end = middle;
        } else {
            path.push(subtree_root(start, middle, &mut node)?);
            start = middle;
        }
    }
    // A subtree that starts at the left edge is the old root itself, which the verifier has.
    if start > 0 {
        path.push(subtree_root(start, end, &mut node)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the leaf with hash `leaf` is number `index` of the tree with `size` leaves and root
/// `root`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<()> {
    let fail = |reason| Err(LedgerError::Inclusion { index, size, reason });
    if index >= size {
        return fail("its number lies beyond the tree");
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return fail("the proof is too long");
        }
        if position & 1 == 1 || position == last {
            hash = hash_node(sibling, &hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = hash_node(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        fail("the proof is too short")
    } else if hash != *root {
        fail("the hashes do not lead to the root")
    } else {
        Ok(())
    }
}

/// Checks that the tree with `new` leaves and root `new_root` extends the tree with `old` leaves
/// and root `old_root`.
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<()> {
    let fail = |reason| Err(LedgerError::Consistency { old, new, reason });
    if old > new {
        return fail("it is shorter");
    }
    if old == 0 || old == new {
        let expected = if old == 0 { &empty_root() } else { new_root };
        return if !proof.is_empty() {
            fail("the proof is too long")
        } else if old_root != expected {
            fail("the roots differ")
        } else {
            Ok(())
        };
    }
    // The verifier has the first node itself if the old tree is perfect.
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        match proof.split_first() {
            Some(parts) => parts,
            None => return fail("the proof is too short"),
        }
    };
    let (mut position, mut last) = (old - 1, new - 1);
    while position & 1 == 1 {
        position >>= 1;
        last >>= 1;
    }
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return fail("the proof is too long");
        }
        if position & 1 == 1 || position == last {
            from_old = hash_node(sibling, &from_old);
            from_new = hash_node(sibling, &from_new);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            from_new = hash_node(&from_new, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    if last != 0 {
        fail("the proof is too short")
    } else if from_old != *old_root {
        fail("the hashes do not lead to the older root")
    } else if from_new != *new_root {
        fail("the hashes do not lead to the newer root")
    } else {
        Ok(())
    }
}
