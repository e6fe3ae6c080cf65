//! Both ways with the package `model-signing` of the specification's authors, by way of
//! `xtask/parity/model_signing.py`, which tells how to run this.

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::Command;

use caiso_signing::{
    Certificates, FileHasher, Manifest, PublicKey, Resource, Serialization, SigningKey, Trust,
    Verified, sign, verify,
};

use crate::authority::{Holder, NOW, Wish};
use crate::support::{json, keys, statement, valid_by_schema};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../xtask/parity/model_signing.py");

const FILES: [(&str, &str); 9] = [
    ("config.json", "{}"),
    ("weights/part 1.bin", "weights of the first part"),
    ("weights/größe-模型.bin", "weights of the second part"),
    ("a/b/c/deep.txt", "deep"),
    // Their order differs between paths as text and paths by parts.
    ("a.txt", "beside"),
    ("a-b/x", "dash"),
    ("empty", ""),
    (".git/config", "ignored"),
    (".gitattributes", "ignored"),
];

/// A folder with a model in it and keys beside it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let path = folder.path().join("my model").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    fn model(&self) -> PathBuf {
        self.folder.path().join("my model")
    }

    fn signature(&self) -> PathBuf {
        self.model().join("model.sig")
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// Whether the package does it without an error.
    fn peer(&self, action: &str, method: &str, options: &[&str]) -> Result<(), String> {
        let python = std::env::var_os("CAISO_MODEL_SIGNING_PYTHON")
            .expect("CAISO_MODEL_SIGNING_PYTHON names a Python that has model-signing");
        let output = Command::new(python)
            .args([SCRIPT, action, method])
            .args([self.model(), self.signature()])
            .args(options)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        if output.status.success() { Ok(()) } else { Err(text) }
    }

    /// Hashes the model as told.
    fn resources(&self, serialization: &Serialization) -> Result<Vec<Resource>, String> {
        let mut resources = Vec::new();
        let mut folders = vec![self.model()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.model()).unwrap().to_str().unwrap().to_owned();
                if serialization.ignores(&name) {
                    continue;
                }
                if path.is_symlink() && !serialization.allow_symlinks {
                    return Err(format!("{name} is a link"));
                }
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let mut hasher = FileHasher::new(serialization, &name).unwrap();
                hasher.update(&fs::read(path).unwrap());
                resources.extend(hasher.finish());
            }
        }
        Ok(resources)
    }

    fn manifest(&self, shard_size: u64) -> Manifest {
        let shard_size = NonZeroU64::new(shard_size);
        let mut serialization = Serialization { shard_size, ..Serialization::default() };
        serialization.ignore_paths.push("model.sig".to_owned());
        let resources = self.resources(&serialization).unwrap();
        Manifest::new("my model", serialization, resources).unwrap()
    }

    /// Writes a bundle of ours, after the schemas have seen it.
    fn sign(&self, key: &SigningKey, certificates: Option<&Certificates>, shard_size: u64) {
        let bundle = sign(&self.manifest(shard_size), key, certificates).unwrap();
        assert_eq!(valid_by_schema(&json(&bundle)), (true, true));
        fs::write(self.signature(), bundle).unwrap();
    }

    /// Verifies the bundle and the files; tells the differences.
    fn verify(&self, trust: &Trust) -> (Verified, bool) {
        let bundle = fs::read(self.signature()).unwrap();
        let verified = verify(&bundle, trust).unwrap();
        let found = self.resources(verified.manifest.serialization()).unwrap();
        let same = verified.manifest.compare(&found).is_empty();
        (verified, same)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.model().join(name)
    }
}

fn written(path: &Path) -> serde_json::Value {
    json(&fs::read(path).unwrap())
}

#[test]
#[ignore = "needs Python with model-signing"]
fn keys_on_all_curves_both_ways() {
    for pem in keys() {
        let place = Place::new();
        let key = SigningKey::from_pem(&pem, None).unwrap();
        let public = key.public_key();
        let private_file = place.write("key.pem", &pem);
        let public_file = place.write("public.pem", &public.to_pem().unwrap());
        let trust = Trust::Key(public);
        let asks = ["--key", &public_file];

        place.sign(&key, None, 0);
        place.peer("verify", "key", &asks).unwrap();
        let ours = statement(&written(&place.signature()));
        fs::write(place.path("config.json"), "{ }").unwrap();
        assert!(place.peer("verify", "key", &asks).unwrap_err().contains("config.json"));
        fs::write(place.path("config.json"), "{}").unwrap();
        fs::write(place.path(".git/new"), "").unwrap();
        place.peer("verify", "key", &asks).unwrap();
        fs::write(place.path("new"), "").unwrap();
        assert!(place.peer("verify", "key", &asks).unwrap_err().contains("new"));
        fs::remove_file(place.path("new")).unwrap();

        fs::remove_file(place.signature()).unwrap();
        place.peer("sign", "key", &["--key", &private_file]).unwrap();
        let (verified, same) = place.verify(&trust);
        assert!(same);
        assert_eq!(verified.manifest.model_name(), "my model");
        // The same root digest, so the same order and the same files.
        let theirs = written(&place.signature());
        assert_eq!(statement(&theirs)["subject"], ours["subject"]);
        assert_eq!(valid_by_schema(&theirs), (true, true));
        fs::write(place.path("a/b/c/deep.txt"), "changed").unwrap();
        assert!(!place.verify(&trust).1);
    }
}

#[test]
#[ignore = "needs Python with model-signing"]
fn certificates_both_ways() {
    let root = Holder::new(Wish::authority("root"), 1, None);
    let wish = Wish { issuer: Some("root"), ..Wish::authority("middle") };
    let middle = Holder::new(wish, 2, Some(&root));
    for pem in keys() {
        let place = Place::new();
        let key = SigningKey::from_pem(&pem, None).unwrap();
        let public = key.public_key().to_pem().unwrap();
        let (_, info) = pkcs8::Document::from_pem(&public).unwrap();
        let wish = Wish { issuer: Some("middle"), ..Wish::signer("leaf") };
        let leaf = middle.certify(wish, info.as_bytes());
        let (key_file, leaf_file) = (place.write("key.pem", &pem), place.write("leaf.pem", &leaf));
        let root_file = place.write("root.pem", &root.pem());
        let middle_file = place.write("middle.pem", &middle.pem());
        let anchors = Certificates::from_pem(&root.pem()).unwrap();
        let trust = Trust::Certificates { anchors, at: NOW };

        let certificates = Certificates::from_pem(&(leaf + &middle.pem())).unwrap();
        place.sign(&key, Some(&certificates), 0);
        place.peer("verify", "certificate", &["--chain", &root_file]).unwrap();
        let stranger = Holder::new(Wish::authority("root"), 8, None);
        let stranger = place.write("stranger.pem", &stranger.pem());
        place.peer("verify", "certificate", &["--chain", &stranger]).unwrap_err();

        fs::remove_file(place.signature()).unwrap();
        let mut options = vec!["--key", &key_file, "--certificate", &leaf_file];
        options.extend(["--chain", &middle_file]);
        place.peer("sign", "certificate", &options).unwrap();
        assert_eq!(valid_by_schema(&written(&place.signature())), (true, true));
        assert!(place.verify(&trust).1);
    }
}

/// The package judges paths as OpenSSL does; ours is no more lenient.
#[test]
#[ignore = "needs Python with model-signing"]
fn paths_that_the_peer_refuses_are_refused() {
    let wishes: [fn(&mut Wish, &mut Wish, &mut Wish); 9] = [
        |_, _, _| {},
        |root, _, _| root.path_length = Some(0),
        |_, middle, _| middle.authority = false,
        |_, middle, _| middle.usage = Some(x509_cert::ext::pkix::KeyUsages::DigitalSignature),
        |_, middle, _| middle.valid = (NOW - 2000, NOW - 1500),
        |root, _, _| root.valid = (NOW - 2000, NOW - 1500),
        |_, _, leaf| leaf.extra = Some(("1.2.3.4", true)),
        |_, middle, _| middle.extra = Some(("1.2.3.4", true)),
        |_, middle, _| middle.issuer = Some("other"),
    ];
    for (index, change) in wishes.into_iter().enumerate() {
        let mut root = Wish::authority("root");
        let mut middle = Wish { issuer: Some("root"), ..Wish::authority("middle") };
        let mut leaf = Wish { issuer: Some("middle"), ..Wish::signer("leaf") };
        change(&mut root, &mut middle, &mut leaf);
        let root = Holder::new(root, 1, None);
        let middle = Holder::new(middle, 2, Some(&root));
        let leaf = Holder::new(leaf, 3, Some(&middle));
        let place = Place::new();
        let key = SigningKey::from_pem(&leaf.key_pem(), None).unwrap();
        let certificates = Certificates::from_pem(&(leaf.pem() + &middle.pem())).unwrap();
        place.sign(&key, Some(&certificates), 0);
        let root_file = place.write("root.pem", &root.pem());
        let peer = place.peer("verify", "certificate", &["--chain", &root_file]);
        let anchors = Certificates::from_pem(&root.pem()).unwrap();
        // When the signer's certificate began, as the package has it.
        let trust = Trust::Certificates { anchors, at: NOW - 1000 };
        let ours = verify(&fs::read(place.signature()).unwrap(), &trust);
        assert_eq!(ours.is_ok(), index == 0, "{index}: {:?}", ours.err());
        assert_eq!(peer.is_ok(), index == 0, "{index}: {peer:?}");
    }
}

#[test]
#[ignore = "needs Python with model-signing"]
fn shards_and_other_hashes() {
    let place = Place::new();
    let pem = &keys()[1];
    let key = SigningKey::from_pem(pem, None).unwrap();
    let key_file = place.write("key.pem", pem);
    let public_file = place.write("public.pem", &key.public_key().to_pem().unwrap());
    let trust = Trust::Key(key.public_key());

    // The schema names the hash of shards `sha256`; the package does not, and takes no other name.
    place.sign(&key, None, 7);
    let asks = ["--key", &public_file, "--shard-size", "7"];
    let refused = place.peer("verify", "key", &asks).unwrap_err();
    assert!(refused.contains("Actual 'Digest(algorithm='sha256-sharded-7'"), "{refused}");
    assert!(place.verify(&trust).1);

    for options in [
        &["--shard-size", "7"][..],
        &["--hash", "blake2"],
        &["--hash", "blake2", "--shard-size", "10"],
    ] {
        fs::remove_file(place.signature()).unwrap();
        let mut asked = vec!["--key", &key_file, "--ignore", "model.sig"];
        asked.extend(options);
        place.peer("sign", "key", &asked).unwrap();
        assert!(place.verify(&trust).1, "{options:?}");
    }
}

#[test]
#[ignore = "needs Python with model-signing"]
fn links_are_refused() {
    let place = Place::new();
    let pem = &keys()[0];
    let key = SigningKey::from_pem(pem, None).unwrap();
    let key_file = place.write("key.pem", pem);
    let public_file = place.write("public.pem", &key.public_key().to_pem().unwrap());
    place.sign(&key, None, 0);
    std::os::unix::fs::symlink("a.txt", place.path("link")).unwrap();
    let serialization = place.manifest_of_bundle(&key.public_key());
    assert!(place.resources(&serialization).unwrap_err().contains("is a link"));
    let refused = place.peer("verify", "key", &["--key", &public_file]).unwrap_err();
    assert!(refused.contains("symlink"), "{refused}");
    let refused = place.peer("sign", "key", &["--key", &key_file]).unwrap_err();
    assert!(refused.contains("symlink"), "{refused}");
}

impl Place {
    fn manifest_of_bundle(&self, key: &PublicKey) -> Serialization {
        let bundle = fs::read(self.signature()).unwrap();
        let verified = verify(&bundle, &Trust::Key(key.clone())).unwrap();
        verified.manifest.serialization().clone()
    }
}
