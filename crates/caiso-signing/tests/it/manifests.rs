//! Manifests of our own: names, order, hashing, comparison.

use std::num::NonZeroU64;

use caiso_signing::{Differences, Error, HashAlgorithm, Manifest, Resource, Serialization};
use sha2::{Digest, Sha256};

use crate::support::{hashed, manifest};

#[test]
fn resources_are_ordered_by_the_parts_of_their_paths() {
    let manifest = manifest();
    let names: Vec<_> = manifest.resources().iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["a/b", "a-b/x", "a.txt", "größe.json", "weights/part 1.bin"]);
    let digests = names.iter().flat_map(Sha256::digest).collect::<Vec<u8>>();
    assert_eq!(manifest.root_digest(), *Sha256::digest(digests));
}

#[test]
fn shards_are_ranges_of_the_file() {
    let shard_size = NonZeroU64::new(4);
    let serialization = Serialization { shard_size, ..Serialization::default() };
    let of = |bytes: &[u8]| {
        let resources = hashed(&serialization, "a:b", bytes);
        let mut start = 0;
        for Resource { name, digest } in &resources {
            let end = (start + 4).min(bytes.len());
            assert_eq!(*name, format!("a:b:{start}:{end}"));
            assert_eq!(*digest, Sha256::digest(&bytes[start..end]).to_vec());
            start = end;
        }
        assert_eq!(start, bytes.len());
        resources
    };
    assert!(of(b"").is_empty());
    assert_eq!(of(b"abcd").len(), 1);
    assert_eq!(of(b"abcde").len(), 2);
    // Ten comes after two.
    let resources = of(&[7; 41]);
    let mut turned = resources.clone();
    turned.reverse();
    let manifest = Manifest::new("m", serialization.clone(), turned).unwrap();
    assert_eq!(manifest.resources(), resources);

    for name in ["a", "a:1", "a:4:4", "a:4:2", "a:00:4", "a:+1:4", ":0:4", "../a:0:4"] {
        let resources = vec![Resource { name: name.to_owned(), digest: vec![0; 32] }];
        let error = Manifest::new("m", serialization.clone(), resources).unwrap_err();
        assert!(matches!(error, Error::Resource { .. }), "{name}");
    }
}

#[test]
fn blake2b_is_offered() {
    let hash = HashAlgorithm::Blake2b;
    let serialization = Serialization { hash, ..Serialization::default() };
    // RFC 7693, appendix A.
    assert_eq!(
        hex::encode(&hashed(&serialization, "a", b"abc")[0].digest),
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
         7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
    );
}

#[test]
fn names_are_plain_paths() {
    let named = |name: &str| {
        let resource = Resource { name: name.to_owned(), digest: vec![0; 32] };
        Manifest::new("m", Serialization::default(), vec![resource])
    };
    for name in ["a", "a/b", "a b/ü", ".hidden", "..a/b..", "a\\b", "."] {
        named(name).unwrap();
    }
    for name in ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a/.", "..", "a\0"] {
        assert!(matches!(named(name), Err(Error::Resource { .. })), "{name:?}");
    }
}

#[test]
fn manifests_say_something_once() {
    let resource = |digest| Resource { name: "a".to_owned(), digest };
    let new = |name, resources| Manifest::new(name, Serialization::default(), resources);
    let full = || resource(vec![0; 32]);
    assert!(matches!(new("m", vec![]), Err(Error::Empty)));
    assert!(matches!(new("", vec![full()]), Err(Error::Field { .. })));
    let error = new("m", vec![full(), full()]).unwrap_err().to_string();
    assert_eq!(error, "resource \"a\": is listed twice");
    let error = new("m", vec![resource(vec![0; 64])]).unwrap_err().to_string();
    assert!(error.contains("has 64 bytes, expected 32 of sha256"), "{error}");
}

#[test]
fn differences_are_told_by_name() {
    let manifest = manifest();
    assert!(manifest.compare(manifest.resources()).is_empty());
    let mut found = manifest.resources().to_vec();
    found.remove(0);
    found[0].digest[5] ^= 1;
    found.push(Resource { name: "zz".to_owned(), digest: vec![1; 32] });
    assert_eq!(
        manifest.compare(&found),
        Differences {
            missing: vec!["a/b".to_owned()],
            added: vec!["zz".to_owned()],
            changed: vec!["a-b/x".to_owned()],
        }
    );
}

#[test]
fn ignored_paths_are_ignored_with_what_is_below_them() {
    let mut serialization = Serialization::default();
    serialization.ignore_paths.extend(["model.sig".to_owned(), "a/b".to_owned()]);
    for name in [".git", ".git/config", ".git/a/b", "model.sig", "a/b", "a/b/c"] {
        assert!(serialization.ignores(name), "{name}");
    }
    for name in ["git", ".gitmodules", "x/.git", "a", "a/bc", "model.sig2"] {
        assert!(!serialization.ignores(name), "{name}");
    }
    // Such paths leave out nothing, least of all everything.
    serialization.ignore_paths = ["", ".", "/", "..", "/a", "a/"].map(str::to_owned).to_vec();
    assert!(!serialization.ignores("a"));
}
