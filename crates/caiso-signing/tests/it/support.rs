//! Vectors and schemas of the specification, and JSON put together for the tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caiso_signing::{FileHasher, Manifest, Resource, Serialization};
use p256::pkcs8::{EncodePrivateKey, LineEnding};
use serde_json::Value;

pub(crate) fn vector(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    std::fs::read(format!("{folder}{name}.bundle.json")).unwrap()
}

pub(crate) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// The signed statement in a bundle.
pub(crate) fn statement(bundle: &Value) -> Value {
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
    json(&STANDARD.decode(payload).unwrap())
}

/// Whether a bundle, and the statement in it, are valid by the specification's schemas.
pub(crate) fn valid_by_schema(bundle: &Value) -> (bool, bool) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/schemas/");
    let schema = |name: &str| -> Value {
        json(&std::fs::read(format!("{folder}{name}.schema.json")).unwrap())
    };
    let mut registry = jsonschema::Registry::new();
    for name in ["envelope", "predicate"] {
        let uri = format!("https://model_signing/{name}/v1.0/schema");
        registry = registry.add(uri, jsonschema::Resource::from_contents(schema(name))).unwrap();
    }
    let registry = registry.prepare().unwrap();
    let valid = |name: &str, instance: &Value| {
        let schema = schema(name);
        let validator = jsonschema::options().with_registry(&registry).build(&schema).unwrap();
        validator.is_valid(instance)
    };
    let form = valid("bundle", bundle);
    (form, form && valid("statement", &statement(bundle)))
}

/// PEM of a certificate that a bundle holds in Base64.
pub(crate) fn certificate_pem(raw: &Value) -> String {
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in raw.as_str().unwrap().as_bytes().chunks(64) {
        pem += std::str::from_utf8(line).unwrap();
        pem += "\n";
    }
    pem + "-----END CERTIFICATE-----\n"
}

/// Keys on the three curves as PKCS#8 in PEM, always the same.
pub(crate) fn keys() -> [String; 3] {
    let pem = LineEnding::LF;
    let mut large = [0x42; 66];
    large[0] = 0;
    [
        p256::SecretKey::from_slice(&[0x41; 32]).unwrap().to_pkcs8_pem(pem).unwrap().to_string(),
        p384::SecretKey::from_slice(&[0x41; 48]).unwrap().to_pkcs8_pem(pem).unwrap().to_string(),
        p521::SecretKey::from_slice(&large).unwrap().to_pkcs8_pem(pem).unwrap().to_string(),
    ]
}

/// A manifest of five files.
pub(crate) fn manifest() -> Manifest {
    let serialization = Serialization::default();
    let resources = ["weights/part 1.bin", "größe.json", "a-b/x", "a/b", "a.txt"]
        .into_iter()
        .flat_map(|name| hashed(&serialization, name, name.as_bytes()))
        .collect();
    Manifest::new("a model", serialization, resources).unwrap()
}

pub(crate) fn hashed(serialization: &Serialization, name: &str, bytes: &[u8]) -> Vec<Resource> {
    let mut hasher = FileHasher::new(serialization, name).unwrap();
    for part in bytes.chunks(3) {
        hasher.update(part);
    }
    hasher.finish()
}

/// A file of `tests/keys`.
pub(crate) fn key_file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/");
    std::fs::read_to_string(format!("{folder}{name}.pem")).unwrap()
}
