//! What a model is attacked on: the model, rows, labels, and which inputs are valid.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use caiso_core::sha256_hex;
use caiso_data::{Data, Table};
use caiso_inference::{Error, Model, Thresholded};
use caiso_robustness::{Domain, FeatureDomain, Problem};
use serde::Serialize;

use crate::arguments::{AttackArguments, Scale};

/// A problem in memory.
pub(super) struct Inputs {
    pub(super) model: Box<dyn Model>,
    pub(super) surrogate: Option<Box<dyn Model>>,
    pub(super) domain: Domain,
    /// Rows, `[labels.len(), domain.width()]`.
    pub(super) rows: Vec<f32>,
    pub(super) labels: Vec<usize>,
    /// Shape of the inputs as they were given, the rows first.
    pub(super) shape: Vec<usize>,
    pub(super) files: Vec<File>,
}

/// A file that results depend on.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) sha256: String,
    /// What runs it, if it is a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) runtime: Option<&'static str>,
}

/// Rows as a file holds them.
struct Rows {
    values: Vec<f32>,
    /// Rows first.
    shape: Vec<usize>,
    /// One name for each feature, where the file has names.
    names: Vec<String>,
}

impl Inputs {
    pub(super) fn problem(&self) -> Problem<'_> {
        Problem {
            model: self.model.as_ref(),
            domain: &self.domain,
            rows: &self.rows,
            labels: &self.labels,
            surrogate: self.surrogate.as_deref(),
        }
    }

    /// Share of the rows that are decided correctly without an attack.
    pub(super) fn clean_accuracy(&self) -> Result<f64> {
        let classes = self.model.predict(&self.rows)?;
        let correct = classes.iter().zip(&self.labels).filter(|(class, label)| class == label);
        Ok(correct.count() as f64 / self.labels.len() as f64)
    }

    pub(super) fn load(arguments: &AttackArguments) -> Result<Self> {
        let mut files = Vec::new();
        let model = model(&arguments.model, arguments, arguments.threshold, &mut files)?;
        let surrogate = arguments.surrogate.as_deref();
        let surrogate =
            surrogate.map(|path| model_with_gradients(path, arguments, &mut files)).transpose()?;
        let (mut rows, mut labels) = rows_and_labels(arguments, model.as_ref(), &mut files)?;
        let width: usize = rows.shape.iter().skip(1).product();
        let count = rows.shape.first().copied().unwrap_or(0);
        ensure!(
            count == labels.len(),
            "{} has {count} rows, but there are {} labels",
            arguments.inputs.display(),
            labels.len()
        );
        let spec = model.spec();
        ensure!(
            width == spec.features,
            "rows of {} have {width} values {:?}, the model takes {} {:?}",
            arguments.inputs.display(),
            &rows.shape[1..],
            spec.features,
            spec.input_shape,
        );
        if let Some(limit) = arguments.limit.filter(|&limit| limit < count) {
            ensure!(limit > 0, "--limit 0 leaves no row to attack");
            rows.values.truncate(limit * width);
            rows.shape[0] = limit;
            labels.truncate(limit);
        }
        let domain = domain(arguments, &rows, width)?;
        let Rows { values, shape, .. } = rows;
        Ok(Self { model, surrogate, domain, rows: values, labels, shape, files })
    }
}

fn read(path: &Path, files: &mut Vec<File>) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    files.push(File {
        path: path.display().to_string(),
        sha256: sha256_hex(&bytes),
        runtime: None,
    });
    Ok(bytes)
}

fn model(
    path: &Path,
    arguments: &AttackArguments,
    threshold: Option<f64>,
    files: &mut Vec<File>,
) -> Result<Box<dyn Model>> {
    let bytes = read(path, files)?;
    let cannot = || format!("cannot run {}", path.display());
    let (model, runtime) = match (caiso_inference::load(&bytes), &arguments.onnxruntime) {
        (Err(Error::Unsupported(operators)), Some(library)) => {
            (elsewhere(library, &bytes, operators).with_context(cannot)?, "onnxruntime")
        }
        (model, _) => (model.with_context(cannot)?, "caiso"),
    };
    if let Some(file) = files.last_mut() {
        file.runtime = Some(runtime);
    }
    Ok(match threshold {
        #[expect(clippy::cast_possible_truncation, reason = "models compute in f32")]
        Some(threshold) => {
            Box::new(Thresholded::new(model, threshold as f32).with_context(cannot)?)
        }
        None => model,
    })
}

/// A model with operators that caiso lacks, run by a library of onnxruntime.
#[cfg(feature = "ort")]
fn elsewhere(
    library: &Path,
    bytes: &[u8],
    operators: Vec<caiso_inference::Unsupported>,
) -> Result<Box<dyn Model>> {
    Ok(Box::new(caiso_ort::OrtModel::load(library, bytes, operators)?))
}

#[cfg(not(feature = "ort"))]
fn elsewhere(
    library: &Path,
    _: &[u8],
    operators: Vec<caiso_inference::Unsupported>,
) -> Result<Box<dyn Model>> {
    let error = anyhow::Error::from(Error::Unsupported(operators));
    let library = library.display();
    Err(error.context(format!(
        "{library} could run it, but this caiso was built without the feature `ort`"
    )))
}

fn model_with_gradients(
    path: &Path,
    arguments: &AttackArguments,
    files: &mut Vec<File>,
) -> Result<Box<dyn Model>> {
    let model = model(path, arguments, None, files)?;
    ensure!(model.differentiable().is_some(), "{} has no gradients", path.display());
    Ok(model)
}

fn rows_and_labels(
    arguments: &AttackArguments,
    model: &dyn Model,
    files: &mut Vec<File>,
) -> Result<(Rows, Vec<usize>)> {
    let path = arguments.inputs.as_path();
    let bytes = read(path, files)?;
    let name = path.display().to_string();
    let table = match caiso_data::read(&name, &bytes)? {
        Data::Table(table) => table,
        Data::Array(array) => {
            let labels = arguments.labels.as_str();
            ensure!(
                is(Path::new(labels), "npy"),
                "{name} has no columns, so --labels has to name an .npy file, not {labels}"
            );
            let values = array.to_f32();
            let rows = Rows { shape: array.shape, values, names: Vec::new() };
            ensure!(
                rows.shape.len() >= 2,
                "{name} has shape {:?}, expected rows first",
                rows.shape
            );
            return Ok((rows, labels_of_array(Path::new(labels), model, files)?));
        }
    };
    let of_file = is(Path::new(&arguments.labels), "npy");
    let labels = if of_file {
        labels_of_array(Path::new(&arguments.labels), model, files)?
    } else {
        labels_of_column(&table, &arguments.labels, model)?
    };
    let names: Vec<String> = table
        .names()
        .iter()
        .filter(|&name| of_file || *name != arguments.labels)
        .cloned()
        .collect();
    let columns = names.iter().map(|name| table.numbers(name)).collect::<Result<Vec<_>, _>>()?;
    let mut values = Vec::with_capacity(table.rows() * columns.len());
    for row in 0..table.rows() {
        #[expect(clippy::cast_possible_truncation, reason = "models compute in f32")]
        values.extend(columns.iter().map(|column| column[row] as f32));
    }
    Ok((Rows { values, shape: vec![table.rows(), names.len()], names }, labels))
}

fn is(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn labels_of_array(path: &Path, model: &dyn Model, files: &mut Vec<File>) -> Result<Vec<usize>> {
    let bytes = read(path, files)?;
    let array = caiso_data::Array::from_npy(&path.display().to_string(), &bytes)?;
    let classes = model.classes();
    let of = |(row, &value): (usize, &f64)| {
        let whole = value.fract() == 0.0 && (0.0..classes as f64).contains(&value);
        ensure!(
            whole,
            "{}, row {row}: {value} is no class; the model knows {classes}, from 0",
            path.display()
        );
        Ok(value as usize)
    };
    array.values.iter().enumerate().map(of).collect()
}

/// Classes of a column: their numbers, or their names where the model tells them.
fn labels_of_column(table: &Table, column: &str, model: &dyn Model) -> Result<Vec<usize>> {
    let labels = table.labels(column)?;
    let (classes, named) = (model.classes(), &model.spec().labels);
    let class = |value: &String| {
        let number = value.parse::<usize>().ok().filter(|&number| number < classes);
        named.iter().position(|name| name == value).or(number)
    };
    let known: Vec<Option<usize>> = labels.values.iter().map(class).collect();
    if let Some(row) = labels.codes.iter().position(|&code| known[code as usize].is_none()) {
        let value = &labels.values[labels.codes[row] as usize];
        let line = table.line(row).unwrap_or_default();
        let names = if named.is_empty() { String::new() } else { format!(" or {named:?}") };
        bail!(
            "{}, line {line}: `{value}` in column `{column}` is no class; expected 0 to {}{names}",
            table.file(),
            classes - 1
        );
    }
    Ok(labels.codes.iter().filter_map(|&code| known[code as usize]).collect())
}

/// Which inputs are valid.
fn domain(arguments: &AttackArguments, rows: &Rows, width: usize) -> Result<Domain> {
    let name = |j: usize| rows.names.get(j).cloned().unwrap_or_else(|| format!("#{j}"));
    if let Some(at) = rows.values.iter().position(|value| !value.is_finite()) {
        bail!(
            "row {} of {}, feature {}: {} is no finite number",
            at / width,
            arguments.inputs.display(),
            name(at % width),
            rows.values[at]
        );
    }
    let ranges = bounds(arguments, rows, width)?;
    let place = |text: &String| {
        let number = text.parse::<usize>().ok().filter(|&number| number < width);
        rows.names.iter().position(|name| name == text).or(number).with_context(|| {
            format!("`{text}` is no feature: name a column of the inputs or a number below {width}")
        })
    };
    let places = |texts: &[String]| texts.iter().map(place).collect::<Result<Vec<usize>>>();
    let (immutable, integer) = (places(&arguments.immutable)?, places(&arguments.integer)?);
    let features = ranges.into_iter().enumerate().map(|(j, (lower, upper))| {
        let feature = FeatureDomain {
            immutable: immutable.contains(&j),
            integer: integer.contains(&j),
            ..FeatureDomain::continuous(name(j), lower, upper)
        };
        match arguments.scale {
            Scale::Unit => FeatureDomain { scale: 1.0, ..feature },
            Scale::Range => feature,
        }
    });
    let groups = arguments
        .one_hot
        .iter()
        .map(|group| places(&group.split('+').map(str::to_owned).collect::<Vec<_>>()))
        .collect::<Result<Vec<_>>>()?;
    Ok(Domain::new(features.collect())?.with_one_hot(groups)?)
}

/// Smallest and largest valid value of each feature.
fn bounds(arguments: &AttackArguments, rows: &Rows, width: usize) -> Result<Vec<(f64, f64)>> {
    let mut seen = vec![(f64::INFINITY, f64::NEG_INFINITY); width];
    for row in rows.values.chunks_exact(width) {
        for ((low, high), &value) in seen.iter_mut().zip(row) {
            *low = low.min(f64::from(value));
            *high = high.max(f64::from(value));
        }
    }
    match *arguments.bounds {
        [] => Ok(seen),
        [low, high] => {
            ensure!(low < high, "--bounds {low},{high}: expected the smaller number first");
            let outside = |&(least, most): &(f64, f64)| least < low || most > high;
            if let Some(j) = seen.iter().position(outside) {
                bail!(
                    "the data exceed --bounds {low},{high}: feature {} goes from {} to {}",
                    rows.names.get(j).cloned().unwrap_or_else(|| format!("#{j}")),
                    seen[j].0,
                    seen[j].1
                );
            }
            Ok(vec![(low, high); width])
        }
        _ => bail!("--bounds takes two numbers: --bounds 0,1"),
    }
}
