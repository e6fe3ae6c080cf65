//! Data files beside a model.

use caiso_core::manifest::DatasetRole;

use super::beside::DataSaid;
use super::document::{
    Component, ComponentData, Contents, Governance, Kind, Owner, Person, Property, property, sha256,
};
use super::place::Place;
use crate::FileResult;

/// Extension, media type, what a file of it begins with.
#[rustfmt::skip] // A table.
const KINDS: &[(&str, &str, &[u8])] = &[
    ("csv", "text/csv", b""),
    ("tsv", "text/tab-separated-values", b""),
    ("jsonl", "application/jsonl", b"{"),
    ("ndjson", "application/x-ndjson", b"{"),
    ("parquet", "application/vnd.apache.parquet", b"PAR1"),
    ("arrow", "application/vnd.apache.arrow.file", b""),
    ("feather", "application/vnd.apache.arrow.file", b""),
    ("npy", "application/octet-stream", b"\x93NUMPY"),
    ("npz", "application/zip", b"PK"),
];

/// The media type of a data file; `None` for other files.
pub(super) fn media_type(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let (_, media_type, _) = KINDS.iter().find(|(known, _, magic)| {
        *known == extension && bytes.trim_ascii_start().starts_with(magic)
    })?;
    Some(media_type)
}

/// Whether the name is that of a data file.
pub(super) fn is_known(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    KINDS.iter().any(|(known, ..)| extension.eq_ignore_ascii_case(known))
}

/// A data file as a component.
pub(super) fn component(
    result: &FileResult,
    place: &Place,
    bytes: &[u8],
    media_type: &'static str,
    role: Option<&str>,
    said: Option<&DataSaid>,
) -> Component {
    let mut properties = vec![property("size", result.size.to_string())];
    properties.extend(role.map(|role| property("role", role)));
    match media_type {
        "text/csv" => properties.extend(table(bytes, b',')),
        "text/tab-separated-values" => properties.extend(table(bytes, b'\t')),
        "application/jsonl" | "application/x-ndjson" => {
            let lines = bytes.split(|&byte| byte == b'\n');
            let rows = lines.filter(|line| !line.trim_ascii().is_empty()).count();
            properties.push(property("rows", rows.to_string()));
        }
        _ => {}
    }
    Component {
        kind: Kind::Data,
        mime_type: Some(media_type),
        bom_ref: format!("data/{}", place.path),
        name: place.path.clone(),
        hashes: result.sha256.as_deref().map(sha256).unwrap_or_default(),
        data: vec![ComponentData {
            kind: "dataset",
            name: place.path.clone(),
            contents: Some(Contents { url: Some(place.url()) }),
            sensitive_data: said.map(|said| said.protected.clone()).unwrap_or_default(),
            governance: said.map(|said| Governance {
                owners: vec![Owner { contact: Person { name: said.owner.clone() } }],
            }),
        }],
        properties,
        ..Component::default()
    }
}

/// Rows and columns of a table; line ends within quotes belong to their field (RFC 4180).
fn table(bytes: &[u8], separator: u8) -> Vec<Property> {
    let mut quoted = false;
    let mut rows = 0_u64;
    let mut columns = 1_u64;
    let mut in_row = false;
    let mut header_end = None;
    for (place, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => {
                quoted = !quoted;
                in_row = true;
            }
            b'\n' if !quoted => {
                if in_row {
                    rows += 1;
                    header_end.get_or_insert(place);
                }
                in_row = false;
            }
            b'\r' => {}
            other => {
                if other == separator && !quoted && header_end.is_none() {
                    columns += 1;
                }
                in_row = true;
            }
        }
    }
    rows += u64::from(in_row);
    if rows == 0 {
        return vec![property("rows", "0")];
    }
    let mut properties =
        vec![property("rows", (rows - 1).to_string()), property("columns", columns.to_string())];
    let header = &bytes[..header_end.unwrap_or(bytes.len())];
    if let Ok(header) = std::str::from_utf8(header)
        && header.len() <= 4096
    {
        let header = header.trim_start_matches('\u{feff}').trim();
        properties.push(property(
            "header",
            header.chars().filter(|c| !c.is_control()).collect::<String>(),
        ));
    }
    properties
}

/// What the data is for, by the name of its file: only words that stand alone count.
pub(super) fn role_of_name(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.find_map(|word| match word {
        "train" | "training" => Some("train"),
        "test" | "testing" | "holdout" => Some("test"),
        "val" | "valid" | "validation" | "dev" | "eval" | "evaluation" => Some("validation"),
        "calibration" => Some("calibration"),
        _ => None,
    })
}

/// What the manifest says it is for.
pub(super) fn role_of(role: DatasetRole) -> &'static str {
    match role {
        DatasetRole::Train => "train",
        DatasetRole::Test => "test",
        DatasetRole::Reference => "reference",
        DatasetRole::Current => "current",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_as_records_not_lines() {
        let value = |bytes: &[u8], name: &str| {
            let all = table(bytes, b',');
            all.into_iter().find(|p| p.name == format!("caiso:{name}")).map(|p| p.value)
        };
        let text = b"a,\"b,c\"\r\n1,\"two\nlines\"\n\n3,\"say \"\"no\"\"\"";
        assert_eq!(value(text, "rows").unwrap(), "2");
        assert_eq!(value(text, "columns").unwrap(), "2");
        assert_eq!(value(text, "header").unwrap(), "a,\"b,c\"");
        assert_eq!(value(b"", "rows").unwrap(), "0");
        assert_eq!(value(b"a,b", "rows").unwrap(), "0");
    }

    #[test]
    fn words_in_names_tell_the_role() {
        assert_eq!(role_of_name("data/train-2024.csv"), Some("train"));
        assert_eq!(role_of_name("x_test.parquet"), Some("test"));
        assert_eq!(role_of_name("latest.csv"), None);
    }
}
