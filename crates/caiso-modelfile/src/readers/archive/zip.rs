//! Zip archives, and the model formats that are zip archives.

use std::collections::BTreeMap;

use caiso_archive::Anomaly;
use caiso_archive::zip::{AnomalyKind, Archive as Zip, ChecksumReader, Entry, EntryKind};

use super::{Archive, OddityKind, stray};
use crate::Format;
use crate::readers::{Reader, other, pickle};
use crate::tree::{Facts, Reading};
use crate::walk::{Artifact, Expect, Scope};

pub(crate) const READER: Reader = Reader { claims, read };

/// A local header at the beginning, or an end record where readers look for one.
fn claims(artifact: &Artifact<'_>) -> bool {
    let bytes = artifact.bytes;
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return true;
    }
    // A spanned archive of one part begins with this mark (APPNOTE 8.5.5).
    if bytes.starts_with(b"PK\x07\x08PK\x03\x04") {
        return true;
    }
    // What lies in a tar archive is read there.
    if caiso_archive::tar::detect(bytes) {
        return false;
    }
    // An end record and its longest comment.
    let tail = bytes.get(bytes.len().saturating_sub(65_557)..).unwrap_or_default();
    memchr::memmem::rfind(tail, b"PK\x05\x06").is_some()
}

fn read(artifact: &Artifact<'_>, scope: &mut Scope<'_, '_>) -> Option<Reading> {
    let limits = &scope.limits().archive;
    let zip = match Zip::read(artifact.bytes, limits) {
        Ok(zip) => zip,
        Err(error) => {
            if artifact.bytes.starts_with(b"PK") {
                scope.gap(None, error.to_string());
            }
            return None;
        }
    };
    // The mark of an end record occurs by chance, and in archives inside of other files.
    if !artifact.bytes.starts_with(b"PK") && !zip.entries.iter().any(|entry| entry.local.is_some())
    {
        return None;
    }
    let format = format(&zip);
    let mut archive = Archive { entries: zip.entries.len(), ..Archive::default() };
    if matches!(format, Format::PyTorch | Format::TorchScript) {
        archive.storages = storages(&zip);
    }
    for anomaly in &zip.anomalies {
        judge(&zip, anomaly, &mut archive, scope);
    }
    for entry in &zip.entries {
        visit(&zip, entry, format, &mut archive, scope);
    }
    Some(Reading::new(format, Facts::Archive(archive)))
}

/// The model format that the names of the entries show.
fn format(zip: &Zip<'_>) -> Format {
    let any = |test: &dyn Fn(&str) -> bool| zip.entries.iter().any(|entry| test(&entry.name));
    let named = |name: &'static str| {
        any(&move |entry: &str| {
            entry == name || entry.strip_suffix(name).is_some_and(|folder| folder.ends_with('/'))
        })
    };
    if named("data.pkl") {
        let code = named("constants.pkl") || any(&|name| name.contains("/code/"));
        if code { Format::TorchScript } else { Format::PyTorch }
    } else if any(&|name| name.starts_with("MAR-INF/")) {
        Format::TorchModelArchive
    } else if any(&|name| name == "config.json") && any(&|name| name.ends_with(".weights.h5")) {
        Format::Keras
    } else if any(&|name| name == "schema.json") {
        Format::Skops
    } else if !zip.entries.is_empty()
        && zip.entries.iter().all(|entry| entry.name.ends_with(".npy"))
    {
        Format::NumpyArchive
    } else {
        Format::Zip
    }
}

/// What no loader of the format interprets: the storages of a PyTorch archive and its notes.
fn is_data(format: Format, name: &str) -> bool {
    // The weights of `torch.export` lie in folders of their own.
    if name.contains("/data/weights/weight_") || name.contains("/data/constants/tensor_") {
        return true;
    }
    if !matches!(format, Format::PyTorch | Format::TorchScript) {
        return false;
    }
    let mut parts = name.rsplit('/');
    let (last, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match folder {
        "data" | "constants" | "tensors" => !last.contains('.'),
        ".data" => true,
        _ => matches!(last, "version" | "byteorder" | ".storage_alignment"),
    }
}

/// Folder and key of each storage to its size in bytes: `data/0`.
fn storages(zip: &Zip<'_>) -> BTreeMap<String, u64> {
    let key = |name: &str| {
        let (folder, key) = name.rsplit_once('/')?;
        let folder = folder.rsplit('/').next().unwrap_or(folder);
        (!key.contains('.')).then(|| format!("{folder}/{key}"))
    };
    let sized = |entry: &Entry<'_>| Some((key(&entry.name)?, entry.size));
    zip.entries.iter().filter_map(sized).take(MAX_STORAGES).collect()
}

const MAX_STORAGES: usize = 100_000;

fn visit(
    zip: &Zip<'_>,
    entry: &Entry<'_>,
    format: Format,
    archive: &mut Archive,
    scope: &mut Scope<'_, '_>,
) {
    if entry.kind == EntryKind::Directory && entry.data.is_empty() {
        return;
    }
    let name = entry.name.as_ref();
    let mut expect = Expect::Model;
    if is_data(format, name) {
        // Weights look like anything; only what no weights are by chance is followed.
        let odd = |content: &[u8]| other::is_executable(content) || pickle::is_whole(content);
        if !zip.stored(entry).is_none_or(odd) {
            return;
        }
        expect = Expect::Data;
    }
    let limits = &scope.limits().archive;
    if let Some(content) = zip.stored(entry) {
        scope.part(name, content, expect);
        let mut checksum = ChecksumReader::new(content);
        let copied = std::io::copy(&mut checksum, &mut std::io::sink());
        if copied.is_ok() && !entry.encrypted {
            wrong_checksum(entry, &checksum, archive);
        }
    } else {
        match zip.open(entry, limits) {
            Ok(content) => {
                let mut checksum = ChecksumReader::new(content);
                let packed = zip.data(entry).len();
                match scope.expand(name, packed, &mut checksum, expect) {
                    Some(stopped) if stopped.bomb => {
                        archive.add(OddityKind::Bomb, Some(name), stopped.reason);
                    }
                    Some(_) => {}
                    None => wrong_checksum(entry, &checksum, archive),
                }
                let unread = checksum.into_inner().unread();
                if unread.iter().any(|&byte| byte != 0) {
                    let message = format!("{} bytes follow its compressed stream", unread.len());
                    archive.add(OddityKind::Hidden, Some(name), message);
                    scope.part(&format!("{name} (behind its stream)"), unread, Expect::Data);
                }
            }
            Err(error) => scope.gap(None, format!("`{name}` cannot be opened: {error}")),
        }
    }
    // The reading of a loader that goes by the local header.
    match zip.open_local(entry, limits) {
        Some(Ok(mut content)) => {
            let name = format!("{name} (by its local header)");
            scope.expand(&name, zip.data(entry).len(), &mut content, expect);
        }
        Some(Err(error)) => {
            scope.gap(None, format!("`{name}` cannot be opened by its local header: {error}"));
        }
        None => {}
    }
    if format == Format::Keras && name == "config.json" {
        let content = zip.stored(entry);
        if content
            .is_some_and(|json| serde_json::from_slice::<serde::de::IgnoredAny>(json).is_err())
        {
            scope.gap(None, "`config.json` is no JSON: what the model is made of is unknown");
        }
    }
    extra_fields(entry, archive, scope);
    if entry.encrypted {
        scope.gap(None, format!("`{name}` is called encrypted: its content may be another"));
    }
}

/// Extra fields of common tools: zip64, times, owners, names, checksums, encryption, alignment (APPNOTE 4.5;
/// 0x4246 is PyTorch's padding).
const EXTRA_FIELDS: [u16; 14] = [
    0x0001, 0x000a, 0x000d, 0x0017, 0x4246, 0x5455, 0x5855, 0x6375, 0x7075, 0x7855, 0x7875, 0x9901,
    0xcafe, 0xd935,
];

/// Looks at extra fields that no common tool writes.
fn extra_fields(entry: &Entry<'_>, archive: &mut Archive, scope: &mut Scope<'_, '_>) {
    for header in [&entry.central, &entry.local].into_iter().flatten() {
        let mut rest = header.extra;
        while let Some(([a, b, c, d], after)) = rest.split_first_chunk::<4>() {
            let (id, size) = (u16::from_le_bytes([*a, *b]), u16::from_le_bytes([*c, *d]));
            let (content, next) = after.split_at_checked(usize::from(size)).unwrap_or((after, &[]));
            let padding = content.windows(2).all(|pair| matches!(pair, [one, two] if one == two));
            if !EXTRA_FIELDS.contains(&id) && content.len() > 8 && !padding {
                let message =
                    format!("an extra field {id:#06x} of {size} bytes that no common tool writes");
                archive.add(OddityKind::Hidden, Some(&entry.name), message);
                scope.part(
                    &format!("{} (extra field {id:#06x})", entry.name),
                    content,
                    Expect::Data,
                );
            }
            rest = next;
        }
    }
}

fn wrong_checksum<R>(entry: &Entry<'_>, read: &ChecksumReader<R>, archive: &mut Archive) {
    if let Err(error) = read.verify(entry.crc, entry.size) {
        archive.add(OddityKind::Checksum, Some(&entry.name), error.to_string());
    }
}

fn judge(
    zip: &Zip<'_>,
    anomaly: &Anomaly<AnomalyKind>,
    archive: &mut Archive,
    scope: &mut Scope<'_, '_>,
) {
    use AnomalyKind as Kind;
    let entry = anomaly.entry.and_then(|index| zip.entries.get(index));
    let name = entry.map(|entry| entry.name.as_ref());
    let kind = match anomaly.kind {
        Kind::Names
        | Kind::Methods
        | Kind::DuplicateName
        | Kind::UnicodePath
        | Kind::Overlap
        | Kind::OnlyLocal
        | Kind::SeveralDirectories => OddityKind::Views,
        Kind::PathTraversal | Kind::Special => OddityKind::Escape,
        Kind::Symlink => OddityKind::Link,
        Kind::Prefix | Kind::Gap | Kind::Trailing => {
            let bytes = zip.bytes();
            let content = bytes.get(anomaly.range.clone()).unwrap_or_default();
            stray(scope, bytes, &anomaly.range);
            if content.iter().all(|&byte| byte == 0) {
                OddityKind::Remark
            } else {
                OddityKind::Hidden
            }
        }
        Kind::Comment => {
            stray(scope, zip.bytes(), &anomaly.range);
            OddityKind::Remark
        }
        Kind::FoldedName => OddityKind::Remark,
        Kind::Spanned | Kind::UnsupportedMethod | Kind::Truncated | Kind::TooManyEntries => {
            let name = name.map(|name| format!("`{name}`: ")).unwrap_or_default();
            return scope.gap(None, format!("{name}{}", anomaly.message));
        }
        _ => OddityKind::Headers,
    };
    archive.add(kind, name, anomaly.message.clone());
    if kind == OddityKind::Hidden
        && let Some(oddity) = archive.oddities.last_mut()
    {
        oddity.range = Some(anomaly.range.clone());
    }
}
