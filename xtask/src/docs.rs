//! Reference documentation, written by the binary about itself.

use anyhow::{Result, bail};

use crate::run::{output, root, target};

/// File under `docs/reference` and the command that prints it.
const PAGES: [(&str, &[&str]); 4] = [
    ("attacks.md", &["robustness", "list", "--format", "markdown"]),
    ("checks.md", &["checks", "--format", "markdown"]),
    ("caiso.schema.json", &["schema"]),
    ("command-line.md", &["help-markdown"]),
];

/// Writes the pages, or fails when one differs from the code.
pub(crate) fn run(check: bool) -> Result<()> {
    crate::run::run("cargo", &["build", "--quiet", "-p", "caiso"])?;
    let binary = target().join("debug/caiso");
    let folder = root().join("docs/reference");
    std::fs::create_dir_all(&folder)?;
    for (page, arguments) in PAGES {
        let text = output(&binary, arguments)?;
        let path = folder.join(page);
        if check {
            if std::fs::read(&path).ok().as_deref() != Some(text.as_slice()) {
                bail!("docs/reference/{page} is not what the code says; run `cargo xtask docs`");
            }
        } else {
            std::fs::write(path, text)?;
        }
    }
    Ok(())
}
