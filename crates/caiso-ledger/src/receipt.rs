//! Receipts: offline proofs that a record is in the log, <https://c2sp.org/tlog-proof>.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::canonical::{from_canonical, hex32, to_canonical};
use crate::checkpoint::{parse_decimal, parse_hash};
use crate::error::Result;
use crate::proof::verify_inclusion;
use crate::record::commit_body;
use crate::tree::{Hash, hash_leaf};
use crate::{Checkpoint, Envelope, LedgerError, Note, Record, Statement, VerifierKey};

/// Most bytes a receipt may have.
pub const MAX_RECEIPT: usize = 64 << 20;

const WHAT: &str = "receipt";
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A `.tlog-proof` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Opaque data of the application; for caiso the canonical JSON of a [`Disclosure`].
    pub extra: Option<Vec<u8>>,
    /// Zero-based number of the record.
    pub index: u64,
    /// Sibling hashes from the leaf up to the root.
    pub proof: Vec<Hash>,
    /// Signed checkpoint of the tree in which the record is proved.
    pub checkpoint: Note,
}

/// What a receipt shows of the record itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// The record.
    pub entry: Record,
    /// Its body, unless it was erased or is kept back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Opening>,
}

/// The body of a record and the salt that opens the commitment to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Salt of the commitment.
    #[serde(with = "hex32")]
    pub salt: Hash,
    /// The signed statement.
    pub envelope: Envelope,
}

/// What the verification of a receipt found: only returned if every check passed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceiptReport {
    /// Zero-based number of the record.
    pub index: u64,
    /// The record.
    pub record: Record,
    /// The signed statement, if the receipt shows it.
    pub statement: Option<Statement>,
    /// The checkpoint the record was proved against.
    pub checkpoint: Checkpoint,
    /// Each check made, as a sentence.
    pub checked: Vec<String>,
    /// Each thing that was not checked, as a sentence.
    pub not_checked: Vec<String>,
}

impl Receipt {
    /// A receipt that shows a record and, if given, its body.
    pub fn new(
        disclosure: &Disclosure,
        index: u64,
        proof: Vec<Hash>,
        checkpoint: Note,
    ) -> Result<Self> {
        let extra = Some(to_canonical(WHAT, disclosure)?);
        Ok(Self { extra, index, proof, checkpoint })
    }

    /// Reads a receipt; strict about everything the specification fixes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_RECEIPT {
            return Err(LedgerError::TooLarge {
                what: WHAT,
                size: bytes.len(),
                limit: MAX_RECEIPT,
            });
        }
        let text = str::from_utf8(bytes).map_err(|_| malformed(1, "not UTF-8"))?;
        let (head, note) = text
            .split_once("\n\n")
            .ok_or_else(|| malformed(1, "no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(malformed(1, format!("expected `{HEADER}`")));
        }
        let extra = lines
            .next_if(|(line, _)| line.starts_with("extra "))
            .map(|(line, number)| {
                line.strip_prefix("extra ")
                    .and_then(|data| STANDARD.decode(data).ok())
                    .ok_or_else(|| malformed(number, "the extra data is no base64"))
            })
            .transpose()?;
        let index = lines
            .next()
            .and_then(|(line, _)| parse_decimal(line.strip_prefix("index ")?))
            .ok_or_else(|| {
                malformed(if extra.is_some() { 3 } else { 2 }, "expected `index <decimal number>`")
            })?;
        let mut proof = Vec::new();
        for (line, number) in lines {
            if proof.len() == 63 {
                return Err(malformed(number, "more hashes than any tree is high"));
            }
            let hash = parse_hash(line)
                .ok_or_else(|| malformed(number, "expected a hash, 32 bytes in base64"))?;
            proof.push(hash);
        }
        let before = head.split('\n').count() + 1;
        let checkpoint = Note::parse(note.as_bytes()).map_err(|error| match error {
            LedgerError::Malformed { line, reason, .. } => {
                malformed(before + line, format!("checkpoint: {reason}"))
            }
            other => other,
        })?;
        Ok(Self { extra, index, proof, checkpoint })
    }

    /// What the receipt shows; proves nothing before [`Receipt::verify`].
    pub fn unverified_disclosure(&self) -> Result<Disclosure> {
        match &self.extra {
            Some(extra) => from_canonical("extra data of the receipt", extra),
            None => Err(malformed(2, "it does not show the record (no `extra` line)")),
        }
    }

    /// Verifies everything that can be verified from the receipt and the log's key alone.
    pub fn verify(&self, key: &VerifierKey) -> Result<ReceiptReport> {
        let mut checked = Vec::new();
        let mut not_checked = Vec::new();

        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let size = checkpoint.size;
        checked.push(format!(
            "the checkpoint of {size} records is signed by the key {} of the log {}",
            key.key_id(),
            checkpoint.origin
        ));

        let Disclosure { entry: record, opening } = self.unverified_disclosure()?;
        let leaf = hash_leaf(&record.to_entry()?);
        checked.push("the record is in canonical form and its leaf hash was recomputed".to_owned());
        verify_inclusion(&leaf, self.index, size, &self.proof, &checkpoint.root)?;
        checked.push(format!("the record is number {} of the {size} records", self.index));

        let statement = if let Some(Opening { salt, envelope }) = opening {
            let body = envelope.to_bytes()?;
            if body.len() as u64 != record.body_size
                || commit_body(&salt, &body) != record.commitment
            {
                return Err(LedgerError::Commitment);
            }
            checked.push("the statement is the one that the record commits to".to_owned());
            let statement = envelope.verify(key)?;
            checked.push("the statement is signed by the same key".to_owned());
            let names: Vec<_> = statement.subject.iter().map(|s| s.name.as_str()).collect();
            not_checked.push(format!(
                "that the subjects of the statement ({}) are the files you have: compare their digests",
                names.join(", ")
            ));
            Some(statement)
        } else {
            not_checked.push(
                "what the evidence says: the receipt shows the record without its body".to_owned(),
            );
            None
        };
        not_checked.push(format!(
            "when the record was written: {:.3} is the log's own clock",
            record.time
        ));
        if self.checkpoint.unverified_signers().any(|signer| signer != key.key_id()) {
            not_checked.push("signatures on the checkpoint by other keys (witnesses)".to_owned());
        }
        not_checked.push(
            "that others are shown the same log: compare the checkpoint with a copy from elsewhere"
                .to_owned(),
        );
        not_checked.push("that the log's key belongs to whom you think".to_owned());
        Ok(ReceiptReport { index: self.index, record, statement, checkpoint, checked, not_checked })
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn malformed(line: usize, reason: impl Into<String>) -> LedgerError {
    LedgerError::Malformed { what: WHAT, line, reason: reason.into() }
}
