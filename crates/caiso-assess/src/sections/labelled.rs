//! Labelled rows of a model as its entry in the manifest describes them.

use caiso_core::manifest::{Dataset, Endpoint, Feature, Model as ModelEntry};
use caiso_core::{Diagnostic, Located, Subject, nearest, sha256_hex};
use caiso_data::{Data, Matrix, Table};
use caiso_inference::Model;
use caiso_robustness::{Domain, FeatureDomain};

use crate::{AssessError, LoadedSystem};

/// What the manifest says about something that answers for rows of a data set.
#[derive(Clone, Copy)]
pub(crate) struct Described<'a> {
    pub(crate) name: &'a Located<String>,
    pub(crate) classes: &'a Located<Vec<String>>,
    pub(crate) one_hot: &'a [Located<Vec<String>>],
    inputs: Inputs<'a>,
}

#[derive(Clone, Copy)]
enum Inputs<'a> {
    Features(&'a [Feature]),
    Alike(&'a caiso_core::manifest::Inputs),
    /// Every column but the label and the protected attributes, all between the same bounds.
    Rest(&'a Located<[f64; 2]>),
}

impl<'a> Described<'a> {
    /// By the entry of a model; `None` if its inputs or classes are not described.
    pub(crate) fn model(entry: &'a ModelEntry) -> Option<Self> {
        let inputs = match &entry.inputs {
            Some(inputs) => Inputs::Alike(inputs),
            None if entry.features.is_empty() => return None,
            None => Inputs::Features(&entry.features),
        };
        let ModelEntry { name, classes, one_hot, .. } = entry;
        (!classes.is_empty()).then_some(Self { name, classes, one_hot, inputs })
    }

    /// By the entry of an endpoint; `None` if its inputs or classes are not described.
    pub(crate) fn endpoint(entry: &'a Endpoint) -> Option<Self> {
        let inputs = match &entry.bounds {
            _ if !entry.features.is_empty() => Inputs::Features(&entry.features),
            Some(bounds) => Inputs::Rest(bounds),
            None => return None,
        };
        let Endpoint { name, classes, .. } = entry;
        (!classes.is_empty()).then_some(Self { name, classes, one_hot: &[], inputs })
    }

    /// The inputs, if these are the columns of the data set.
    fn features(&self, columns: &[String], dataset: &Dataset) -> Vec<Feature> {
        match self.inputs {
            Inputs::Features(features) => features.to_vec(),
            Inputs::Alike(inputs) => inputs.features(columns),
            Inputs::Rest(bounds) => {
                let protected = dataset.protected.iter().map(|protected| &protected.column);
                let others: Vec<&String> =
                    dataset.target.iter().chain(protected).map(|column| &column.value).collect();
                let left = columns.iter().filter(|column| !others.contains(column));
                left.map(|column| Feature::between(column.clone(), bounds.clone())).collect()
            }
        }
    }
}

/// The parts of the manifest that results depend on, as a subject.
pub(crate) fn description(
    name: &Located<String>,
    entry: &impl serde::Serialize,
    dataset: &Dataset,
) -> Result<Subject, AssessError> {
    let canonical = serde_json_canonicalizer::to_vec(&(entry, dataset))
        .map_err(caiso_core::StatementError::Canonical)?;
    Ok(Subject::new(format!("description:{}", name.value), sha256_hex(&canonical)))
}

/// Rows in the model's units with the index of their true class.
pub(crate) struct LabelledData {
    pub(crate) table: Table,
    /// Inputs in the model's order.
    pub(crate) features: Vec<Feature>,
    pub(crate) matrix: Matrix,
    pub(crate) labels: Vec<usize>,
    pub(crate) subject: Subject,
}

impl LabelledData {
    pub(crate) fn read(
        system: &LoadedSystem,
        described: Described<'_>,
        dataset: &Dataset,
    ) -> Result<Self, AssessError> {
        let file = system.get(&dataset.path);
        let table = table(system, dataset)?;
        let features = described.features(table.names(), dataset);
        let columns = features
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
        let matrix = table.features(&features).map_err(unreadable)?;
        let target = dataset.target.as_ref().map_or("", |target| target.as_str());
        let labels = table.class_indices(target, described.classes).map_err(unreadable)?;
        let subject = Subject::new(format!("dataset:{}", dataset.name.value), &file.sha256);
        Ok(Self { table, features, matrix, labels, subject })
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

pub(crate) fn check_widths(
    system: &LoadedSystem,
    described: Described<'_>,
    features: &[Feature],
    model: &dyn Model,
) -> Result<(), AssessError> {
    let mut problems = Vec::new();
    if model.features() != features.len() {
        let message = format!(
            "the model takes {} inputs, but {} features are listed",
            model.features(),
            features.len()
        );
        let help = "list every input once, in the model's order";
        let at = match described.inputs {
            Inputs::Alike(inputs) => &inputs.columns,
            _ => described.name,
        };
        problems.push(system.problem(at, message).with_help(help));
    }
    if model.classes() != described.classes.len() {
        let message = format!(
            "the model has {} classes, but {} are listed",
            model.classes(),
            described.classes.len()
        );
        let help = "list the target's values in the order of the model's outputs";
        problems.push(system.problem(described.classes, message).with_help(help));
    }
    if problems.is_empty() { Ok(()) } else { Err(AssessError::Manifest(problems)) }
}

impl LabelledData {
    /// The valid inputs of the model.
    pub(crate) fn domain(
        &self,
        system: &LoadedSystem,
        described: Described<'_>,
    ) -> Result<Domain, AssessError> {
        let features = self.features.iter().enumerate().map(|(place, feature)| {
            let [lower, upper] = feature.bounds.as_ref().map_or_else(
                || {
                    let rows = 0..self.matrix.rows;
                    let column = rows.map(|row| f64::from(self.matrix.row(row)[place]));
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
        });
        let mut groups = Vec::new();
        let mut problems = Vec::new();
        for group in described.one_hot {
            let mut places = Vec::new();
            for column in &group.value {
                let place = self.features.iter().position(|it| it.column.value == *column);
                places.extend(place);
                if place.is_none() {
                    let message = format!("`{column}` is no input of the model");
                    let help = "name columns of `features` or `inputs`";
                    problems.push(system.problem(group, message).with_help(help));
                }
            }
            groups.push(places);
        }
        if !problems.is_empty() {
            return Err(AssessError::Manifest(problems));
        }
        let domain = Domain::new(features.collect());
        domain.and_then(|domain| domain.with_one_hot(groups)).map_err(|error| {
            AssessError::Manifest(vec![system.problem(described.name, error.to_string())])
        })
    }
}
