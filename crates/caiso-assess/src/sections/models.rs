//! Models: their files, then what they do on their labelled data.

use std::sync::Arc;

use caiso_core::Subject;
use caiso_core::manifest::{Dataset, Model as ModelEntry};
use caiso_evals::SkillInput;
use caiso_fairness::{Attribute, FairnessInput};
use caiso_inference::Model;
use caiso_modelfile::{ModelFileInput, Signature, applies};
use caiso_robustness::{Domain, RobustnessInput};
use caiso_scan::Spool;

use crate::plan::{Planner, missing};
use crate::sections::labelled::{Described, LabelledData, check_widths, description};
use crate::step::{Step, Work};
use crate::{AssessError, LoadedSystem};

pub(crate) fn plan(planner: &Planner<'_>) -> Result<Vec<Step>, AssessError> {
    let models = &planner.system.manifest.models;
    if models.is_empty() {
        let none = || Work::NotApplicable("the system names no model".to_owned());
        let mut steps = planner.without_running(caiso_evals::ALL, "", &[], none);
        steps.extend(planner.without_running(caiso_modelfile::CHECKS, "", &[], none));
        steps.extend(planner.without_running(caiso_robustness::CHECKS, "", &[], none));
        steps.extend(planner.without_running(caiso_robustness::CAMPAIGNS, "", &[], none));
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

/// A model that can be run, with its labelled data.
pub(crate) struct Prepared<'a> {
    pub(crate) dataset: &'a Dataset,
    pub(crate) data: LabelledData,
    pub(crate) domain: Domain,
    pub(crate) model: Arc<dyn Model>,
    /// All that results depend on.
    pub(crate) subjects: Vec<Subject>,
}

/// Why a model cannot be put to the test.
pub(crate) struct Unready {
    pub(crate) subjects: Vec<Subject>,
    pub(crate) reason: String,
    pub(crate) remedy: String,
}

/// Reads the data of a model and loads it.
pub(crate) fn prepare<'a>(
    system: &'a LoadedSystem,
    entry: &ModelEntry,
    subject: &Subject,
    bytes: &[u8],
) -> Result<Result<Prepared<'a>, Unready>, AssessError> {
    let unready = |subjects: &[Subject], reason: String, remedy: &str| {
        Ok(Err(Unready { subjects: subjects.to_vec(), reason, remedy: remedy.to_owned() }))
    };
    let own = [subject.clone()];
    let dataset = entry.dataset.as_ref().and_then(|name| system.manifest.dataset(name));
    let Some(dataset) = dataset else {
        let reason = "no labelled data set is named for this model".to_owned();
        return unready(&own, reason, "name a labelled data set under `dataset` of the model");
    };
    let described = Described::model(entry).filter(|_| dataset.target.is_some());
    let Some(described) = described else {
        let reason = "its inputs, its classes or the target column of its data are not described";
        let remedy = "fill in `features` (or `inputs`) and `classes` of the model and `target` of the data set";
        return unready(&own, reason.to_owned(), remedy);
    };
    let data = LabelledData::read(system, described, dataset)?;
    let subjects =
        vec![subject.clone(), data.subject.clone(), description(&entry.name, entry, dataset)?];
    let model: Arc<dyn Model> = match caiso_inference::load(bytes) {
        Ok(model) => Arc::from(model),
        Err(error) => {
            let reason = format!("the model cannot be run: {}", with_causes(&error));
            let remedy =
                "export the model to ONNX with operators that `caiso checks MF-ID-001` lists";
            return unready(&subjects, reason, remedy);
        }
    };
    check_widths(system, described, &data.features, model.as_ref())?;
    let domain = data.domain(system, described)?;
    Ok(Ok(Prepared { dataset, data, domain, model, subjects }))
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
        let campaigns = caiso_robustness::CAMPAIGNS;
        steps.extend(planner.without_running(campaigns, component, subjects, work));
        steps
    };
    let Prepared { dataset, data, domain, model, subjects } =
        match prepare(system, entry, subject, bytes)? {
            Ok(prepared) => prepared,
            Err(unready) => {
                return Ok(all_missing(&unready.subjects, &unready.reason, &unready.remedy));
            }
        };
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
    steps.extend(caiso_robustness::CAMPAIGNS.iter().map(|check| {
        let parameters = planner.parameters(check.meta.code);
        Step::run(check, &robustness, component, subjects.clone(), parameters).sealed_elsewhere()
    }));
    Ok(steps)
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
