//! The official `ATLAS.yaml`, for its text.

use std::collections::BTreeMap;

use caiso_core::Diagnostic;
use serde::Deserialize;

use crate::atlas::Atlas;

/// The official file has 0.5 MB.
const MAX_BYTES: usize = 8 << 20;

#[derive(Deserialize)]
struct File {
    version: String,
    matrices: Vec<Matrix>,
}

#[derive(Deserialize)]
struct Matrix {
    tactics: Vec<Object>,
    techniques: Vec<Object>,
    mitigations: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    id: String,
    description: String,
}

impl Atlas {
    /// A copy with the descriptions of the official `ATLAS.yaml` (its `matrices` are read, its
    /// case studies are not). `file` is used in messages only.
    ///
    /// Reading is bounded in size, depth and nodes. A file that is not of that shape is an error
    /// with its place. Ids that only one side has, and another version, are reported beside the
    /// result: names, relations and the mapping stay those of the version built in.
    pub fn with_official_text(
        &self,
        file: &str,
        bytes: &[u8],
    ) -> Result<(Self, Vec<Diagnostic>), Diagnostic> {
        let refuse = |message: String| {
            Diagnostic::at(file, "", 0, 0, message)
                .with_help("give the ATLAS.yaml of a release of mitre-atlas/atlas-data")
        };
        if bytes.len() > MAX_BYTES {
            return Err(refuse(format!("is {} bytes, expected at most {MAX_BYTES}", bytes.len())));
        }
        let source = str::from_utf8(bytes)
            .map_err(|error| refuse(format!("is not UTF-8 text (byte {})", error.valid_up_to())))?;
        let official: File = serde_saphyr::from_str(source).map_err(|error| {
            let error = error.without_snippet();
            let (line, column) =
                error.location().map_or((0, 0), |place| (place.line(), place.column()));
            let text = error.to_string();
            // The place is told by the diagnostic.
            let message = text.lines().next().and_then(|line| line.split(" at line ").next());
            let message = message.unwrap_or_default().trim_start_matches("error: ");
            Diagnostic::at(file, source, line, column, message)
                .with_help("give the ATLAS.yaml of a release of mitre-atlas/atlas-data")
        })?;
        if official.matrices.is_empty() {
            return Err(refuse("has no matrix".to_owned()));
        }

        let mut notes = Vec::new();
        let mut note = |message: String| notes.push(Diagnostic::at(file, "", 0, 0, message));
        if official.version != self.version {
            note(format!(
                "is version {}, names and relations stay those of version {}",
                official.version, self.version
            ));
        }
        let mut texts: BTreeMap<String, String> = official
            .matrices
            .into_iter()
            .flat_map(|matrix| [matrix.tactics, matrix.techniques, matrix.mitigations])
            .flatten()
            .map(|object| (object.id, absolute_links(object.description.trim())))
            .collect();
        let mut atlas = self.clone();
        let mut take = |id: &str, description: &mut Option<String>| {
            *description = texts.remove(id);
            if description.is_none() {
                note(format!("has no text for {id}"));
            }
        };
        for tactic in &mut atlas.tactics {
            take(&tactic.id, &mut tactic.description);
        }
        for technique in &mut atlas.techniques {
            take(&technique.id, &mut technique.description);
        }
        for mitigation in &mut atlas.mitigations {
            take(&mitigation.id, &mut mitigation.description);
        }
        for id in texts.keys() {
            note(format!("has {id}, which version {} does not have", self.version));
        }
        Ok((atlas, notes))
    }
}

/// Turns links within the ATLAS site into links to it.
fn absolute_links(text: &str) -> String {
    text.replace("](/", "](https://atlas.mitre.org/")
}
