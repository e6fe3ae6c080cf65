//! What goes to standard output and to files.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use caiso_core::Figure;
use serde::Serialize;

/// Prints text to standard output; a reader that went away is an error the caller forgives.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Prints a value as indented JSON.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Writes a file by way of a neighbour, so that a full disk never leaves half of it.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let name =
        path.file_name().with_context(|| format!("{} is not a file name", path.display()))?;
    let mut partial = name.to_owned();
    partial.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(partial);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Writes figures as SVG files: `NAME-1.svg`, `NAME-2.svg` …
pub(crate) fn write_figures(folder: &Path, name: &str, figures: &[Figure]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (number, figure) in (1..).zip(figures) {
        let path = folder.join(format!("{name}-{number}.svg"));
        write_file(&path, caiso_figure::file(figure).as_bytes())?;
    }
    Ok(())
}

/// Width of the terminal, or 100 columns elsewhere.
pub(crate) fn width() -> usize {
    terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
}

/// Colours only on a terminal and unless `NO_COLOR` is set.
pub(crate) fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A check that panics becomes an incomplete result with the message; the default report on
/// standard error would only be noise. `RUST_BACKTRACE` brings it back.
pub(crate) fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some("caiso-check") {
            default(panic);
        }
    }));
}
