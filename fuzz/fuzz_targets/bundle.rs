//! Model Signing bundles: their form, their certificates, and the statement in one whose signature is
//! fine.
#![no_main]

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caiso_signing::{Bundle, Certificates, PublicKey, SigningKey, Trust, verify};
use p256::ecdsa::signature::Signer;
use p256::pkcs8::{EncodePublicKey, LineEnding};

static KEY: LazyLock<p256::ecdsa::SigningKey> =
    LazyLock::new(|| p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a scalar"));
static TRUST: LazyLock<PublicKey> = LazyLock::new(|| {
    let pem = KEY.verifying_key().to_public_key_pem(LineEnding::LF).expect("encodes");
    PublicKey::from_pem(&pem).expect("a key")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(bundle) = Bundle::parse(bytes) {
        let at = bundle.claimed_time().unwrap_or(1_800_000_000);
        if let Some(certificate) = bundle.certificate() {
            let _ = (certificate.subject(), certificate.names(), certificate.public_key());
        }
        // Each certificate of the bundle as its own anchor, so that paths are followed.
        for raw in std::str::from_utf8(bytes).unwrap_or_default().split("\"rawBytes\"").skip(1) {
            let raw = raw.split('"').nth(1).unwrap_or_default().as_bytes();
            let lines: Vec<_> = raw.chunks(64).map(String::from_utf8_lossy).collect();
            let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
            if let Ok(anchors) =
                Certificates::from_pem(&format!("{begin}\n{}\n{end}\n", lines.join("\n")))
            {
                let _ = verify(bytes, &Trust::Certificates { anchors, at });
            }
        }
        let _ = verify(bytes, &Trust::Key(TRUST.clone()));
    }

    let head = format!("DSSEv1 28 application/vnd.in-toto+json {} ", bytes.len());
    let signature: p256::ecdsa::DerSignature = KEY.sign(&[head.as_bytes(), bytes].concat());
    let bundle = format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{{"publicKey":{{"hint":"{}"}}}},"dsseEnvelope":{{"payload":"{}","payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":"{}"}}]}}}}"#,
        TRUST.fingerprint().expect("encodes"),
        STANDARD.encode(bytes),
        STANDARD.encode(signature.as_bytes()),
    );
    if let Ok(verified) = verify(bundle.as_bytes(), &Trust::Key(TRUST.clone())) {
        assert!(verified.manifest.compare(verified.manifest.resources()).is_empty());
    }

    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = PublicKey::from_pem(text);
        let _ = SigningKey::from_pem(text, None);
        let _ = Certificates::from_pem(text);
    }
});
