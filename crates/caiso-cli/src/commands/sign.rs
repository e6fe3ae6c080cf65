//! `caiso sign`, and `caiso verify` of a signed model.

use std::fs;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use caiso_scan::resources;
use caiso_signing::{
    Certificates, Manifest, PublicKey, Resource, Serialization, Signer, SigningKey, Trust, sign,
    verify,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::arguments::{Format, Global, SignArguments, VerifyArguments};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &SignArguments) -> Result<u8> {
    let password = arguments.password_from.as_ref().map(|variable| {
        std::env::var(variable)
            .with_context(|| format!("the variable {variable} holds no password"))
    });
    let key = SigningKey::from_pem(&text(&arguments.key)?, password.transpose()?.as_deref())?;
    let certificates = certificates(arguments.certificates.as_deref())?;
    let mut serialization =
        Serialization { allow_symlinks: arguments.allow_symlinks, ..Serialization::default() };
    serialization.ignore_paths.extend(arguments.ignore.iter().cloned());
    // A signature in the folder is no part of what it signs, and whoever verifies has to know.
    serialization.ignore_paths.extend(inside(&arguments.model, &arguments.signature));
    let resources = hash(global, &arguments.model, &serialization, &arguments.signature)?;
    let manifest = Manifest::new(&model_name(&arguments.model), serialization, resources)?;
    let bundle = sign(&manifest, &key, certificates.as_ref())?;
    output::write_file(&arguments.signature, &bundle)?;
    let root = hex::encode(manifest.root_digest());
    let files = manifest.resources().len();
    let fingerprint = key.public_key().fingerprint()?;
    if global.format == Format::Json {
        output::print_json(&json!({
            "signature": arguments.signature, "model": arguments.model, "files": files,
            "digest": root, "key": fingerprint,
        }))?;
    } else {
        let name = arguments.signature.display();
        output::print(&format!(
            "signed     {files} file{} of {}\ndigest     {root}\nkey        {fingerprint}\nsignature  {name}\n",
            if files == 1 { "" } else { "s" },
            arguments.model.display(),
        ))?;
    }
    Ok(exit::PASS)
}

/// Verifies a signed model; what was checked and what was not, or why it does not verify.
pub(crate) fn verify_model(
    global: &Global,
    arguments: &VerifyArguments,
    signature: &Path,
) -> Result<(Vec<String>, Vec<String>)> {
    let bundle =
        fs::read(signature).with_context(|| format!("cannot read {}", signature.display()))?;
    let trust = match (&arguments.key, certificates(arguments.certificates.as_deref())?) {
        (Some(key), None) => Trust::Key(PublicKey::from_pem(&text(Path::new(key))?)?),
        (None, Some(anchors)) => {
            let at = arguments.at.unwrap_or_else(jiff::Timestamp::now).as_second();
            Trust::Certificates { anchors, at: u64::try_from(at).unwrap_or_default() }
        }
        _ => bail!("name whom you trust: --key with the signer's public key, or --certificates"),
    };
    let verified = verify(&bundle, &trust)?;
    let found = hash(global, &arguments.file, verified.manifest.serialization(), signature)?;
    let differences = verified.manifest.compare(&found);
    if !differences.is_empty() {
        let said = [
            ("changed", differences.changed),
            ("missing", differences.missing),
            ("not signed", differences.added),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(word, names)| format!("{word}: {}", names.join(", ")));
        bail!("the files are not as they were signed: {}", said.collect::<Vec<_>>().join("; "));
    }
    let mut checked = verified.checked;
    checked.push(format!(
        "that the {} files are as signed, and that there are no others",
        found.len()
    ));
    checked.push(match verified.signer {
        Signer::Key { fingerprint } => format!("that the holder of the key {fingerprint} signed"),
        Signer::Certificate { path, .. } => {
            format!("that {} signed", path.first().map_or("the certificate", String::as_str))
        }
    });
    Ok((checked, verified.not_checked))
}

fn hash(
    global: &Global,
    model: &Path,
    serialization: &Serialization,
    signature: &Path,
) -> Result<Vec<Resource>> {
    let bar = (std::io::stderr().is_terminal() && !global.quiet).then(|| {
        let style = ProgressStyle::with_template("hashing {bytes} at {bytes_per_sec}");
        ProgressBar::no_length()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
    });
    let hashed = |count| {
        if let Some(bar) = &bar {
            bar.inc(count);
        }
    };
    let found = resources(model, serialization, &[signature.to_owned()], &hashed)?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(found)
}

/// The path of the signature from the model's folder, if it lies there.
fn inside(model: &Path, signature: &Path) -> Option<String> {
    let model = fs::canonicalize(model).ok().filter(|model| model.is_dir())?;
    let folder = match signature.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let folder = fs::canonicalize(folder).ok()?;
    let relative = folder.join(signature.file_name()?);
    let parts: Option<Vec<&str>> =
        relative.strip_prefix(&model).ok()?.iter().map(|part| part.to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

/// The name of the model's file or folder.
fn model_name(model: &Path) -> String {
    let full = fs::canonicalize(model).unwrap_or_else(|_| model.to_owned());
    full.file_name().map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn certificates(path: Option<&Path>) -> Result<Option<Certificates>> {
    path.map(|path| Ok(Certificates::from_pem(&text(path)?)?)).transpose()
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
