//! The binary's figures for the example against those of the named peers, computed now.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::peers::{python, script};
use crate::run::{self, root, target};

const EXAMPLE: &str = "examples/mortgage";
const FAIRNESS_TOLERANCE: f64 = 1e-9;
const EPSILONS: [&str; 5] = ["0.01", "0.02", "0.03", "0.05", "0.1"];

/// Measurement of `FA-GROUP-001` and the peers' name for it.
const BETWEEN_GROUPS: [(&str, &str); 4] = [
    ("statistical_parity_difference", "statistical_parity_difference"),
    ("disparate_impact", "disparate_impact"),
    ("equal_opportunity_difference", "equal_opportunity_difference"),
    ("average_absolute_odds_difference", "average_abs_odds_difference"),
];
const OF_A_GROUP: [&str; 3] = ["selection_rate", "true_positive_rate", "false_positive_rate"];

/// One compared figure.
struct Row {
    quantity: String,
    peer: String,
    caiso: f64,
    theirs: f64,
    tolerance: f64,
}

impl Row {
    fn agrees(&self) -> bool {
        (self.caiso - self.theirs).abs() <= self.tolerance
    }
}

/// Compares, prints a Markdown table and fails when a figure is beyond its tolerance.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let [what, parts @ ..] = arguments
        && what == "robustness"
    {
        return attacks(parts);
    }
    ensure!(
        arguments.is_empty(),
        "usage: cargo xtask parity [robustness [deterministic | nearest | chance]]"
    );
    run::run("cargo", &["build", "--quiet", "-p", "caiso"])?;
    let binary = target().join("debug/caiso");
    let inputs = prepare()?;
    let mut rows = Vec::new();
    fairness(&binary, &inputs, &mut rows)?;
    robustness(&binary, &inputs, &mut rows)?;

    println!("| Quantity | Peer | caiso | Peer's | Difference | Tolerance | |");
    println!("|---|---|---:|---:|---:|---:|---|");
    for row in &rows {
        println!(
            "| {} | {} | {:.10} | {:.10} | {:.1e} | {:.1e} | {} |",
            row.quantity,
            row.peer,
            row.caiso,
            row.theirs,
            (row.caiso - row.theirs).abs(),
            row.tolerance,
            if row.agrees() { "agrees" } else { "**differs**" },
        );
    }
    let different = rows.iter().filter(|row| !row.agrees()).count();
    println!("\n{} figures compared, {different} beyond their tolerance", rows.len());
    if different > 0 {
        bail!("{different} of {} figures differ from the peers'", rows.len());
    }
    Ok(())
}

/// Every attack that Foolbox or ART have too, on the same models and rows.
fn attacks(parts: &[String]) -> Result<()> {
    run::run("cargo", &["build", "--quiet", "--release", "-p", "caiso"])?;
    let binary = target().join("release/caiso");
    let (python, models) = attack_models("parity")?;
    let (binary, models) = (binary.to_string_lossy(), models.to_string_lossy());
    let mut arguments = vec!["xtask/robustness/parity.py", &binary, &models];
    arguments.extend(parts.iter().map(String::as_str));
    run::run(&python.to_string_lossy(), &arguments)
}

/// The Python that has the peers, and a folder with the models that they and caiso attack.
pub(crate) fn attack_models(kind: &str) -> Result<(PathBuf, PathBuf)> {
    let python = python("robustness", "xtask/robustness/requirements.txt")?;
    let folder = target().join("attack-models").join(kind);
    if !folder.exists() {
        // Under another name until all of them are there.
        let partial = folder.with_extension("partial");
        script(&python, &["xtask/robustness/models.py", kind, &partial.to_string_lossy()])?;
        std::fs::rename(partial, &folder)?;
    }
    Ok((python, folder))
}

/// Folder with what the peers' scripts read: decisions, rows and bounds by PyTorch.
pub(crate) fn prepare() -> Result<PathBuf> {
    let folder = target().join("parity");
    std::fs::create_dir_all(&folder)?;
    let text = folder.to_string_lossy();
    script(&torch()?, &["xtask/parity/example.py", EXAMPLE, &text])?;
    Ok(folder)
}

/// The Python that has PyTorch and Foolbox.
pub(crate) fn torch() -> Result<PathBuf> {
    python("torch", "xtask/parity/requirements-torch.txt")
}

fn fairness(binary: &Path, inputs: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let measured = measurements(binary, &["checks", "run", "FA-GROUP-001", "--system", EXAMPLE])?;
    let python = python("fairness", "xtask/parity/requirements-fairness.txt")?;
    let predictions = inputs.join("predictions.csv");
    let predictions = predictions.to_string_lossy();
    let mut arguments = vec!["xtask/parity/fairness.py", &predictions, "--label", "deny"];
    arguments.extend(["--favourable", "no", "--protected", "afam=no", "--protected", "single=no"]);
    let peers: Value = serde_json::from_str(&script(&python, &arguments)?)?;
    for attribute in ["afam", "single"] {
        for peer in ["aif360", "fairlearn"] {
            let theirs = &peers["attributes"][attribute][peer];
            let mut compare = |quantity: String, of: Value, name: &str, theirs: &Value| {
                let caiso = known(&measured, name, &of)?;
                let theirs = theirs.as_f64().with_context(|| format!("{peer} lacks {quantity}"))?;
                let tolerance = FAIRNESS_TOLERANCE;
                rows.push(Row { quantity, peer: peer.to_owned(), caiso, theirs, tolerance });
                anyhow::Ok(())
            };
            for (group, key) in [("no", "privileged"), ("yes", "unprivileged")] {
                let of = serde_json::json!({ "attribute": attribute, "group": group });
                for name in OF_A_GROUP {
                    let quantity = format!("{name}, {attribute} = {group}");
                    compare(quantity, of.clone(), name, &theirs[name][key])?;
                }
            }
            let of =
                serde_json::json!({ "attribute": attribute, "group": "yes", "reference": "no" });
            for (name, their_name) in BETWEEN_GROUPS {
                compare(format!("{name}, {attribute}"), of.clone(), name, &theirs[their_name])?;
            }
        }
    }
    Ok(())
}

/// Both attack from the row itself, 20 steps of a tenth of epsilon, with every input free; the
/// example's manifest holds most of them fixed, so a copy of it without that is run.
fn robustness(binary: &Path, inputs: &Path, rows: &mut Vec<Row>) -> Result<()> {
    let system = inputs.join("system");
    copy_folder(&root().join(EXAMPLE), &system)?;
    let manifest = std::fs::read_to_string(root().join(EXAMPLE).join("caiso.yaml"))?
        .replace(", integer: true", "")
        .replace(", immutable: true", "");
    std::fs::write(system.join("caiso.yaml"), manifest)?;
    let system = system.to_string_lossy();
    let mut arguments = vec!["checks", "run", "RB-PGD-001", "--system", &system];
    arguments.extend(["--restarts", "0", "--steps", "20", "--relative-step-size", "0.1"]);
    let measured = measurements(binary, &arguments)?;

    let peer = foolbox(inputs, &EPSILONS, 1)?;
    let n = peer["rows"].as_f64().context("Foolbox tells no rows")?;
    let mut compare = |quantity: String, caiso: f64, theirs: &Value, tolerance: f64| {
        let theirs = theirs.as_f64().with_context(|| format!("Foolbox lacks {quantity}"))?;
        rows.push(Row { quantity, peer: "foolbox".to_owned(), caiso, theirs, tolerance });
        anyhow::Ok(())
    };
    let clean = known(&measured, "clean_accuracy", &Value::Null)?;
    compare("clean accuracy".to_owned(), clean, &peer["clean_accuracy"], 1e-6)?;
    for (epsilon, theirs) in EPSILONS.iter().zip(peer["attacks"].as_array().into_iter().flatten()) {
        let robust =
            known(&measured, "robust_accuracy", &serde_json::json!({ "epsilon": epsilon }))?;
        // One row may sit where the sign of a gradient is a matter of rounding.
        let tolerance = 1.0 / n + 1e-6;
        let quantity = format!("robust accuracy under PGD, ε = {epsilon}");
        compare(quantity, robust, &theirs["robust_accuracy"], tolerance)?;
    }
    Ok(())
}

/// What Foolbox's PGD finds and how fast, on one thread.
pub(crate) fn foolbox(inputs: &Path, epsilons: &[&str], repeat: u32) -> Result<Value> {
    let rows = inputs.join("rows.csv").to_string_lossy().into_owned();
    let bounds = inputs.join("bounds.json").to_string_lossy().into_owned();
    let repeat = repeat.to_string();
    let mut arguments =
        vec!["xtask/parity/foolbox_pgd.py", "examples/mortgage/model/mortgage.onnx"];
    arguments.extend([&rows, &bounds, "--repeat", &repeat]);
    arguments.extend(epsilons.iter().flat_map(|epsilon| ["--epsilon", epsilon]));
    Ok(serde_json::from_str(&script(&torch()?, &arguments)?)?)
}

/// Copies what a folder holds, but for hidden names: a copy has its own ledger.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(name))?;
        } else {
            std::fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// Measurements of the one check that the arguments run; a finding (status 1) is a result too.
fn measurements(binary: &Path, arguments: &[&str]) -> Result<Vec<Value>> {
    let output = Command::new(binary)
        .args(arguments)
        .args(["--quiet", "--format", "json"])
        .current_dir(root())
        .output()?;
    let line = arguments.join(" ");
    if !matches!(output.status.code(), Some(0 | 1)) {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("`caiso {line}` ended with {}: {errors}", output.status);
    }
    let mut results: Value = serde_json::from_slice(&output.stdout)?;
    match results[0]["outcome"]["measurements"].take() {
        Value::Array(all) => Ok(all),
        _ => bail!("`caiso {line}` prints no measurements"),
    }
}

fn known(measurements: &[Value], name: &str, of: &Value) -> Result<f64> {
    measurements
        .iter()
        .find(|measurement| measurement["name"] == name && measurement["of"] == *of)
        .and_then(|measurement| measurement["value"]["known"].as_f64())
        .with_context(|| format!("caiso does not measure {name} of {of}"))
}
