//! Bytes that nobody signed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use caiso_signing::{Bundle, Certificates, Manifest, SigningKey, Trust, sign, verify};
use proptest::prelude::*;

use crate::authority::{Holder, NOW, Wish};
use crate::support::{hashed, json, keys, manifest, vector};
use crate::vectors::{MAY_2026, intermediate};

/// One bundle by key and one by certificates, with whom to trust.
fn bundles() -> Vec<(Vec<u8>, Trust)> {
    let key = SigningKey::from_pem(&keys()[0], None).unwrap();
    let by_key = sign(&manifest(), &key, None).unwrap();
    let root = Holder::new(Wish::authority("root"), 1, None);
    let middle = Wish { issuer: Some("root"), ..Wish::authority("middle") };
    let middle = Holder::new(middle, 2, Some(&root));
    let leaf = Wish { issuer: Some("middle"), ..Wish::signer("leaf") };
    let leaf = Holder::new(leaf, 3, Some(&middle));
    let certificates = Certificates::from_pem(&(leaf.pem() + &middle.pem())).unwrap();
    let anchors = Certificates::from_pem(&root.pem()).unwrap();
    let leaf_key = SigningKey::from_pem(&leaf.key_pem(), None).unwrap();
    let by_certificate = sign(&manifest(), &leaf_key, Some(&certificates)).unwrap();
    vec![
        (by_key, Trust::Key(key.public_key())),
        (by_certificate, Trust::Certificates { anchors, at: NOW }),
    ]
}

#[test]
fn no_flipped_bit_of_the_bundle_verifies() {
    for (bundle, trust) in bundles() {
        assert!(verify(&bundle, &trust).is_ok());
        // All bits of the JSON around the long parts, and a share of those in them.
        for position in (0..bundle.len()).filter(|at| *at < 400 || at % 7 == 0) {
            let mut changed = bundle.clone();
            changed[position] ^= 1 << (position % 8);
            assert!(verify(&changed, &trust).is_err(), "byte {position}");
        }
    }
}

#[test]
fn no_flipped_bit_of_payload_or_signature_verifies() {
    for (bundle, trust) in bundles() {
        for place in ["/dsseEnvelope/payload", "/dsseEnvelope/signatures/0/sig"] {
            let mut bundle = json(&bundle);
            let text = bundle.pointer(place).unwrap().as_str().unwrap();
            let bytes = STANDARD.decode(text).unwrap();
            for bit in (0..bytes.len() * 8).step_by(if bytes.len() > 200 { 13 } else { 1 }) {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                *bundle.pointer_mut(place).unwrap() = STANDARD.encode(changed).into();
                let result = verify(bundle.to_string().as_bytes(), &trust);
                assert!(result.is_err(), "{place}, bit {bit}");
            }
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_are_no_bundle(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Bundle::parse(&bytes).is_err());
    }

    #[test]
    fn damaged_vectors_never_panic(
        name in prop::sample::select(vec!["key", "certificate", "sigstore"]),
        start in 0_usize..9000,
        length in 0_usize..40,
        with in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = vector(&format!("valid/{name}"));
        let start = start.min(bytes.len());
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, with);
        let key = SigningKey::from_pem(&keys()[1], None).unwrap().public_key();
        prop_assert!(verify(&bytes, &Trust::Key(key)).is_err());
        // Damage outside what is signed may do no harm, so only panics count.
        let _ = verify(&bytes, &Trust::Certificates { anchors: intermediate(), at: MAY_2026 });
    }

    #[test]
    fn any_files_that_are_signed_are_verified(
        files in prop::collection::btree_map(
            "[a-zß. ]{1,4}(/[a-z\u{4e00}-\u{4e10}:]{1,3}){0,2}",
            prop::collection::vec(any::<u8>(), 0..20),
            1..8,
        ),
        shard in 0_u64..9,
    ) {
        let shard_size = std::num::NonZeroU64::new(shard);
        let serialization = caiso_signing::Serialization { shard_size, ..Default::default() };
        let plain = |name: &str| name.split('/').all(|part| part != "." && part != "..");
        let resources: Vec<_> = files
            .iter()
            .filter(|(name, _)| plain(name))
            .flat_map(|(name, bytes)| hashed(&serialization, name, bytes))
            .collect();
        prop_assume!(!resources.is_empty());
        let manifest = Manifest::new("m", serialization, resources.clone()).unwrap();
        let key = SigningKey::from_pem(&keys()[0], None).unwrap();
        let bundle = sign(&manifest, &key, None).unwrap();
        let verified = verify(&bundle, &Trust::Key(key.public_key())).unwrap();
        prop_assert!(verified.manifest.compare(&resources).is_empty());
        prop_assert_eq!(verified.manifest, manifest);
    }
}
