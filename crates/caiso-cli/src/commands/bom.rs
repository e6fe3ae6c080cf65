//! `caiso bom`.

use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Result, bail};
use caiso_scan::{BomOptions, bom};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::{BomArguments, Format, Global};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &BomArguments) -> Result<u8> {
    if matches!(global.format, Format::Html | Format::Markdown | Format::Sarif) {
        bail!("caiso bom writes CycloneDX, which is json");
    }
    if arguments.paths.iter().any(|path| path == Path::new("-")) {
        bail!("a bill of materials names files: give a file or a folder instead of -");
    }
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = BomOptions {
        name: arguments.name.clone(),
        version: arguments.model_version.clone(),
        timestamp: arguments.timestamp.then(|| {
            let now = jiff::Timestamp::now();
            // Whole seconds say enough.
            jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
        }),
        jobs: arguments.jobs.map_or(available, usize::from),
    };
    let shown = std::io::stderr().is_terminal() && !global.quiet;
    let bar = shown.then(|| {
        let style = ProgressStyle::with_template("{pos} files  {wide_msg}");
        ProgressBar::no_length()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
    });
    let bom = bom(&arguments.paths, &options, &|result| {
        if let Some(bar) = &bar {
            bar.set_message(result.path.clone());
            bar.inc(1);
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let bom = bom?;
    if bom.models == 0 {
        let named = arguments.paths.iter().map(|path| path.display().to_string());
        bail!(
            "nothing under {} is a model file that caiso knows; `caiso scan` tells what lies there",
            named.collect::<Vec<_>>().join(", ")
        );
    }
    let text = serde_json::to_string_pretty(&bom.document)? + "\n";
    match &arguments.output {
        Some(path) => output::write_file(path, text.as_bytes())?,
        None => output::print(&text)?,
    }
    for reason in &bom.not_read {
        if !global.quiet {
            eprintln!("not read: {reason}");
        }
    }
    Ok(if bom.not_read.is_empty() { exit::PASS } else { exit::INCOMPLETE })
}
