//! Reading and checking `caiso.yaml`.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use serde_saphyr::Error;

use super::Manifest;
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
            for feature in &model.features {
                if let Some(bounds) = &feature.bounds
                    && !(bounds[0] < bounds[1] && bounds[0].is_finite() && bounds[1].is_finite())
                {
                    let message =
                        format!("bounds [{}, {}] are not an interval", bounds[0], bounds[1]);
                    self.at(bounds, message, "write the smaller finite number first");
                }
            }
        }
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
