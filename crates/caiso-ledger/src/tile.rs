//! Tiles of height 8 and entry bundles, [tlog-tiles](https://c2sp.org/tlog-tiles).

use crate::LedgerError;
use crate::error::Result;
use crate::record::MAX_ENTRY;
use crate::tree::{CompactRange, Hash};

/// Height of a tile: 2^8 hashes.
pub const TILE_HEIGHT: u32 = 8;
/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// Which tile: level, number within the level, and how many of its 256 hashes exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    /// Level; a hash of level `l` spans 256^l leaves.
    pub level: u32,
    /// Zero-based number of the tile within its level.
    pub index: u64,
    /// Number of hashes, 1 to 256.
    pub width: u64,
}

impl TileId {
    /// Path of the tile below the log's prefix: `tile/<L>/x001/x234/067[.p/<W>]`.
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, index_path(self.index, self.width))
    }

    /// Path of the entry bundle that belongs to a tile of level 0: `tile/entries/<N>[.p/<W>]`.
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", index_path(self.index, self.width))
    }
}

fn index_path(index: u64, width: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{path}.p/{width}") } else { path }
}

/// All tiles of a tree with `size` leaves, level by level, the partial one of a level last.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TileId> {
    (0..u64::BITS.div_ceil(TILE_HEIGHT)).flat_map(move |level| {
        let hashes = size >> (level * TILE_HEIGHT);
        (0..hashes.div_ceil(TILE_WIDTH)).map(move |index| TileId {
            level,
            index,
            width: (hashes - index * TILE_WIDTH).min(TILE_WIDTH),
        })
    })
}

/// A full tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// Level.
    pub level: u32,
    /// Number within the level.
    pub index: u64,
    /// Root over its hashes, which is one hash of the level above.
    pub root: Hash,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// Concatenated hashes, as a tile is stored and served.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Splits a stored tile into its hashes.
pub fn decode_hashes(bytes: &[u8]) -> Result<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() && hashes.len() <= 256 {
        Ok(hashes.to_vec())
    } else {
        Err(LedgerError::MalformedBytes {
            what: "tile",
            reason: format!("{} bytes, expected up to 256 hashes of 32 bytes", bytes.len()),
        })
    }
}

/// Entries with a big-endian 16-bit length before each.
pub fn encode_entries<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>> {
    let mut bundle = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len()).map_err(|_| LedgerError::TooLarge {
            what: "record",
            size: entry.len(),
            limit: MAX_ENTRY,
        })?;
        bundle.extend(length.to_be_bytes());
        bundle.extend(entry);
    }
    Ok(bundle)
}

/// Splits an entry bundle into its entries, at most 256.
pub fn decode_entries(mut bundle: &[u8]) -> Result<Vec<&[u8]>> {
    let fail = |reason: &str| LedgerError::MalformedBytes {
        what: "entry bundle",
        reason: reason.to_owned(),
    };
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) =
            bundle.split_first_chunk::<2>().ok_or_else(|| fail("cut inside a length"))?;
        let (entry, rest) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or_else(|| fail("cut inside an entry"))?;
        if entries.len() == 256 {
            return Err(fail("more than 256 entries"));
        }
        entries.push(entry);
        bundle = rest;
    }
    Ok(entries)
}

/// Hash of the perfect subtree `(height, index)` from the tile that holds it:
/// `tile(level, index)` gives the hashes of a tile, full or partial; `None` if it lacks them.
pub fn node_from_tile<E>(
    height: u32,
    index: u64,
    tile: impl FnOnce(u32, u64) -> Result<Vec<Hash>, E>,
) -> Result<Option<Hash>, E> {
    let (level, inside) = (height / TILE_HEIGHT, height % TILE_HEIGHT);
    let per_tile = TILE_HEIGHT - inside;
    let hashes = tile(level, index >> per_tile)?;
    let position = index & ((1 << per_tile) - 1);
    let start = usize::try_from(position << inside).unwrap_or(usize::MAX);
    let wanted = start.checked_add(1 << inside).and_then(|end| hashes.get(start..end));
    Ok(wanted.map(perfect_root))
}

/// Root over a power of two of hashes.
fn perfect_root(hashes: &[Hash]) -> Hash {
    let mut range = CompactRange::default();
    for hash in hashes {
        range.push(*hash, |_, _, _| {});
    }
    range.root()
}

/// The growing right edge of a tree: appends leaves, knows the root, yields tiles as they fill.
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    range: CompactRange,
    /// Hashes of the partial tile of each level.
    rows: Vec<Vec<Hash>>,
}

impl Frontier {
    /// Takes up a tree of `size` leaves from its partial tiles: `partial(level)` gives the hashes
    /// of the partial tile of a level, `(size >> 8 level) mod 256` in number.
    pub fn resume<E: From<LedgerError>>(
        size: u64,
        mut partial: impl FnMut(u32) -> Result<Vec<Hash>, E>,
    ) -> Result<Self, E> {
        let mut rows = Vec::new();
        let mut level = 0;
        while level < u64::BITS / TILE_HEIGHT && size >> (level * TILE_HEIGHT) > 0 {
            let row = partial(level)?;
            let expected = (size >> (level * TILE_HEIGHT)) % TILE_WIDTH;
            if row.len() as u64 != expected {
                let reason = format!("level {level} has {} hashes, expected {expected}", row.len());
                return Err(LedgerError::MalformedBytes { what: "partial tile", reason }.into());
            }
            rows.push(row);
            level += 1;
        }
        let range = CompactRange::from_rows(size, &rows);
        Ok(Self { range, rows })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.range.size()
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        self.range.root()
    }

    /// The subtrees that the tree is made of.
    pub fn range(&self) -> &CompactRange {
        &self.range
    }

    /// Appends a leaf hash; the tiles that this fills go to `full`.
    pub fn push(&mut self, leaf: Hash, full: &mut Vec<Tile>) {
        let Self { range, rows } = self;
        range.push(leaf, |height, index, hash| {
            if !height.is_multiple_of(TILE_HEIGHT) {
                return;
            }
            let level = height / TILE_HEIGHT;
            if let Some(below) = level.checked_sub(1)
                && let Some(row) = rows.get_mut(below as usize)
            {
                full.push(Tile { level: below, index, root: hash, hashes: std::mem::take(row) });
            }
            let level = level as usize;
            if rows.len() <= level {
                rows.resize_with(level + 1, Vec::new);
            }
            if let Some(row) = rows.get_mut(level) {
                row.push(hash);
            }
        });
    }
}

impl CompactRange {
    /// From the partial tiles of all levels: the binary digits of a row's length are the subtrees
    /// of that row.
    fn from_rows(size: u64, rows: &[Vec<Hash>]) -> Self {
        let mut nodes = Vec::new();
        for row in rows.iter().rev() {
            let mut rest = row.as_slice();
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                nodes.push(perfect_root(subtree));
                rest = after;
            }
        }
        Self::from_parts(size, nodes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::hash_leaf;

    #[test]
    fn paths_are_those_of_the_specification() {
        let id = |index, width| TileId { level: 2, index, width };
        assert_eq!(id(1_234_067, 256).path(), "tile/2/x001/x234/067");
        assert_eq!(id(0, 17).path(), "tile/2/000.p/17");
        assert_eq!(id(1000, 256).entries_path(), "tile/entries/x001/000");
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        let tiles: Vec<_> = tiles_of(70_000).collect();
        let full = |level| tiles.iter().filter(|t| t.level == level && t.width == 256).count();
        assert_eq!((full(0), full(1), full(2)), (273, 1, 0));
        let partial: Vec<_> =
            tiles.iter().filter(|t| t.width < 256).map(|t| (t.level, t.width)).collect();
        assert_eq!(partial, [(0, 112), (1, 17), (2, 1)]);
        assert_eq!(
            tiles_of(256).map(|t| (t.level, t.width)).collect::<Vec<_>>(),
            [(0, 256), (1, 1)]
        );
        assert_eq!(tiles_of(0).count(), 0);
    }

    #[test]
    fn bundles_survive_and_cut_ones_do_not() {
        let entries = [b"".to_vec(), b"a".to_vec(), vec![7; MAX_ENTRY]];
        let bundle = encode_entries(&entries).unwrap();
        assert_eq!(decode_entries(&bundle).unwrap(), entries);
        assert!(decode_entries(&bundle[..bundle.len() - 1]).is_err());
        assert!(decode_entries(&bundle[..1]).is_err());
        assert!(encode_entries(&[vec![0; MAX_ENTRY + 1]]).is_err());
        assert!(decode_entries(&[0; 2 * 257]).is_err());
    }

    #[test]
    fn a_resumed_frontier_goes_on_as_if_never_stopped() {
        let leaf = |i: u64| hash_leaf(&i.to_be_bytes());
        let mut tiles = Vec::new();
        let mut whole = Frontier::default();
        for size in 0..70_000_u64 {
            if [1, 255, 256, 257, 65_535, 65_536, 65_537, 66_000].contains(&size) {
                let rows = whole.rows.clone();
                let resumed = Frontier::resume(size, |level| {
                    Ok::<_, LedgerError>(rows[level as usize].clone())
                })
                .unwrap();
                assert_eq!(resumed.range, whole.range, "size {size}");
                let short = Frontier::resume(size, |_| Ok::<_, LedgerError>(vec![]));
                assert!(short.is_err(), "size {size}");
            }
            whole.push(leaf(size), &mut tiles);
        }
        assert_eq!(tiles.iter().filter(|tile| tile.level == 0).count(), 273);
        assert_eq!(tiles.iter().filter(|tile| tile.level == 1).count(), 1);
        for tile in &tiles {
            assert_eq!(perfect_root(&tile.hashes), tile.root);
        }
    }
}
