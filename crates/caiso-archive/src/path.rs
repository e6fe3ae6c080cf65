//! Names of entries that lead out of the folder they are unpacked into.

use std::borrow::Cow;
use std::fmt;

/// What is wrong with a name as a path below the folder of unpacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PathProblem {
    /// Nothing is left of it.
    Empty,
    /// It starts at the root.
    Absolute,
    /// It has a `..` component.
    Parent,
    /// It starts with a drive letter, as `C:`.
    DriveLetter,
    /// It has a backslash, a separator on Windows only.
    Backslash,
    /// It has a NUL byte, where some readers end it.
    Nul,
}

impl fmt::Display for PathProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "is empty",
            Self::Absolute => "is absolute",
            Self::Parent => "climbs with `..`",
            Self::DriveLetter => "starts with a drive letter",
            Self::Backslash => "has a backslash",
            Self::Nul => "has a NUL byte",
        })
    }
}

/// The gravest problem of a name, with `/` and `\` both taken for separators.
pub fn path_problem(name: &[u8]) -> Option<PathProblem> {
    let separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    match name {
        [] => return Some(PathProblem::Empty),
        [first, ..] if separator(first) => return Some(PathProblem::Absolute),
        [letter, b':', ..] if letter.is_ascii_alphabetic() => {
            return Some(PathProblem::DriveLetter);
        }
        _ => {}
    }
    if name.split(separator).any(|part| part == b"..") {
        return Some(PathProblem::Parent);
    }
    if name.contains(&0) {
        return Some(PathProblem::Nul);
    }
    name.contains(&b'\\').then_some(PathProblem::Backslash)
}

/// The name as a file system that folds case and knows both separators would see it.
pub(crate) fn folded(name: &str) -> Cow<'_, str> {
    let plain = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    let name = if plain { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) };
    if !name.contains('\\') && !name.contains("//") && !name.contains("./") {
        return name;
    }
    let mut parts = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "."));
    let first = parts.next().unwrap_or_default().to_owned();
    let mut folded = parts.fold(first, |path, part| path + "/" + part);
    if name.ends_with(['/', '\\']) {
        folded.push('/');
    }
    Cow::Owned(folded)
}

/// Whether a link at `name` that points to `target` leads out of the folder of unpacking.
pub(crate) fn link_escapes(name: &[u8], target: &[u8]) -> bool {
    if let [first, ..] = target
        && matches!(first, b'/' | b'\\')
    {
        return true;
    }
    if matches!(target, [letter, b':', ..] if letter.is_ascii_alphabetic()) {
        return true;
    }
    let separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    let folders =
        |path: &[u8]| path.split(separator).filter(|part| !matches!(*part, b"" | b".")).count();
    let mut depth = folders(name).saturating_sub(1);
    for part in target.split(separator) {
        match part {
            b"" | b"." => {}
            b".." => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return true,
            },
            _ => depth = depth.saturating_add(1),
        }
    }
    false
}
