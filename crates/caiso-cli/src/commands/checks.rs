//! `caiso checks`: the table of checks, and one check with flags made from its parameters.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use caiso_assess::{Registered, registry};
use caiso_core::{CheckError, ParameterSet, describe};
use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Map, Value, json};

use super::home;
use crate::arguments::{ChecksArguments, ChecksCommand, Format, Global};
use crate::{exit, output};

/// Longest time of a single run.
const BUDGET: Duration = Duration::from_hours(1);

/// Adds a subcommand for every check under `checks run`, with a flag for every parameter.
pub(crate) fn with_run_flags(command: Command) -> Command {
    command.mut_subcommand("checks", |checks| {
        checks.mut_subcommand("run", |run| {
            let run = run.subcommand_required(true).arg_required_else_help(true);
            registry().into_iter().fold(run, |run, check| run.subcommand(run_command(&check)))
        })
    })
}

fn run_command(check: &Registered) -> Command {
    let system = Arg::new("system")
        .long("system")
        .value_name("PATH")
        .help("caiso.yaml or its folder [default: the nearest caiso.yaml here or above]");
    let seed = Arg::new("seed")
        .long("seed")
        .value_parser(value_parser!(u64))
        .default_value("1")
        .help("Seed of every random stream");
    let command = Command::new(check.meta.code).about(check.meta.title).arg(system).arg(seed);
    check.parameters.properties().into_iter().fold(command, |command, (name, schema)| {
        let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let default = schema.get("default").map(|value| format!(" [default: {value}]"));
        let help = format!(
            "{} ({}){}",
            description.replace('\n', " "),
            describe(&schema),
            default.unwrap_or_default()
        );
        let flag =
            Arg::new(name.clone()).long(name.replace('_', "-")).value_name("VALUE").help(help);
        let is_list = schema.get("items").is_some();
        command.arg(if is_list { flag.value_delimiter(',').num_args(1..) } else { flag })
    })
}

pub(crate) fn run(
    global: &Global,
    arguments: &ChecksArguments,
    matches: &ArgMatches,
) -> Result<u8> {
    if let Some(ChecksCommand::Run) = arguments.command {
        return run_check(global, matches);
    }
    let pattern = arguments.code.as_deref().unwrap_or("*");
    let found: Vec<Registered> = registry()
        .into_iter()
        .filter(|check| caiso_assess::matches(pattern, check.meta.code))
        .collect();
    if found.is_empty() {
        let near = caiso_core::nearest(pattern, registry().iter().map(|check| check.meta.code));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        bail!("no check has the code `{pattern}`{near}");
    }
    match global.format {
        Format::Json => {
            let rows: Vec<Value> = found.iter().map(as_json).collect();
            output::print_json(&rows)?;
        }
        Format::Markdown => output::print(&reference(&found))?,
        _ if arguments.code.is_some() => {
            let text: Vec<String> = found.iter().map(text).collect();
            output::print(&text.join("\n"))?;
        }
        _ => {
            let lines: String = found
                .iter()
                .map(|check| {
                    format!(
                        "{:<14} {:<9} {}\n",
                        check.meta.code, check.meta.severity, check.meta.title
                    )
                })
                .collect();
            output::print(&lines)?;
        }
    }
    Ok(exit::PASS)
}

fn as_json(check: &Registered) -> Value {
    let meta = check.meta;
    json!({
        "code": meta.code, "name": meta.name, "title": meta.title, "section": meta.section(),
        "severity": meta.severity, "techniques": meta.techniques, "evidence": meta.evidence,
        "since": meta.since, "documentation": meta.docs, "parameters": check.parameters.schema(),
    })
}

/// A check in full, for people.
pub(crate) fn text(check: &Registered) -> String {
    let meta = check.meta;
    let docs: String = meta.docs.lines().map(|line| format!("{}\n", line.trim())).collect();
    let mut text = format!("{} {}\n\n{}", meta.code, meta.title, docs);
    for (name, schema) in check.parameters.properties() {
        let default = schema.get("default").map(ToString::to_string).unwrap_or_default();
        let words = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        text += &format!(
            "  {name} = {default}  ({})\n      {}\n",
            describe(&schema),
            words.replace('\n', "\n      ")
        );
    }
    text
}

fn reference(checks: &[Registered]) -> String {
    let mut text = String::from("# Checks\n\nWritten by `cargo xtask docs` from the code.\n");
    for check in checks {
        let meta = check.meta;
        let docs: String = meta.docs.lines().map(|line| format!("{}\n", line.trim())).collect();
        text += &format!(
            "\n## {} {}\n\nSection: {} · severity of its finding: {} · since {}\n\n{}",
            meta.code,
            meta.title,
            meta.section().title(),
            meta.severity,
            meta.since,
            docs.replace("## ", "### ")
        );
        text += &parameter_table(&check.parameters);
    }
    text
}

/// Parameters as a Markdown table under a heading; nothing if there are none.
pub(crate) fn parameter_table(parameters: &ParameterSet) -> String {
    let properties = parameters.properties();
    if properties.is_empty() {
        return String::new();
    }
    let mut text =
        "\n### Parameters\n\n| name | type | default | meaning |\n|---|---|---|---|\n".to_owned();
    for (name, schema) in properties {
        let words = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let default = schema.get("default").map(ToString::to_string).unwrap_or_default();
        text += &format!(
            "| `{name}` | {} | {default} | {} |\n",
            describe(&schema),
            words.replace('\n', " ").replace('|', "\\|")
        );
    }
    text
}

fn run_check(global: &Global, matches: &ArgMatches) -> Result<u8> {
    let run =
        matches.subcommand_matches("checks").and_then(|checks| checks.subcommand_matches("run"));
    let (code, flags) = run.and_then(ArgMatches::subcommand).context("name the check to run")?;
    let registry = registry();
    let check = registry.iter().find(|check| check.meta.code == code).context("no such check")?;
    let mut values = Map::new();
    for (name, schema) in check.parameters.properties() {
        let Some(given) = flags.get_many::<String>(&name) else { continue };
        // Numbers and true/false are JSON; anything else is text.
        let mut given: Vec<Value> = given
            .map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())))
            .collect();
        let is_list = schema.get("items").is_some();
        values.insert(name, if is_list { Value::Array(given) } else { given.swap_remove(0) });
    }
    let place = flags.get_one::<String>("system").map(std::path::PathBuf::from);
    let system = home::system(place.as_deref())?;
    let seed = flags.get_one::<u64>("seed").copied().unwrap_or(1);
    let results = caiso_assess::run_one(&system, code, &values, seed, BUDGET)?;
    if results.is_empty() {
        bail!("{code} judges the results of other checks; `caiso assess` runs it");
    }
    let mut status = exit::PASS;
    let mut rows = Vec::new();
    for (component, result) in results {
        match result {
            Ok(outcome) => {
                if outcome.worst().is_some_and(|worst| worst >= system.manifest.gate.fail_on) {
                    status = exit::FAIL;
                }
                rows.push(json!({"code": code, "component": component, "outcome": outcome}));
            }
            Err(CheckError::NotAssessable { reason, remedy }) => {
                status = if status == exit::PASS { exit::INCOMPLETE } else { status };
                rows.push(json!({"code": code, "component": component, "not_assessed": reason, "remedy": remedy}));
            }
            Err(other) => return Err(other.into()),
        }
    }
    if global.format == Format::Json {
        output::print_json(&rows)?;
    } else {
        output::print(&rows.iter().map(row_text).collect::<String>())?;
    }
    Ok(status)
}

fn row_text(row: &Value) -> String {
    let word = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut text = format!("{} {}\n", word("code"), word("component"));
    let Some(outcome) = row.get("outcome") else {
        return text
            + &format!("  not assessed: {}\n  remedy: {}\n", word("not_assessed"), word("remedy"));
    };
    let Ok(outcome) = serde_json::from_value::<caiso_core::Outcome>(outcome.clone()) else {
        return text;
    };
    text += &format!("  {}\n", outcome.summary);
    for measurement in &outcome.measurements {
        let value = match &measurement.value {
            caiso_core::Value::Known(number) => format!("{number:.4}"),
            caiso_core::Value::Undefined(reason) => format!("undefined: {reason}"),
        };
        let interval =
            measurement.interval.as_ref().map(|i| format!(" [{:.4}, {:.4}]", i.low, i.high));
        text += &format!(
            "  {:<60} {value}{} n={}\n",
            measurement.key(),
            interval.unwrap_or_default(),
            measurement.n
        );
    }
    for finding in &outcome.findings {
        text += &format!("  {} {}: {}\n", finding.severity, finding.location, finding.message);
    }
    text
}
