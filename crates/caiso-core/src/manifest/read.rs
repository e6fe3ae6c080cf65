//! Reading and checking `caiso.yaml`.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use serde_saphyr::Error;

use super::{Endpoint, Manifest};
use crate::{Diagnostic, Located, nearest};

/// Largest manifest that is read; real ones have some kilobytes.
pub const MAX_MANIFEST_BYTES: usize = 1 << 20;

/// Reads a manifest from bytes. `file` is used in messages only.
///
/// Unknown keys, wrong types, names that are used twice, references to nothing and paths that
/// leave the manifest's folder are errors, each with its line and column.
pub fn read(file: &str, bytes: &[u8]) -> Result<Manifest, Vec<Diagnostic>> {
    let source = text_of(file, bytes).map_err(|diagnostic| vec![diagnostic])?;
    let manifest: Manifest =
        serde_saphyr::from_str(source).map_err(|error| vec![diagnose(file, source, &error)])?;
    let problems = Checker { file, source, manifest: &manifest, problems: Vec::new() }.run();
    if problems.is_empty() { Ok(manifest) } else { Err(problems) }
}

fn text_of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Diagnostic> {
    if bytes.len() > MAX_MANIFEST_BYTES {
        let message = format!("is {} bytes, expected at most {MAX_MANIFEST_BYTES}", bytes.len());
        return Err(Diagnostic::at(file, "", 0, 0, message));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let (valid, _) = bytes.split_at(error.valid_up_to());
        let valid = String::from_utf8_lossy(valid);
        let line = valid.lines().count().max(1) as u64 + u64::from(valid.ends_with('\n'));
        let column = valid.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) as u64 + 1;
        let mut diagnostic = Diagnostic::at(file, "", line, column, "is not UTF-8 text");
        diagnostic.help = Some("save the file as UTF-8".to_owned());
        diagnostic
    })
}

fn diagnose(file: &str, source: &str, error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    let at = |message: String| Diagnostic::at(file, source, line, column, message);
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let diagnostic = at(format!("unknown key `{field}`"));
            match nearest(field, expected.iter().copied()) {
                Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
                None => diagnostic.with_help(format!("known keys: {}", expected.join(", "))),
            }
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            at(format!("unknown value `{variant}`"))
                .with_help(format!("expected one of: {}", expected.join(", ")))
        }
        Error::SerdeMissingField { field, .. } => at(format!("`{field}` is missing"))
            .with_help("`caiso schema` prints every key and its meaning"),
        other => {
            let rendered = other.to_string();
            // The library repeats the place and names its own options in the text.
            let first = rendered.lines().next().unwrap_or_default();
            let first = first.split(" at line ").next().unwrap_or(first);
            let first = first.split(", set DuplicateKeyPolicy").next().unwrap_or(first);
            let first = first.replace("end of mapping after enum variant value", "one key only");
            at(first.trim_start_matches("error: ").to_owned())
        }
    }
}

struct Checker<'a> {
    file: &'a str,
    source: &'a str,
    manifest: &'a Manifest,
    problems: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn run(mut self) -> Vec<Diagnostic> {
        let manifest = self.manifest;
        if manifest.caiso != 1 {
            let message = format!("format version {} is not known, expected 1", manifest.caiso);
            self.problems.push(Diagnostic::at(self.file, self.source, 1, 1, message));
        }
        self.name(&manifest.system.name);
        self.unique("model", manifest.models.iter().map(|model| &model.name));
        self.unique("dataset", manifest.datasets.iter().map(|dataset| &dataset.name));
        self.unique("endpoint", manifest.endpoints.iter().map(|endpoint| &endpoint.name));
        self.unique("deployment", manifest.deployments.iter().map(|deployment| &deployment.name));
        for model in &manifest.models {
            self.path(&model.path);
            model.signature.iter().chain(&model.signer).for_each(|path| self.path(path));
            if let Some(name) = &model.dataset {
                self.dataset_reference(name);
            }
            model.features.iter().for_each(|feature| self.bounds(feature.bounds.as_ref()));
            if let Some(inputs) = &model.inputs {
                self.bounds(Some(&inputs.bounds));
                if !model.features.is_empty() {
                    let message = "both `features` and `inputs` are given".to_owned();
                    self.at(&inputs.columns, message, "keep one of them");
                }
            }
            for group in model.one_hot.iter().filter(|group| group.len() < 2) {
                let message = "a category of a single input says nothing".to_owned();
                self.at(group, message, "list all columns that encode the category");
            }
        }
        manifest.endpoints.iter().for_each(|endpoint| self.endpoint(endpoint));
        for dataset in &manifest.datasets {
            self.path(&dataset.path);
            for protected in &dataset.protected {
                if protected.privileged.is_empty() {
                    let message = "names no privileged value".to_owned();
                    self.at(&protected.privileged, message, "list at least one value");
                }
            }
        }
        for path in manifest.deployments.iter().flat_map(|deployment| &deployment.paths) {
            self.path(path);
        }
        for acceptance in &manifest.gate.accepted {
            if acceptance.reason.chars().count() < 20 {
                let message = "the reason has fewer than 20 characters".to_owned();
                self.at(&acceptance.reason, message, "say why the risk is acceptable");
            }
        }
        self.problems
    }

    fn endpoint(&mut self, endpoint: &Endpoint) {
        endpoint.tls_roots.iter().for_each(|path| self.path(path));
        endpoint.dataset.iter().for_each(|name| self.dataset_reference(name));
        endpoint.features.iter().for_each(|feature| self.bounds(feature.bounds.as_ref()));
        self.bounds(endpoint.bounds.as_ref());
        let seconds = [Some(&endpoint.timeout), Some(&endpoint.backoff), endpoint.rate.as_ref()];
        for number in seconds.into_iter().flatten() {
            if !(0.001..=86_400.0).contains(&number.value) {
                let message = format!("{} is not from 0.001 to 86400", number.value);
                self.at(number, message, "give seconds, or requests in a second");
            }
        }
        if endpoint.batch.value == 0 {
            self.at(&endpoint.batch, "no input fits into a request".to_owned(), "give at least 1");
        }
        if !(1..=64).contains(&endpoint.concurrency.value) {
            let message = format!("{} requests at a time", endpoint.concurrency.value);
            self.at(&endpoint.concurrency, message, "give 1 to 64");
        }
        if let Some(shape) = &endpoint.input_shape {
            let size = shape.iter().try_fold(1_usize, |size, &axis| size.checked_mul(axis));
            let width = endpoint.features.len();
            if !size.is_some_and(|size| size > 0 && (width == 0 || width == size)) {
                let message = format!("{:?} is not the shape of an input", shape.value);
                let help = match width {
                    0 => "give at least one value on each axis".to_owned(),
                    _ => format!("give a shape of the {width} values that `features` describes"),
                };
                self.at(shape, message, &help);
            }
        }
        let (Some(_), Some(answer)) = (&endpoint.body, &endpoint.answer) else {
            if endpoint.body.is_some() || endpoint.answer.is_some() {
                let message = "needs both `body` and `answer`, or neither".to_owned();
                self.at(&endpoint.name, message, "say how it is asked and what it answers");
            }
            return;
        };
        if !(endpoint.url.starts_with("http://") || endpoint.url.starts_with("https://")) {
            let message = "is asked over HTTP, and its address is no HTTP address".to_owned();
            self.at(&endpoint.url, message, "begin with https:// or http://");
        }
        if endpoint.classes.len() < 2 {
            let message = format!("`{}` has fewer than two classes", endpoint.name.value);
            self.at(&endpoint.classes, message, "list them in the order of the answer's values");
        }
        if !endpoint.labels.is_empty() && endpoint.labels.len() != endpoint.classes.len() {
            let classes = endpoint.classes.len();
            let message = format!("{} labels for {classes} classes", endpoint.labels.len());
            self.at(&endpoint.labels, message, "give one label for each class, in the same order");
        }
        self.pointer(answer.pointer());
    }

    fn pointer(&mut self, pointer: &Located<String>) {
        let begins = pointer.is_empty() || pointer.starts_with('/');
        let escaped = pointer.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
        let positions = pointer.split('/').filter(|part| *part == "*").count();
        if !begins || !escaped || positions > 1 {
            let message = format!("`{}` is not a JSON Pointer (RFC 6901)", pointer.value);
            let help = "write /a/b with ~1 for a slash and ~0 for a tilde in a name, and `*` for the \
                        position of the input at most once";
            self.at(pointer, message, help);
        }
    }

    fn bounds(&mut self, bounds: Option<&Located<[f64; 2]>>) {
        let Some(bounds) = bounds else { return };
        let [low, high] = bounds.value;
        if !(low < high && low.is_finite() && high.is_finite()) {
            let message = format!("bounds [{low}, {high}] are not an interval");
            self.at(bounds, message, "write the smaller finite number first");
        }
    }

    fn at<T>(&mut self, place: &Located<T>, message: String, help: &str) {
        let diagnostic = Diagnostic::at(self.file, self.source, place.line, place.column, message);
        self.problems.push(diagnostic.with_help(help));
    }

    fn name(&mut self, name: &Located<String>) {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.starts_with('-') || !name.chars().all(allowed) {
            let message = format!("`{}` is not a name", name.value);
            self.at(name, message, "use lower-case letters, digits and hyphens");
        }
    }

    fn unique<'b>(&mut self, kind: &str, names: impl Iterator<Item = &'b Located<String>>) {
        let mut seen = BTreeSet::new();
        for name in names {
            self.name(name);
            if !seen.insert(name.value.as_str()) {
                let message = format!("a second {kind} is named `{}`", name.value);
                self.at(name, message, "give each its own name");
            }
        }
    }

    fn path(&mut self, path: &Located<String>) {
        let outside = Path::new(&path.value)
            .components()
            .any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
        if path.is_empty() || outside {
            let message = format!("path `{}` leaves the manifest's folder", path.value);
            self.at(path, message, "give a path below the folder of caiso.yaml");
        }
    }

    fn dataset_reference(&mut self, name: &Located<String>) {
        if self.manifest.dataset(name).is_none() {
            let known = self.manifest.datasets.iter().map(|dataset| dataset.name.as_str());
            let help = match nearest(name, known.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known data sets: {}", known.collect::<Vec<_>>().join(", ")),
            };
            self.at(name, format!("no dataset is named `{}`", name.value), &help);
        }
    }
}
