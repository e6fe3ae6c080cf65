//! The in-toto statement that is signed, and the bytes that the signature is over.
#![expect(
    clippy::zero_sized_map_values,
    reason = "of further fields only the names matter; serde fills maps with them, not sets"
)]

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::{Error, HashAlgorithm, Manifest, Resource, Serialization};

pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";
/// Of the format before 1.0, whose signatures are over other bytes and whose files bear no root digest.
const OLD_PREDICATE_TYPE: &str = "https://model_signing/Digests/v0.1";
const PLACE: &str = "the signed statement (dsseEnvelope.payload)";

/// Pre-authentication encoding of DSSE 1.0.
pub(crate) fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[derive(Deserialize)]
struct Types {
    #[serde(rename = "_type")]
    statement: String,
    #[serde(rename = "predicateType")]
    predicate: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: BTreeMap<String, String>,
    #[serde(flatten, skip_serializing)]
    others: BTreeMap<String, IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    serialization: Parameters,
    resources: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    method: String,
    hash_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard_size: Option<serde_json::Number>,
    allow_symlinks: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignore_paths: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    algorithm: String,
    digest: String,
    #[serde(flatten, skip_serializing)]
    others: BTreeMap<String, IgnoredAny>,
}

/// The statement's bytes.
pub(crate) fn write(manifest: &Manifest) -> Result<Vec<u8>, Error> {
    let serialization = manifest.serialization();
    let algorithm = serialization.hash.name();
    let statement = Statement {
        kind: STATEMENT_TYPE.to_owned(),
        subject: vec![Subject {
            name: manifest.model_name().to_owned(),
            digest: BTreeMap::from([("sha256".to_owned(), hex::encode(manifest.root_digest()))]),
            others: BTreeMap::new(),
        }],
        predicate_type: PREDICATE_TYPE.to_owned(),
        predicate: Predicate {
            serialization: Parameters {
                method: serialization.method().to_owned(),
                hash_type: algorithm.to_owned(),
                shard_size: serialization.shard_size.map(|size| u64::from(size).into()),
                allow_symlinks: serialization.allow_symlinks,
                ignore_paths: serialization.ignore_paths.clone(),
            },
            resources: manifest
                .resources()
                .iter()
                .map(|resource| Entry {
                    name: resource.name.clone(),
                    algorithm: algorithm.to_owned(),
                    digest: hex::encode(&resource.digest),
                    others: BTreeMap::new(),
                })
                .collect(),
        },
    };
    serde_json::to_vec(&statement).map_err(|source| Error::Json { place: PLACE, source })
}

/// The manifest that a statement states, its root digest recomputed, and the fields in it that nothing
/// here understands.
pub(crate) fn read(payload: &[u8]) -> Result<(Manifest, Vec<String>), Error> {
    let json = |source| Error::Json { place: PLACE, source };
    let types: Types = serde_json::from_slice(payload).map_err(json)?;
    expect("_type", &types.statement, STATEMENT_TYPE)?;
    if types.predicate == OLD_PREDICATE_TYPE {
        let expected = format!("{PREDICATE_TYPE:?}: made before version 1.0, sign the model again");
        return Err(field("predicateType", &types.predicate, expected));
    }
    expect("predicateType", &types.predicate, PREDICATE_TYPE)?;
    let statement: Statement = serde_json::from_slice(payload).map_err(json)?;

    let count = statement.subject.len();
    let [subject] = <[Subject; 1]>::try_from(statement.subject).map_err(|_| Error::Field {
        place: place("subject"),
        found: format!("a list of {count}"),
        expected: "one subject".to_owned(),
    })?;
    let mut not_understood: Vec<String> =
        subject.others.keys().map(|name| format!("field {} of the subject", shown(name))).collect();
    let mut signed = None;
    for (algorithm, digest) in subject.digest {
        match algorithm.as_str() {
            "sha256" => signed = Some(digest),
            other => not_understood.push(format!("the subject's digest by {}", shown(other))),
        }
    }
    let signed = signed.ok_or_else(|| Error::Field {
        place: place("subject[0].digest"),
        found: "without `sha256`".to_owned(),
        expected: "a digest by `sha256`".to_owned(),
    })?;

    let serialization = parameters(statement.predicate.serialization)?;
    let sharded =
        serialization.shard_size.map(|size| format!("{}-sharded-{size}", serialization.hash));
    let mut resources = Vec::with_capacity(statement.predicate.resources.len());
    let mut extra = BTreeMap::<String, usize>::new();
    for entry in statement.predicate.resources {
        let Entry { name, algorithm, digest, others } = entry;
        for other in others.into_keys() {
            let count = extra.entry(other).or_default();
            *count = count.saturating_add(1);
        }
        let problem = |reason| Error::Resource { name: name.chars().take(80).collect(), reason };
        if algorithm != serialization.hash.name() && Some(&algorithm) != sharded.as_ref() {
            return Err(problem(format!(
                "its digest is by {}, but the hash type is {}",
                shown(&algorithm),
                serialization.hash,
            )));
        }
        let digest = match hex::decode(&digest) {
            Ok(bytes) if !digest.contains(|c: char| c.is_ascii_uppercase()) => bytes,
            _ => {
                return Err(problem(
                    "its digest is no even number of lower-case hexadecimal digits".to_owned(),
                ));
            }
        };
        resources.push(Resource { name, digest });
    }
    not_understood.extend(
        extra
            .into_iter()
            .map(|(name, count)| format!("field {} of {count} resources", shown(&name))),
    );

    // The root digest follows the order of the statement.
    let manifest = Manifest::listed(&subject.name, serialization, resources)?;
    let computed = hex::encode(manifest.root_digest());
    if signed != computed {
        return Err(Error::RootDigest { signed: shown(&signed), computed });
    }
    Ok((manifest, not_understood))
}

fn parameters(parameters: Parameters) -> Result<Serialization, Error> {
    let name = |field: &str| format!("predicate.serialization.{field}");
    let Parameters { method, hash_type, shard_size, allow_symlinks, ignore_paths } = parameters;
    let hash = HashAlgorithm::named(&hash_type).ok_or_else(|| {
        field(&name("hash_type"), &hash_type, "`sha256` or `blake2b`, which are understood here")
    })?;
    let shard_size = match (method.as_str(), shard_size) {
        ("files", None) => None,
        ("shards", Some(size)) => Some(whole(&size).ok_or_else(|| {
            field(&name("shard_size"), &size.to_string(), "a whole number of bytes above zero")
        })?),
        ("files", Some(size)) => {
            let expected = "absent, since the method is `files`";
            return Err(field(&name("shard_size"), &size.to_string(), expected));
        }
        ("shards", None) => {
            return Err(field(&name("shard_size"), "", "the size of a shard"));
        }
        _ => return Err(field(&name("method"), &method, "`files` or `shards`")),
    };
    Ok(Serialization { hash, shard_size, allow_symlinks, ignore_paths })
}

/// A whole number; protocol buffers write some as `1.0`.
fn whole(number: &serde_json::Number) -> Option<NonZeroU64> {
    let size = number.as_u64().or_else(|| {
        let size = number.as_f64()?;
        (size.fract() == 0.0 && (1.0..=9_007_199_254_740_992.0).contains(&size))
            .then(|| format!("{size:.0}").parse().ok())?
    });
    NonZeroU64::new(size?)
}

fn expect(name: &str, found: &str, expected: &str) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(field(name, found, format!("{expected:?}"))) }
}

fn field(name: &str, found: &str, expected: impl Into<String>) -> Error {
    Error::Field { place: place(name), found: shown(found), expected: expected.into() }
}

fn place(name: &str) -> String {
    format!("`{name}` in the signed statement")
}
