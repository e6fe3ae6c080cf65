//! `caiso threat`.

use anyhow::{Context as _, Result, bail};
use caiso_threat::Atlas;
use serde_json::json;

use super::{home, report};
use crate::arguments::{Format, Global, ThreatArguments, ThreatCommand};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &ThreatArguments) -> Result<u8> {
    match &arguments.command {
        ThreatCommand::Coverage { system: place, layer } => {
            let system = home::system(place.as_deref())?;
            let store = home::open_read_only(global, place.as_deref())?;
            let (report, _) = report::last(&store, &system.manifest.system.name)?;
            if let Some(path) = layer {
                let coverage = caiso_assess::coverage_of(&report);
                let name = format!("caiso: {}", report.system);
                let layer = caiso_threat::navigator_layer(
                    Atlas::embedded(),
                    &coverage,
                    &name,
                    &report.sentence,
                );
                output::write_file(path, &serde_json::to_vec_pretty(&layer)?)?;
            }
            if global.format == Format::Json {
                output::print_json(&report.threats)?;
                return Ok(exit::PASS);
            }
            let mut text = String::new();
            for tactic in &report.threats {
                let count = |state: &str| {
                    tactic.techniques.iter().filter(|cell| cell.state == state).count()
                };
                text += &format!(
                    "{:<22} {:>3} found {:>3} tested {:>3} untested\n",
                    tactic.name,
                    count("found"),
                    count("tested"),
                    count("untested")
                );
                for cell in tactic.techniques.iter().filter(|cell| cell.state != "untested") {
                    text += &format!(
                        "  {:<8} {:<15} {} ({})\n",
                        cell.state,
                        cell.id,
                        cell.name,
                        cell.checks.join(", ")
                    );
                }
            }
            output::print(&text)?;
            Ok(exit::PASS)
        }
        ThreatCommand::Show { id, official } => {
            let official = official
                .as_ref()
                .map(|path| {
                    let bytes = std::fs::read(path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    let (atlas, notes) = Atlas::embedded()
                        .with_official_text(&path.display().to_string(), &bytes)?;
                    for note in notes {
                        eprintln!("note: {note}");
                    }
                    anyhow::Ok(atlas)
                })
                .transpose()?;
            let atlas = official.as_ref().unwrap_or_else(|| Atlas::embedded());
            match describe(atlas, id) {
                Some(value) if global.format == Format::Json => output::print_json(&value)?,
                Some(value) => output::print(&as_text(&value))?,
                None => bail!("ATLAS {} has no `{id}`", atlas.version),
            }
            Ok(exit::PASS)
        }
    }
}

/// A technique, tactic or mitigation as JSON.
pub(crate) fn describe(atlas: &Atlas, id: &str) -> Option<serde_json::Value> {
    if let Some(found) = atlas.technique(id) {
        let mitigations: Vec<String> =
            atlas.mitigations_of(found).map(|m| format!("{} {}", m.id, m.name)).collect();
        return Some(json!({
            "id": found.id, "name": found.name, "summary": found.summary,
            "description": found.description, "tactics": found.tactics,
            "maturity": found.maturity, "mitigations": mitigations,
        }));
    }
    if let Some(found) = atlas.tactic(id) {
        return Some(
            json!({"id": found.id, "name": found.name, "summary": found.summary, "description": found.description}),
        );
    }
    atlas.mitigation(id).map(|found| {
        json!({"id": found.id, "name": found.name, "summary": found.summary,
            "description": found.description, "techniques": found.techniques})
    })
}

/// One line for each field.
pub(crate) fn as_text(value: &serde_json::Value) -> String {
    let plain = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(items) => {
            items.iter().filter_map(|item| item.as_str()).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name:<12} {}\n", plain(value)))
        .collect()
}
