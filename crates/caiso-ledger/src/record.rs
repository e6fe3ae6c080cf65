//! The record: what one leaf of the log says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::canonical::{from_canonical, hex32, hex32_option, to_canonical};
use crate::error::Result;
use crate::{Hash, LedgerError};

/// Largest entry in bytes: an entry bundle prefixes each entry with 16 bits of length
/// ([tlog-tiles](https://c2sp.org/tlog-tiles)).
pub const MAX_ENTRY: usize = 65_535;

/// One entry of the log. It holds no content: the body (a signed statement) lies beside the log
/// and the record only commits to it, so a body that holds personal data can be erased while the
/// tree stays verifiable. Its bytes in the log are its canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this form.
    pub v: u32,
    /// When the log took the entry, UTC with milliseconds, by the log's own clock.
    #[serde(with = "time")]
    pub time: Timestamp,
    /// Who or what acted.
    pub actor: String,
    /// What was done: `evidence`, `assessment`, `attestation`, `redaction`, `key`, `restart`.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// How it went, where that makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// [`commit_body`] of the salt and the body.
    #[serde(with = "hex32")]
    pub commitment: Hash,
    /// Size of the body in bytes.
    pub body_size: u64,
    /// [`commit_state`] of the state that changed together with this entry, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex32_option")]
    pub state: Option<Hash>,
    /// Earlier entries this one builds on.
    pub links: Vec<Link>,
    /// Program that wrote it.
    pub tool: String,
    /// Version of the program.
    pub tool_version: String,
}

/// A pointer to an earlier entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What the earlier entry is to this one: `evidence`, `redacts`.
    pub rel: String,
    /// Zero-based number of the earlier entry.
    pub seq: u64,
}

impl Record {
    /// Version of the record form written by this program.
    pub const VERSION: u32 = 1;

    /// The bytes that go into the log, at most [`MAX_ENTRY`].
    pub fn to_entry(&self) -> Result<Vec<u8>> {
        self.check_version()?;
        for (field, value) in
            [("actor", &self.actor), ("action", &self.action), ("object", &self.object)]
        {
            if value.is_empty() {
                return Err(LedgerError::EmptyField { field });
            }
        }
        let entry = to_canonical("record", self)?;
        check_size(entry.len())?;
        Ok(entry)
    }

    /// Reads the bytes of an entry; only the canonical encoding is accepted.
    pub fn from_entry(entry: &[u8]) -> Result<Self> {
        check_size(entry.len())?;
        let record: Self = from_canonical("record", entry)?;
        record.check_version()?;
        Ok(record)
    }

    fn check_version(&self) -> Result<()> {
        if self.v == Self::VERSION {
            Ok(())
        } else {
            Err(LedgerError::RecordVersion { found: self.v, expected: Self::VERSION })
        }
    }
}

fn check_size(size: usize) -> Result<()> {
    if size <= MAX_ENTRY {
        Ok(())
    } else {
        Err(LedgerError::TooLarge { what: "record", size, limit: MAX_ENTRY })
    }
}

/// Commitment to a body: SHA-256(0x02 || salt || body). Without the salt a guessed body cannot be
/// tested against it, so erasing body and salt leaves nothing that tells of a person.
pub fn commit_body(salt: &Hash, body: &[u8]) -> Hash {
    commit(0x02, salt, body)
}

/// Commitment to the state that changed with an entry: SHA-256(0x03 || salt || state).
pub fn commit_state(salt: &Hash, state: &[u8]) -> Hash {
    commit(0x03, salt, state)
}

fn commit(domain: u8, salt: &Hash, content: &[u8]) -> Hash {
    Sha256::new().chain_update([domain]).chain_update(salt).chain_update(content).finalize().into()
}

/// RFC 3339 in UTC with exactly three decimals, so that text order is time order.
pub(crate) mod time {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{time:.3}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|_| D::Error::custom("expected an RFC 3339 time in UTC with milliseconds"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn record(object: &str) -> Record {
        Record {
            v: Record::VERSION,
            time: "2026-11-25T07:41:28.5Z".parse().unwrap(),
            actor: "user:ada".into(),
            action: "evidence".into(),
            object: object.into(),
            outcome: Some("pass".into()),
            commitment: [0xab; 32],
            body_size: 12,
            state: None,
            links: vec![Link { rel: "evidence".into(), seq: 3 }],
            tool: "caiso".into(),
            tool_version: "0.1.0".into(),
        }
    }

    #[test]
    fn has_one_encoding() {
        let entry = record("check:RB-FGSM-001").to_entry().unwrap();
        insta::assert_snapshot!(String::from_utf8(entry.clone()).unwrap());
        assert_eq!(Record::from_entry(&entry).unwrap(), record("check:RB-FGSM-001"));
        let other_time = String::from_utf8(entry).unwrap().replace("28.500Z", "28.5Z").into_bytes();
        assert!(matches!(
            Record::from_entry(&other_time).unwrap_err(),
            LedgerError::NotCanonical { .. }
        ));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let error = record(&"x".repeat(MAX_ENTRY)).to_entry().unwrap_err();
        assert!(matches!(error, LedgerError::TooLarge { limit: MAX_ENTRY, .. }), "{error}");
        let error = record("").to_entry().unwrap_err();
        assert_eq!(error.to_string(), "record has an empty field `object`");
        assert!(Record { v: 2, ..record("x") }.to_entry().is_err());
        let later = String::from_utf8(record("x").to_entry().unwrap())
            .unwrap()
            .replace("\"v\":1", "\"v\":2");
        assert!(matches!(
            Record::from_entry(later.as_bytes()).unwrap_err(),
            LedgerError::RecordVersion { found: 2, .. }
        ));
        let unknown = String::from_utf8(record("x").to_entry().unwrap())
            .unwrap()
            .replace("\"v\":1", "\"v\":1,\"w\":1");
        assert!(Record::from_entry(unknown.as_bytes()).is_err());
    }

    #[test]
    fn commitments_are_separated_by_kind_and_salt() {
        let (a, b) = ([1; 32], [2; 32]);
        assert_ne!(commit_body(&a, b"x"), commit_body(&b, b"x"));
        assert_ne!(commit_body(&a, b"x"), commit_state(&a, b"x"));
        // printf '\x02' + 32 zero bytes + 'x' | sha256sum
        assert_eq!(
            hex::encode(commit_body(&[0; 32], b"x")),
            hex::encode(Sha256::digest([&[2_u8], [0; 32].as_slice(), b"x"].concat()))
        );
    }
}
