//! State that changes together with a record.
//!
//! Every row belongs to one record, which commits to it with the salt of its body. Rows are never
//! updated; the newest counts. A redaction deletes the row with the body.

use caiso_ledger::{Hash, commit_state, from_canonical, to_canonical};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::error::{Result, damaged};

/// A change of state that is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "table", rename_all = "snake_case")]
pub enum Change {
    /// A check was run; its result can be used again.
    Evidence(Evidence),
    /// A person stands for a requirement.
    Attestation(Attestation),
    /// A system was assessed.
    Assessment(Assessment),
}

/// A result that is used again while nothing it depends on has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Digest over everything the result depends on.
    pub cache_key: String,
    /// Digest of the statement.
    pub digest: String,
}

/// A named person's word on a requirement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Name of the system.
    pub system: String,
    /// Id of the requirement.
    pub requirement: String,
    /// Name of the person.
    pub who: String,
    /// In which role.
    pub role: String,
    /// What is attested, in words.
    pub statement: String,
    /// Numbers of the records it rests on.
    pub evidence: Vec<u64>,
    /// Last day on which it counts, `YYYY-MM-DD`; forever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// A whole assessment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Name of the system.
    pub system: String,
    /// The report as JSON.
    pub report: String,
}

impl Change {
    /// What a record commits to.
    pub(crate) fn commitment(&self, salt: &Hash) -> Result<Hash> {
        Ok(commit_state(salt, &to_canonical("state", self)?))
    }

    pub(crate) fn insert(&self, connection: &Connection, seq: u64) -> Result<()> {
        match self {
            Self::Evidence(Evidence { cache_key, digest }) => connection
                .prepare_cached("INSERT INTO evidence VALUES (?1, ?2, ?3)")?
                .execute(params![seq, cache_key, digest])?,
            Self::Attestation(it) => connection
                .prepare_cached("INSERT INTO attestation VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                    seq,
                    it.system,
                    it.requirement,
                    it.who,
                    it.role,
                    it.statement,
                    String::from_utf8_lossy(&to_canonical("state", &it.evidence)?),
                    it.expires
                ])?,
            Self::Assessment(Assessment { system, report }) => connection
                .prepare_cached("INSERT INTO assessment VALUES (?1, ?2, ?3)")?
                .execute(params![seq, system, report])?,
        };
        Ok(())
    }

    /// The rows that belong to a record: none or one, if nobody meddled.
    pub(crate) fn read(connection: &Connection, seq: u64) -> Result<Vec<Self>> {
        let evidence = connection
            .prepare_cached("SELECT cache_key, digest FROM evidence WHERE seq = ?1")?
            .query_row([seq], |row| Ok(Evidence { cache_key: row.get(0)?, digest: row.get(1)? }))
            .optional()?;
        let attestation = connection
            .prepare_cached(
                "SELECT system, requirement, who, role, statement, expires, evidence
                 FROM attestation WHERE seq = ?1",
            )?
            .query_row([seq], |row| {
                let attestation = Attestation {
                    system: row.get(0)?,
                    requirement: row.get(1)?,
                    who: row.get(2)?,
                    role: row.get(3)?,
                    statement: row.get(4)?,
                    evidence: Vec::new(),
                    expires: row.get(5)?,
                };
                Ok((attestation, row.get::<_, String>(6)?))
            })
            .optional()?;
        let assessment = connection
            .prepare_cached("SELECT system, report FROM assessment WHERE seq = ?1")?
            .query_row([seq], |row| Ok(Assessment { system: row.get(0)?, report: row.get(1)? }))
            .optional()?;
        let attestation = match attestation {
            Some((attestation, evidence)) => {
                let evidence = from_canonical("evidence of the attestation", evidence.as_bytes())?;
                Some(Attestation { evidence, ..attestation })
            }
            None => None,
        };
        Ok(evidence
            .map(Self::Evidence)
            .into_iter()
            .chain(attestation.map(Self::Attestation))
            .chain(assessment.map(Self::Assessment))
            .collect())
    }

    /// Deletes the rows of a record.
    pub(crate) fn erase(connection: &Connection, seq: u64) -> Result<()> {
        for table in TABLES {
            connection.execute(&format!("DELETE FROM {table} WHERE seq = ?1"), [seq])?;
        }
        Ok(())
    }
}

/// Tables that hold state.
pub(crate) const TABLES: [&str; 3] = ["evidence", "attestation", "assessment"];

/// Checks the rows of a record against its commitment, and gives the one row.
pub(crate) fn check_state(
    connection: &Connection,
    seq: u64,
    commitment: Option<&Hash>,
    salt: &Hash,
) -> Result<Option<Change>> {
    let mut rows = Change::read(connection, seq)?;
    match (rows.pop(), rows.is_empty(), commitment) {
        (None, _, None) => Ok(None),
        (Some(row), true, Some(commitment)) if row.commitment(salt)? == *commitment => {
            Ok(Some(row))
        }
        (None, _, Some(_)) => Err(damaged(format!("the state of record {seq} is missing"))),
        _ => Err(damaged(format!("the state of record {seq} is not what the record commits to"))),
    }
}
