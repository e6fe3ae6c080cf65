//! Signed notes, <https://c2sp.org/signed-note>.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;
use crate::key::check_name;
use crate::{LedgerError, Signer, VerifierKey};

/// Most signatures a note may have; the specification asks verifiers for at least 16.
pub const MAX_SIGNATURES: usize = 100;
/// Most bytes a note may have.
pub const MAX_NOTE: usize = 1 << 20;

const WHAT: &str = "signed note";

/// Text with signatures. Nothing in it is to be believed before [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Note {
    /// Signs a text, which must end in a newline and hold no other control characters.
    pub fn sign(text: String, signers: &[&Signer]) -> Result<Self> {
        check_text(text.as_bytes())?;
        if !text.ends_with('\n') {
            return Err(malformed(
                text.lines().count().max(1),
                "the text does not end in a newline",
            ));
        }
        let signatures = signers
            .iter()
            .map(|signer| NoteSignature {
                name: signer.verifier().name().to_owned(),
                id: signer.verifier().id(),
                signature: signer.sign(text.as_bytes()).to_vec(),
            })
            .collect();
        Ok(Self { text, signatures })
    }

    /// Reads a note; strict about everything the specification fixes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_NOTE {
            return Err(LedgerError::TooLarge { what: WHAT, size: bytes.len(), limit: MAX_NOTE });
        }
        let whole = check_text(bytes)?;
        let (text, lines) = whole
            .rfind("\n\n")
            .and_then(|at| whole.split_at_checked(at + 1))
            .ok_or_else(|| malformed(1, "no empty line before the signatures"))?;
        let first = text.lines().count() + 2;
        let lines = lines.strip_prefix('\n').unwrap_or(lines);
        let Some(lines) = lines.strip_suffix('\n') else {
            let reason = if lines.is_empty() { "no signature" } else { "no newline at the end" };
            return Err(malformed(first, reason));
        };
        let mut signatures = Vec::new();
        for (line, number) in lines.split('\n').zip(first..) {
            if signatures.len() == MAX_SIGNATURES {
                return Err(malformed(number, format!("more than {MAX_SIGNATURES} signatures")));
            }
            signatures.push(parse_signature(line).map_err(|reason| malformed(number, reason))?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The signed text, if the key signed it. Signatures by other keys are ignored; every
    /// signature that claims to be by this key must be valid.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str> {
        let mut found = false;
        for line in &self.signatures {
            if line.name == key.name() && line.id == key.id() {
                key.verify(WHAT, self.text.as_bytes(), &line.signature)?;
                found = true;
            }
        }
        if found {
            Ok(&self.text)
        } else {
            Err(LedgerError::NoSignature { what: WHAT, key: key.key_id() })
        }
    }

    /// The text, whoever signed it.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// Names and ids of the keys that claim to have signed.
    pub fn unverified_signers(&self) -> impl Iterator<Item = String> {
        self.signatures.iter().map(|line| format!("{}+{}", line.name, hex::encode(line.id)))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        f.write_char('\n')?;
        for NoteSignature { name, id, signature } in &self.signatures {
            let blob = STANDARD.encode([id.as_slice(), signature].concat());
            writeln!(f, "\u{2014} {name} {blob}")?;
        }
        Ok(())
    }
}

fn malformed(line: usize, reason: impl Into<String>) -> LedgerError {
    LedgerError::Malformed { what: WHAT, line, reason: reason.into() }
}

fn check_text(bytes: &[u8]) -> Result<&str> {
    let line_of = |at: usize| 1 + bytes.iter().take(at).filter(|&&b| b == b'\n').count();
    let text = str::from_utf8(bytes)
        .map_err(|error| malformed(line_of(error.valid_up_to()), "not UTF-8"))?;
    match bytes.iter().position(|&b| b < 0x20 && b != b'\n') {
        Some(at) => Err(malformed(line_of(at), "control character other than newline")),
        None => Ok(text),
    }
}

fn parse_signature(line: &str) -> Result<NoteSignature, &'static str> {
    let rest = line
        .strip_prefix("\u{2014} ")
        .ok_or("expected `\u{2014} name signature` with an em dash (U+2014)")?;
    let (name, blob) = rest.split_once(' ').ok_or("expected a space between name and signature")?;
    check_name(name).map_err(|_| "bad key name")?;
    let blob = STANDARD.decode(blob).map_err(|_| "the signature is no base64")?;
    match blob.split_first_chunk::<4>() {
        Some((id, signature)) if !signature.is_empty() => {
            Ok(NoteSignature { name: name.to_owned(), id: *id, signature: signature.to_vec() })
        }
        _ => Err("the signature is shorter than a key id and one byte"),
    }
}
