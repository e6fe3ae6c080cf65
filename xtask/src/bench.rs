//! Measured speed beside its targets and the peers'. Figures are of this machine, now.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::parity;
use crate::run::{self, output, root, target};

mod scan;

/// Runs a command without its output and prints its CPU seconds and exit status: only the operating
/// system knows what a finished child used, and the standard library does not ask it.
const CPU_SECONDS: &str = "\
import resource, subprocess, sys
def used():
    of = resource.getrusage(resource.RUSAGE_CHILDREN)
    return of.ru_utime + of.ru_stime
# What started this interpreter may have had children of its own.
before = used()
status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(used() - before, status)
";

/// Times a divan benchmark reports, in its columns.
const MEDIAN: usize = 2;

/// Measures everything and prints a Markdown table. A missed target is reported, not an error: a
/// figure depends on the machine.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (cold, only_scan) = match arguments {
        [] => (false, false),
        [flag] if flag == "--cold" => (true, false),
        [what] if what == "scan" => (false, true),
        [what, parts @ ..] if what == "robustness" => return attacks(parts),
        _ => bail!("usage: cargo xtask bench [scan | robustness | --cold]"),
    };
    run::run("cargo", &["build", "--quiet", "--release", "-p", "caiso"])?;
    let binary = target().join("release/caiso");
    if only_scan {
        return scan::run(&binary);
    }
    let mut table = Table::default();

    table.at_most("`caiso --version`, wall", 15.0, version_milliseconds(&binary)?, "ms");
    table.at_most("`caiso assess --fresh`, CPU", 1.5, assess(&binary)?, "s");
    let size = std::fs::metadata(&binary)?.len() as f64 / 1e6;
    table.plain("binary, stripped", size, "MB");

    let ledger = divan("caiso-ledger", "ledger")?;
    let leaves = median_rate(&ledger, &["verify_leaves_one_thread"])?;
    table.at_least("leaves verified, one thread", 200_000.0, leaves, "/s");
    let store = divan("caiso-store", "store")?;
    let records = median_rate(&store, &["durable_records_in_batches"])?;
    table.at_least("records written durably, batches", 20_000.0, records, "/s");
    let verified = median_rate(&store, &["verify_everything"])?;
    table.plain("records verified with bodies and signatures, all cores", verified, "/s");

    let pgd = divan("caiso-robustness", "pgd")?;
    let ours = median_rate(&pgd, &["pgd_20_steps", "1190"])?;
    let foolbox = parity::foolbox(&parity::prepare()?, &["0.05"], 20)?;
    let theirs =
        foolbox["attacks"][0]["rows_per_cpu_second"].as_f64().context("Foolbox tells no speed")?;
    table.plain("rows attacked by PGD, 20 steps, one thread", ours, "/s");
    table.plain("the same by Foolbox", theirs, "/s");
    table.at_least("ratio to Foolbox", 4.0, ours / theirs, "×");

    if cold {
        let folder = target().join("bench-cold");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let folder = folder.to_string_lossy().into_owned();
        let command = ["cargo", "build", "--release", "-p", "caiso", "--target-dir", &folder];
        table.at_most("cold release build, CPU", 8.0, cpu_seconds(&command, &[0])? / 60.0, "min");
        std::fs::remove_dir_all(folder)?;
    }
    print!("{}", table.0);
    Ok(())
}

/// Attacks and forward passes in turn with Foolbox, ART and onnxruntime.
fn attacks(parts: &[String]) -> Result<()> {
    let example = ["-p", "caiso-robustness", "--example", "speed"];
    run::run("cargo", &[&["build", "--quiet", "--release"][..], &example].concat())?;
    let program = target().join("release/examples/speed");
    let (python, models) = parity::attack_models("speed")?;
    let (program, models) = (program.to_string_lossy(), models.to_string_lossy());
    let mut arguments = vec!["xtask/robustness/speed.py", &program, &models];
    arguments.extend(parts.iter().map(String::as_str));
    run::run(&python.to_string_lossy(), &arguments)
}

/// The lines of the printed table.
#[derive(Default)]
struct Table(String);

impl Table {
    fn row(&mut self, what: &str, target: &str, measured: f64, unit: &str, verdict: &str) {
        if self.0.is_empty() {
            self.0 += "| What | Target | Measured | |\n|---|---:|---:|---|\n";
        }
        let digits = if measured < 100.0 { 2 } else { 0 };
        self.0 += &format!("| {what} | {target} | {measured:.digits$} {unit} | {verdict} |\n");
    }

    fn at_most(&mut self, what: &str, limit: f64, measured: f64, unit: &str) {
        let verdict = if measured < limit { "met" } else { "**missed**" };
        self.row(what, &format!("< {limit} {unit}"), measured, unit, verdict);
    }

    fn at_least(&mut self, what: &str, limit: f64, measured: f64, unit: &str) {
        let verdict = if measured >= limit { "met" } else { "**missed**" };
        self.row(what, &format!("≥ {limit} {unit}"), measured, unit, verdict);
    }

    fn plain(&mut self, what: &str, measured: f64, unit: &str) {
        self.row(what, "", measured, unit, "");
    }
}

/// Median of 20 starts after one that warms the file cache.
fn version_milliseconds(binary: &Path) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..=20 {
        let start = Instant::now();
        let status = Command::new(binary).arg("--version").stdout(Stdio::null()).status()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        if !status.success() {
            bail!("`caiso --version` failed ({status})");
        }
    }
    times.remove(0);
    times.sort_by(f64::total_cmp);
    Ok(f64::midpoint(times[9], times[10]))
}

/// Median CPU seconds of five whole assessments of a copy of the example, sealing included.
fn assess(binary: &Path) -> Result<f64> {
    let copy = target().join("bench-example");
    if copy.exists() {
        std::fs::remove_dir_all(&copy)?;
    }
    parity::copy_folder(&root().join("examples/mortgage"), &copy)?;
    let (binary, system) = (binary.to_string_lossy(), copy.to_string_lossy());
    // The gate may fail the example or leave it incomplete; both are whole assessments.
    let mut times = (0..5)
        .map(|_| cpu_seconds(&[&binary, "assess", &system, "--fresh"], &[0, 1, 3]))
        .collect::<Result<Vec<f64>>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times[2])
}

fn cpu_seconds(command: &[&str], accepted: &[i32]) -> Result<f64> {
    let arguments = [&["-c", CPU_SECONDS], command].concat();
    let text = String::from_utf8(output(Path::new("python3"), &arguments)?)?;
    let (seconds, status) = text.trim().split_once(' ').context("python3 prints two numbers")?;
    if !accepted.contains(&status.parse()?) {
        bail!("`{}` ended with status {status}", command.join(" "));
    }
    Ok(seconds.parse()?)
}

/// What the benchmarks of a crate print; also shown.
fn divan(package: &str, bench: &str) -> Result<String> {
    let arguments = ["bench", "--quiet", "-p", package, "--bench", bench];
    let text = String::from_utf8(output(Path::new("cargo"), &arguments)?)?;
    eprintln!("{text}");
    Ok(text)
}

/// Items per second of a benchmark, found by its name and then its argument, in the median column.
fn median_rate(text: &str, path: &[&str]) -> Result<f64> {
    let mut lines = text.lines();
    for part in path {
        lines
            .find(|line| line.split_whitespace().any(|word| word == *part))
            .with_context(|| format!("the benchmark {part} did not run"))?;
    }
    let line = lines
        .find(|line| line.contains("item/s"))
        .with_context(|| format!("{} counts no items", path.join(" ")))?;
    let rate = line
        .split('│')
        .filter(|column| column.contains("item/s"))
        .nth(MEDIAN)
        .context("divan prints a median")?;
    let (number, unit) = rate.trim().split_once(' ').context("divan prints a unit")?;
    let scale = match unit.trim() {
        "item/s" => 1.0,
        "Kitem/s" => 1e3,
        "Mitem/s" => 1e6,
        "Gitem/s" => 1e9,
        other => bail!("`{other}` is no unit that divan is known to print"),
    };
    Ok(number.parse::<f64>()? * scale)
}

#[cfg(test)]
mod tests {
    use super::median_rate;

    const TEXT: &str = "\
ledger                      fastest       │ slowest       │ median        │ mean          │ samples │ iters
├─ append                   20.1 ms       │ 25.2 ms       │ 21.0 ms       │ 21.3 ms       │ 100     │ 100
│                           4.975 Mitem/s │ 3.968 Mitem/s │ 4.761 Mitem/s │ 4.694 Mitem/s │         │
╰─ pgd_20_steps                           │               │               │               │         │
   ├─ 64                    1 ms          │ 1 ms          │ 1 ms          │ 1 ms          │ 100     │ 100
   │                        64 Kitem/s    │ 64 Kitem/s    │ 64.5 Kitem/s  │ 64 Kitem/s    │         │
   ╰─ 1190                  1 s           │ 1 s           │ 1 s           │ 1 s           │ 100     │ 100
                            1190 item/s   │ 1190 item/s   │ 1191 item/s   │ 1190 item/s   │         │
";

    #[test]
    fn the_median_column_is_read() {
        assert_eq!(median_rate(TEXT, &["append"]).unwrap(), 4.761e6);
        assert_eq!(median_rate(TEXT, &["pgd_20_steps", "64"]).unwrap(), 64.5e3);
        assert_eq!(median_rate(TEXT, &["pgd_20_steps", "1190"]).unwrap(), 1191.0);
        assert!(median_rate(TEXT, &["absent"]).is_err());
    }
}
