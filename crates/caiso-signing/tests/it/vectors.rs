//! The specification's vectors (`tests/vectors/README.md`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caiso_signing::{Bundle, Certificates, Error, Method, PublicKey, Signer, Trust, verify};

use crate::support::{certificate_pem, json, valid_by_schema, vector};

/// May 2026; the certificate vector is valid from 2025 to 2035.
pub(crate) const MAY_2026: u64 = 1_777_593_600;

fn chain() -> Certificates {
    let bundle = json(&vector("valid/certificate"));
    let chain = &bundle["verificationMaterial"]["x509CertificateChain"]["certificates"];
    let pem = |index: usize| certificate_pem(&chain[index]["rawBytes"]);
    Certificates::from_pem(&(pem(0) + &pem(1))).unwrap()
}

pub(crate) fn intermediate() -> Certificates {
    let bundle = json(&vector("valid/certificate"));
    let chain = &bundle["verificationMaterial"]["x509CertificateChain"]["certificates"];
    Certificates::from_pem(&certificate_pem(&chain[1]["rawBytes"])).unwrap()
}

fn key() -> PublicKey {
    chain().as_slice()[0].public_key().unwrap()
}

#[test]
fn the_key_vector_verifies_with_the_key_that_its_fingerprint_names() {
    let verified = verify(&vector("valid/key"), &Trust::Key(key())).unwrap();
    let fingerprint = "e8450dec4eb99dae995da9af1bc2cc9f76ed669ee2e744f57abba763df3e3f8e";
    assert_eq!(verified.signer, Signer::Key { fingerprint: fingerprint.to_owned() });
    let names: Vec<_> = verified.manifest.resources().iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["signme-1", "signme-2"]);
    assert_eq!(verified.manifest.model_name(), "model");
    assert!(verified.manifest.serialization().ignores(".git/config"));
    assert_eq!(
        verified.not_checked,
        ["files at the paths that the signer left out: \".gitattributes\", \".github\", \
             \"ignore-me\", \".gitignore\", \".git\""]
    );
}

#[test]
fn the_certificate_vector_verifies_up_to_the_authority_in_it() {
    let bundle = vector("valid/certificate");
    let trust = Trust::Certificates { anchors: intermediate(), at: MAY_2026 };
    let verified = verify(&bundle, &trust).unwrap();
    let Signer::Certificate { certificate, path } = verified.signer else { panic!() };
    assert_eq!(certificate.public_key().unwrap(), key());
    assert_eq!(path, ["CN=intermediate-ca", "CN=intermediate-ca"]);

    for at in [1_746_000_000, 2_100_000_000] {
        let error = verify(&bundle, &Trust::Certificates { anchors: intermediate(), at });
        assert!(matches!(error, Err(Error::Certificate { .. })), "{error:?}");
    }
}

/// The authority there signs with RSA.
#[test]
fn no_flipped_bit_of_the_certificate_verifies() {
    let mut bundle = json(&vector("valid/certificate"));
    let place = "/verificationMaterial/x509CertificateChain/certificates/0/rawBytes";
    let der = STANDARD.decode(bundle.pointer(place).unwrap().as_str().unwrap()).unwrap();
    let trust = Trust::Certificates { anchors: intermediate(), at: MAY_2026 };
    for position in 0..der.len() {
        let mut changed = der.clone();
        changed[position] ^= 1 << (position % 8);
        *bundle.pointer_mut(place).unwrap() = STANDARD.encode(changed).into();
        let result = verify(bundle.to_string().as_bytes(), &trust);
        assert!(result.is_err(), "byte {position}");
    }
}

#[test]
fn the_sigstore_vector_is_read_but_needs_the_authority() {
    let bytes = vector("valid/sigstore");
    let bundle = Bundle::parse(&bytes).unwrap();
    assert_eq!(bundle.method(), Method::Sigstore);
    assert_eq!(bundle.claimed_time(), Some(1_760_062_340));
    let certificate = bundle.certificate().unwrap();

    let at = bundle.claimed_time().unwrap();
    let error = verify(&bytes, &Trust::Certificates { anchors: intermediate(), at }).unwrap_err();
    assert!(error.to_string().contains("issued by \"CN=sigstore-intermediate"), "{error}");

    // Trusting the certificate itself shows that the signature and the statement are fine.
    let raw = &json(&bytes)["verificationMaterial"]["certificate"]["rawBytes"];
    let anchors = Certificates::from_pem(&certificate_pem(raw)).unwrap();
    let verified = verify(&bytes, &Trust::Certificates { anchors: anchors.clone(), at }).unwrap();
    let open = verified.not_checked.join("\n");
    for what in ["signed certificate timestamp", "transparency log", "RFC 3161"] {
        assert!(open.contains(what), "{what} is not in\n{open}");
    }
    assert_eq!(certificate.names().len(), 1);

    // Ten minutes are all that it was valid for.
    let late = Trust::Certificates { anchors, at: MAY_2026 };
    assert!(matches!(verify(&bytes, &late), Err(Error::Certificate { .. })));
}

#[test]
fn the_sigstore_vector_verifies_up_to_its_authority() {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/fulcio.pem");
    let all = std::fs::read_to_string(pem).unwrap();
    let bytes = vector("valid/sigstore");
    let at = Bundle::parse(&bytes).unwrap().claimed_time().unwrap();
    let anchors = Certificates::from_pem(&all).unwrap();
    let verified = verify(&bytes, &Trust::Certificates { anchors, at }).unwrap();
    let Signer::Certificate { path, .. } = verified.signer else { panic!() };
    assert_eq!(path[1], "CN=sigstore-intermediate,O=sigstore.dev");
    let open = verified.not_checked.join("\n");
    assert!(open.contains("is whose signature you expect"), "{open}");

    // The bundle does not carry the intermediate certificate.
    let root = all.split_inclusive("-----END CERTIFICATE-----\n").nth(1).unwrap();
    let anchors = Certificates::from_pem(root).unwrap();
    let error = verify(&bytes, &Trust::Certificates { anchors, at }).unwrap_err().to_string();
    assert!(error.contains("neither in the bundle nor among"), "{error}");
}

#[test]
fn the_key_of_a_certificate_may_be_trusted_as_such() {
    let verified = verify(&vector("valid/certificate"), &Trust::Key(key())).unwrap();
    assert!(verified.not_checked[0].contains("the certificates in the bundle"));
}

#[test]
fn the_invalid_vectors_are_refused_with_the_reason() {
    let at = 1_760_062_340;
    let reason = |name: &str| {
        let key = verify(&vector(name), &Trust::Key(key())).unwrap_err();
        let trust = Trust::Certificates { anchors: intermediate(), at };
        let certificates = verify(&vector(name), &trust).unwrap_err();
        let mut text = key.to_string();
        if let Error::Json { source, .. } = &key {
            text += &format!(": {source}");
        }
        (text, certificates)
    };
    for (name, expected) in [
        ("invalid/empty", "EOF while parsing"),
        ("invalid/missing-envelope", "missing field `dsseEnvelope`"),
        ("invalid/missing-verification-material", "missing field `verificationMaterial`"),
        ("invalid/missing-tlog-entries", "expected at least one entry of the log"),
        // Its signature does not fit either: it is the key vector with another predicate type.
        ("invalid-payload/wrong-predicate", "the signature does not verify"),
    ] {
        let (text, _) = reason(name);
        assert!(text.contains(expected), "{name}: {text}");
    }
}

#[test]
fn the_schemas_judge_the_vectors_as_we_do() {
    for name in ["valid/key", "valid/certificate", "valid/sigstore"] {
        assert_eq!(valid_by_schema(&json(&vector(name))), (true, true), "{name}");
    }
    for name in ["missing-envelope", "missing-verification-material", "missing-tlog-entries"] {
        let (form, _) = valid_by_schema(&json(&vector(&format!("invalid/{name}"))));
        assert!(!form, "{name}");
    }
    let wrong = json(&vector("invalid-payload/wrong-predicate"));
    assert_eq!(valid_by_schema(&wrong), (true, false));
}
