//! Bundles whose signature is fine and whose statement or envelope is not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caiso_signing::{Error, PublicKey, SigningKey, Trust, Verified, sign, verify};
use p256::ecdsa::signature::Signer;
use serde_json::{Value, json};

use crate::support::{json, keys, manifest, statement, valid_by_schema};

fn key() -> SigningKey {
    SigningKey::from_pem(&keys()[0], None).unwrap()
}

fn trust() -> Trust {
    Trust::Key(key().public_key())
}

fn bundle() -> Value {
    json(&sign(&manifest(), &key(), None).unwrap())
}

/// A bundle with another payload, signed anew.
fn signed(payload: &str) -> Value {
    let key = p256::ecdsa::SigningKey::from_slice(&[0x41; 32]).unwrap();
    let head = format!("DSSEv1 28 application/vnd.in-toto+json {} ", payload.len());
    let signature: p256::ecdsa::DerSignature = key.sign((head + payload).as_bytes());
    let mut bundle = bundle();
    let envelope = &mut bundle["dsseEnvelope"];
    envelope["payload"] = STANDARD.encode(payload).into();
    envelope["signatures"][0]["sig"] = STANDARD.encode(signature.as_bytes()).into();
    bundle
}

fn judged(bundle: &Value) -> Result<Verified, Error> {
    verify(bundle.to_string().as_bytes(), &trust())
}

/// The whole message.
fn reason(result: Result<Verified, Error>) -> String {
    let error = result.unwrap_err();
    match &error {
        Error::Json { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

#[test]
fn what_we_sign_verifies_and_follows_the_schemas() {
    for pem in keys() {
        let key = SigningKey::from_pem(&pem, None).unwrap();
        let bytes = sign(&manifest(), &key, None).unwrap();
        assert_eq!(bytes, sign(&manifest(), &key, None).unwrap());
        assert_eq!(valid_by_schema(&json(&bytes)), (true, true));
        let verified = verify(&bytes, &Trust::Key(key.public_key())).unwrap();
        assert_eq!(verified.manifest, manifest());
        assert_eq!(verified.checked.len(), 2);
        assert_eq!(verified.not_checked.len(), 1, "{:?}", verified.not_checked);
    }
}

#[test]
fn another_key_does_not_verify() {
    let other = SigningKey::from_pem(&keys()[1], None).unwrap().public_key();
    let bundle = bundle();
    let other = verify(bundle.to_string().as_bytes(), &Trust::Key(other));
    assert!(reason(other).contains("the fingerprint of the signer's key is"));

    // Even where the bundle claims to be signed by the trusted key.
    let stranger = SigningKey::from_pem(&keys()[2], None).unwrap();
    let mut forged = json(&sign(&manifest(), &stranger, None).unwrap());
    forged["verificationMaterial"] = bundle["verificationMaterial"].clone();
    assert!(matches!(judged(&forged), Err(Error::Signature)));
    assert!(matches!(
        verify(
            bundle.to_string().as_bytes(),
            &Trust::Certificates {
                anchors: caiso_signing::Certificates::from_pem(
                    &crate::authority::Holder::new(crate::authority::Wish::signer("a"), 1, None)
                        .pem()
                )
                .unwrap(),
                at: crate::authority::NOW,
            }
        ),
        Err(Error::Trust { .. })
    ));
}

#[test]
fn statements_must_say_what_the_format_says() {
    let good = statement(&bundle());
    assert!(judged(&signed(&good.to_string())).is_ok());
    let parameters = "/predicate/serialization";
    for (place, value, expected) in [
        ("/_type", json!("https://in-toto.io/Statement/v0.1"), "`_type` in the signed statement"),
        ("/predicateType", json!("https://example.com/v1"), "`predicateType` in the signed"),
        (
            "/predicateType",
            json!("https://model_signing/Digests/v0.1"),
            "made before version 1.0, sign the model again",
        ),
        ("/subject", json!([good["subject"][0], good["subject"][0]]), "expected one subject"),
        ("/subject", json!([]), "a list of 0"),
        ("/subject/0/digest", json!({"sha512": "00"}), "expected a digest by `sha256`"),
        ("/subject/0/digest/sha256", json!("00"), "but the listed resources give"),
        ("/subject/0/name", json!(""), "expected a name"),
        ("/predicate/resources", json!([]), "lists no resource"),
        ("/predicate/resources/0/name", json!("../a"), "leaves the model's folder"),
        ("/predicate/resources/0/name", json!("a.txt"), "is listed twice"),
        ("/predicate/resources/0/name", json!("other"), ""),
        ("/predicate/resources/0/digest", json!("zz"), "hexadecimal"),
        ("/predicate/resources/0/digest", json!("AB".repeat(32)), "lower-case hexadecimal"),
        ("/predicate/resources/0/digest", json!("ab".repeat(31)), "has 31 bytes"),
        ("/predicate/resources/0/digest", json!("ab".repeat(32)), "the listed resources give"),
        ("/predicate/resources/0/algorithm", json!("blake2b"), "but the hash type is sha256"),
        (&format!("{parameters}/hash_type"), json!("blake3"), "expected `sha256` or `blake2b`"),
        (&format!("{parameters}/method"), json!("tree"), "expected `files` or `shards`"),
        (&format!("{parameters}/method"), json!("shards"), "expected the size of a shard"),
        (&format!("{parameters}/allow_symlinks"), json!("false"), "invalid type: string"),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let result = judged(&signed(&changed.to_string()));
        if expected.is_empty() {
            // Names are not part of the root digest; only the signature holds them.
            assert!(result.is_ok(), "{place}");
            continue;
        }
        let reason = reason(result);
        assert!(reason.contains(expected), "{place}: {reason}");
    }
}

#[test]
fn unknown_fields_are_refused_or_named() {
    let good = statement(&bundle());
    for place in ["", "/predicate", "/predicate/serialization"] {
        let mut changed = good.clone();
        changed.pointer_mut(place).unwrap()["new"] = json!(1);
        let bundle = signed(&changed.to_string());
        assert!(reason(judged(&bundle)).contains("unknown field `new`"), "{place}");
        assert_eq!(valid_by_schema(&bundle), (true, false), "{place}");
    }
    let mut changed = good.clone();
    changed["subject"][0]["uri"] = json!("x");
    changed["subject"][0]["digest"]["sha512"] = json!("00");
    changed["predicate"]["resources"][1]["new\n"] = json!(1);
    let bundle = signed(&changed.to_string());
    assert_eq!(valid_by_schema(&bundle), (true, true));
    let open = judged(&bundle).unwrap().not_checked;
    assert_eq!(
        open[..3],
        [
            "field \"uri\" of the subject",
            "the subject's digest by \"sha512\"",
            "field \"new\\n\" of 1 resources"
        ]
    );

    let good = json(bundle.to_string().as_bytes());
    for place in [
        "",
        "/verificationMaterial",
        "/verificationMaterial/publicKey",
        "/dsseEnvelope",
        "/dsseEnvelope/signatures/0",
    ] {
        let mut changed = good.clone();
        changed.pointer_mut(place).unwrap()["new"] = json!(1);
        assert!(reason(judged(&changed)).contains("unknown field `new`"), "{place}");
    }
}

#[test]
fn a_key_stands_once_in_the_json() {
    let text = statement(&bundle()).to_string();
    let twice = text.replacen("\"resources\":", "\"resources\":[],\"resources\":", 1);
    assert_ne!(text, twice);
    assert!(reason(judged(&signed(&twice))).contains("duplicate field `resources`"));
    let bundle = bundle().to_string();
    let twice = bundle.replacen("\"dsseEnvelope\":", "\"mediaType\":\"\",\"dsseEnvelope\":", 1);
    assert!(reason(verify(twice.as_bytes(), &trust())).contains("duplicate field `mediaType`"));
}

#[test]
fn envelopes_must_be_what_the_format_says() {
    let signature = bundle()["dsseEnvelope"]["signatures"][0].clone();
    let sloppy = bundle()["dsseEnvelope"]["payload"].as_str().unwrap().replace('=', "") + "=====";
    let material = "/verificationMaterial";
    for (place, value, expected) in [
        ("/mediaType", json!("application/vnd.dev.sigstore.bundle.v0.2+json"), "bundle.v0.3+json"),
        ("/dsseEnvelope/payloadType", json!("text/plain"), "`dsseEnvelope.payloadType` is"),
        ("/dsseEnvelope/payload", json!(sloppy), "canonical Base64"),
        ("/dsseEnvelope/payload", json!(""), "is empty, expected some bytes"),
        ("/dsseEnvelope/payload", json!("e30="), "the signature does not verify"),
        ("/dsseEnvelope/signatures", json!([]), "exactly one signature"),
        ("/dsseEnvelope/signatures", json!([signature, signature]), "exactly one signature"),
        ("/dsseEnvelope/signatures/0/sig", json!("AAAA"), "the signature does not verify"),
        (material, json!({}), "with none"),
        (
            material,
            json!({"publicKey": {"hint": "a"}, "certificate": {"rawBytes": "AA=="}}),
            "with several",
        ),
        (material, json!({"publicKey": {}}), "expected the key's fingerprint"),
        (material, json!({"publicKey": {"hint": "ab"}}), "the fingerprint of the signer's key is"),
        (material, json!({"x509CertificateChain": {"certificates": []}}), "at least one"),
        (
            material,
            json!({"x509CertificateChain": {"certificates": [{"rawBytes": "AAAA"}]}}),
            "certificate 0 in verificationMaterial: cannot be read",
        ),
        (material, json!({"certificate": {"rawBytes": "AA=="}}), "at least one entry of the log"),
    ] {
        let mut changed = bundle();
        *changed.pointer_mut(place).unwrap() = value;
        let reason = reason(judged(&changed));
        assert!(reason.contains(expected), "{place}: {reason}");
    }
}

#[test]
fn forms_that_the_format_leaves_open_verify() {
    for keyid in [None, Some(Value::Null), Some(json!("")), Some(json!("me"))] {
        let mut bundle = bundle();
        let signature = &mut bundle["dsseEnvelope"]["signatures"][0];
        match keyid.clone() {
            None => drop(signature.as_object_mut().unwrap().remove("keyid")),
            Some(keyid) => signature["keyid"] = keyid,
        }
        let open = judged(&bundle).unwrap().not_checked;
        let named = open.contains(&"the key identifier \"me\" of the signature".to_owned());
        assert_eq!(named, keyid == Some(json!("me")));
    }
    // Bundles before 1.1 hold the key itself and the name of its algorithm.
    let pem = key().public_key().to_pem().unwrap();
    let mut bundle = bundle();
    let raw = |pem: &str| json!({"rawBytes": STANDARD.encode(pem), "keyDetails": "X"});
    bundle["verificationMaterial"] = json!({"publicKey": raw(&pem)});
    let open = judged(&bundle).unwrap().not_checked.join("\n");
    assert!(open.contains("keyDetails"), "{open}");
    let other = SigningKey::from_pem(&keys()[1], None).unwrap().public_key();
    bundle["verificationMaterial"] = json!({"publicKey": raw(&other.to_pem().unwrap())});
    assert!(reason(judged(&bundle)).contains("the signer's key is"));
    assert_ne!(PublicKey::from_pem(&pem).unwrap(), other);
}

#[test]
fn the_order_of_the_statement_gives_the_digest() {
    let mut turned = statement(&bundle());
    turned["predicate"]["resources"].as_array_mut().unwrap().reverse();
    let resources = turned["predicate"]["resources"].clone();
    assert!(reason(judged(&signed(&turned.to_string()))).contains("the listed resources give"));
    let digests: String =
        resources.as_array().unwrap().iter().map(|r| r["digest"].as_str().unwrap()).collect();
    let root = <sha2::Sha256 as sha2::Digest>::digest(hex::decode(digests).unwrap());
    turned["subject"][0]["digest"]["sha256"] = hex::encode(root).into();
    assert_eq!(judged(&signed(&turned.to_string())).unwrap().manifest, manifest());
}

#[test]
fn large_bundles_are_not_read() {
    let bytes = vec![b' '; caiso_signing::MAX_BUNDLE + 1];
    assert!(matches!(verify(&bytes, &trust()), Err(Error::TooLarge { .. })));
}
