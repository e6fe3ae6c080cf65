//! Ed25519 keys with a name, in the text forms of
//! [signed notes](https://c2sp.org/signed-note).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::LedgerError;
use crate::error::Result;

/// Signature type of plain Ed25519.
const ED25519: u8 = 0x01;
const SECRET_PREFIX: &str = "PRIVATE+KEY+";

/// The public half of a key: `name+id+base64(type || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

/// A key that signs. Its text form is secret; `Debug` does not show it.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    verifier: VerifierKey,
}

impl VerifierKey {
    fn new(name: &str, key: VerifyingKey) -> Result<Self> {
        check_name(name)?;
        if key.is_weak() {
            return Err(malformed("the public key is a weak point"));
        }
        let digest: [u8; 32] = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = digest;
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    /// Name; for the key of a log this is the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// First four bytes of SHA-256 over name, type and key.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// `name+id`, short form for messages and DSSE key ids.
    pub fn key_id(&self) -> String {
        format!("{}+{}", self.name, hex::encode(self.id))
    }

    /// The 32 bytes of the public key.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Strict verification (no small-order points, no malleable signatures).
    pub(crate) fn verify(
        &self,
        what: &'static str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<()> {
        Signature::from_slice(signature)
            .and_then(|signature| self.key.verify_strict(message, &signature))
            .map_err(|_| LedgerError::InvalidSignature { what, key: self.key_id() })
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.key_id(), encode_typed(self.key.as_bytes()))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self> {
        let (name, id, bytes) = parse_typed(text)?;
        let key = VerifyingKey::from_bytes(&bytes)
            .map_err(|_| malformed("the 32 bytes are no Ed25519 public key"))?;
        let verifier = Self::new(name, key)?;
        check_id(&verifier, id)?;
        Ok(verifier)
    }
}

impl Signer {
    /// A key from its 32 secret bytes, which must come from a cryptographic random source.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, key.verifying_key())?;
        Ok(Self { key, verifier })
    }

    /// Reads the text form `PRIVATE+KEY+name+id+base64(type || seed)`.
    pub fn from_secret_text(text: &str) -> Result<Self> {
        let rest = text
            .strip_prefix(SECRET_PREFIX)
            .ok_or_else(|| malformed("a signing key starts with `PRIVATE+KEY+`"))?;
        let (name, id, seed) = parse_typed(rest)?;
        let signer = Self::from_seed(name, &seed)?;
        check_id(&signer.verifier, id)?;
        Ok(signer)
    }

    /// The text form, which is secret.
    pub fn to_secret_text(&self) -> String {
        let typed = encode_typed(self.key.as_bytes());
        format!("{SECRET_PREFIX}{}+{typed}", self.verifier.key_id())
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("key", &self.verifier.key_id()).finish_non_exhaustive()
    }
}

fn malformed(reason: impl Into<String>) -> LedgerError {
    LedgerError::Key { reason: reason.into() }
}

/// Key names are not empty and hold neither white space nor plus nor control characters.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let bad = |c: char| c.is_whitespace() || c == '+' || c.is_control();
    if name.is_empty() || name.contains(bad) {
        Err(malformed(format!("`{name}` is no key name: white space and `+` are not allowed")))
    } else {
        Ok(())
    }
}

fn encode_typed(key: &[u8; 32]) -> String {
    STANDARD.encode([&[ED25519], key.as_slice()].concat())
}

/// Splits `name+id+base64(type || 32 bytes)`.
fn parse_typed(text: &str) -> Result<(&str, &str, [u8; 32])> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(typed)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(malformed("expected `name+id+key`"));
    };
    let typed =
        STANDARD.decode(typed).map_err(|_| malformed("the part after the id is no base64"))?;
    match typed.split_first() {
        Some((&ED25519, key)) => {
            let key = key
                .try_into()
                .map_err(|_| malformed(format!("{} key bytes, expected 32", key.len())))?;
            Ok((name, id, key))
        }
        Some((other, _)) => Err(malformed(format!("key type {other:#04x}, only Ed25519 (0x01)"))),
        None => Err(malformed("the key is empty")),
    }
}

fn check_id(verifier: &VerifierKey, id: &str) -> Result<()> {
    let expected = hex::encode(verifier.id);
    if id == expected {
        Ok(())
    } else {
        Err(malformed(format!("key id `{id}` does not belong to the key, expected `{expected}`")))
    }
}
