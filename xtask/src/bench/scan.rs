//! The scan of model files beside the four scanners that people use: verdicts on the corpus, and speed.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Table, cpu_seconds};
use crate::peers::{python, script};
use crate::run::target;

const PEERS: [&str; 4] = ["picklescan", "modelscan", "fickling", "modelaudit"];

/// Prints a table of verdicts and a table of speed.
pub(super) fn run(binary: &Path) -> Result<()> {
    let mut environments = Vec::new();
    for peer in PEERS {
        let requirements = format!("xtask/corpus/requirements-{peer}.txt");
        let interpreter = python(&format!("peer-{peer}"), &requirements)?;
        let folder =
            interpreter.parent().and_then(Path::parent).context("a virtual environment")?;
        environments.push(folder.to_string_lossy().into_owned());
    }
    let corpus = target().join("corpus");
    let writer = python("corpus", "xtask/corpus/requirements.txt")?;
    let corpus_text = corpus.to_string_lossy().into_owned();
    script(&writer, &["xtask/corpus/make.py", &corpus_text])?;
    print!("{}", verdicts(binary, &corpus, &environments)?);

    let files = target().join("speed");
    let path = |name: &str| files.join(name).to_string_lossy().into_owned();
    script(&writer, &["xtask/corpus/speed.py", &files.to_string_lossy()])?;
    let binary = binary.to_string_lossy();
    let ours = |name: &str| fastest(&[&binary, "scan", "--jobs", "1", &path(name)]);
    let mut table = Table::default();
    table.at_most("768 MiB PyTorch archive, CPU", 0.3, ours("large.pt")?, "s");
    table.at_most("768 MiB pickle of numbers, CPU", 0.6, ours("floats.pkl")?, "s");
    table.at_most("768 MiB pickle of small dictionaries, CPU", 0.6, ours("rows.pkl")?, "s");
    table.at_most(
        "one small file, the whole command, CPU",
        15.0,
        ours("small/0.pkl")? * 1000.0,
        "ms",
    );
    let all = ours("small")?;
    table.plain("1,000 pickles of 1 kB, one thread, CPU", all * 1000.0, "ms");
    for (peer, least, environment) in
        [("picklescan", 20.0, &environments[0]), ("modelscan", 200.0, &environments[1])]
    {
        let program = format!("{environment}/bin/{peer}");
        let theirs = fastest(&[&program, "-p", &path("small")])?;
        table.plain(&format!("the same by {peer}, its start included"), theirs * 1000.0, "ms");
        table.at_least(&format!("ratio to {peer}"), least, theirs / all, "×");
    }
    print!("\n{}", table.0);
    std::fs::remove_dir_all(files)?;
    Ok(())
}

/// Least CPU seconds of three runs.
fn fastest(command: &[&str]) -> Result<f64> {
    let mut least = f64::INFINITY;
    for _ in 0..3 {
        least = least.min(cpu_seconds(command, &[0, 1, 2, 3, 4])?);
    }
    Ok(least)
}

/// How many fixtures of each class each scanner flags. Ours counts as flagged at medium or worse.
fn verdicts(binary: &Path, corpus: &Path, environments: &[String]) -> Result<String> {
    let corpus_text = corpus.to_string_lossy();
    let answers = target().join("peers.json");
    let answers_text = answers.to_string_lossy();
    let options = PEERS
        .iter()
        .zip(environments)
        .flat_map(|(peer, folder)| [format!("--{peer}"), folder.clone()]);
    let mut arguments = vec![
        "xtask/corpus/peers.py".to_owned(),
        corpus_text.to_string(),
        "--json".to_owned(),
        answers_text.to_string(),
    ];
    arguments.extend(options);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    script(Path::new("python3"), &arguments)?;
    let answers: Value = serde_json::from_slice(&std::fs::read(&answers)?)?;
    let scan = std::process::Command::new(binary)
        .args(["scan", &corpus_text, "--format", "json", "--quiet"])
        .output()?;
    let ours: Value = serde_json::from_slice(&scan.stdout)?;
    let flagged = |path: &str| {
        let path = corpus.join(path);
        ours.as_array().is_some_and(|files| {
            files.iter().any(|file| {
                file["path"].as_str().is_some_and(|name| Path::new(name).starts_with(&path))
                    && file["verdict"] == "findings"
            })
        })
    };
    let mut text = String::from("| Fixtures | caiso |");
    for peer in PEERS {
        write!(text, " {peer} {} |", answers["versions"][peer].as_str().unwrap_or_default())?;
    }
    text += "\n|---|---:|---:|---:|---:|---:|\n";
    let rows = answers["results"].as_array().context("peers.py writes results")?;
    for class in ["malicious", "suspicious", "benign"] {
        let of_class: Vec<&Value> = rows.iter().filter(|row| row["class"] == class).collect();
        let mine = of_class.iter().filter(|row| row["path"].as_str().is_some_and(flagged)).count();
        write!(text, "| {class}, of {} | {mine} |", of_class.len())?;
        for peer in PEERS {
            let theirs = of_class.iter().filter(|row| row[peer]["verdict"] == "flagged").count();
            write!(text, " {theirs} |")?;
        }
        text += "\n";
    }
    Ok(text)
}
