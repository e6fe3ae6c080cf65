//! Models: their files, then what they do on their labelled data.

use std::sync::Arc;

use caiso_core::manifest::{Dataset, Model as ModelEntry};
use caiso_core::{Diagnostic, Subject, nearest, sha256_hex};
use caiso_data::{Data, Matrix, Table};
use caiso_evals::SkillInput;
use caiso_fairness::{Attribute, FairnessInput};
use caiso_inference::{Model as _, OnnxModel};
use caiso_modelfile::{ModelFileInput, Signature, applies};
use caiso_robustness::{Domain, FeatureDomain, RobustnessInput};
use caiso_scan::Spool;

use crate::plan::{Planner, missing};
use crate::step::{Step, Work};
use crate::{AssessError, LoadedSystem};

pub(crate) fn plan(planner: &Planner<'_>) -> Result<Vec<Step>, AssessError> {
    let models = &planner.system.manifest.models;
    if models.is_empty() {
        let none = || Work::NotApplicable("the system names no model".to_owned());
        let mut steps = planner.without_running(caiso_evals::ALL, "", &[], none);
        steps.extend(planner.without_running(caiso_modelfile::CHECKS, "", &[], none));
        steps.extend(planner.without_running(caiso_robustness::CHECKS, "", &[], none));
        steps.extend(planner.without_running(caiso_fairness::ALL, "", &[], none));
        return Ok(steps);
    }
    let mut steps = Vec::new();
    for model in models {
        let file = planner.system.get(&model.path);
        let component = format!("model:{}", model.name.value);
        let subject = Subject::new(&component, &file.sha256);
        let signature = model.signature.as_ref().map(|path| {
            let file = planner.system.get(path);
            let signer = model.signer.as_ref().map(|path| planner.system.get(path).bytes.clone());
            Signature { path: file.path.clone(), bytes: file.bytes.clone(), signer }
        });
        let input = ModelFileInput::new(
            &component,
            &file.path,
            &file.sha256,
            &file.bytes,
            signature,
            &Spool,
        );
        steps.extend(behaviour(planner, model, &component, &subject, &file.bytes)?);
        let input = Arc::new(input);
        steps.extend(caiso_modelfile::CHECKS.iter().map(|check| {
            let parameters = planner.parameters(check.meta.code);
            let mut subjects = vec![subject.clone()];
            if let Some(path) = &model.signature {
                let signature = planner.system.get(path);
                subjects.push(Subject::new(format!("{component}:signature"), &signature.sha256));
            }
            if let Some(path) = &model.signer {
                let signer = planner.system.get(path);
                subjects.push(Subject::new(format!("{component}:signer"), &signer.sha256));
            }
            let mut step = Step::run(check, &input, &component, subjects, parameters);
            if !applies(check.meta.code, &input) {
                let reason = "nothing in the file has the formats that it judges";
                step.work = Work::NotApplicable(reason.to_owned());
            }
            step
        }));
    }
    Ok(steps)
}

/// Skill, robustness and fairness: what needs a runnable model and labelled data.
fn behaviour(
    planner: &Planner<'_>,
    entry: &ModelEntry,
    component: &str,
    subject: &Subject,
    bytes: &[u8],
) -> Result<Vec<Step>, AssessError> {
    let system = planner.system;
    let all_missing = |subjects: &[Subject], reason: &str, remedy: &str| {
        let work = || missing(reason, remedy);
        let mut steps = planner.without_running(caiso_evals::ALL, component, subjects, work);
        steps.extend(planner.without_running(caiso_robustness::CHECKS, component, subjects, work));
        steps.extend(planner.without_running(caiso_fairness::ALL, component, subjects, work));
        steps
    };
    let own = [subject.clone()];
    let Some(name) = &entry.dataset else {
        let remedy = "name a labelled data set under `dataset` of the model";
        return Ok(all_missing(&own, "no labelled data set is named for this model", remedy));
    };
    // The manifest was checked when it was read.
    let Some(dataset) = system.manifest.dataset(name) else { return Ok(Vec::new()) };
    if entry.features.is_empty() || entry.classes.is_empty() || dataset.target.is_none() {
        let reason = "its inputs, its classes or the target column of its data are not described";
        let remedy = "fill in `features` and `classes` of the model and `target` of the data set";
        return Ok(all_missing(&own, reason, remedy));
    }
    let data = LabelledData::read(system, entry, dataset)?;
    let subjects = vec![subject.clone(), data.subject.clone(), description(entry, dataset)?];
    let model = match OnnxModel::load(bytes) {
        Ok(model) => Arc::new(model),
        Err(error) => {
            let reason = format!("the model cannot be run: {}", with_causes(&error));
            let remedy =
                "export the model to ONNX with operators that `caiso checks MF-ID-001` lists";
            return Ok(all_missing(&subjects, &reason, remedy));
        }
    };
    check_widths(system, entry, &model)?;
    let predicted = match model.predict(&data.matrix.values) {
        Ok(predicted) => predicted,
        Err(error) => {
            let reason = format!("the model cannot be run: {}", with_causes(&error));
            return Ok(all_missing(&subjects, &reason, "check the data and the model"));
        }
    };
    let mut steps = Vec::new();
    let path = Some(planner.system.get(&entry.path).path.clone());
    let skill = Arc::new(SkillInput {
        component: component.to_owned(),
        path: path.clone(),
        classes: entry.classes.value.clone(),
        actual: data.labels.clone(),
        predicted: predicted.clone(),
        probabilities: model.probabilities(&data.matrix.values).ok(),
    });
    steps.extend(caiso_evals::ALL.iter().map(|check| {
        let parameters = planner.parameters(check.meta.code);
        Step::run(check, &skill, component, subjects.clone(), parameters)
    }));
    steps.extend(fairness(
        planner,
        entry,
        dataset,
        &data,
        &predicted,
        component,
        &subjects,
        path.clone(),
    )?);
    let domain = domain(entry, &data.matrix)
        .map_err(|reason| AssessError::Manifest(vec![system.problem(&entry.name, reason)]))?;
    let robustness = Arc::new(RobustnessInput {
        component: component.to_owned(),
        path,
        model,
        rows: data.matrix.values,
        labels: data.labels,
        classes: entry.classes.value.clone(),
        domain,
    });
    steps.extend(caiso_robustness::CHECKS.iter().map(|check| {
        let parameters = planner.parameters(check.meta.code);
        Step::run(check, &robustness, component, subjects.clone(), parameters)
    }));
    Ok(steps)
}

/// The parts of the manifest that results depend on, as a subject.
fn description(entry: &ModelEntry, dataset: &Dataset) -> Result<Subject, AssessError> {
    let canonical = serde_json_canonicalizer::to_vec(&(entry, dataset))
        .map_err(caiso_core::StatementError::Canonical)?;
    Ok(Subject::new(format!("description:{}", entry.name.value), sha256_hex(&canonical)))
}

/// Rows in the model's units with the index of their true class.
struct LabelledData {
    table: Table,
    matrix: Matrix,
    labels: Vec<usize>,
    subject: Subject,
}

impl LabelledData {
    fn read(
        system: &LoadedSystem,
        entry: &ModelEntry,
        dataset: &Dataset,
    ) -> Result<Self, AssessError> {
        let file = system.get(&dataset.path);
        let table = table(system, dataset)?;
        let columns = entry
            .features
            .iter()
            .map(|feature| &feature.column)
            .chain(&dataset.target)
            .chain(dataset.protected.iter().map(|protected| &protected.column));
        let problems: Vec<Diagnostic> = columns
            .filter(|column| !table.names().contains(&column.value))
            .map(|column| {
                let near = nearest(column, table.names().iter().map(String::as_str));
                let message = format!("`{}` has no column `{}`", file.path, column.value);
                let problem = system.problem(column, message);
                match near {
                    Some(near) => problem.with_help(format!("did you mean `{near}`?")),
                    None => problem.with_help(format!("columns: {}", table.names().join(", "))),
                }
            })
            .collect();
        if !problems.is_empty() {
            return Err(AssessError::Manifest(problems));
        }
        let unreadable = |error: caiso_data::DataError| AssessError::Manifest(vec![error.into()]);
        let matrix = table.features(&entry.features).map_err(unreadable)?;
        let target = dataset.target.as_ref().map_or("", |target| target.as_str());
        let labels = table.class_indices(target, &entry.classes).map_err(unreadable)?;
        let subject = Subject::new(format!("dataset:{}", dataset.name.value), &file.sha256);
        Ok(Self { table, matrix, labels, subject })
    }
}

/// A data set's table.
pub(crate) fn table(system: &LoadedSystem, dataset: &Dataset) -> Result<Table, AssessError> {
    let file = system.get(&dataset.path);
    match caiso_data::read(&file.path, &file.bytes) {
        Ok(Data::Table(table)) => Ok(table),
        Ok(Data::Array(_)) => {
            let message = format!("`{}` is an array without names of columns", file.path);
            let problem = system.problem(&dataset.path, message);
            Err(AssessError::Manifest(vec![problem.with_help("give a CSV or Parquet file")]))
        }
        Err(error) => Err(AssessError::Manifest(vec![error.into()])),
    }
}

fn check_widths(
    system: &LoadedSystem,
    entry: &ModelEntry,
    model: &OnnxModel,
) -> Result<(), AssessError> {
    let mut problems = Vec::new();
    if model.features() != entry.features.len() {
        let message = format!(
            "the model takes {} inputs, but {} features are listed",
            model.features(),
            entry.features.len()
        );
        let help = "list every input once, in the model's order";
        problems.push(system.problem(&entry.name, message).with_help(help));
    }
    if model.classes() != entry.classes.len() {
        let message = format!(
            "the model has {} classes, but {} are listed",
            model.classes(),
            entry.classes.len()
        );
        let help = "list the target's values in the order of the model's outputs";
        problems.push(system.problem(&entry.classes, message).with_help(help));
    }
    if problems.is_empty() { Ok(()) } else { Err(AssessError::Manifest(problems)) }
}

fn domain(entry: &ModelEntry, matrix: &Matrix) -> Result<Domain, String> {
    let features = entry
        .features
        .iter()
        .enumerate()
        .map(|(place, feature)| {
            let [lower, upper] = feature.bounds.as_ref().map_or_else(
                || {
                    let column = (0..matrix.rows).map(|row| f64::from(matrix.row(row)[place]));
                    column.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
                        [low.min(value), high.max(value)]
                    })
                },
                |bounds| bounds.value,
            );
            FeatureDomain {
                integer: feature.integer,
                immutable: feature.immutable,
                ..FeatureDomain::continuous(feature.column.value.clone(), lower, upper)
            }
        })
        .collect();
    Domain::new(features).map_err(|error| error.to_string())
}

#[expect(clippy::too_many_arguments, reason = "one caller; a struct would only rename them")]
fn fairness(
    planner: &Planner<'_>,
    entry: &ModelEntry,
    dataset: &Dataset,
    data: &LabelledData,
    predicted: &[usize],
    component: &str,
    subjects: &[Subject],
    path: Option<String>,
) -> Result<Vec<Step>, AssessError> {
    let system = planner.system;
    if dataset.protected.is_empty() {
        let work = || {
            missing(
                "no protected attribute is named",
                "name columns under `protected` of the data set",
            )
        };
        return Ok(planner.without_running(caiso_fairness::ALL, component, subjects, work));
    }
    let Some(favourable) = &dataset.favourable else {
        let work = || {
            missing(
                "the favourable outcome is not named",
                "set `favourable` of the data set to the target value that is good for the person",
            )
        };
        return Ok(planner.without_running(caiso_fairness::ALL, component, subjects, work));
    };
    let Some(good) = entry.classes.iter().position(|class| *class == favourable.value) else {
        let message = format!("`{}` is not one of the model's classes", favourable.value);
        let help = format!("expected one of: {}", entry.classes.join(", "));
        return Err(AssessError::Manifest(vec![
            system.problem(favourable, message).with_help(help),
        ]));
    };
    let mut attributes = Vec::new();
    for protected in &dataset.protected {
        let labels = data
            .table
            .labels(&protected.column)
            .map_err(|error| AssessError::Manifest(vec![error.into()]))?;
        if let Some(unseen) = protected.privileged.iter().find(|v| !labels.values.contains(v)) {
            let message = format!("`{unseen}` does not occur in `{}`", protected.column.value);
            let help = format!("its values: {}", labels.values.join(", "));
            let problem = system.problem(&protected.privileged, message).with_help(help);
            return Err(AssessError::Manifest(vec![problem]));
        }
        attributes.push(Attribute {
            name: protected.column.value.clone(),
            title: protected.title.clone().unwrap_or_else(|| protected.column.value.clone()),
            values: labels.values,
            groups: labels.codes,
            privileged: protected.privileged.value.clone(),
        });
    }
    let single = attributes.len() < 2;
    let target = dataset.target.as_ref().map_or("", |target| target.as_str());
    let input = Arc::new(FairnessInput {
        component: component.to_owned(),
        path,
        favourable: format!("{target} = {}", favourable.value),
        actual: data.labels.iter().map(|&class| class == good).collect(),
        predicted: predicted.iter().map(|&class| class == good).collect(),
        attributes,
    });
    Ok(caiso_fairness::ALL
        .iter()
        .map(|check| {
            let parameters = planner.parameters(check.meta.code);
            let mut step = Step::run(check, &input, component, subjects.to_vec(), parameters);
            if check.meta.code == "FA-INTER-001" && single {
                step.work = Work::NotApplicable("only one protected attribute is named".to_owned());
            }
            step
        })
        .collect())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
