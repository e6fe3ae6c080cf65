//! `caiso sign` and `caiso verify` of a signed model.

use std::fs;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::system::{CAISO, Run};

/// A model folder and a key on P-256 with its public half.
fn model() -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("model/sub")).unwrap();
    fs::write(path("model/weights.bin"), vec![7; 100_000]).unwrap();
    fs::write(path("model/sub/config.json"), "{}").unwrap();
    for name in ["key", "other"] {
        openssl(
            &folder,
            &[
                "ecparam",
                "-name",
                "prime256v1",
                "-genkey",
                "-noout",
                "-out",
                &format!("{name}.pem"),
            ],
        );
        openssl(
            &folder,
            &["ec", "-in", &format!("{name}.pem"), "-pubout", "-out", &format!("{name}.pub")],
        );
    }
    folder
}

fn openssl(folder: &TempDir, arguments: &[&str]) {
    let output =
        Command::new("openssl").args(arguments).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn caiso(folder: &TempDir, arguments: &[&str]) -> Run {
    let mut command = Command::new(CAISO);
    command.args(arguments).current_dir(folder.path()).env_clear();
    Run::of(&command.output().unwrap())
}

const SIGN: [&str; 4] = ["sign", "model", "--key", "key.pem"];
const VERIFY: [&str; 4] = ["verify", "model", "--signature", "model.sig"];

#[test]
fn a_signed_model_verifies_and_says_what_was_checked() {
    let folder = model();
    let signed = caiso(&folder, &[&SIGN[..], &["--format", "json"]].concat()).expect(0).json();
    assert_eq!(signed["files"], 2);
    assert_eq!(signed["digest"].as_str().unwrap().len(), 64);
    let verified =
        caiso(&folder, &[&VERIFY[..], &["--key", "key.pub", "--format", "json"]].concat());
    let verified: Value = verified.expect(0).json();
    assert_eq!(verified["verified"], true);
    let checked = verified["checked"].to_string();
    assert!(checked.contains("signature") && checked.contains("2 files"), "{checked}");
    // The same key and files give the same bytes.
    let first = fs::read(folder.path().join("model.sig")).unwrap();
    caiso(&folder, &SIGN).expect(0);
    assert_eq!(first, fs::read(folder.path().join("model.sig")).unwrap());
}

#[test]
fn whatever_changed_is_named() {
    let folder = model();
    caiso(&folder, &SIGN).expect(0);
    let verify = || caiso(&folder, &[&VERIFY[..], &["--key", "key.pub"]].concat());
    verify().expect(0);
    fs::write(folder.path().join("model/weights.bin"), vec![8; 100_000]).unwrap();
    fs::write(folder.path().join("model/new.bin"), "new").unwrap();
    fs::remove_file(folder.path().join("model/sub/config.json")).unwrap();
    verify().expect(1).says(&[
        "changed: weights.bin",
        "missing: sub/config.json",
        "not signed: new.bin",
    ]);
}

#[test]
fn nobody_is_trusted_unless_named() {
    let folder = model();
    caiso(&folder, &SIGN).expect(0);
    caiso(&folder, &[&VERIFY[..], &["--key", "other.pub"]].concat()).expect(1);
    caiso(&folder, &VERIFY).expect(1).says(&["--key"]);
    fs::write(folder.path().join("model.sig"), "{}").unwrap();
    caiso(&folder, &[&VERIFY[..], &["--key", "key.pub"]].concat()).expect(1);
    caiso(&folder, &["sign", "model", "--key", "model/weights.bin"]).expect(2);
    caiso(&folder, &["sign", "missing", "--key", "key.pem"]).expect(2).says(&["missing"]);
}

#[test]
fn an_assessment_verifies_the_signature_of_its_model() {
    let system = crate::system::System::new();
    let openssl = |arguments: &[&str]| {
        let output =
            Command::new("openssl").args(arguments).current_dir(system.path(".")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"]);
    openssl(&["ec", "-in", "key.pem", "-pubout", "-out", "model/signer.pub"]);
    let sign =
        ["sign", "model/mortgage.onnx", "--key", "key.pem", "--signature", "model/mortgage.sig"];
    system.caiso(&sign).expect(0);
    system.edit(
        "caiso.yaml",
        "    path: model/mortgage.onnx\n",
        "    path: model/mortgage.onnx\n    signature: model/mortgage.sig\n    signer: model/signer.pub\n",
    );
    let check = |status: i32| {
        let report = system.assess(&["--only", "MF-SIG-001"], status);
        let checks = report["checks"].as_array().unwrap().clone();
        checks.into_iter().find(|row| row["code"] == "MF-SIG-001").unwrap()
    };
    assert_eq!(check(0)["status"], "passed");
    // Another file under the same name: retrained, or replaced.
    let mut bytes = fs::read(system.path("model/mortgage.onnx")).unwrap();
    bytes.extend_from_slice(b"\x1a\x00");
    system.write("model/mortgage.onnx", bytes);
    assert_eq!(check(1)["status"], "failed");
}
