//! Tar archives, and the model formats that are tar archives.

use caiso_archive::tar::{self, AnomalyKind, Archive as Tar, Entry, EntryKind};

use super::{Archive, OddityKind, stray};
use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

pub(crate) const READER: Reader = Reader { claims: |artifact| tar::detect(artifact.bytes), read };

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let tar = match Tar::read(artifact.bytes, &scope.limits().archive) {
        Ok(tar) => tar,
        Err(error) => {
            scope.gap(None, error.to_string());
            return None;
        }
    };
    let format = format(&tar);
    let mut archive = Archive { entries: tar.entries.len(), ..Archive::default() };
    for anomaly in &tar.anomalies {
        use AnomalyKind as Kind;
        let entry = anomaly.entry.and_then(|index| tar.entries.get(index));
        let name = entry.map(|entry| entry.name.as_str());
        let kind = match anomaly.kind {
            Kind::PathTraversal | Kind::LinkEscapes | Kind::ThroughLink | Kind::Device => {
                OddityKind::Escape
            }
            Kind::DuplicateName => OddityKind::Views,
            Kind::Checksum | Kind::Field | Kind::Sizes | Kind::UnknownType => OddityKind::Headers,
            Kind::FoldedName => OddityKind::Remark,
            Kind::Trailing => {
                stray(scope, artifact.bytes, &anomaly.range);
                OddityKind::Hidden
            }
            // Tools exist that leave the mark of the end away; nothing is hidden by that.
            Kind::NoEnd => continue,
            _ => {
                let name = name.map(|name| format!("`{name}`: ")).unwrap_or_default();
                scope.gap(Some(number(&anomaly.range)), format!("{name}{}", anomaly.message));
                continue;
            }
        };
        archive.add(kind, name, anomaly.message.clone());
    }
    for entry in &tar.entries {
        visit(&tar, entry, format, &mut archive, scope);
    }
    Some(Reading::new(format, Facts::Archive(archive)))
}

fn number(range: &std::ops::Range<usize>) -> std::ops::Range<u64> {
    let number = |place: usize| u64::try_from(place).unwrap_or(u64::MAX);
    number(range.start)..number(range.end)
}

/// The model format that the names of the entries show.
fn format(tar: &Tar<'_>) -> Format {
    let named =
        |name: &str| tar.entries.iter().any(|entry| entry.name.trim_start_matches("./") == name);
    let any = |ending: &str| tar.entries.iter().any(|entry| entry.name.ends_with(ending));
    if named("pickle") && (named("storages") || named("sys_info")) {
        Format::PyTorchLegacy
    } else if any("model_config.yaml") && (any(".ckpt") || any(".pt")) {
        Format::NeMo
    } else {
        Format::Tar
    }
}

fn visit(
    tar: &Tar<'_>,
    entry: &Entry<'_>,
    format: Format,
    archive: &mut Archive,
    scope: &mut Scope<'_, '_>,
) {
    match entry.kind {
        EntryKind::File | EntryKind::Other(_) => {
            let expect = if format == Format::PyTorchLegacy { Expect::Data } else { Expect::Model };
            scope.part(&entry.name, tar.data(entry), expect);
            if entry.after_end {
                let message =
                    "it lies behind the mark of the archive's end, where most loaders stop";
                archive.add(OddityKind::Hidden, Some(&entry.name), message);
            }
        }
        EntryKind::Symlink | EntryKind::HardLink => {
            let target = String::from_utf8_lossy(entry.link.as_deref().unwrap_or_default());
            let kind = if entry.kind == EntryKind::Symlink { "symbolic" } else { "hard" };
            let message = format!("a {kind} link to `{target}`");
            archive.add(OddityKind::Link, Some(&entry.name), message);
        }
        _ => {}
    }
}
