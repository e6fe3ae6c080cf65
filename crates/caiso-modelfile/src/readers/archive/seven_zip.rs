//! 7z archives.

use caiso_archive::seven_zip::{self, Archive as SevenZip};

use super::{Archive, OddityKind, stray};
use crate::Format;
use crate::readers::Reader;
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

pub(crate) const READER: Reader =
    Reader { claims: |artifact| seven_zip::detect(artifact.bytes), read };

#[expect(clippy::unnecessary_wraps, reason = "the shape of every reader")]
fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let mut archive = Archive::default();
    match SevenZip::read(artifact.bytes, &scope.limits().archive) {
        Ok(sevenz) => visit(&sevenz, artifact.bytes, &mut archive, scope),
        Err(error) => scope.gap(None, error.to_string()),
    }
    Some(Reading::new(Format::SevenZip, Facts::Archive(archive)))
}

fn visit(sevenz: &SevenZip<'_>, bytes: &[u8], archive: &mut Archive, scope: &mut Scope<'_, '_>) {
    archive.entries = sevenz.entries.len();
    for entry in &sevenz.entries {
        if let Some(problem) = entry.path_problem {
            archive.add(OddityKind::Escape, Some(&entry.name), format!("its name {problem}"));
        }
        if entry.symlink {
            archive.add(OddityKind::Link, Some(&entry.name), "a symbolic link");
        }
    }
    let budget = scope.budget();
    let failures = sevenz.read_each(budget, |index, content| {
        let name = sevenz.entries.get(index).map_or("an entry", |entry| entry.name.as_str());
        if let Some(stopped) = scope.keep(name, content, Expect::Model).filter(|why| why.bomb) {
            archive.add(OddityKind::Bomb, Some(name), stopped.reason);
        }
        Ok(())
    });
    for failure in failures {
        let names: Vec<&str> = sevenz
            .entries
            .get(failure.entries.clone())
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.name.as_str())
            .take(8)
            .collect();
        scope.gap(None, format!("`{}`: {}", names.join("`, `"), failure.error));
    }
    if !sevenz.trailing.is_empty() {
        let message = format!("{} bytes follow the end of the archive", sevenz.trailing.len());
        archive.add(OddityKind::Hidden, None, message);
        stray(scope, bytes, &sevenz.trailing);
    }
}
