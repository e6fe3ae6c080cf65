//! `caiso init`: a commented manifest for what a folder holds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::arguments::InitArguments;
use crate::{exit, output};

/// Deepest folder that is looked into.
const MAX_DEPTH: usize = 6;

pub(crate) fn run(arguments: &InitArguments) -> Result<u8> {
    let folder = &arguments.folder;
    let path = folder.join(caiso_assess::MANIFEST_NAME);
    if path.is_file() && !arguments.force {
        bail!("{} is already there; --force overwrites it", path.display());
    }
    let mut files = Vec::new();
    find(folder, folder, 0, &mut files)?;
    files.sort();
    let text = manifest(folder, &files);
    output::write_file(&path, text.as_bytes())?;
    let count = |kind: Kind| files.iter().filter(|(found, _)| *found == kind).count();
    output::print(&format!(
        "wrote {}: models {}, data sets {}, Kubernetes manifests {}\nnext  fill in the lines marked TODO, then `caiso assess {}`\n",
        path.display(),
        count(Kind::Model),
        count(Kind::Data),
        count(Kind::Deployment),
        folder.display()
    ))?;
    Ok(exit::PASS)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Model,
    Data,
    Deployment,
}

fn find(root: &Path, folder: &Path, depth: usize, files: &mut Vec<(Kind, String)>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let kind = entry.file_type()?;
        if kind.is_dir() && !hidden && depth < MAX_DEPTH {
            find(root, &path, depth + 1, files)?;
        } else if kind.is_file()
            && let Some(found) = kind_of(&path)
            && let Ok(relative) = path.strip_prefix(root)
        {
            files.push((found, relative.to_string_lossy().replace('\\', "/")));
        }
    }
    Ok(())
}

fn kind_of(path: &PathBuf) -> Option<Kind> {
    match path.extension()?.to_str()? {
        "onnx" | "pt" | "pth" | "pkl" | "joblib" | "safetensors" | "h5" | "keras" | "gguf"
        | "tflite" => Some(Kind::Model),
        "csv" => Some(Kind::Data),
        "yaml" | "yml" => {
            let text = std::fs::read_to_string(path).ok()?;
            (text.contains("apiVersion:") && text.contains("kind:")).then_some(Kind::Deployment)
        }
        _ => None,
    }
}

fn manifest(folder: &Path, files: &[(Kind, String)]) -> String {
    let of =
        |kind: Kind| files.iter().filter(move |(found, _)| *found == kind).map(|(_, path)| path);
    let full = std::fs::canonicalize(folder).ok();
    let name = full
        .as_deref()
        .and_then(Path::file_name)
        .map_or_else(|| "system".to_owned(), |n| slug(&n.to_string_lossy()));
    let mut text = format!(
        "# An AI system, described for caiso. `caiso schema` prints every key and its meaning.\ncaiso: 1\n\n\
system:\n  name: {name}\n  purpose: TODO who uses it, on whom, to decide what\n  owner: TODO the named person or role that answers for it\n  \
stage: development\n  # Answers to the EU AI Act classification; `caiso comply classify --questions` lists them.\n  eu_ai_act: {{}}\n"
    );
    section(&mut text, "models", of(Kind::Model), |path| {
        format!(
            "  - name: {}\n    path: {path}\n    # dataset: test            # the labelled data set it is assessed on\n    \
# classes: [\"no\", \"yes\"]  # values of the target, in the order of the outputs\n    \
# features:                # inputs in the model's order\n    #   - {{column: income, bounds: [0, 3]}}\n",
            stem(path)
        )
    });
    section(&mut text, "datasets", of(Kind::Data), |path| {
        let role = if path.contains("train") { "train" } else { "test" };
        format!(
            "  - name: {}\n    path: {path}\n    role: {role}\n    # target: outcome          # column with the true label\n    \
# favourable: \"no\"         # value that is good for the person\n    # protected:\n    #   - {{column: sex, privileged: [male]}}\n",
            stem(path)
        )
    });
    let deployments: Vec<String> =
        of(Kind::Deployment).map(|path| format!("      - {path}\n")).collect();
    if !deployments.is_empty() {
        text +=
            &format!("\ndeployments:\n  - name: kubernetes\n    paths:\n{}", deployments.concat());
    }
    text + "\ngate:\n  fail_on: high\n"
}

fn section<'a>(
    text: &mut String,
    key: &str,
    paths: impl Iterator<Item = &'a String>,
    entry: impl Fn(&str) -> String,
) {
    let entries: Vec<String> = paths.map(|path| entry(path)).collect();
    if !entries.is_empty() {
        *text += &format!("\n{key}:\n{}", entries.concat());
    }
}

fn stem(path: &str) -> String {
    slug(
        &Path::new(path)
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
    )
}

/// Lower-case letters, digits and hyphens.
fn slug(text: &str) -> String {
    let mapped: String = text
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' })
        .collect();
    let trimmed = mapped.trim_matches('-');
    if trimmed.is_empty() { "system".to_owned() } else { trimmed.to_owned() }
}
