//! Campaigns against one model: run under budgets, written down after each step, sealed at the end.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use caiso_client::{Connection, HttpModel, Recording};
use caiso_core::{Outcome, RunContext, Statement, Subject, sha256_hex};
use caiso_inference::Model;
use caiso_report::CheckStatus;
use caiso_robustness::{CAMPAIGNS, Campaign, RobustnessInput, State, Step, campaign_key};
use caiso_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sections::labelled::{Described, LabelledData, check_widths, description};
use crate::sections::models::{Prepared, prepare};
use crate::{AssessError, LoadedSystem, assess, parameters};

/// The parameter that limits all queries.
const BUDGET: &str = "budget_queries";
/// Most questions that the check of repeatability asks.
const REPEATED: u64 = 12;

/// What a campaign is asked for.
#[derive(Clone, Debug)]
pub struct RedteamOptions {
    /// What is attacked.
    pub target: RedteamTarget,
    /// Parameters of `RB-REDTEAM-001` that go before those of the manifest.
    pub parameters: Map<String, Value>,
    /// Seed of every random stream, at most 2^53.
    pub seed: u64,
    /// Longest time for all steps.
    pub budget: Option<Duration>,
    /// Whether to continue a campaign that was stopped.
    pub resume: bool,
    /// Folder in which states of campaigns are kept.
    pub folder: PathBuf,
    /// Who runs this: `user:ada`.
    pub actor: String,
    /// Digest of the program, so that another build continues nothing.
    pub program: String,
}

/// What a campaign attacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedteamTarget {
    /// The only model of the system.
    OnlyModel,
    /// The model of this name.
    Model(String),
    /// What answers at the endpoint of this name.
    Endpoint(String),
}

/// What is happening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedteamEvent {
    /// A campaign of the same kind was stopped and is started over.
    StartedOver,
    /// A campaign that was stopped is continued after this many steps.
    Resumed(usize),
    /// Something to know about what an endpoint answers.
    Warning(String),
    /// A step begins.
    Step {
        /// What it does.
        words: String,
        /// Steps before it.
        done: usize,
        /// Steps at most.
        all: usize,
        /// Queries so far.
        queries: u64,
    },
}

/// A sealed campaign.
#[derive(Debug)]
pub struct Redteam {
    /// `model:classifier`.
    pub component: String,
    /// What it came to.
    pub outcome: Outcome,
    /// How that is judged.
    pub status: CheckStatus,
    /// Its complete parameters.
    pub parameters: Value,
    /// Number of its record in the ledger.
    pub seq: u64,
    /// Digest of the evidence.
    pub digest: String,
}

/// Runs a campaign against a model or an endpoint of the system, or continues one, and seals what it came to.
/// `environment` gives the variables that an endpoint's description names.
pub fn redteam(
    system: &LoadedSystem,
    store: &Store,
    options: &RedteamOptions,
    environment: &dyn Fn(&str) -> Option<String>,
    progress: &mut dyn FnMut(RedteamEvent),
) -> Result<Redteam, AssessError> {
    let check = CAMPAIGNS[0];
    let code = check.meta.code;
    let Target { input, subjects, remote, budget } = match &options.target {
        RedteamTarget::OnlyModel => model(system, None)?,
        RedteamTarget::Model(name) => model(system, Some(name))?,
        RedteamTarget::Endpoint(name) => endpoint(system, name, options, environment)?,
    };
    let resolved = parameters::resolve(system)?;
    let mut values = resolved[code].as_json().as_object().cloned().unwrap_or_default();
    values.extend(options.parameters.clone());
    if let (Some(budget), None | Some(Value::Null)) = (budget, values.get(BUDGET)) {
        values.insert(BUDGET.to_owned(), budget.into());
    }
    let parameters = check
        .parameters
        .resolve(&values)
        .map_err(|error| AssessError::Redteam(format!("{code}: {error}")))?;
    let campaign = Campaign::new(&input, &parameters, options.seed)
        .map_err(|error| AssessError::Redteam(error.to_string()))?;

    let statement = |outcome| {
        let values = parameters.as_json().clone();
        Statement::new(code, subjects.clone(), values, options.seed, outcome)
    };
    let mut inputs = statement(Outcome::default()).to_canonical()?;
    inputs.extend_from_slice(options.program.as_bytes());
    let file = StateFile(options.folder.join(format!("{}.json", sha256_hex(&inputs))));
    let written = file.read()?.filter(|_| {
        if !options.resume {
            progress(RedteamEvent::StartedOver);
        }
        options.resume
    });
    let Written { mut state, notes, .. } = if let Some(written) = written {
        progress(RedteamEvent::Resumed(campaign.next(&written.state).1));
        written
    } else {
        let notes =
            remote.as_deref().map_or(Ok(Vec::new()), |remote| repeats(remote, &input.rows))?;
        Written { caiso_campaign: 1, state: campaign.start(), notes }
    };

    let context = RunContext::with_seed(options.seed);
    let timer = timer(options.budget, &context);
    let stopped = loop {
        let (words, done, all) = campaign.next(&state);
        if state.ended().is_none() {
            progress(RedteamEvent::Step { words, done, all, queries: state.queries() });
        }
        match campaign.step(&mut state, &context) {
            Ok(Step::Done) => file.write(&state, &notes)?,
            Ok(Step::Ended(_)) => break None,
            Ok(Step::Stopped(_)) if context.cancelled.load(Ordering::Relaxed) => {
                let seconds = options.budget.unwrap_or_default().as_secs_f64();
                break Some(format!("the budget of {seconds} s was spent"));
            }
            Ok(Step::Stopped(reason)) => break Some(reason),
            Err(error) => return Err(AssessError::Redteam(error.to_string())),
        }
    };
    drop(timer);

    for warning in remote.iter().flat_map(|remote| remote.warnings()) {
        progress(RedteamEvent::Warning(warning.to_string()));
    }

    let mut outcome = campaign.outcome(&state, stopped.as_deref());
    outcome.limits.extend(notes);
    let key = Some(campaign_key(&subjects));
    let component = input.component.clone();
    let statement = statement(outcome);
    let done = assess::seal(store, &options.actor, &check.meta, component, statement, key)?;
    if stopped.is_none() {
        remove(&file.0)?;
    }
    Ok(Redteam {
        component: done.component,
        outcome: *done.outcome,
        status: done.status,
        parameters: parameters.as_json().clone(),
        seq: done.seq.unwrap_or_default(),
        digest: done.digest,
    })
}

/// What is attacked.
struct Target {
    input: RobustnessInput,
    /// All that results depend on.
    subjects: Vec<Subject>,
    /// Where it is an endpoint.
    remote: Option<Arc<HttpModel>>,
    /// Most queries of a campaign, where the target limits them.
    budget: Option<u64>,
}

/// A model of the system with its data.
fn model(system: &LoadedSystem, name: Option<&str>) -> Result<Target, AssessError> {
    let models = &system.manifest.models;
    let known = || models.iter().map(|model| model.name.as_str()).collect::<Vec<_>>().join(", ");
    let entry = match (name, models.as_slice()) {
        (Some(name), _) => {
            models.iter().find(|model| model.name.value == name).ok_or_else(|| {
                AssessError::Redteam(format!("no model is named `{name}`; known: {}", known()))
            })?
        }
        (None, [model]) => model,
        (None, []) => {
            let message = "the system names no model; describe one under `models` of caiso.yaml";
            return Err(AssessError::Redteam(message.to_owned()));
        }
        (None, _) => {
            let message =
                format!("the system has several models; give --model, one of: {}", known());
            return Err(AssessError::Redteam(message));
        }
    };
    let file = system.get(&entry.path);
    let component = format!("model:{}", entry.name.value);
    let subject = Subject::new(&component, &file.sha256);
    let Prepared { data, domain, model, subjects, .. } =
        prepare(system, entry, &subject, &file.bytes)?.map_err(|unready| {
            AssessError::Redteam(format!("{}; {}", unready.reason, unready.remedy))
        })?;
    let input = RobustnessInput {
        component,
        path: Some(file.path.clone()),
        model,
        rows: data.matrix.values,
        labels: data.labels,
        classes: entry.classes.value.clone(),
        domain,
    };
    Ok(Target { input, subjects, remote: None, budget: None })
}

/// An endpoint of the system with its data. Its answers are kept in a journal beside the campaign's state, so that a
/// campaign that is continued asks nothing again.
fn endpoint(
    system: &LoadedSystem,
    name: &str,
    options: &RedteamOptions,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Target, AssessError> {
    let endpoints = &system.manifest.endpoints;
    let entry = endpoints.iter().find(|entry| entry.name.value == name).ok_or_else(|| {
        let known: Vec<&str> = endpoints.iter().map(|entry| entry.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        AssessError::Redteam(format!("no endpoint is named `{name}`; known: {known}"))
    })?;
    let dataset = entry.dataset.as_ref().and_then(|name| system.manifest.dataset(name));
    let described = Described::endpoint(entry);
    let (Some(dataset), Some(described)) =
        (dataset.filter(|dataset| dataset.target.is_some()), described)
    else {
        return Err(AssessError::Redteam(format!(
            "endpoint `{name}` cannot be attacked: fill in its `dataset` (with a `target`), `classes`, and `features` or \
             `bounds`"
        )));
    };
    let data = LabelledData::read(system, described, dataset)?;
    let description = description(&entry.name, entry, dataset)?;
    let journal = options.folder.join(format!("{name}-{}.jsonl", &description.sha256()[..16]));
    fs::create_dir_all(&options.folder)
        .map_err(|source| AssessError::Write { path: options.folder.clone(), source })?;
    if !options.resume {
        remove(&journal)?;
    }
    let roots = entry.tls_roots.as_ref().map(|path| system.get(path));
    let connection = Connection {
        environment,
        tls_roots: roots.as_ref().map(|file| file.bytes.as_slice()),
        recording: Recording::Journal(&journal),
    };
    let model = HttpModel::connect(entry, connection)
        .map_err(|error| AssessError::Redteam(error.to_string()))?;
    check_widths(system, described, &data.features, &model)?;
    let domain = data.domain(system, described)?;
    let model = Arc::new(model);
    let input = RobustnessInput {
        component: format!("endpoint:{name}"),
        path: None,
        model: Arc::clone(&model) as Arc<dyn Model>,
        rows: data.matrix.values,
        labels: data.labels,
        classes: entry.classes.value.clone(),
        domain,
    };
    let subject = Subject::new(&input.component, description.sha256());
    let subjects = vec![subject, data.subject];
    let budget = entry.budget.as_ref().map(|budget| budget.value.saturating_sub(REPEATED).max(1));
    Ok(Target { input, subjects, remote: Some(model), budget })
}

/// What is to be noted about an endpoint that answers differently when it is asked again.
fn repeats(endpoint: &HttpModel, rows: &[f32]) -> Result<Vec<String>, AssessError> {
    endpoint.check_repeatability(rows).map_err(|error| AssessError::Redteam(error.to_string()))?;
    Ok(endpoint.warnings().iter().map(ToString::to_string).collect())
}

/// Cancels a context when a budget is spent, unless what this returns is dropped before.
fn timer(budget: Option<Duration>, context: &RunContext) -> Option<mpsc::Sender<()>> {
    let budget = budget?;
    let cancelled = Arc::clone(&context.cancelled);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        if receiver.recv_timeout(budget) == Err(mpsc::RecvTimeoutError::Timeout) {
            cancelled.store(true, Ordering::Relaxed);
        }
    });
    Some(sender)
}

/// The file in which the state of a campaign lies until it has ended.
struct StateFile(PathBuf);

/// Its content.
#[derive(Serialize, Deserialize)]
struct Written<S = State, N = Vec<String>> {
    caiso_campaign: u32,
    state: S,
    /// What was noted about the target at the beginning.
    notes: N,
}

impl StateFile {
    fn read(&self) -> Result<Option<Written>, AssessError> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(AssessError::Read { path: self.0.clone(), source }),
        };
        let written = serde_json::from_slice(&bytes).map_err(|error| {
            let path = self.0.display();
            AssessError::Redteam(format!("{path} is no state of a campaign ({error}); remove it"))
        })?;
        Ok(Some(written))
    }

    /// Writes by way of a neighbour, so that a kill leaves the state before or after the step.
    fn write(&self, state: &State, notes: &[String]) -> Result<(), AssessError> {
        let unwritable = |source| AssessError::Write { path: self.0.clone(), source };
        let bytes = serde_json::to_vec(&Written { caiso_campaign: 1, state, notes })
            .map_err(caiso_core::StatementError::Canonical)?;
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder).map_err(unwritable)?;
        }
        let partial = self.0.with_extension("partial");
        fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, &self.0)).map_err(unwritable)
    }
}

/// Removes a file if it is there.
fn remove(path: &Path) -> Result<(), AssessError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => {
            Err(AssessError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
