//! Python source, the code of TorchScript archives, and path files of the interpreter.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use crate::Format;
use crate::readers::{Reader, other};
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Scope};

mod calls;
mod lexer;

/// What a source imports and calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Python {
    /// Modules that it imports.
    pub(crate) imports: BTreeSet<String>,
    /// Calls of what imports or the language itself supply.
    pub(crate) calls: Vec<Call>,
    /// Lines that the interpreter executes at its start, with their number: of a path file only.
    pub(crate) hooks: Vec<(u64, String)>,
    /// It is code of a TorchScript archive, which is a language of its own.
    pub(crate) script: bool,
    /// It is written in an encoding that hides what it says.
    pub(crate) encoding: Option<String>,
    /// All of it was read.
    pub(crate) whole: bool,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// What is called: `os.system`, `builtins.eval`.
    pub(crate) path: String,
    /// The first argument as far as it is known, at most 80 characters of it.
    pub(crate) argument: String,
    /// The first argument is a constant text.
    pub(crate) constant: bool,
    /// Line, from 1.
    pub(crate) line: u64,
    /// It runs when the source is imported, not only when a function of it is called.
    pub(crate) at_import: bool,
    /// How the object is used.
    pub(crate) usage: Usage,
}

/// How a source uses an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usage {
    /// It calls it.
    Call,
    /// It calls it to look up a name, which is written out in the calls that follow.
    Resolve,
    /// It names it, for something that may call it.
    Name,
}

/// Compiled Python begins with a version and these two bytes.
const COMPILED: &[u8] = b"\x0d\x0d\x0a";

pub(crate) const SOURCE: Reader = Reader {
    claims: |artifact| {
        let extension = artifact.extension();
        let source =
            matches!(extension.as_str(), "py" | "pyi" | "pyw") && other::is_text(artifact.bytes);
        let compiled = artifact.bytes.get(1..4) == Some(COMPILED)
            || extension == "pyc" && artifact.bytes.get(2..4) == Some(b"\r\n");
        source || compiled || is_python_script(artifact.bytes)
    },
    read,
};

/// An interpreter line that names Python.
fn is_python_script(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    line.starts_with(b"#!") && line.windows(6).any(|word| word == b"python")
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    if !other::is_text(artifact.bytes) {
        scope.gap(None, "compiled Python is not read");
        return Some(Reading::new(Format::PythonSource, Facts::Python(Python::default())));
    }
    let source = normalised(&String::from_utf8_lossy(artifact.bytes));
    let mut python = calls::read(&source);
    python.script = artifact.name.contains("code/__torch__");
    python.encoding = encoding(&source);
    if !python.whole {
        scope.gap(None, "the source is longer than what is read of one");
    }
    Some(Reading::new(Format::PythonSource, Facts::Python(python)))
}

/// The source with letters such as `ｓ` as Python reads them in names: as ASCII (NFKC, PEP 3131).
fn normalised(source: &str) -> String {
    let mut plain = String::with_capacity(source.len());
    for character in source.chars() {
        let start = plain.len();
        if !character.is_ascii() {
            plain.extend(std::iter::once(character).nfkc());
            let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if plain.get(start..).is_some_and(|read| read.bytes().all(word)) {
                continue;
            }
            plain.truncate(start);
        }
        plain.push(character);
    }
    plain
}

/// An encoding, named in one of the first two lines (PEP 263), in which text is not written as it reads.
fn encoding(source: &str) -> Option<String> {
    let comment = source.lines().take(2).find(|line| line.trim_start().starts_with('#'))?;
    let name = comment.split_once("coding")?.1.trim_start_matches([':', '=']).trim();
    let name: String = name
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        .collect();
    let plain = name.to_ascii_lowercase().replace('_', "-");
    let known =
        ["utf-8", "utf8", "ascii", "us-ascii", "latin-1", "iso-8859-1", "iso-8859-15", "cp1252"];
    (!plain.is_empty() && !known.contains(&plain.as_str())).then_some(name)
}

pub(crate) const SITE_HOOK: Reader = Reader {
    claims: |artifact| artifact.extension() == "pth" && other::is_text(artifact.bytes),
    read: |artifact, _| {
        let source = normalised(&String::from_utf8_lossy(artifact.bytes));
        let hooks = source.lines().zip(1_u64..).filter(|(line, _)| is_hook(line));
        let hooks: Vec<(u64, String)> =
            hooks.take(1000).map(|(line, number)| (number, line.to_owned())).collect();
        let mut python = Python { hooks, whole: true, ..Python::default() };
        for (number, line) in &python.hooks {
            let calls = calls::read(line).calls;
            python.calls.extend(calls.into_iter().map(|call| Call { line: *number, ..call }));
        }
        Some(Reading::new(Format::SiteHook, Facts::Python(python)))
    },
};

/// What `site.py` executes: a line that begins with `import` and a space or tab.
fn is_hook(line: &str) -> bool {
    line.strip_prefix("import").is_some_and(|rest| rest.starts_with([' ', '\t']))
}
