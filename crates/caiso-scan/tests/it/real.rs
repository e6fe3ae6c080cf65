//! Files that the current packages wrote (`tests/real/VERSIONS.md`, `xtask/corpus/real.py`).

use std::path::{Path, PathBuf};

use caiso_core::Severity;
use caiso_scan::{Options, Verdict, find, scan};

fn real() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real")
}

#[test]
fn files_of_real_packages_are_clean() {
    let targets = find(&[real()]).unwrap();
    assert!(targets.len() > 100, "{}", targets.len());
    let results = scan(&targets, &Options { jobs: 2, digests: false }, &|_| ());
    for result in &results {
        assert_eq!(result.verdict, Verdict::Clean, "{result:#?}");
        assert!(result.not_inspected.is_empty(), "{result:#?}");
        assert!(result.max_severity <= Some(Severity::Low), "{result:#?}");
        assert!(!result.formats.is_empty(), "{result:#?}");
    }
}

#[test]
fn every_beginning_of_a_real_file_is_read_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    for target in find(&[real()]).unwrap() {
        let bytes = std::fs::read(&target.path).unwrap();
        for part in 1..8 {
            std::fs::write(&path, &bytes[..bytes.len() * part / 8]).unwrap();
            let targets = find(std::slice::from_ref(&path)).unwrap();
            let results = scan(&targets, &Options { jobs: 1, digests: false }, &|_| ());
            assert_eq!(results.len(), 1);
        }
    }
}

#[test]
fn the_formats_of_real_files_are_known() {
    let targets = find(&[real()]).unwrap();
    let results = scan(&targets, &Options { jobs: 2, digests: false }, &|_| ());
    let mut lines: Vec<String> = results
        .iter()
        .map(|result| {
            let path = Path::new(&result.path).strip_prefix(real()).unwrap();
            format!("{}: {}", path.display(), result.formats.join(" "))
        })
        .collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"));
}
