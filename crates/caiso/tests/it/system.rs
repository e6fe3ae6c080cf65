//! A copy of the example in a folder of its own, and the program run on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub(crate) const CAISO: &str = env!("CARGO_BIN_EXE_caiso");

/// An example in a temporary folder; its home is `.caiso` there.
pub(crate) struct System {
    folder: TempDir,
}

/// What one run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl System {
    /// A fresh copy without a ledger.
    pub(crate) fn new() -> Self {
        Self::of("mortgage", &["data", "deploy", "model"])
    }

    /// The same of the example with images.
    pub(crate) fn digits() -> Self {
        Self::of("digits", &["data", "model"])
    }

    fn of(example: &str, parts: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let example = examples.join(example);
        for part in parts {
            copy(&example.join(part), &folder.path().join(part));
        }
        fs::copy(example.join("caiso.yaml"), folder.path().join("caiso.yaml")).unwrap();
        Self { folder }
    }

    /// A copy with a ledger that holds one assessment.
    pub(crate) fn assessed() -> Self {
        let system = Self::new();
        system.caiso(&["assess", "-q"]).expect(1);
        system
    }

    /// A path in the folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// The text of a file in the folder.
    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).unwrap()
    }

    /// Writes a file in the folder.
    pub(crate) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(relative), bytes).unwrap();
    }

    /// Replaces the first `from` in a file, which must be there.
    pub(crate) fn edit(&self, relative: &str, from: &str, to: &str) {
        let text = self.read(relative);
        assert!(text.contains(from), "{relative} has no `{from}`");
        self.write(relative, text.replacen(from, to, 1));
    }

    /// The program with these arguments, in the folder, without the environment of whoever tests.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(CAISO);
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command
    }

    /// Runs the program to its end.
    pub(crate) fn caiso(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs `assess --format json` with more arguments and returns the report.
    pub(crate) fn assess(&self, more: &[&str], status: i32) -> Value {
        let arguments = [&["assess", "-q", "--format", "json"], more].concat();
        self.caiso(&arguments).expect(status).json()
    }

    /// The ledger's records.
    pub(crate) fn records(&self) -> Vec<Value> {
        let log = self.caiso(&["ledger", "log", "--format", "json"]).expect(0).json();
        log.as_array().unwrap().clone()
    }

    /// The statement of a record as the program prints it, byte for byte.
    pub(crate) fn statement(&self, seq: u64) -> String {
        let shown = self.caiso(&["ledger", "show", &seq.to_string()]).expect(0).json();
        shown["statement"].to_string()
    }

    /// The ledger recomputes from its tables.
    pub(crate) fn ledger_is_fine(&self) {
        let found = self.caiso(&["ledger", "verify"]).expect(0);
        assert!(found.out.contains("verified"), "{found:?}");
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { status: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Asserts the exit status, and that nothing panicked.
    #[track_caller]
    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }

    /// Asserts that standard error says each of these.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not in: {}", self.err);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// Codes of the checks in a report that have this status.
pub(crate) fn codes(report: &Value, status: &str) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().filter(|check| check["status"] == status);
    found.map(|check| check["code"].as_str().unwrap().to_owned()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
