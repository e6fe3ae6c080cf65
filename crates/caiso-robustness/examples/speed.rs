//! Runs attacks and forward passes on demand, so that a script can time them in turn with those of other tools:
//! one JSON object a line on standard input, one answer a line on standard output.
//!
//! `{"model": "cnn.onnx", "inputs": "cnn.x.npy", "labels": "cnn.y.npy", "attack": "bim", "norm": "linf", "eps": 0.1,
//! "parameters": {"steps": 20}, "limit": 64, "threads": 2}`; without `attack` the rows are evaluated once.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, for benchmarks"
)]

use std::collections::HashMap;
use std::fs;
use std::io::BufRead as _;
use std::time::Instant;

use caiso_core::RunContext;
use caiso_data::Array;
use caiso_inference::{Model, load};
use caiso_robustness::{Domain, Norm, Problem, Settings, find, run};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Job {
    model: String,
    inputs: String,
    labels: String,
    attack: Option<String>,
    norm: Option<Norm>,
    eps: Option<f64>,
    #[serde(default)]
    parameters: Map<String, Value>,
    limit: Option<usize>,
    queries: Option<u64>,
    threads: usize,
}

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let mut models: HashMap<String, Box<dyn Model>> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        if !models.contains_key(&job.model) {
            models.insert(job.model.clone(), load(&fs::read(&job.model)?)?);
        }
        println!("{}", answer(&job, models[&job.model].as_ref())?);
    }
    Ok(())
}

fn answer(job: &Job, model: &dyn Model) -> Result<Value, Error> {
    let read =
        |path: &str| -> Result<Array, Error> { Ok(Array::from_npy(path, &fs::read(path)?)?) };
    let mut rows = read(&job.inputs)?.to_f32();
    let mut labels: Vec<usize> =
        read(&job.labels)?.values.iter().map(|&label| label as usize).collect();
    labels.truncate(job.limit.unwrap_or(labels.len()));
    rows.truncate(labels.len() * model.features());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads).build()?;
    let Some(name) = &job.attack else {
        // A session stays open over the call, as those of other runtimes do.
        let mut session = model.differentiable().ok_or("no gradients, no session")?.session();
        let part = model.chunk_rows() * model.features();
        let mut pass = || rows.chunks(part).try_for_each(|rows| session.forward(rows));
        let ((), wall, cpu) = pool.install(|| {
            pass()?;
            let (done, wall, cpu) = timed(&mut pass);
            done.map(|()| ((), wall, cpu))
        })?;
        return Ok(json!({"wall": wall, "cpu": cpu, "queries": labels.len()}));
    };
    let attack = find(name).ok_or("no such attack")?;
    let parameters = attack.parameters.resolve(&job.parameters)?;
    let domain = Domain::uniform(model.features(), 0.0, 1.0)?;
    let problem = Problem { model, domain: &domain, rows: &rows, labels: &labels, surrogate: None };
    let norm = job.norm.unwrap_or(attack.norms[0]);
    let mut settings = Settings::new(norm, job.eps);
    settings.queries = job.queries.unwrap_or(u64::MAX);
    let context = RunContext::with_seed(1);
    let (attacked, wall, cpu) =
        timed(|| pool.install(|| run(attack, &parameters, &problem, &settings, &context, &|_| ())));
    let summary = attacked?.summary(norm, job.eps);
    Ok(json!({"wall": wall, "cpu": cpu, "queries": summary.queries, "summary": summary}))
}

/// What a call gives, its wall time and its CPU time in seconds.
fn timed<T>(call: impl FnOnce() -> T) -> (T, f64, f64) {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    let result = call();
    (result, wall.elapsed().as_secs_f64(), cpu_seconds() - cpu)
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
