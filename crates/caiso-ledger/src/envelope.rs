//! [DSSE](https://github.com/secure-systems-lab/dsse) envelopes over
//! [in-toto statements](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{base64_bytes, from_canonical, to_canonical};
use crate::error::Result;
use crate::{LedgerError, Signer, VerifierKey};

/// Payload type of an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";
/// Type of an in-toto statement, version 1.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Largest envelope in bytes.
pub const MAX_ENVELOPE: usize = 16 << 20;

const WHAT: &str = "envelope";

/// A payload with signatures over it and its type. It is the body a record commits to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    #[serde(with = "base64_bytes")]
    payload: Vec<u8>,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    keyid: String,
    #[serde(with = "base64_bytes")]
    sig: Vec<u8>,
}

impl Envelope {
    /// Signs an in-toto statement. The payload is kept byte for byte.
    pub fn sign(statement: &[u8], signer: &Signer) -> Result<Self> {
        Statement::parse(statement)?;
        let sig = signer.sign(&pre_authentication_encoding(IN_TOTO, statement)).to_vec();
        let keyid = signer.verifier().key_id();
        Ok(Self {
            payload: statement.to_vec(),
            payload_type: IN_TOTO.to_owned(),
            signatures: vec![EnvelopeSignature { keyid, sig }],
        })
    }

    /// The statement, if the key signed it. Signatures by other keys are ignored; every signature
    /// that claims to be by this key must be valid.
    pub fn verify(&self, key: &VerifierKey) -> Result<Statement> {
        let message = pre_authentication_encoding(&self.payload_type, &self.payload);
        let mut found = false;
        for signature in self.signatures.iter().filter(|s| s.keyid == key.key_id()) {
            key.verify(WHAT, &message, &signature.sig)?;
            found = true;
        }
        if !found {
            return Err(LedgerError::NoSignature { what: WHAT, key: key.key_id() });
        }
        if self.payload_type != IN_TOTO {
            let reason = format!("its type is `{}`, expected `{IN_TOTO}`", self.payload_type);
            return Err(LedgerError::Statement { reason });
        }
        Statement::parse(&self.payload)
    }

    /// The payload, whoever signed it.
    pub fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// Canonical JSON, at most [`MAX_ENVELOPE`] bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = to_canonical(WHAT, self)?;
        check_size(bytes.len())?;
        Ok(bytes)
    }

    /// Reads an envelope; only the canonical encoding is accepted.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        check_size(bytes.len())?;
        from_canonical(WHAT, bytes)
    }
}

fn check_size(size: usize) -> Result<()> {
    if size <= MAX_ENVELOPE {
        Ok(())
    } else {
        Err(LedgerError::TooLarge { what: WHAT, size, limit: MAX_ENVELOPE })
    }
}

/// What is signed: type and payload, each with its length, so that neither can pose as the other.
fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    encoded.extend(payload);
    encoded
}

/// An in-toto statement: a predicate about subjects with digests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What it is about.
    pub subject: Vec<StatementSubject>,
    /// Type of the predicate, a URI.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is stated.
    #[serde(default)]
    pub predicate: Value,
}

/// A named thing with digests. Unknown fields of the specification (`uri`, `mediaType`) are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementSubject {
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Algorithm to lower-case hexadecimal digest.
    pub digest: BTreeMap<String, String>,
}

impl Statement {
    /// Reads a statement, which need not be canonical: its bytes are what is signed.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let statement: Self = serde_json::from_slice(bytes).map_err(|source| {
            LedgerError::Decode { what: "in-toto statement", source: Arc::new(source) }
        })?;
        let fail = |reason: String| Err(LedgerError::Statement { reason });
        if statement.statement_type != STATEMENT_TYPE {
            let found = &statement.statement_type;
            return fail(format!("its `_type` is `{found}`, expected `{STATEMENT_TYPE}`"));
        }
        if statement.predicate_type.is_empty() {
            return fail("it has no `predicateType`".to_owned());
        }
        if let Some(subject) = statement.subject.iter().find(|subject| subject.digest.is_empty()) {
            return fail(format!("its subject `{}` has no digest", subject.name));
        }
        Ok(statement)
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        to_canonical("in-toto statement", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_the_example_of_the_protocol() {
        assert_eq!(
            pre_authentication_encoding("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }
}
