//! Python virtual environments with peers, under the target directory.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::run;

/// The Python of a virtual environment that has the packages of `requirements` (a path from the
/// root). Made once for each content of that file.
pub(crate) fn python(name: &str, requirements: &str) -> Result<PathBuf> {
    let wanted = std::fs::read_to_string(run::root().join(requirements))?;
    let folder = run::target().join("venvs").join(name);
    let python = folder.join("bin/python");
    let stamp = folder.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    let folder_text = folder.to_string_lossy().into_owned();
    run::run("python3", &["-m", "venv", "--clear", &folder_text])?;
    let pip =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
    run::run(&python.to_string_lossy(), &pip)?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}

/// Runs a Python script of the repository and returns what it prints.
pub(crate) fn script(python: &Path, arguments: &[&str]) -> Result<String> {
    Ok(String::from_utf8(run::output(python, arguments)?)?)
}
