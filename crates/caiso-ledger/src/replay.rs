//! Recomputing a log from its entries.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::tile::{Frontier, Tile};
use crate::tree::{Hash, hash_leaf};

/// What a run of entries leads to.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Hash of each entry.
    pub leaf_hashes: Vec<Hash>,
    /// Root at each size asked for that lies within the run.
    pub roots: BTreeMap<u64, Hash>,
    /// Tiles that the run filled.
    pub tiles: Vec<Tile>,
}

/// Appends entries to a frontier and recomputes leaf hashes, tiles, and the roots at the given
/// sizes. Leaf hashes and roots are computed on all threads of the current rayon pool; the result
/// does not depend on their number.
pub fn replay<E: AsRef<[u8]> + Sync>(
    frontier: &mut Frontier,
    entries: &[E],
    sizes: &BTreeSet<u64>,
) -> Replayed {
    let leaf_hashes: Vec<Hash> =
        entries.par_iter().with_min_len(64).map(|entry| hash_leaf(entry.as_ref())).collect();
    let mut tiles = Vec::new();
    let mut ranges = Vec::new();
    for leaf in &leaf_hashes {
        frontier.push(*leaf, &mut tiles);
        if sizes.contains(&frontier.size()) {
            ranges.push(frontier.range().clone());
        }
    }
    let roots = ranges.par_iter().map(|range| (range.size(), range.root())).collect();
    Replayed { leaf_hashes, roots, tiles }
}
