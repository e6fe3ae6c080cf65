//! From the certificate that signed to one that the caller trusts (RFC 5280, section 6).

use rsa::pkcs1v15;
use rsa::pkcs8::DecodePublicKey;
use rsa::signature::Verifier;
use rsa::traits::PublicKeyParts;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::der::Encode;

use crate::{Certificate, Error, PublicKey};

/// Certificates between the signer's and the anchor, at most.
const MAX_DEPTH: usize = 8;
const MIN_RSA_BITS: u32 = 2048;

/// A validated path: the signer's certificate, those between, the anchor; one entry where the signer's
/// certificate is itself trusted.
pub(crate) type Path<'a> = Vec<&'a Certificate>;

/// Finds a path from `leaf` through `others` to one of `anchors` and validates it at the time, in
/// seconds since 1970.
///
/// # Errors
/// No path, or a certificate on it that was not valid at the time or may not do what it did.
pub(crate) fn validate<'a>(
    leaf: &'a Certificate,
    others: &'a [Certificate],
    anchors: &'a [Certificate],
    at: u64,
) -> Result<Path<'a>, Error> {
    let path = find(leaf, others, anchors)?;
    let mut authorities = 0_usize;
    for (index, certificate) in path.iter().enumerate() {
        certificate.check(at)?;
        if index == 0 {
            certificate.check_signer()?;
        } else {
            certificate.check_authority(authorities)?;
            if !certificate.is_self_issued() {
                authorities = authorities.saturating_add(1);
            }
        }
    }
    Ok(path)
}

fn find<'a>(
    leaf: &'a Certificate,
    others: &'a [Certificate],
    anchors: &'a [Certificate],
) -> Result<Path<'a>, Error> {
    let mut path = vec![leaf];
    let mut current = leaf;
    let mut reason = None;
    if let Some(anchor) = anchors.iter().find(|anchor| anchor.der == leaf.der) {
        return Ok(vec![anchor]);
    }
    while path.len() <= MAX_DEPTH {
        let mut issuer = |candidates: &'a [Certificate], path: &[&Certificate]| {
            candidates.iter().find(|candidate| {
                current.issued_by(candidate)
                    && !path.iter().any(|used| used.der == candidate.der)
                    && match check_signature(current, candidate) {
                        Ok(()) => true,
                        Err(error) => {
                            reason = Some(error);
                            false
                        }
                    }
            })
        };
        if let Some(anchor) = issuer(anchors, &path) {
            path.push(anchor);
            return Ok(path);
        }
        let Some(next) = issuer(others, &path) else { break };
        path.push(next);
        current = next;
    }
    Err(reason.filter(|_| path.len() <= MAX_DEPTH).unwrap_or_else(|| {
        current.problem(format!(
            "was issued by {}, which is neither in the bundle nor among the given certificates",
            crate::error::shown(&current.issuer()),
        ))
    }))
}

/// Whether the issuer's key made the certificate's signature.
fn check_signature(certificate: &Certificate, issuer: &Certificate) -> Result<(), Error> {
    let inner = &certificate.inner;
    let tbs = inner.tbs_certificate();
    if tbs.signature() != inner.signature_algorithm() {
        return Err(certificate.problem("names two signature algorithms".to_owned()));
    }
    let message = tbs.to_der().map_err(|error| certificate.problem(error.to_string()))?;
    let signature = inner
        .signature()
        .as_bytes()
        .ok_or_else(|| certificate.problem("its signature is not of whole bytes".to_owned()))?;
    let key = issuer.key_info()?;
    let oid = inner.signature_algorithm().oid.to_string();
    let verifies = match oid.as_str() {
        "1.2.840.10045.4.3.2" => ecdsa(&key, &Sha256::digest(&message), signature),
        "1.2.840.10045.4.3.3" => ecdsa(&key, &Sha384::digest(&message), signature),
        "1.2.840.10045.4.3.4" => ecdsa(&key, &Sha512::digest(&message), signature),
        "1.2.840.113549.1.1.11" => rsa(&key, signature, |key, signature| {
            pkcs1v15::VerifyingKey::<Sha256>::new(key).verify(&message, signature).is_ok()
        }),
        "1.2.840.113549.1.1.12" => rsa(&key, signature, |key, signature| {
            pkcs1v15::VerifyingKey::<Sha384>::new(key).verify(&message, signature).is_ok()
        }),
        "1.2.840.113549.1.1.13" => rsa(&key, signature, |key, signature| {
            pkcs1v15::VerifyingKey::<Sha512>::new(key).verify(&message, signature).is_ok()
        }),
        _ => {
            return Err(certificate.problem(format!(
                "is signed with algorithm {oid}, expected ECDSA or RSA PKCS#1 v1.5 with SHA-256, \
                 SHA-384 or SHA-512"
            )));
        }
    };
    if verifies {
        return Ok(());
    }
    let issuer = crate::error::shown(&issuer.subject());
    Err(certificate.problem(format!(
        "its signature is not one of {issuer} (RSA keys need {MIN_RSA_BITS} bits)"
    )))
}

fn ecdsa(key: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    PublicKey::from_der(key).is_ok_and(|key| key.verifies_digest(digest, signature))
}

fn rsa(
    key: &[u8],
    signature: &[u8],
    verifies: impl Fn(rsa::PublicKey, &pkcs1v15::Signature) -> bool,
) -> bool {
    let key = rsa::PublicKey::from_public_key_der(key);
    let (Ok(key), Ok(signature)) = (key, pkcs1v15::Signature::try_from(signature)) else {
        return false;
    };
    key.n().bit_width() >= MIN_RSA_BITS && verifies(key, &signature)
}
