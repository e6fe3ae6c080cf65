use crate::bundle::{Bundle, Method};
use crate::certificate::time;
use crate::chain::validate;
use crate::statement::{self, pre_authentication_encoding};
use crate::{Certificate, Certificates, Error, Manifest, PublicKey};

/// Whom the caller trusts.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The holder of this key.
    Key(PublicKey),
    /// Whom these certificates' holders certified for signing.
    Certificates {
        /// Trust anchors: each is trusted as it is, whether self-signed or not. Verifying with a
        /// signer's own certificate trusts this signer alone.
        anchors: Certificates,
        /// When all certificates must have been valid, in seconds since 1970.
        at: u64,
    },
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The holder of the trusted key.
    Key {
        /// [`PublicKey::fingerprint`].
        fingerprint: String,
    },
    /// The subject of a certificate.
    Certificate {
        /// The certificate that signed.
        certificate: Box<Certificate>,
        /// Subjects from the signer's to the anchor's certificate.
        path: Vec<String>,
    },
}

/// What a bundle states, its signature verified.
#[derive(Clone, Debug)]
#[must_use = "the files have still to be hashed and compared with the manifest"]
pub struct Verified {
    /// The signed files and digests.
    pub manifest: Manifest,
    /// Who signed them.
    pub signer: Signer,
    /// What was checked, one sentence each.
    pub checked: Vec<String>,
    /// What the bundle holds or leaves open that was not checked, one sentence each.
    pub not_checked: Vec<String>,
}

/// Verifies a bundle's signature and statement against what the caller trusts.
///
/// The files are not looked at: hash them as the manifest's serialization says and use
/// [`Manifest::compare`]. Keyless Sigstore bundles are verified only to the given anchors (the
/// authority's certificates); that the log has the entry is not checked, and the result says so.
///
/// # Errors
/// A bundle that is not as the format has it, a signature of another key or over another payload, a
/// certificate that does not lead to an anchor or was not valid, resources that do not give the signed
/// digest.
pub fn verify(bundle: &[u8], trust: &Trust) -> Result<Verified, Error> {
    let bundle = Bundle::parse(bundle)?;
    let mut checked = Vec::new();
    let mut not_checked = Vec::new();
    let (key, signer) = match trust {
        Trust::Key(key) => {
            check_key(&bundle, key, &mut not_checked)?;
            (key.clone(), Signer::Key { fingerprint: key.fingerprint()? })
        }
        Trust::Certificates { anchors, at } => {
            let [leaf, others @ ..] = bundle.certificates.as_slice() else {
                return Err(Error::Trust {
                    found: Method::Key,
                    remedy: "verify it with the signer's public key",
                });
            };
            let path = validate(leaf, others, anchors.as_slice(), *at)?;
            let path: Vec<String> = path.into_iter().map(Certificate::subject).collect();
            checked.push(format!(
                "the path of {} certificates to a trusted one: signatures, validity at {}, \
                 authorities, path lengths, usage for code signing",
                path.len(),
                time(*at),
            ));
            not_checked.push(
                "whether a certificate was revoked, and whether the signature was made while it was \
                 valid"
                    .to_owned(),
            );
            if path.len() > 1 {
                not_checked.push(format!(
                    "that {} is whose signature you expect: anyone whom the trusted authority \
                     certified for signing verifies",
                    identity(leaf),
                ));
            }
            let on_path = path.len().saturating_sub(1);
            if let Some(more @ 1..) = others.len().checked_sub(on_path) {
                not_checked.push(format!("{more} further certificates in the bundle"));
            }
            let certificate = Box::new(leaf.clone());
            (leaf.public_key()?, Signer::Certificate { certificate, path })
        }
    };
    if !key.verifies(&pre_authentication_encoding(&bundle.payload), &bundle.signature) {
        return Err(Error::Signature);
    }
    checked.push(format!("the signature over the statement, with the key on {}", key.curve()));
    let (manifest, not_understood) = statement::read(&bundle.payload)?;
    checked.push(format!(
        "the statement's form and that its {} resources give the subject's digest",
        manifest.resources().len(),
    ));
    not_checked.extend(not_understood);
    not_checked.extend(left_open(&bundle));
    let ignored = &manifest.serialization().ignore_paths;
    if !ignored.is_empty() {
        not_checked
            .push(format!("files at the paths that the signer left out: {}", listed(ignored)));
    }
    if manifest.serialization().allow_symlinks {
        not_checked.push("where symbolic links led, which the signer followed".to_owned());
    }
    Ok(Verified { manifest: manifest.sorted(), signer, checked, not_checked })
}

/// Names of the signer, or the subject where the certificate gives none.
fn identity(certificate: &Certificate) -> String {
    match certificate.names() {
        names if names.is_empty() => crate::error::shown(&certificate.subject()),
        names => listed(&names),
    }
}

/// The bundle names no other key than the trusted one.
fn check_key(bundle: &Bundle, key: &PublicKey, not_checked: &mut Vec<String>) -> Result<(), Error> {
    let fingerprint = key.fingerprint()?;
    let other_key = |place: &str, found: String| Error::Field {
        place: place.to_owned(),
        found,
        expected: format!("the given key's, {fingerprint}"),
    };
    if let Some(hint) = &bundle.hint
        && *hint != fingerprint
    {
        return Err(other_key("the fingerprint of the signer's key", crate::error::shown(hint)));
    }
    if let Some(raw) = &bundle.raw_key {
        let given = match std::str::from_utf8(raw) {
            Ok(pem) if pem.contains("-----BEGIN") => PublicKey::from_pem(pem),
            _ => PublicKey::from_der(raw),
        }?;
        if given != *key {
            return Err(other_key("the signer's key", given.fingerprint()?));
        }
    }
    if let Some(certificate) = bundle.certificate() {
        let certified = certificate.public_key()?;
        if certified != *key {
            return Err(other_key("the key of the signer's certificate", certified.fingerprint()?));
        }
        not_checked
            .push("the certificates in the bundle: the key is trusted as it was given".to_owned());
    }
    Ok(())
}

fn left_open(bundle: &Bundle) -> Vec<String> {
    let mut open = Vec::new();
    if bundle.method == Method::Sigstore {
        open.push("that a log noted the certificate (signed certificate timestamp)".to_owned());
    }
    match bundle.log_entries {
        0 => {}
        1 => open.push("the transparency log's entry in the bundle".to_owned()),
        count => open.push(format!("the {count} entries of transparency logs in the bundle")),
    }
    if bundle.has_timestamps {
        open.push("the timestamps (RFC 3161) in the bundle".to_owned());
    }
    if bundle.has_key_details {
        open.push(
            "the algorithm that the bundle names (keyDetails): the curve's own was used".to_owned(),
        );
    }
    if let Some(keyid) = &bundle.keyid {
        open.push(format!("the key identifier {} of the signature", crate::error::shown(keyid)));
    }
    open
}

fn listed(paths: &[String]) -> String {
    let mut text: Vec<String> =
        paths.iter().take(20).map(|path| crate::error::shown(path)).collect();
    if let Some(more @ 1..) = paths.len().checked_sub(text.len()) {
        text.push(format!("{more} more"));
    }
    text.join(", ")
}
