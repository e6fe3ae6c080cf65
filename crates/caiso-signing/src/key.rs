use std::fmt;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::signature::{Signer, Verifier};
use pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePublicKey, LineEnding};
use sha2::{Digest, Sha256};
use x509_cert::spki::ObjectIdentifier;

use crate::Error;

const CURVES: &str = "an elliptic-curve key on P-256, P-384 or P-521";

/// A key to verify with: ECDSA on P-256, P-384 or P-521.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(Public);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl PublicKey {
    /// Reads a `PUBLIC KEY` (SubjectPublicKeyInfo) in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let problem = |reason| Error::Key { what: "public key", reason };
        let block = block(pem, &["PUBLIC KEY"])
            .ok_or_else(|| problem("expected PEM with `BEGIN PUBLIC KEY`".to_owned()))?;
        let (_, document) = pkcs8::Document::from_pem(block)
            .map_err(|error| problem(format!("the PEM cannot be read: {error}")))?;
        Self::from_der(document.as_bytes())
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Error> {
        p256::ecdsa::VerifyingKey::from_public_key_der(der)
            .map(Public::P256)
            .or_else(|_| p384::ecdsa::VerifyingKey::from_public_key_der(der).map(Public::P384))
            .or_else(|_| p521::ecdsa::VerifyingKey::from_public_key_der(der).map(Public::P521))
            .map(Self)
            .map_err(|_| Error::Key {
                what: "public key",
                reason: format!("is not {CURVES}, or its point is not on the curve"),
            })
    }

    /// The key as `PUBLIC KEY` in PEM.
    pub fn to_pem(&self) -> Result<String, Error> {
        match &self.0 {
            Public::P256(key) => key.to_public_key_pem(LineEnding::LF),
            Public::P384(key) => key.to_public_key_pem(LineEnding::LF),
            Public::P521(key) => key.to_public_key_pem(LineEnding::LF),
        }
        .map_err(|error| Error::Key { what: "public key", reason: error.to_string() })
    }

    /// SHA-256 of the PEM in hexadecimal, by which bundles name the key that signed.
    pub fn fingerprint(&self) -> Result<String, Error> {
        Ok(hex::encode(Sha256::digest(self.to_pem()?)))
    }

    /// Whether `signature` (DER) is one over `message`, hashed with the curve's hash: SHA-256 on P-256,
    /// SHA-384 on P-384, SHA-512 on P-521.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Public::P256(key) => p256::ecdsa::DerSignature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::P384(key) => p384::ecdsa::DerSignature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::P521(key) => p521::ecdsa::DerSignature::try_from(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
        }
    }

    /// Whether `signature` (DER) is one over the digest.
    pub(crate) fn verifies_digest(&self, digest: &[u8], signature: &[u8]) -> bool {
        match &self.0 {
            Public::P256(key) => p256::ecdsa::DerSignature::try_from(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            Public::P384(key) => p384::ecdsa::DerSignature::try_from(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
            Public::P521(key) => p521::ecdsa::DerSignature::try_from(signature)
                .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok()),
        }
    }

    /// The curve's name.
    pub fn curve(&self) -> &'static str {
        match self.0 {
            Public::P256(_) => "P-256",
            Public::P384(_) => "P-384",
            Public::P521(_) => "P-521",
        }
    }
}

/// A private key: ECDSA on P-256, P-384 or P-521, with nonces by RFC 6979, so that one key signs one
/// payload always alike.
pub struct SigningKey(Private);

enum Private {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public_key().curve())
    }
}

impl SigningKey {
    /// Reads a private key in PEM: PKCS#8 (`PRIVATE KEY`), encrypted PKCS#8 (`ENCRYPTED PRIVATE KEY`,
    /// needs the password) or SEC1 (`EC PRIVATE KEY`). Other blocks in the text are passed over.
    pub fn from_pem(pem: &str, password: Option<&str>) -> Result<Self, Error> {
        let problem = |reason: String| Error::Key { what: "private key", reason };
        let labels = ["ENCRYPTED PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY"];
        let block = block(pem, &labels).ok_or_else(|| {
            problem("expected PEM with `BEGIN PRIVATE KEY` or `BEGIN EC PRIVATE KEY`".to_owned())
        })?;
        let (label, mut document) = pkcs8::SecretDocument::from_pem(block)
            .map_err(|error| problem(format!("the PEM cannot be read: {error}")))?;
        if label == "EC PRIVATE KEY" {
            return Self::from_sec1(document.as_bytes()).ok_or_else(|| {
                problem(format!("is not {CURVES}, or is encrypted the old way of OpenSSL"))
            });
        }
        if label == "ENCRYPTED PRIVATE KEY" {
            let password = password
                .ok_or_else(|| problem("is encrypted, expected its password".to_owned()))?;
            document = pkcs8::EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
                .map_err(|error| problem(error.to_string()))?
                .decrypt(password)
                .map_err(|_| {
                    problem("cannot be decrypted: wrong password or unknown cipher".to_owned())
                })?;
        }
        Self::from_pkcs8(document.as_bytes())
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        p256::ecdsa::SigningKey::from_pkcs8_der(der)
            .map(Private::P256)
            .or_else(|_| p384::ecdsa::SigningKey::from_pkcs8_der(der).map(Private::P384))
            .or_else(|_| p521::ecdsa::SigningKey::from_pkcs8_der(der).map(Private::P521))
            .map(Self)
            .map_err(|_| Error::Key {
                what: "private key",
                reason: match pkcs8::PrivateKeyInfoRef::try_from(der) {
                    Ok(info) => {
                        format!("is of {}, expected {CURVES}", algorithm(info.algorithm.oid))
                    }
                    Err(error) => format!("is no PKCS#8: {error}"),
                },
            })
    }

    fn from_sec1(der: &[u8]) -> Option<Self> {
        let p256 = || Some(Private::P256(p256::SecretKey::from_sec1_der(der).ok()?.into()));
        let p384 = || Some(Private::P384(p384::SecretKey::from_sec1_der(der).ok()?.into()));
        let p521 = || Some(Private::P521(p521::SecretKey::from_sec1_der(der).ok()?.into()));
        p256().or_else(p384).or_else(p521).map(Self)
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(match &self.0 {
            Private::P256(key) => Public::P256(*key.verifying_key()),
            Private::P384(key) => Public::P384(*key.verifying_key()),
            Private::P521(key) => Public::P521(*key.verifying_key()),
        })
    }

    /// Signature in DER over `message`, hashed with the curve's hash.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = match &self.0 {
            Private::P256(key) => key
                .try_sign(message)
                .map(|signature: p256::ecdsa::DerSignature| signature.as_bytes().to_vec()),
            Private::P384(key) => key
                .try_sign(message)
                .map(|signature: p384::ecdsa::DerSignature| signature.as_bytes().to_vec()),
            Private::P521(key) => key
                .try_sign(message)
                .map(|signature: p521::ecdsa::DerSignature| signature.as_bytes().to_vec()),
        };
        signature.map_err(|error| Error::Key { what: "private key", reason: error.to_string() })
    }
}

/// The first PEM block with one of the labels.
pub(crate) fn block<'a>(pem: &'a str, labels: &[&str]) -> Option<&'a str> {
    labels.iter().find_map(|label| {
        let end = format!("-----END {label}-----");
        let text = pem.get(pem.find(&format!("-----BEGIN {label}-----"))?..)?;
        text.get(..text.find(&end)?.checked_add(end.len())?)
    })
}

fn algorithm(oid: ObjectIdentifier) -> String {
    match oid.to_string().as_str() {
        "1.2.840.113549.1.1.1" => "RSA".to_owned(),
        "1.3.101.112" => "Ed25519".to_owned(),
        "1.2.840.10045.2.1" => "another curve".to_owned(),
        other => format!("algorithm {other}"),
    }
}
