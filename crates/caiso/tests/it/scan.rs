//! `caiso scan`: what it says about files and folders as they come.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::system::CAISO;

/// Runs `caiso scan` in a folder; the exit status, standard output, standard error.
fn scan(folder: &TempDir, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(CAISO)
        .arg("scan")
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The JSON result for a single file with this content.
fn of(name: &str, bytes: &[u8]) -> (i32, Value) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let (status, out, err) = scan(&folder, &[name, "--format", "json"]);
    let results: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!(results.as_array().unwrap().len(), 1);
    (status, results[0].clone())
}

const SYSTEM: &[u8] = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x8c\x0aecho caiso\x85R.";

#[test]
fn the_json_contract_holds() {
    let (status, result) = of("model.pkl", SYSTEM);
    assert_eq!(status, 1);
    let keys: Vec<&str> = result.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "path",
        "sha256",
        "size",
        "formats",
        "verdict",
        "max_severity",
        "findings",
        "not_inspected",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(result["path"], "model.pkl");
    assert_eq!(result["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(result["size"], SYSTEM.len());
    assert_eq!(result["formats"], serde_json::json!(["pickle"]));
    assert_eq!(result["verdict"], "findings");
    assert_eq!(result["max_severity"], "critical");
    for finding in result["findings"].as_array().unwrap() {
        for key in ["code", "severity", "message", "location"] {
            assert!(!finding[key].is_null(), "{finding}");
        }
    }
    let (status, result) = of("model.pkl", b"\x80\x04]\x94(K\x01K\x02e.");
    assert_eq!((status, &result["verdict"]), (0, &Value::from("clean")));
}

#[test]
fn the_threshold_decides_the_exit_status() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("model.pkl"), SYSTEM).unwrap();
    assert_eq!(scan(&folder, &["model.pkl"]).0, 1);
    assert_eq!(scan(&folder, &["model.pkl", "--fail-on", "critical"]).0, 1);
    // Called, but unknown: medium.
    fs::write(folder.path().join("model.pkl"), b"\x80\x04\x8c\x05mycom\x8c\x04make\x93)R.")
        .unwrap();
    assert_eq!(scan(&folder, &["model.pkl"]).0, 0);
    assert_eq!(scan(&folder, &["model.pkl", "--fail-on", "medium"]).0, 1);
    let (status, _, err) = scan(&folder, &["model.pkl", "--fail-on", "awful"]);
    assert_eq!(status, 2, "{err}");
}

#[test]
fn the_standard_input_is_scanned() {
    let mut child = Command::new(CAISO)
        .args(["scan", "-", "--format", "json"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), SYSTEM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results[0]["path"], "-");
}

#[test]
fn sarif_names_the_rule_and_the_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("my model.pkl"), SYSTEM).unwrap();
    let (status, out, _) = scan(&folder, &[".", "--format", "sarif"]);
    assert_eq!(status, 1);
    let log: Value = serde_json::from_str(&out).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(location["uri"], "./my%20model.pkl");
    assert_eq!(run["artifacts"][0]["length"], SYSTEM.len());
}

#[test]
fn results_do_not_depend_on_the_number_of_jobs() {
    let folder = TempDir::new().unwrap();
    for number in 0..50_u8 {
        let bytes =
            if number % 7 == 0 { SYSTEM.to_vec() } else { vec![0x80, 4, b'K', number, b'.'] };
        fs::write(folder.path().join(format!("{number}.pkl")), bytes).unwrap();
    }
    let one = scan(&folder, &[".", "--format", "json", "--jobs", "1"]);
    let many = scan(&folder, &[".", "--format", "json", "--jobs", "8"]);
    assert_eq!(one, many);
    assert_eq!(serde_json::from_str::<Value>(&one.1).unwrap().as_array().unwrap().len(), 50);
}

#[test]
fn what_is_not_there_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (status, out, err) = scan(&folder, &["missing.pkl"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.contains("missing.pkl"), "{err}");
    let (status, _, err) = scan(&folder, &[]);
    assert_eq!(status, 2, "{err}");
}

#[test]
fn damaged_and_random_bytes_give_a_verdict() {
    assert_eq!(of("empty.pkl", b"").1["verdict"], "incomplete");
    for length in 1..SYSTEM.len() {
        let (status, result) = of("cut.pkl", &SYSTEM[..length]);
        assert_ne!(status, 0, "{length} bytes: {result}");
        assert_ne!(result["verdict"], "clean", "{length} bytes: {result}");
    }
    let mut state = 1_u64;
    let random: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(100_000)
    .collect();
    assert_eq!(of("model.bin", &random).1["verdict"], "incomplete");
}

/// Runs a scan that may hold 64 MiB of its own, besides what is mapped from files (`RLIMIT_DATA`).
fn within_the_budget(folder: &TempDir, name: &str) -> (i32, String) {
    let script = "import resource, subprocess, sys
limit = 64 << 20
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
print(done.returncode)
print(done.stdout)";
    let output = Command::new("python3")
        .args(["-c", script, CAISO, "scan", name, "--jobs", "1", "--format", "json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let (status, rest) = out.split_once('\n').unwrap();
    (status.parse().unwrap(), rest.to_owned())
}

#[test]
fn bombs_stay_under_the_budget() {
    let folder = TempDir::new().unwrap();
    let make = "import gzip, lzma, pickle, zipfile, zlib, io
zeros = b'\\0' * (1 << 20)
with gzip.open('zeros.gz', 'wb') as f:
    for _ in range(300): f.write(zeros)
with zipfile.ZipFile('bomb.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    with z.open('a.pkl', 'w') as f:
        for _ in range(300): f.write(zeros)
inner = b'hello'
for level in range(30):
    out = io.BytesIO()
    with zipfile.ZipFile(out, 'w') as z: z.writestr('inner.zip', inner)
    inner = out.getvalue()
open('deep.zip', 'wb').write(inner)
# Every tuple holds the one before twice.
memo = b'\\x80\\x04)\\x94' + b''.join(b'h' + bytes([i]) + b'h' + bytes([i]) + b'\\x86\\x94' for i in range(200)) + b'.'
open('memo.pkl', 'wb').write(memo)
open('lists.pkl', 'wb').write(b'\\x80\\x04' + b']' * 2000000 + b'a' * 1999999 + b'.')
open('marks.pkl', 'wb').write(b'\\x80\\x04' + b'(' * 5000000)";
    assert!(
        Command::new("python3")
            .args(["-c", make])
            .current_dir(folder.path())
            .status()
            .unwrap()
            .success()
    );
    for name in ["zeros.gz", "bomb.zip", "deep.zip", "memo.pkl", "lists.pkl", "marks.pkl"] {
        let (status, out) = within_the_budget(&folder, name);
        let results: Value =
            serde_json::from_str(&out).unwrap_or_else(|_| panic!("{name}: {status}: {out}"));
        assert_ne!(results[0]["verdict"], "clean", "{name}: {out}");
        assert!(status == 3 || results[0]["verdict"] == "findings", "{name}: {status}: {out}");
    }
}

#[test]
fn a_gigabyte_of_nothing_is_quick() {
    let folder = TempDir::new().unwrap();
    File::create(folder.path().join("zeros.bin")).unwrap().set_len(1 << 30).unwrap();
    let (status, out, _) = scan(&folder, &["zeros.bin"]);
    assert_eq!(status, 3, "{out}");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("sub")).unwrap();
    symlink("..", path("sub/up")).unwrap();
    symlink("loop", path("loop")).unwrap();
    symlink("/etc/hostname", path("outside")).unwrap();
    fs::write(path("model.pkl"), b"\x80\x04N.").unwrap();
    symlink("model.pkl", path("inside.pkl")).unwrap();
    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    fs::write(path("secret.pkl"), SYSTEM).unwrap();
    fs::set_permissions(path("secret.pkl"), fs::Permissions::from_mode(0o0)).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"mod\xe8le.pkl");
    fs::write(path("sub").join(odd), SYSTEM).unwrap();
    let (status, out, _) = scan(&folder, &[".", "--format", "json"]);
    let results: Value = serde_json::from_str(&out).unwrap();
    let find = |name: &str| {
        let all = results.as_array().unwrap();
        all.iter().find(|result| result["path"] == format!("./{name}")).cloned()
    };
    assert_eq!(status, 1, "{out}");
    assert!(find("pipe").unwrap()["not_inspected"][0]["reason"].as_str().unwrap().contains("pipe"));
    assert!(find("loop").unwrap()["not_inspected"][0]["reason"].as_str().unwrap().contains("link"));
    assert!(find("sub/up").is_none() && find("inside.pkl").is_none());
    assert_eq!(find("outside").unwrap()["findings"][0]["code"], "MF-ID-004");
    assert_eq!(find("sub/mod\u{fffd}le.pkl").unwrap()["verdict"], "findings");
    // As root, permissions stop nobody.
    assert_ne!(find("secret.pkl").unwrap()["verdict"], "clean");
    assert_eq!(scan(&folder, &["pipe"]).0, 2);
}

#[test]
fn names_and_messages_cannot_steer_the_terminal() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a\u{1b}[2Jb.pkl"), SYSTEM).unwrap();
    let (_, out, _) = scan(&folder, &["."]);
    assert!(!out.contains('\u{1b}'), "{out:?}");
}
