//! The table of output formats.

use crate::{Report, html, json, markdown, sarif, terminal};

/// A format a report can be written in.
#[derive(Debug)]
pub struct Renderer {
    /// Name on the command line: `html`.
    pub name: &'static str,
    /// Extension of the file.
    pub extension: &'static str,
    /// One line for people, without a full stop.
    pub title: &'static str,
    /// Renders; the text of the receipt is embedded where the format has a place for it.
    pub render: fn(&Report, Option<&str>) -> Result<String, RenderError>,
}

/// A report that has no form in the wanted format.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The report does not serialise.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Every format, in the order of the help text. A new one is one file and one line here.
pub static RENDERERS: &[&Renderer] =
    &[&html::RENDERER, &markdown::RENDERER, &json::RENDERER, &sarif::RENDERER, &terminal::RENDERER];

/// The format with this name.
pub fn renderer(name: &str) -> Option<&'static Renderer> {
    RENDERERS.iter().copied().find(|renderer| renderer.name == name)
}
