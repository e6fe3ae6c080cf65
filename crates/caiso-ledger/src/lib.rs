//! Tamper-evident log: the RFC 6962 Merkle tree with the wire forms of <https://c2sp.org>
//! (tiles, signed notes, checkpoints, offline proofs) and DSSE envelopes.
//!
//! Pure: bytes in, values out. Storage, clock and random bytes come from outside.
//!
//! A [`Record`] is one leaf. It commits to a body, a signed [`Envelope`], with a salt, so that
//! bodies can be erased. [`Frontier`] appends; a [`Checkpoint`] signs the root of what was
//! appended; a [`Receipt`] proves to an outsider, offline, that a record is in the log.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::cast_possible_truncation
    )
)]

mod canonical;
mod checkpoint;
mod envelope;
mod error;
mod key;
mod note;
mod proof;
mod receipt;
mod record;
mod replay;
mod tile;
mod tree;

pub use canonical::{from_canonical, to_canonical};
pub use checkpoint::Checkpoint;
pub use envelope::{Envelope, IN_TOTO, MAX_ENVELOPE, STATEMENT_TYPE, Statement, StatementSubject};
pub use error::LedgerError;
pub use key::{Signer, VerifierKey};
pub use note::{MAX_NOTE, MAX_SIGNATURES, Note};
pub use proof::{prove_consistency, prove_inclusion, verify_consistency, verify_inclusion};
pub use receipt::{Disclosure, MAX_RECEIPT, Opening, Receipt, ReceiptReport};
pub use record::{Link, MAX_ENTRY, Record, commit_body, commit_state};
pub use replay::{Replayed, replay};
pub use tile::{
    Frontier, TILE_HEIGHT, TILE_WIDTH, Tile, TileId, decode_entries, decode_hashes, encode_entries,
    encode_hashes, node_from_tile, tiles_of,
};
pub use tree::{CompactRange, Hash, empty_root, hash_leaf, hash_node};
