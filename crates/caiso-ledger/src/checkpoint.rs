//! Checkpoints: signed tree heads, <https://c2sp.org/tlog-checkpoint>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;
use crate::tree::Hash;
use crate::{LedgerError, Note, Signer, VerifierKey};

const WHAT: &str = "checkpoint";

/// What a log says of itself at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Root hash over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Signs; the origin must be the name of the key.
    pub fn sign(&self, signer: &Signer) -> Result<Note> {
        check_origin(&self.origin, signer.verifier())?;
        let text = format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root));
        Note::sign(text, &[signer])
    }

    /// Reads a signed checkpoint of the log that the key belongs to. Signatures of others
    /// (witnesses) and extension lines are tolerated.
    pub fn open(note: &Note, key: &VerifierKey) -> Result<Self> {
        let checkpoint = Self::parse(note.verify(key)?)?;
        check_origin(&checkpoint.origin, key)?;
        Ok(checkpoint)
    }

    /// Reads the text of a checkpoint, without its signatures.
    pub fn parse(text: &str) -> Result<Self> {
        let fail = |line, reason: &str| LedgerError::Malformed {
            what: WHAT,
            line,
            reason: reason.to_owned(),
        };
        let body =
            text.strip_suffix('\n').ok_or_else(|| fail(1, "the text does not end in a newline"))?;
        let mut lines = body.split('\n');
        let origin =
            lines.next().filter(|line| !line.is_empty()).ok_or_else(|| fail(1, "no origin"))?;
        let size = lines
            .next()
            .and_then(parse_decimal)
            .ok_or_else(|| fail(2, "expected the tree size as a decimal number"))?;
        let root = lines
            .next()
            .and_then(parse_hash)
            .ok_or_else(|| fail(3, "expected the root hash, 32 bytes in base64"))?;
        if let Some(at) = lines.position(str::is_empty) {
            return Err(fail(4 + at, "empty extension line"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

fn check_origin(origin: &str, key: &VerifierKey) -> Result<()> {
    if origin == key.name() {
        Ok(())
    } else {
        Err(LedgerError::OtherLog { found: origin.to_owned(), expected: key.name().to_owned() })
    }
}

/// Decimal digits without sign, space or leading zero.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

/// 32 bytes in padded base64.
pub(crate) fn parse_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
