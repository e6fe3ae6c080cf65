//! The test command and the fuzzing loop.

use anyhow::{Context, Result, bail};

use crate::run::{has_cargo_command, root, target};
use crate::{docs, peers, tidy};

/// Everything that must hold before a change lands.
pub(crate) fn run() -> Result<()> {
    format()?;
    tidy::run()?;
    // With the optional feature here, without it in the tests.
    let features = ["--features", "caiso/ort"];
    let lint = ["clippy", "--workspace", "--all-targets", "--quiet"];
    cargo(&[&lint[..], &features, &["--", "-D", "warnings"]].concat())?;
    if has_cargo_command("nextest") {
        cargo(&["nextest", "run", "--workspace"])?;
    } else {
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--quiet"])?;
    }
    cargo(&["test", "--doc", "--quiet", "-p", "caiso-core"])?;
    docs::run(true)?;
    outsider()?;
    corpus()?;
    operators()?;
    adversarial()?;
    onnxruntime()?;
    signing()
}

/// Every file, since `cargo fmt` does not see those that only a macro names.
fn format() -> Result<()> {
    let list = crate::run::output(std::path::Path::new("git"), &["ls-files", "*.rs"])?;
    let list = String::from_utf8(list)?;
    let arguments = ["--edition", "2024", "--check"].into_iter().chain(list.lines());
    crate::run::run("rustfmt", &arguments.collect::<Vec<_>>())
}

fn cargo(arguments: &[&str]) -> Result<()> {
    crate::run::run("cargo", arguments)
}

/// Independent programs check what the real binary writes: receipts and an exported ledger for the example
/// (Python, `cryptography`), bills of materials against the schema of CycloneDX (`cyclonedx-python-lib`).
fn outsider() -> Result<()> {
    let python = peers::python("outsider", "xtask/outsider/requirements.txt")?;
    cargo(&["build", "--quiet", "-p", "caiso"])?;
    let binary = target().join("debug/caiso");
    let binary = binary.to_string_lossy();
    let text = peers::script(&python, &["xtask/outsider/verify.py", &binary, "examples/mortgage"])?;
    eprint!("{text}");
    let python = peers::python("bom", "xtask/outsider/requirements-bom.txt")?;
    let folders = ["crates/caiso-scan/tests/real", "examples/mortgage"];
    let text = peers::script(&python, &["xtask/outsider/bom.py", &binary, folders[0], folders[1]])?;
    eprint!("{text}");
    Ok(())
}

/// Writes the corpus of model files and compares every verdict of the real binary with the one the fixture is
/// made for.
fn corpus() -> Result<()> {
    let python = peers::python("corpus", "xtask/corpus/requirements.txt")?;
    let folder = target().join("corpus");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let folder = folder.to_string_lossy();
    peers::script(&python, &["xtask/corpus/make.py", &folder])?;
    let binary = target().join("debug/caiso");
    let check = ["xtask/corpus/check.py", &binary.to_string_lossy(), &folder];
    eprint!("{}", peers::script(&python, &check)?);
    Ok(())
}

/// onnxruntime and finite differences against every operator that models can have.
fn operators() -> Result<()> {
    let python = peers::python("operators", "xtask/operators/requirements.txt")?;
    let folder = target().join("operators");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let folder = folder.to_string_lossy().into_owned();
    eprint!("{}", peers::script(&python, &["xtask/operators/make.py", &folder])?);
    let arguments = [
        "test",
        "--quiet",
        "-p",
        "caiso-inference",
        "--test",
        "it",
        "conformance",
        "--",
        "--ignored",
    ];
    crate::run::run_with("cargo", &arguments, &[("CAISO_OPERATOR_CASES", folder)])
}

/// onnxruntime decides saved adversarial rows again and finds the robust accuracy that the real binary reports.
fn adversarial() -> Result<()> {
    let python = peers::python("operators", "xtask/operators/requirements.txt")?;
    let binary = target().join("debug/caiso");
    let folders = ["examples/digits", "examples/mortgage"];
    let script =
        ["xtask/outsider/robustness.py", &binary.to_string_lossy(), folders[0], folders[1]];
    eprint!("{}", peers::script(&python, &script)?);
    Ok(())
}

/// A model with an operator that caiso lacks runs in the library of onnxruntime that lies in its Python package.
fn onnxruntime() -> Result<()> {
    let python = peers::python("operators", "xtask/operators/requirements.txt")?;
    let find = "import glob, os, onnxruntime as o; \
        print(glob.glob(os.path.dirname(o.__file__) + '/capi/libonnxruntime.so*')[0])";
    let library = peers::script(&python, &["-c", find])?.trim().to_owned();
    let arguments = ["test", "--quiet", "-p", "caiso-ort", "--test", "it", "--", "--ignored"];
    crate::run::run_with("cargo", &arguments, &[("CAISO_ONNXRUNTIME", library)])
}

/// The package model-signing verifies what caiso signs, and the other way round.
fn signing() -> Result<()> {
    let python = peers::python("signing", "xtask/parity/requirements-signing.txt")?;
    let binary = target().join("debug/caiso");
    let text = peers::script(&python, &["xtask/outsider/signing.py", &binary.to_string_lossy()])?;
    eprint!("{text}");
    let environment = [("CAISO_MODEL_SIGNING_PYTHON", python.to_string_lossy().into_owned())];
    let arguments = ["test", "--quiet", "-p", "caiso-signing", "--test", "it", "--", "--ignored"];
    crate::run::run_with("cargo", &arguments, &environment)
}

/// Runs each fuzz target for some seconds.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    if !has_cargo_command("fuzz") {
        bail!("cargo-fuzz is not installed; `cargo install cargo-fuzz`");
    }
    let seconds = match arguments {
        [flag, value] if flag == "--seconds" => {
            value.parse::<u32>().context("--seconds takes a whole number")?
        }
        [] => 60,
        _ => bail!("usage: cargo xtask fuzz [--seconds N]"),
    };
    let mut targets: Vec<String> = std::fs::read_dir(root().join("fuzz/fuzz_targets"))?
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            Some(name.strip_suffix(".rs")?.to_owned())
        })
        .collect();
    targets.sort();
    for target in &targets {
        let limit = format!("-max_total_time={seconds}");
        cargo(&["+nightly", "fuzz", "run", target, "--", &limit, "-rss_limit_mb=1024"])?;
    }
    Ok(())
}
