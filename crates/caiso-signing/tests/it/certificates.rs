//! Paths of certificates that lead to trust, and those that must not.

use caiso_signing::{Certificates, Error, Signer, SigningKey, Trust, Verified, sign, verify};
use x509_cert::ext::pkix::KeyUsages;

use crate::authority::{CODE_SIGNING, Holder, NOW, SERVER, Wish};
use crate::support::{json, manifest, valid_by_schema};

/// A path of three; each of the wishes may be changed.
struct Path {
    root: Wish,
    middle: Wish,
    leaf: Wish,
}

impl Path {
    fn new() -> Self {
        let issued = |wish: Wish, issuer| Wish { issuer: Some(issuer), ..wish };
        Self {
            root: Wish::authority("root"),
            middle: issued(Wish::authority("middle"), "root"),
            leaf: issued(Wish::signer("leaf"), "middle"),
        }
    }

    fn made(self) -> [Holder; 3] {
        let root = Holder::new(self.root, 1, None);
        let middle = Holder::new(self.middle, 2, Some(&root));
        let leaf = Holder::new(self.leaf, 3, Some(&middle));
        [root, middle, leaf]
    }

    fn verified(self) -> Result<Verified, Error> {
        let [root, middle, leaf] = self.made();
        judged(&leaf, &[&middle], &root, NOW)
    }

    fn reason(self) -> String {
        self.verified().unwrap_err().to_string()
    }
}

/// A bundle signed by `leaf` that carries `others`, verified against `anchor`.
fn judged(leaf: &Holder, others: &[&Holder], anchor: &Holder, at: u64) -> Result<Verified, Error> {
    let key = SigningKey::from_pem(&leaf.key_pem(), None)?;
    let mut pem = leaf.pem();
    for other in others {
        pem += &other.pem();
    }
    let bundle = sign(&manifest(), &key, Some(&Certificates::from_pem(&pem)?))?;
    assert_eq!(valid_by_schema(&json(&bundle)), (true, true));
    let anchors = Certificates::from_pem(&anchor.pem())?;
    verify(&bundle, &Trust::Certificates { anchors, at })
}

#[test]
fn a_sound_path_verifies() {
    let verified = Path::new().verified().unwrap();
    let Signer::Certificate { certificate, path } = verified.signer else { panic!() };
    assert_eq!(certificate.subject(), "CN=leaf");
    assert_eq!(certificate.issuer(), "CN=middle");
    assert_eq!(path, ["CN=leaf", "CN=middle", "CN=root"]);
    assert_eq!(verified.manifest, manifest());
    assert_eq!(verified.checked.len(), 3);
}

#[test]
fn any_given_certificate_is_an_anchor() {
    let [root, middle, leaf] = Path::new().made();
    assert!(judged(&leaf, &[], &middle, NOW).is_ok());
    assert!(judged(&leaf, &[], &leaf, NOW).is_ok());
    // With the anchor at hand the middle one in the bundle is still on a path to it.
    assert!(judged(&leaf, &[&root, &middle], &root, NOW).is_ok());
}

#[test]
fn certificates_beside_the_path_are_named() {
    let [root, middle, leaf] = Path::new().made();
    let other = Holder::new(Wish::authority("other"), 7, None);
    let verified = judged(&leaf, &[&other, &middle, &root], &root, NOW).unwrap();
    assert!(verified.not_checked.contains(&"1 further certificates in the bundle".to_owned()));
}

#[test]
fn a_path_must_reach_an_anchor() {
    let [root, middle, leaf] = Path::new().made();
    let error = judged(&leaf, &[], &root, NOW).unwrap_err().to_string();
    assert!(error.contains("was issued by \"CN=middle\", which is neither"), "{error}");
    // Of the right name, but with another key.
    let impostor = Holder::new(Wish::authority("root"), 8, None);
    let error = judged(&leaf, &[&middle], &impostor, NOW).unwrap_err().to_string();
    assert!(error.contains("its signature is not one of \"CN=root\""), "{error}");
    // Carrying the impostor does no harm, and carrying the real one no good.
    assert!(judged(&leaf, &[&middle, &impostor], &root, NOW).is_ok());
    let error = judged(&leaf, &[&root, &middle], &impostor, NOW).unwrap_err();
    assert!(matches!(error, Error::Certificate { .. }), "{error}");
}

#[test]
fn authorities_that_certify_each_other_end() {
    let wish = |subject, issuer| Wish { issuer: Some(issuer), ..Wish::authority(subject) };
    let (a, b) = (Holder::new(wish("a", "b"), 4, None), Holder::new(wish("b", "a"), 5, None));
    let of =
        |subject, issuer: &Holder, name, seed| Holder::new(wish(subject, name), seed, Some(issuer));
    let (a, b) = (of("a", &b, "b", 4), of("b", &a, "a", 5));
    let leaf = Wish { issuer: Some("a"), ..Wish::signer("leaf") };
    let leaf = Holder::new(leaf, 6, Some(&a));
    let root = Holder::new(Wish::authority("root"), 1, None);
    assert!(judged(&leaf, &[&a, &b], &root, NOW).is_err());
}

#[test]
fn all_on_the_path_must_be_valid_at_the_time() {
    let [root, middle, leaf] = Path::new().made();
    for (at, fine) in
        [(NOW - 1001, false), (NOW - 1000, true), (NOW + 1000, true), (NOW + 1001, false)]
    {
        assert_eq!(judged(&leaf, &[&middle], &root, at).is_ok(), fine, "{at}");
    }
    let expired = (NOW - 1000, NOW - 1);
    for change in [
        |path: &mut Path, valid| path.root.valid = valid,
        |path: &mut Path, valid| path.middle.valid = valid,
        |path: &mut Path, valid| path.leaf.valid = valid,
    ] {
        let mut path = Path::new();
        change(&mut path, expired);
        let reason = path.reason();
        assert!(reason.contains("is valid from 2027-01-15T07:43:20Z to"), "{reason}");
    }
}

#[test]
fn the_signer_must_be_one_for_signing() {
    // At signing the certificate is looked at too, so these do not even become a bundle.
    let with = |usage, extended| {
        let mut path = Path::new();
        (path.leaf.usage, path.leaf.extended) = (usage, extended);
        path
    };
    assert!(with(None, Some(CODE_SIGNING)).verified().is_ok());
    assert!(with(Some(KeyUsages::DigitalSignature), None).verified().is_ok());
    for (usage, extended, expected) in [
        (None, None, "has no key usage"),
        (Some(KeyUsages::KeyEncipherment), None, "lacks digitalSignature"),
        (Some(KeyUsages::KeyEncipherment), Some(CODE_SIGNING), "lacks digitalSignature"),
        (Some(KeyUsages::DigitalSignature), Some(SERVER), "lacks codeSigning"),
    ] {
        let reason = with(usage, extended).reason();
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn issuers_must_be_authorities() {
    let mut path = Path::new();
    path.middle.authority = false;
    assert!(path.reason().contains("is not one of a certificate authority"));
    let mut path = Path::new();
    path.root.authority = false;
    assert!(path.reason().contains("is not one of a certificate authority"));
    let mut path = Path::new();
    path.middle.usage = Some(KeyUsages::DigitalSignature);
    assert!(path.reason().contains("lacks keyCertSign"));
    let mut path = Path::new();
    path.middle.extended = Some(SERVER);
    assert!(path.reason().contains("lacks codeSigning"));

    for (limit, fine) in [(0, false), (1, true)] {
        let mut path = Path::new();
        path.root.path_length = Some(limit);
        assert_eq!(path.verified().is_ok(), fine, "path length {limit}");
    }
    let mut path = Path::new();
    path.middle.path_length = Some(0);
    assert!(path.verified().is_ok());
}

#[test]
fn what_is_critical_must_be_understood() {
    for (extra, expected) in [
        (("1.2.3.4", true), "the critical extension 1.2.3.4"),
        (("2.5.29.30", false), "constrains names"),
    ] {
        for change in [
            |path: &mut Path, extra| path.leaf.extra = Some(extra),
            |path: &mut Path, extra| path.middle.extra = Some(extra),
            |path: &mut Path, extra| path.root.extra = Some(extra),
        ] {
            let mut path = Path::new();
            change(&mut path, extra);
            let reason = path.reason();
            assert!(reason.contains(expected), "{reason}");
        }
    }
    let mut path = Path::new();
    path.leaf.extra = Some(("1.2.3.4", false));
    assert!(path.verified().is_ok());
}

#[test]
fn the_certificate_must_be_for_the_key() {
    let [_, middle, leaf] = Path::new().made();
    let key = SigningKey::from_pem(&middle.key_pem(), None).unwrap();
    let certificates = Certificates::from_pem(&leaf.pem()).unwrap();
    let error = sign(&manifest(), &key, Some(&certificates)).unwrap_err().to_string();
    assert!(error.contains("is not for the given key"), "{error}");
}

#[test]
fn another_certificate_of_the_same_authority_does_not_verify() {
    let [root, middle, leaf] = Path::new().made();
    let wish = Wish { issuer: Some("middle"), ..Wish::signer("leaf") };
    let other = Holder::new(wish, 9, Some(&middle));
    let key = SigningKey::from_pem(&leaf.key_pem(), None).unwrap();
    let signed = |holder: &Holder| {
        let pem = holder.pem() + &middle.pem();
        json(&sign(&manifest(), &key, Some(&Certificates::from_pem(&pem).unwrap())).unwrap())
    };
    let mut bundle = signed(&leaf);
    let other = {
        let key = SigningKey::from_pem(&other.key_pem(), None).unwrap();
        let pem = Certificates::from_pem(&other.pem()).unwrap();
        json(&sign(&manifest(), &key, Some(&pem)).unwrap())
    };
    let at = |index: usize| {
        format!("/verificationMaterial/x509CertificateChain/certificates/{index}/rawBytes")
    };
    *bundle.pointer_mut(&at(0)).unwrap() = other.pointer(&at(0)).unwrap().clone();
    let anchors = Certificates::from_pem(&root.pem()).unwrap();
    let trust = Trust::Certificates { anchors, at: NOW };
    let error = verify(bundle.to_string().as_bytes(), &trust).unwrap_err();
    assert!(matches!(error, Error::Signature), "{error}");
}

#[test]
fn signers_may_have_keys_on_the_larger_curves() {
    let [root, middle, _] = Path::new().made();
    let wish = || Wish { issuer: Some("middle"), ..Wish::signer("leaf") };
    for pem in crate::support::keys() {
        let key = SigningKey::from_pem(&pem, None).unwrap();
        let public = key.public_key().to_pem().unwrap();
        let (_, info) = pkcs8::Document::from_pem(&public).unwrap();
        let certificates = middle.certify(wish(), info.as_bytes()) + &middle.pem();
        let certificates = Certificates::from_pem(&certificates).unwrap();
        let bundle = sign(&manifest(), &key, Some(&certificates)).unwrap();
        let anchors = Certificates::from_pem(&root.pem()).unwrap();
        let verified = verify(&bundle, &Trust::Certificates { anchors, at: NOW }).unwrap();
        assert!(verified.checked[1].contains(key.public_key().curve()));
    }
}
