//! Where a file lies, in words that do not depend on the machine.

use std::path::Path;

/// A path below what was named on the command line, with forward slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) path: String,
}

impl Place {
    /// The place of `path`, which was found under `root`. `prefix` tells several roots apart.
    pub(super) fn new(path: &Path, root: &Path, prefix: Option<&str>) -> Self {
        let below = match path.strip_prefix(root) {
            Ok(below) if !below.as_os_str().is_empty() => below,
            _ => Path::new(path.file_name().unwrap_or(path.as_os_str())),
        };
        let parts = below.iter().map(|part| {
            let part = part.to_string_lossy();
            part.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect::<String>()
        });
        let path = prefix.map(str::to_owned).into_iter().chain(parts).collect::<Vec<_>>().join("/");
        Self { path }
    }

    /// The file's own name.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The folder; empty for the outermost.
    pub(super) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether the folder of this file holds the other file, directly or in folders within.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let folder = self.folder();
        folder.is_empty()
            || other.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }

    /// A relative path as it is written in this file, from the same start as this path; `None` if it
    /// leads out.
    pub(super) fn join(&self, relative: &str) -> Option<String> {
        let mut parts: Vec<&str> = self.folder().split('/').filter(|p| !p.is_empty()).collect();
        for part in relative.split(['/', '\\']) {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(parts.join("/"))
    }

    /// The path as a relative reference of a URL (RFC 3986).
    pub(super) fn url(&self) -> String {
        percent(&self.path, b"/-._~")
    }
}

/// Percent-encodes everything but letters, digits and `plain`.
pub(super) fn percent(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

/// A web address that can stand in a bill as it is written.
pub(super) fn address(written: &str) -> Option<String> {
    let web = written.starts_with("https://") || written.starts_with("http://");
    let plain =
        written.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'()*+,;=%".contains(c));
    (web && plain && written.len() < 2_048).then(|| written.to_owned())
}
