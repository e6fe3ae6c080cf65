//! The rules of the house that no compiler checks. ARCHITECTURE.md gives the reasons.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::run::root;

const FOUNDATION: [&str; 3] = ["caiso-core", "caiso-data", "caiso-math"];
const ENGINES: [&str; 13] = [
    "caiso-archive",
    "caiso-compliance",
    "caiso-evals",
    "caiso-fairness",
    "caiso-figure",
    "caiso-inference",
    "caiso-infra",
    "caiso-ledger",
    "caiso-modelfile",
    "caiso-pickle",
    "caiso-robustness",
    "caiso-signing",
    "caiso-threat",
];
const EDGES: [&str; 6] =
    ["caiso-assess", "caiso-client", "caiso-ort", "caiso-report", "caiso-scan", "caiso-store"];
const FRONTS: [&str; 1] = ["caiso-cli"];

/// Dependencies between engines that the design allows.
const ENGINE_PAIRS: [(&str, &str); 5] = [
    ("caiso-modelfile", "caiso-archive"),
    ("caiso-modelfile", "caiso-inference"),
    ("caiso-modelfile", "caiso-pickle"),
    ("caiso-modelfile", "caiso-signing"),
    ("caiso-robustness", "caiso-inference"),
];

/// Libraries that only the named crates may depend on.
const RESERVED: [(&str, &[&str]); 5] = [
    ("anyhow", &["caiso-cli", "xtask"]),
    ("clap", &["caiso-cli"]),
    ("ort", &["caiso-ort"]),
    ("rusqlite", &["caiso-store"]),
    ("ureq", &["caiso-client"]),
];

/// What engines must not name.
const IMPURE: [&str; 9] = [
    "tokio::",
    "std::fs",
    "std::env::",
    "std::process",
    "std::net",
    "SystemTime",
    "Instant::now",
    "getrandom",
    "rand::rng",
];

/// The files that may hold unsafe code.
const UNSAFE: [&str; 1] = ["crates/caiso-scan/src/content.rs"];

/// Longest file; a longer one has more than one reason to exist.
const MAX_LINES: usize = 600;

/// Checks everything and lists all violations at once.
pub(crate) fn run() -> Result<()> {
    let mut violations = Vec::new();
    dependencies(&mut violations)?;
    sources(&mut violations)?;
    licences(&mut violations)?;
    if violations.is_empty() {
        eprintln!("── tidy: dependencies, sources and licences are in order");
        return Ok(());
    }
    bail!("{} violations:\n  {}", violations.len(), violations.join("\n  "));
}

fn rank(name: &str) -> Option<usize> {
    [&FOUNDATION[..], &ENGINES, &EDGES, &FRONTS, &["caiso"]]
        .iter()
        .position(|group| group.contains(&name))
}

fn dependencies(violations: &mut Vec<String>) -> Result<()> {
    for (name, manifest) in manifests()? {
        let Some(own) = rank(&name) else {
            violations.push(format!("{name}: has no rank in xtask/src/tidy.rs"));
            continue;
        };
        let table = manifest.get("dependencies").and_then(toml::Value::as_table);
        for dependency in table.into_iter().flat_map(toml::Table::keys) {
            if let Some(other) = rank(dependency) {
                let same_rank_is_fine =
                    own != 1 || ENGINE_PAIRS.contains(&(name.as_str(), dependency.as_str()));
                if other > own || (other == own && !same_rank_is_fine) {
                    violations.push(format!("{name}: must not depend on {dependency}"));
                }
            }
            for (library, owners) in RESERVED {
                if dependency == library && !owners.contains(&name.as_str()) {
                    violations.push(format!("{name}: only {owners:?} may depend on {library}"));
                }
            }
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            violations.push(format!("{name}: does not inherit the workspace lints"));
        }
    }
    Ok(())
}

fn manifests() -> Result<BTreeMap<String, toml::Table>> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(root().join("crates"))? {
        let entry = entry?;
        let path = entry.path().join("Cargo.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} is missing", path.display()))?;
        all.insert(entry.file_name().to_string_lossy().into_owned(), text.parse()?);
    }
    Ok(all)
}

fn sources(violations: &mut Vec<String>) -> Result<()> {
    let list = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("git is needed to list the files")?;
    for name in String::from_utf8(list.stdout)?.lines() {
        let path = Path::new(name);
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(root().join(path)) else { continue };
        source(name, &text, violations);
    }
    Ok(())
}

fn source(name: &str, text: &str, violations: &mut Vec<String>) {
    let lines = text.lines().count();
    if lines > MAX_LINES {
        violations.push(format!("{name}: {lines} lines, at most {MAX_LINES}"));
    }
    let pure = FOUNDATION
        .iter()
        .chain(&ENGINES)
        .any(|engine| name.starts_with(&format!("crates/{engine}/src/")));
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.ends_with(' ') || line.ends_with('\t') {
            violations.push(format!("{name}:{number}: trailing white space"));
        }
        if line.trim() == "#[ignore]" {
            violations.push(format!("{name}:{number}: an ignored test needs a reason"));
        }
        let code = line.split("//").next().unwrap_or_default();
        if name.starts_with("crates/") && code.contains("unsafe {") && !UNSAFE.contains(&name) {
            violations.push(format!("{name}:{number}: unsafe code belongs to {UNSAFE:?}"));
        }
        if pure {
            for word in IMPURE {
                if code.contains(word) {
                    violations.push(format!("{name}:{number}: an engine must not use {word}"));
                }
            }
        }
    }
}

/// Licences of all dependencies against deny.toml.
fn licences(violations: &mut Vec<String>) -> Result<()> {
    let deny: toml::Table = std::fs::read_to_string(root().join("deny.toml"))?.parse()?;
    let allowed: Vec<&str> = deny["licenses"]["allow"]
        .as_array()
        .context("deny.toml has no licence list")?
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .context("`cargo metadata --locked` failed; is Cargo.lock up to date?")?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let expression = package["license"].as_str().unwrap_or_default();
        if !licence_is_allowed(expression, &allowed) {
            let name = package["name"].as_str().unwrap_or_default();
            violations.push(format!("{name}: licence `{expression}` is not in deny.toml"));
        }
    }
    Ok(())
}

/// An expression is fine when one alternative has only allowed parts.
fn licence_is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain
        .split(" OR ")
        .any(|alternative| alternative.split(" AND ").all(|part| allowed.contains(&part.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions_are_read() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0"];
        for good in
            ["MIT", "MIT/Apache-2.0", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"]
        {
            assert!(licence_is_allowed(good, &allowed), "{good}");
        }
        for bad in ["", "GPL-3.0", "MIT AND GPL-3.0"] {
            assert!(!licence_is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn an_impure_engine_is_found() {
        let mut violations = Vec::new();
        source("crates/caiso-math/src/lib.rs", "use std::fs;\n", &mut violations);
        source("crates/caiso-store/src/lib.rs", "use std::fs;\n", &mut violations);
        assert_eq!(violations, ["crates/caiso-math/src/lib.rs:1: an engine must not use std::fs"]);
    }

    #[test]
    fn the_ranks_cover_the_design() {
        assert!(rank("caiso-core") < rank("caiso-fairness"));
        assert!(rank("caiso-fairness") < rank("caiso-store"));
        assert!(rank("caiso-store") < rank("caiso-cli"));
        assert_eq!(rank("caiso-unknown"), None);
    }
}
