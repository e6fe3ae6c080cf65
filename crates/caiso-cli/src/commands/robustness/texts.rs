//! `caiso robustness texts`.

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};
use caiso_assess::LoadedSystem;
use caiso_client::{Connection, HttpTextModel, Recording};
use caiso_core::{RunContext, nearest, sha256_hex};
use caiso_data::Data;
use caiso_inference::TextModel as _;
use caiso_robustness::{
    Looks, TEXT_ATTACKS, TextAttack, TextAttacked, TextProblem, TextSettings, find_text, run_text,
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::inputs::File;
use crate::arguments::{Format, Global, TextsArguments};
use crate::commands::home;
use crate::progress::Line;
use crate::{exit, output};

/// Examples shown of each attack.
const SHOWN: usize = 3;

/// What `texts` prints as JSON.
#[derive(Serialize)]
struct Evaluation {
    clean_accuracy: f64,
    results: Vec<AttackResult>,
    /// Whether the true classes were told; else the endpoint's own answers were taken for true.
    labelled: bool,
    /// Most queries for one text, if they were limited.
    queries_per_text: Option<u64>,
    /// Why some attacks gave no result.
    failed: Vec<String>,
    /// Odd things about the endpoint's answers.
    warnings: Vec<String>,
    files: Vec<File>,
    seed: u64,
    caiso_version: &'static str,
}

/// One attack.
#[derive(Serialize)]
struct AttackResult {
    attack: &'static str,
    looks: Looks,
    techniques: &'static [&'static str],
    params: Value,
    n: usize,
    /// Share of the texts that are classified correctly and that the attack, having run, left standing.
    robust_accuracy: f64,
    interval: [f64; 2],
    success_rate: Option<f64>,
    not_attacked: usize,
    median_edit_distance: Option<f64>,
    median_words_changed: Option<f64>,
    queries: u64,
    examples: Vec<Example>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

#[derive(Serialize)]
struct Example {
    before: String,
    after: String,
    from: String,
    to: String,
}

pub(crate) fn run(global: &Global, arguments: &TextsArguments) -> Result<u8> {
    if !matches!(global.format, Format::Text | Format::Json) {
        bail!("caiso robustness texts writes text or json");
    }
    let system = home::system(arguments.system.as_deref())?;
    let model = connect(&system, arguments)?;
    let (texts, given, file) = texts(arguments, &model)?;
    let labelled = given.is_some();
    let labels = match given {
        Some(labels) => labels,
        None => model.predict(&texts).context("the endpoint gave no answer")?,
    };
    model.check_repeatability(&texts).context("the endpoint gave no answer")?;
    let problem = TextProblem { model: &model, texts: &texts, labels: &labels };
    let settings =
        TextSettings { queries: arguments.queries.unwrap_or(u64::MAX), ..TextSettings::default() };
    let context = RunContext::with_seed(arguments.seed);
    let line = Line::new(global.quiet);
    let mut clean_accuracy = 0.0;
    let mut results = Vec::new();
    let (mut saved, mut failed) = (Vec::new(), Vec::new());
    for (k, attack) in attacks(arguments, &model)?.into_iter().enumerate() {
        line.step(k, arguments.attack.len().max(k + 1), attack.meta.name);
        let parameters = attack.parameters.resolve(&Map::new())?;
        // What other attacks found is kept where one fails.
        let attacked = match run_text(attack, &parameters, &problem, &settings, &context, &|_| ()) {
            Ok(attacked) => attacked,
            Err(error) => {
                let error = anyhow::Error::from(error);
                failed.push(format!("`{}`: {error:#}", attack.meta.name));
                continue;
            }
        };
        let correct = attacked.texts.iter().filter(|text| text.clean == text.label).count();
        clean_accuracy = correct as f64 / texts.len() as f64;
        results.push(result(attack, parameters.as_json(), &attacked, &texts, &model.spec().labels));
        saved.push((attack.meta.name, attacked));
    }
    drop(line);
    if let Some(path) = &arguments.save_adversarial {
        output::write_file(path, &csv(&saved, &texts)?)?;
    }
    let incomplete = !failed.is_empty() || results.iter().any(|result| result.not_attacked > 0);
    let evaluation = Evaluation {
        clean_accuracy,
        results,
        labelled,
        queries_per_text: arguments.queries,
        failed,
        warnings: model.warnings().iter().map(ToString::to_string).collect(),
        files: vec![file],
        seed: arguments.seed,
        caiso_version: env!("CARGO_PKG_VERSION"),
    };
    if global.format == Format::Json {
        output::print_json(&evaluation)?;
    } else {
        output::print(&text(&evaluation))?;
    }
    Ok(if incomplete { exit::INCOMPLETE } else { exit::PASS })
}

fn connect(system: &LoadedSystem, arguments: &TextsArguments) -> Result<HttpTextModel> {
    let endpoints = &system.manifest.endpoints;
    let name = arguments.endpoint.as_str();
    let entry = endpoints.iter().find(|entry| entry.name.value == name).with_context(|| {
        let known: Vec<&str> = endpoints.iter().map(|entry| entry.name.as_str()).collect();
        format!("no endpoint is named `{name}`; caiso.yaml describes: {}", known.join(", "))
    })?;
    let roots = entry.tls_roots.as_ref().map(|path| system.get(path));
    let environment = |name: &str| std::env::var(name).ok();
    let connection = Connection {
        environment: &environment,
        tls_roots: roots.as_ref().map(|file| file.bytes.as_slice()),
        recording: arguments.journal.as_deref().map_or(Recording::Memory, Recording::Journal),
    };
    Ok(HttpTextModel::connect(entry, connection)?)
}

/// The texts, their true classes where they are told, and the file they come from.
fn texts(
    arguments: &TextsArguments,
    model: &HttpTextModel,
) -> Result<(Vec<String>, Option<Vec<usize>>, File)> {
    let name = arguments.texts.display().to_string();
    let bytes = fs::read(&arguments.texts).with_context(|| format!("cannot read {name}"))?;
    let file = File { path: name.clone(), sha256: sha256_hex(&bytes), runtime: None };
    let Data::Table(table) = caiso_data::read(&name, &bytes)? else {
        bail!("{name} holds an array of numbers, expected a table with a column of texts");
    };
    let count = arguments.limit.unwrap_or(usize::MAX).min(table.rows());
    ensure!(count > 0, "--limit 0 leaves no text to attack");
    let column = table.labels(&arguments.column)?;
    let codes = column.codes.iter().take(count);
    let texts = codes.map(|&code| column.values[code as usize].clone()).collect();
    let Some(labels) = &arguments.labels else { return Ok((texts, None, file)) };
    let labels = table.labels(labels)?;
    let classes = &model.spec().labels;
    let class = |value: &String| classes.iter().position(|class| class == value);
    let known: Vec<Option<usize>> = labels.values.iter().map(class).collect();
    let mut truth = Vec::with_capacity(count);
    for (row, &code) in labels.codes.iter().take(count).enumerate() {
        truth.push(known[code as usize].with_context(|| {
            format!(
                "{name}, line {}: `{}` is none of the endpoint's classes {classes:?}",
                table.line(row).unwrap_or_default(),
                labels.values[code as usize]
            )
        })?);
    }
    Ok((texts, Some(truth), file))
}

fn attacks(arguments: &TextsArguments, model: &HttpTextModel) -> Result<Vec<&'static TextAttack>> {
    if arguments.attack.is_empty() {
        let fits = |attack: &&TextAttack| attack.access <= model.access();
        return Ok(TEXT_ATTACKS.iter().copied().filter(fits).collect());
    }
    let named = |name: &String| {
        find_text(name).with_context(|| {
            let near = nearest(name, TEXT_ATTACKS.iter().map(|attack| attack.meta.name));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            format!("there is no attack on texts `{name}`{near}")
        })
    };
    arguments.attack.iter().map(named).collect()
}

fn result(
    attack: &'static TextAttack,
    parameters: &Value,
    attacked: &TextAttacked,
    texts: &[String],
    classes: &[String],
) -> AttackResult {
    let n = attacked.texts.len();
    let correct = || attacked.texts.iter().zip(texts).filter(|(text, _)| text.clean == text.label);
    let flipped = || correct().filter(|(text, _)| text.flipped.is_some());
    let robust = correct().filter(|(text, _)| text.flipped.is_none() && text.finished).count();
    let run = correct().filter(|(text, _)| text.flipped.is_some() || text.finished).count();
    let interval = caiso_math::wilson(robust as u64, n as u64, 0.95);
    let name = |class: usize| classes.get(class).cloned().unwrap_or_else(|| class.to_string());
    AttackResult {
        attack: attack.meta.name,
        looks: attack.looks,
        techniques: attack.meta.techniques,
        params: parameters.clone(),
        n,
        robust_accuracy: robust as f64 / n as f64,
        interval: [interval.low, interval.high],
        success_rate: (run > 0).then(|| flipped().count() as f64 / run as f64),
        not_attacked: correct().count() - run,
        median_edit_distance: median(flipped().map(|(text, _)| text.edit_distance)),
        median_words_changed: median(flipped().map(|(text, _)| text.words_changed)),
        queries: attacked.texts.iter().map(|text| text.queries).sum(),
        examples: flipped()
            .take(SHOWN)
            .map(|(text, before)| Example {
                before: before.clone(),
                after: text.text.clone(),
                from: name(text.clean),
                to: text.flipped.map_or_else(String::new, name),
            })
            .collect(),
        stopped: attacked.stopped.clone(),
    }
}

fn median(values: impl Iterator<Item = usize>) -> Option<f64> {
    let mut values: Vec<f64> = values.map(|value| value as f64).collect();
    values.sort_by(f64::total_cmp);
    caiso_math::quantile(&values, 0.5)
}

/// Every text before and after each attack.
fn csv(attacked: &[(&str, TextAttacked)], texts: &[String]) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record([
        "attack",
        "text",
        "adversarial",
        "label",
        "class_before",
        "class_after",
        "finished",
    ])?;
    for (attack, attacked) in attacked {
        for (result, before) in attacked.texts.iter().zip(texts) {
            table.write_record([
                attack,
                before.as_str(),
                &result.text,
                &result.label.to_string(),
                &result.clean.to_string(),
                &result.flipped.unwrap_or(result.clean).to_string(),
                &result.finished.to_string(),
            ])?;
        }
    }
    Ok(table.into_inner()?)
}

fn text(evaluation: &Evaluation) -> String {
    let mut text = format!(
        "clean accuracy {:.4}\n\n{:<14} {:<9} {:>8} {:>17} {:>8} {:>6} {:>6} {:>9}\n",
        evaluation.clean_accuracy,
        "attack",
        "looks",
        "robust",
        "95 % interval",
        "success",
        "edits",
        "words",
        "queries"
    );
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    for result in &evaluation.results {
        let looks = match result.looks {
            Looks::Same => "the same",
            Looks::Mistyped => "mistyped",
        };
        text += &format!(
            "{:<14} {looks:<9} {:>8.4} {:>17} {:>8} {:>6} {:>6} {:>9}\n",
            result.attack,
            result.robust_accuracy,
            format!("[{:.4}, {:.4}]", result.interval[0], result.interval[1]),
            result.success_rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.4}")),
            number(result.median_edit_distance),
            number(result.median_words_changed),
            result.queries,
        );
        for Example { before, after, from, to } in &result.examples {
            // What a person cannot see is shown as its code.
            text += &format!("    {from}: {before}\n    {to}: {}\n", after.escape_debug());
        }
        if let Some(stopped) = &result.stopped {
            let left = result.not_attacked;
            text +=
                &format!("    {left} texts were not attacked, not counted as robust: {stopped}\n");
        }
    }
    if !evaluation.labelled {
        text += "note: without --labels the endpoint's own answers count as true\n";
    }
    for failed in &evaluation.failed {
        text += &format!("not run: {failed}\n");
    }
    for warning in &evaluation.warnings {
        text += &format!("note: {warning}\n");
    }
    text
}
