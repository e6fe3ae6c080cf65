//! `caiso scan`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use caiso_core::Severity;
use caiso_scan::{FileResult, Options, Target, find, scan, standard_input};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{FailOn, Format, Global, ScanArguments};
use crate::{exit, output};

mod text;

pub(crate) fn run(global: &Global, arguments: &ScanArguments) -> Result<u8> {
    if matches!(global.format, Format::Html | Format::Markdown) {
        bail!("caiso scan writes text, json or sarif");
    }
    let targets = targets(&arguments.paths)?;
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = Options {
        jobs: arguments.jobs.map_or(available, usize::from),
        digests: arguments.digests || global.format != Format::Text,
    };
    let bar = progress(global, targets.len());
    let results = scan(&targets, &options, &|result| {
        if let Some(bar) = &bar {
            bar.set_message(result.path.clone());
            bar.inc(1);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    match global.format {
        Format::Json => output::print_json(&results)?,
        Format::Sarif => {
            let sarif = caiso_report::sarif::scan(&sarif_input(&results))?;
            output::print(&sarif)?;
        }
        _ => output::print(&text::render(&results, global.verbose, output::colour()))?,
    }
    Ok(status(&results, severity(arguments.fail_on)))
}

/// Everything under the named paths.
fn targets(paths: &[PathBuf]) -> Result<Vec<Target>> {
    let mut targets = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            targets.push(standard_input());
        } else {
            targets.extend(find(std::slice::from_ref(path))?);
        }
    }
    Ok(targets)
}

/// A bar on a terminal, for more than one file.
fn progress(global: &Global, files: usize) -> Option<ProgressBar> {
    let shown = files > 1 && !global.quiet && std::io::stderr().is_terminal();
    shown.then(|| {
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} files  {wide_msg}");
        ProgressBar::new(files as u64)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    })
}

fn status(results: &[FileResult], fail_on: Severity) -> u8 {
    let worst = results.iter().filter_map(|result| result.max_severity).max();
    if worst.is_some_and(|worst| worst >= fail_on) {
        exit::FAIL
    } else if results.iter().any(|result| !result.not_inspected.is_empty()) {
        exit::INCOMPLETE
    } else {
        exit::PASS
    }
}

fn severity(fail_on: FailOn) -> Severity {
    match fail_on {
        FailOn::Info => Severity::Info,
        FailOn::Low => Severity::Low,
        FailOn::Medium => Severity::Medium,
        FailOn::High => Severity::High,
        FailOn::Critical => Severity::Critical,
    }
}

fn sarif_input(results: &[FileResult]) -> caiso_report::sarif::Scan<'_> {
    caiso_report::sarif::Scan {
        rules: caiso_modelfile::CHECKS.iter().map(|check| &check.meta).collect(),
        findings: results.iter().flat_map(|result| &result.findings).collect(),
        not_inspected: results
            .iter()
            .flat_map(|result| {
                result.not_inspected.iter().map(|gap| {
                    let part = gap.part.as_deref().map(|part| format!(" ({part})"));
                    format!("{}{}: {}", result.path, part.unwrap_or_default(), gap.reason)
                })
            })
            .collect(),
        files: results
            .iter()
            .map(|result| (result.path.as_str(), result.sha256.as_deref(), result.size))
            .collect(),
    }
}
