//! The forms in which keys come.

use caiso_signing::{PublicKey, SigningKey};

use crate::support::{key_file, keys};

const PASSWORD: Option<&str> = Some("caiso");

#[test]
fn one_key_in_several_forms_is_one_key() {
    let public = PublicKey::from_pem(&key_file("p256-public")).unwrap();
    assert_eq!(public.to_pem().unwrap(), key_file("p256-public"));
    assert_eq!(public.curve(), "P-256");
    for (name, password) in
        [("p256-sec1", None), ("p256-encrypted", PASSWORD), ("p256-scrypt", PASSWORD)]
    {
        let key = SigningKey::from_pem(&key_file(name), password).unwrap();
        assert_eq!(key.public_key(), public, "{name}");
    }
    let windows = key_file("p256-sec1").replace('\n', "\r\n");
    assert_eq!(SigningKey::from_pem(&windows, None).unwrap().public_key(), public);
}

#[test]
fn all_curves_are_read() {
    for (pem, curve) in keys().iter().zip(["P-256", "P-384", "P-521"]) {
        let key = SigningKey::from_pem(pem, None).unwrap();
        assert_eq!(key.public_key().curve(), curve);
        assert_eq!(format!("{key:?}"), format!("SigningKey({curve})"));
        let public = key.public_key();
        assert_eq!(PublicKey::from_pem(&public.to_pem().unwrap()).unwrap(), public);
    }
}

#[test]
fn other_keys_are_refused_with_the_reason() {
    for (pem, password, expected) in [
        (key_file("p256-encrypted"), None, "expected its password"),
        (key_file("p256-encrypted"), Some("wrong"), "wrong password"),
        (key_file("p256-old-encrypted"), PASSWORD, "PEM cannot be read"),
        (key_file("ed25519"), None, "is of Ed25519, expected an elliptic-curve key"),
        (key_file("secp256k1"), None, "is of another curve"),
        (key_file("rsa"), None, "is of RSA"),
        (key_file("p256-public"), None, "expected PEM with `BEGIN PRIVATE KEY`"),
        (String::new(), None, "expected PEM"),
    ] {
        let error = SigningKey::from_pem(&pem, password).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for (pem, expected) in [
        (key_file("ed25519-public"), "is not an elliptic-curve key on P-256"),
        (key_file("p256-sec1"), "expected PEM with `BEGIN PUBLIC KEY`"),
        (key_file("p256-public").replace("MFkw", "MFkx"), "is not an elliptic-curve key"),
    ] {
        let error = PublicKey::from_pem(&pem).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
