//! `caiso assess`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use caiso_assess::{Assessment, Options};
use caiso_report::{Report, Verdict, renderer, terminal};

use super::home;
use crate::arguments::{AssessArguments, Format, Global};
use crate::progress::Progress;
use crate::{exit, output};

/// JSON keeps whole numbers up to here.
pub(crate) const MAX_SEED: u64 = 1 << 53;

pub(crate) fn run(global: &Global, arguments: &AssessArguments) -> Result<u8> {
    let outputs = parse_outputs(&arguments.output)?;
    if arguments.seed > MAX_SEED {
        bail!("--seed is at most 2^53, so that JSON keeps it");
    }
    let budget = Duration::try_from_secs_f64(arguments.budget)
        .ok()
        .filter(|budget| !budget.is_zero())
        .context("--budget takes a positive number of seconds")?;
    let threads = threads(arguments.threads)?;
    let system = home::system(arguments.system.as_deref())?;
    let as_of = home::date(arguments.as_of.as_deref())?;
    let store = home::open(global, arguments.system.as_deref())?;
    let options = Options {
        seed: arguments.seed,
        as_of,
        only: arguments.only.clone(),
        skip: arguments.skip.clone(),
        fresh: arguments.fresh,
        budget,
        baseline: arguments.baseline.clone(),
        actor: home::actor(arguments.actor.as_deref()),
        command: command_line(arguments),
        threads,
        program: program_digest(),
    };
    let progress = Progress::new(global.quiet, global.verbose);
    let assessment =
        caiso_assess::assess(&system, &store, &options, &mut |event| progress.event(event))?;
    drop(progress);
    let Assessment { report, receipt, .. } = &assessment;
    let written = write(&outputs, report, receipt)?;
    print(global.format, report, receipt, written.as_deref())?;
    let passes = arguments.exit_zero && report.verdict != Verdict::Pass;
    Ok(if passes { exit::PASS } else { exit::of(report.verdict) })
}

/// Prints the report in the asked-for format.
pub(crate) fn print(
    format: Format,
    report: &Report,
    receipt: &str,
    html: Option<&str>,
) -> Result<()> {
    let name = match format {
        Format::Text => {
            let look = terminal::Terminal {
                width: output::width(),
                colour: output::colour(),
                ascii: false,
                report: html,
            };
            return output::print(&terminal::render(report, &look));
        }
        Format::Json => "json",
        Format::Markdown => "markdown",
        Format::Sarif => "sarif",
        Format::Html => "html",
    };
    let renderer = renderer(name).context("this version cannot render that format")?;
    output::print(&(renderer.render)(report, Some(receipt))?)
}

/// Format names and files of `-o FORMAT=FILE`.
pub(crate) fn parse_outputs(
    given: &[String],
) -> Result<Vec<(&'static caiso_report::Renderer, PathBuf)>> {
    given
        .iter()
        .map(|text| {
            let (format, file) = text.split_once('=').with_context(|| {
                format!("`-o {text}`: expected FORMAT=FILE, for example html=report.html")
            })?;
            let format = if format == "md" { "markdown" } else { format };
            let renderer = renderer(format).with_context(|| {
                let known: Vec<&str> =
                    caiso_report::RENDERERS.iter().map(|renderer| renderer.name).collect();
                format!("`-o {text}`: no format is named `{format}`; known: {}", known.join(", "))
            })?;
            Ok((renderer, PathBuf::from(file)))
        })
        .collect()
}

/// Writes the report files and returns the name of the HTML one.
pub(crate) fn write(
    outputs: &[(&'static caiso_report::Renderer, PathBuf)],
    report: &Report,
    receipt: &str,
) -> Result<Option<String>> {
    let mut html = None;
    for (renderer, path) in outputs {
        output::write_file(path, (renderer.render)(report, Some(receipt))?.as_bytes())?;
        if renderer.name == "html" {
            html = Some(path.display().to_string());
        }
    }
    Ok(html)
}

fn threads(asked: Option<usize>) -> Result<usize> {
    let threads = match asked {
        Some(0) => bail!("--threads takes a number of at least 1"),
        Some(threads) => threads,
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    // A second call in one process (tests) keeps the first pool; results do not depend on it.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    Ok(threads)
}

/// The command that gives the same digests again.
fn command_line(arguments: &AssessArguments) -> String {
    let mut words = vec!["caiso assess".to_owned()];
    words.extend(arguments.system.iter().map(|place| place.display().to_string()));
    words.push(format!("--seed {}", arguments.seed));
    words.extend(arguments.as_of.iter().map(|date| format!("--as-of {date}")));
    words.extend(arguments.only.iter().map(|code| format!("--only '{code}'")));
    words.extend(arguments.skip.iter().map(|code| format!("--skip '{code}'")));
    words.join(" ")
}

/// Digest of this program; where it cannot be read, a value that never matches.
pub(crate) fn program_digest() -> String {
    let bytes = std::env::current_exe().and_then(std::fs::read);
    bytes.map_or_else(
        |_| format!("unreadable:{}", jiff::Timestamp::now()),
        |bytes| caiso_core::sha256_hex(&bytes),
    )
}
