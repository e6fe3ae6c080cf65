//! The report as indented JSON: the contract of `caiso assess --format json`.

use crate::Report;
use crate::render::{RenderError, Renderer};

pub(crate) static RENDERER: Renderer = Renderer {
    name: "json",
    extension: "json",
    title: "the whole report, for programs",
    render: |report, _| render(report),
};

/// Renders the report; keys come in the order of the model.
pub fn render(report: &Report) -> Result<String, RenderError> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}
