//! `caiso redteam`.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use caiso_assess::{Redteam, RedteamEvent, RedteamOptions, RedteamTarget};
use caiso_core::{Measurement, Value};
use serde_json::{Map, json};

use super::{assess, home};
use crate::arguments::{Format, Global, RedteamArguments, RedteamCommand, RedteamModelArguments};
use crate::progress::Line;
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &RedteamArguments) -> Result<u8> {
    let RedteamCommand::Model(arguments) = &arguments.command;
    model(global, arguments)
}

fn model(global: &Global, arguments: &RedteamModelArguments) -> Result<u8> {
    if arguments.seed > assess::MAX_SEED {
        bail!("--seed is at most 2^53, so that JSON keeps it");
    }
    let seconds = arguments.budget_seconds.map(|seconds| {
        let budget = Duration::try_from_secs_f64(seconds).ok().filter(|budget| !budget.is_zero());
        budget.context("--budget-seconds takes a positive number of seconds")
    });
    let system = home::system(arguments.system.as_deref())?;
    let place = arguments.system.as_deref();
    let options = RedteamOptions {
        target: match (&arguments.endpoint, &arguments.model) {
            (Some(name), _) => RedteamTarget::Endpoint(name.clone()),
            (None, Some(name)) => RedteamTarget::Model(name.clone()),
            (None, None) => RedteamTarget::OnlyModel,
        },
        parameters: parameters(arguments),
        seed: arguments.seed,
        budget: seconds.transpose()?,
        resume: arguments.resume,
        folder: home::home(global, place)?.join("redteam"),
        actor: home::actor(arguments.actor.as_deref()),
        program: assess::program_digest(),
    };
    let store = home::open(global, place)?;
    let line = Line::new(global.quiet);
    let environment = |name: &str| std::env::var(name).ok();
    let mut progress = |event| match event {
        RedteamEvent::Resumed(0) => line.print("resume no step was done before"),
        RedteamEvent::Resumed(done) => line.print(&format!("resume after {done} steps")),
        RedteamEvent::StartedOver => {
            line.print("start  over; --resume would continue the campaign that was stopped");
        }
        RedteamEvent::Step { words, done, all, queries } => {
            line.step(done, all, &format!("{words} · {queries} queries"));
        }
        RedteamEvent::Warning(warning) => line.print(&format!("note   {warning}")),
    };
    let redteam = caiso_assess::redteam(&system, &store, &options, &environment, &mut progress)?;
    drop(line);
    if let Some(folder) = &arguments.figures {
        let name = redteam.component.replace(':', "-");
        output::write_figures(folder, &name, &redteam.outcome.figures)?;
    }
    if global.format == Format::Json {
        output::print_json(&json!({
            "code": "RB-REDTEAM-001",
            "component": redteam.component,
            "status": redteam.status,
            "parameters": redteam.parameters,
            "seed": arguments.seed,
            "outcome": redteam.outcome,
            "evidence": {"seq": redteam.seq, "digest": redteam.digest},
        }))?;
    } else {
        output::print(&text(&redteam))?;
    }
    let outcome = &redteam.outcome;
    Ok(if outcome.worst().is_some_and(|worst| worst >= system.manifest.gate.fail_on) {
        exit::FAIL
    } else if outcome.not_assessed.is_empty() {
        exit::PASS
    } else {
        exit::INCOMPLETE
    })
}

/// The parameters that flags set.
fn parameters(arguments: &RedteamModelArguments) -> Map<String, serde_json::Value> {
    let mut given = Map::new();
    let mut set = |name: &str, value: Option<serde_json::Value>| {
        given.extend(value.map(|value| (name.to_owned(), value)));
    };
    let list = |values: serde_json::Value| {
        let is_empty = values.as_array().is_none_or(Vec::is_empty);
        (!is_empty).then_some(values)
    };
    set("attacks", list(json!(arguments.attacks)));
    set("norm", arguments.norm.map(|norm| json!(norm)));
    set("epsilons", list(json!(arguments.eps)));
    set("threshold_epsilon", arguments.threshold_eps.map(|epsilon| json!(epsilon)));
    set("minimum_robust_accuracy", arguments.threshold.map(|share| json!(share)));
    set("confidence", arguments.confidence.map(|share| json!(share)));
    set("rows", arguments.rows.map(|rows| json!(rows)));
    set("configurations", arguments.configurations.map(|count| json!(count)));
    set("queries_per_row", arguments.queries_per_row.map(|queries| json!(queries)));
    set("budget_queries", arguments.budget_queries.map(|queries| json!(queries)));
    given
}

fn text(redteam: &Redteam) -> String {
    let outcome = &redteam.outcome;
    let mut text = format!("RB-REDTEAM-001 {}\n\n{}\n", redteam.component, outcome.summary);
    let worst: Vec<&Measurement> = outcome
        .measurements
        .iter()
        .filter(|found| found.name == "robust_accuracy" && !found.of.contains_key("attack"))
        .collect();
    if !worst.is_empty() {
        text += &format!(
            "\n{:<14} {:>8} {:>18} {:>7}\n",
            "worst case at", "robust", "95 % interval", "n"
        );
    }
    for found in worst {
        text += &format!(
            "{:<14} {:>8} {:>18} {:>7}\n",
            found.of.get("epsilon").map_or("", String::as_str),
            value(found),
            interval(found),
            found.n
        );
    }
    let by_attack = |name: &'static str| {
        outcome.measurements.iter().filter(move |m| m.name == name && m.of.contains_key("attack"))
    };
    if by_attack("robust_accuracy").next().is_some() {
        text += &format!(
            "\n{:<14} {:>8} {:>18} {:>7} {:>20}\n",
            "attack alone", "robust", "95 % interval", "n", "queries a success"
        );
    }
    for found in by_attack("robust_accuracy") {
        let attack = found.of.get("attack");
        let cost = by_attack("queries_for_a_success").find(|cost| cost.of.get("attack") == attack);
        text += &format!(
            "{:<14} {:>8} {:>18} {:>7} {:>20}\n",
            attack.map_or("", String::as_str),
            value(found),
            interval(found),
            found.n,
            cost.map_or_else(String::new, value)
        );
    }
    for (name, reason) in &outcome.facts {
        if let Some(attack) = name.strip_prefix("left out: ") {
            // Errors of an attack begin with its name.
            let own = format!("`{attack}` ");
            let reason = reason.strip_prefix(&own).unwrap_or(reason);
            text += &format!("{attack:<14} {reason}\n");
        }
    }
    for finding in &outcome.findings {
        let techniques = finding.techniques.join(", ");
        text += &format!(
            "\n{} {} ({techniques})\n  {}\n  Fix: {}.\n",
            finding.severity, finding.location, finding.message, finding.remediation
        );
    }
    for figure in outcome.figures.iter().skip(1) {
        text += &format!("\n{}\n", caiso_figure::title(figure));
        for row in caiso_figure::table(figure).rows {
            text += &format!("  {}\n", row.join("  "));
        }
    }
    for item in &outcome.not_assessed {
        text += &format!("\nnot assessed: {}\n  {}\n  {}\n", item.what, item.reason, item.remedy);
    }
    text += "\n";
    for limit in &outcome.limits {
        text += &format!("- {limit}\n");
    }
    text + &format!(
        "\nsealed as record {}; {} queries\n",
        redteam.seq,
        outcome.facts.get("queries").map_or("0", String::as_str)
    )
}

fn value(measurement: &Measurement) -> String {
    match &measurement.value {
        Value::Known(number) => caiso_figure::number(*number),
        Value::Undefined(_) => "-".to_owned(),
    }
}

fn interval(measurement: &Measurement) -> String {
    let ends = measurement.interval.as_ref();
    ends.map_or_else(String::new, |ends| format!("[{:.3}, {:.3}]", ends.low, ends.high))
}
