//! `caiso robustness evaluate`.

use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use caiso_core::RunContext;
use caiso_robustness::{
    Attacked, CurvePoint, Goal, Norm, Over, Settings, Summary, run as attack_rows,
    security_evaluation,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use super::doubts::{Run, doubts};
use super::inputs::{File, Inputs};
use super::metrics::Metrics;
use super::options::{Chosen, chosen};
use super::text;
use crate::arguments::{AttackArguments, EvaluateArguments, Format, Global};
use crate::{exit, output};

/// What `evaluate` prints as JSON.
#[derive(Serialize)]
pub(super) struct Evaluation {
    pub(super) clean_accuracy: f64,
    pub(super) results: Vec<AttackResult>,
    /// Signs that an attack says more of itself than of the model.
    pub(super) doubts: Vec<String>,
    /// Figures of the model itself, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metrics: Option<Metrics>,
    /// Digests of what went in.
    files: Vec<File>,
    seed: u64,
    caiso_version: &'static str,
}

/// One attack at one epsilon.
#[derive(Serialize)]
pub(super) struct AttackResult {
    pub(super) attack: &'static str,
    pub(super) norm: Norm,
    pub(super) eps: Option<f64>,
    pub(super) params: Value,
    #[serde(flatten)]
    pub(super) summary: Summary,
    /// CPU time of the run over all threads. A minimum-norm attack runs once for all epsilons and tells it in each.
    pub(super) cpu_seconds: f64,
    /// Why the attack ended before all rows were through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stopped: Option<String>,
    /// What one has to know to read the figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) notes: Vec<String>,
    /// File of the adversarial rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) adversarial: Option<String>,
}

pub(crate) fn run(global: &Global, arguments: &EvaluateArguments) -> Result<u8> {
    if !matches!(global.format, Format::Text | Format::Json) {
        bail!("caiso robustness evaluate writes text or json");
    }
    let attacks = chosen(global, &arguments.attack)?;
    let inputs = Inputs::load(&arguments.attack)?;
    if let Some(folder) = &arguments.save_adversarial {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let runner = Runner::new(global, &arguments.attack, &inputs)?;
    let mut clean_accuracy = 0.0;
    let mut results = Vec::new();
    let mut runs = Vec::new();
    for chosen in &attacks {
        let epsilons = arguments.attack.eps.as_slice();
        for (part, attacked, cpu_seconds) in runner.run(chosen, epsilons)? {
            clean_accuracy = attacked.clean_accuracy();
            let file = match &arguments.save_adversarial {
                Some(folder) => {
                    Some(save(folder, chosen, part.first().copied(), &attacked, &inputs)?)
                }
                None => None,
            };
            let rows: Vec<Option<f64>> =
                if part.is_empty() { vec![None] } else { part.iter().copied().map(Some).collect() };
            results.extend(rows.into_iter().map(|eps| AttackResult {
                attack: chosen.attack.meta.name,
                norm: chosen.norm,
                eps,
                params: chosen.parameters.as_json().clone(),
                summary: attacked.summary(chosen.norm, eps),
                cpu_seconds,
                stopped: attacked.stopped.clone(),
                notes: attacked.notes.clone(),
                adversarial: file.clone(),
            }));
            runs.push(Run { chosen, epsilons: part.to_vec(), attacked });
        }
    }
    let metrics = arguments.metrics.then(|| runner.metrics()).transpose()?;
    let incomplete = results.iter().any(|result| result.summary.not_attacked > 0);
    let evaluation = Evaluation {
        clean_accuracy,
        results,
        doubts: doubts(&runs),
        metrics,
        files: inputs.files,
        seed: arguments.attack.seed,
        caiso_version: env!("CARGO_PKG_VERSION"),
    };
    if global.format == Format::Json {
        output::print_json(&evaluation)?;
    } else {
        output::print(&text::evaluation(&evaluation))?;
    }
    Ok(if incomplete { exit::INCOMPLETE } else { exit::PASS })
}

/// Runs attacks on one problem with progress on a terminal.
pub(super) struct Runner<'a> {
    arguments: &'a AttackArguments,
    inputs: &'a Inputs,
    context: RunContext,
    threads: rayon::ThreadPool,
    shown: bool,
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        global: &Global,
        arguments: &'a AttackArguments,
        inputs: &'a Inputs,
    ) -> Result<Self> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(arguments.threads.unwrap_or(0));
        Ok(Self {
            arguments,
            inputs,
            context: RunContext::with_seed(arguments.seed),
            threads: threads.build()?,
            shown: !global.quiet && std::io::stderr().is_terminal(),
        })
    }

    /// Runs an attack for all epsilons at once where it looks for the nearest point, else for one after another: which
    /// epsilons a run answers for, what it found, and its CPU time in seconds.
    pub(super) fn run<'e>(
        &self,
        chosen: &Chosen,
        epsilons: &'e [f64],
    ) -> Result<Vec<(&'e [f64], Attacked, f64)>> {
        let name = chosen.attack.meta.name;
        match (chosen.attack.goal, epsilons) {
            (Goal::WithinEpsilon, []) => {
                bail!("`{name}` attacks within an epsilon: give --eps, for example --eps 0.1")
            }
            (Goal::WithinEpsilon, _) => {
                epsilons.chunks(1).map(|part| self.once(chosen, part, Some(part[0]))).collect()
            }
            (Goal::Nearest, _) => Ok(vec![self.once(chosen, epsilons, None)?]),
        }
    }

    fn settings(&self, norm: Norm, epsilon: Option<f64>) -> Settings {
        let mut settings = Settings::new(norm, epsilon);
        settings.batch = self.arguments.batch_size;
        settings.queries = self.arguments.queries.unwrap_or(u64::MAX);
        settings.targets = self.arguments.target.map(|class| vec![class; self.inputs.labels.len()]);
        settings
    }

    /// The security-evaluation curve of an attack; over a parameter it is drawn at `epsilon`.
    pub(super) fn curve(
        &self,
        chosen: &Chosen,
        over: Over<'_>,
        epsilon: Option<f64>,
    ) -> Result<Vec<CurvePoint>> {
        let parameters = chosen.parameters.as_json().as_object().cloned().unwrap_or_default();
        let settings = self.settings(chosen.norm, epsilon);
        let (problem, context) = (self.inputs.problem(), &self.context);
        let points = self.threads.install(|| {
            security_evaluation(chosen.attack, &parameters, over, &problem, &settings, context)
        });
        points.with_context(|| format!("cannot run `{}`", chosen.attack.meta.name))
    }

    /// Figures of the model itself.
    fn metrics(&self) -> Result<Metrics> {
        self.threads.install(|| Metrics::of(&self.inputs.problem(), &self.context))
    }

    fn once<'e>(
        &self,
        chosen: &Chosen,
        part: &'e [f64],
        epsilon: Option<f64>,
    ) -> Result<(&'e [f64], Attacked, f64)> {
        let name = chosen.attack.meta.name;
        let settings = self.settings(chosen.norm, epsilon);
        let bar = self.shown.then(|| {
            let style = ProgressStyle::with_template("{msg} {bar:24} {pos}/{len} rows  {eta}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let words = epsilon.map_or_else(|| name.to_owned(), |eps| format!("{name} {eps}"));
            ProgressBar::new(self.inputs.labels.len() as u64).with_style(style).with_message(words)
        });
        let start = cpu_seconds();
        let attacked = self.threads.install(|| {
            attack_rows(
                chosen.attack,
                &chosen.parameters,
                &self.inputs.problem(),
                &settings,
                &self.context,
                &|rows| {
                    if let Some(bar) = &bar {
                        bar.inc(rows as u64);
                    }
                },
            )
        });
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let attacked = attacked.with_context(|| format!("cannot run `{name}`"))?;
        Ok((part, attacked, cpu_seconds() - start))
    }
}

/// CPU time of this process so far, over all threads.
fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Writes the adversarial rows in the shape of the inputs; answers where to.
fn save(
    folder: &Path,
    chosen: &Chosen,
    epsilon: Option<f64>,
    attacked: &Attacked,
    inputs: &Inputs,
) -> Result<String> {
    let within = chosen.attack.goal == Goal::WithinEpsilon;
    let epsilon = epsilon.filter(|_| within).map(|eps| format!("-{eps}")).unwrap_or_default();
    let name = format!("{}-{}{epsilon}.npy", chosen.attack.meta.name, chosen.norm);
    let path = folder.join(name);
    let bytes = caiso_data::npy(&inputs.shape, &attacked.adversarial);
    output::write_file(&path, &bytes)?;
    Ok(path.display().to_string())
}
