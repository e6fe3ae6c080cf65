//! The report as one self-contained HTML file: no network, no script, light, dark and print.
//!
//! The file is a sequence of parts, elements with a `data-part` attribute, so that verification
//! can name the part that was altered.

mod annex;
mod decisions;
mod findings;
mod obligations;
mod page_one;
mod pieces;
mod scope;
mod sections;
mod style;

use std::collections::BTreeMap;

use caiso_core::TOOL_VERSION;
use caiso_ledger::Receipt;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::render::Renderer;
use crate::{EvidenceRow, Report, RequirementRow};

pub(crate) static RENDERER: Renderer = Renderer {
    name: "html",
    extension: "html",
    title: "one self-contained page to read, print and verify",
    render: |report, receipt| Ok(render(report, receipt)),
};

/// Id of the element that holds the receipt.
pub(crate) const RECEIPT_ID: &str = "caiso-receipt";
/// Name of the generator in the head, before the version.
pub(crate) const GENERATOR: &str = "caiso ";

/// What the parts look up in the report.
struct View<'a> {
    report: &'a Report,
    requirements: BTreeMap<&'a str, &'a RequirementRow>,
    techniques: BTreeMap<&'a str, &'a str>,
    evidence: BTreeMap<u64, &'a EvidenceRow>,
    /// Number of the report's own record.
    record: Option<u64>,
    sealed: bool,
}

/// Renders the report. `receipt` is the text of the receipt (`.tlog-proof`) that seals it; without
/// one the page says that it is not sealed. Equal arguments give equal bytes.
pub fn render(report: &Report, receipt: Option<&str>) -> String {
    let view = View {
        report,
        requirements: report.requirements.iter().map(|row| (row.key.as_str(), row)).collect(),
        techniques: report
            .threats
            .iter()
            .flat_map(|tactic| &tactic.techniques)
            .map(|cell| (cell.id.as_str(), cell.name.as_str()))
            .collect(),
        evidence: report.evidence.iter().map(|row| (row.seq, row)).collect(),
        record: receipt
            .and_then(|text| Receipt::parse(text.as_bytes()).ok())
            .map(|receipt| receipt.index),
        sealed: receipt.is_some(),
    };
    page(&view, receipt).into_string()
}

/// Parts after the first page: anchor, heading.
const CONTENTS: [(&str, &str); 10] = [
    ("decisions", "Decisions needed"),
    ("scope", "System and scope"),
    ("findings", "Findings"),
    ("sections", "Six sections"),
    ("obligations", "Obligations"),
    ("threats", "Threats"),
    ("attestations", "Attestations"),
    ("limits", "Limits"),
    ("reproduce", "Reproduce"),
    ("annex", "Annex"),
];

fn page(view: &View<'_>, receipt: Option<&str>) -> Markup {
    let report = view.report;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ (GENERATOR) (TOOL_VERSION) };
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";
                title { (report.scope.title) ": " (report.verdict.as_str()) ", " (report.as_of) }
                style { (PreEscaped(style::STYLE)) (PreEscaped(caiso_figure::STYLE)) }
            }
            body data-verdict=(report.verdict.as_str()) {
                a.skip href="#page-one" { "Skip to the report" }
                main {
                    (page_one::render(view))
                    nav data-part="contents" aria-label="Contents" {
                        ol {
                            @for (anchor, heading) in CONTENTS {
                                li { a href={ "#" (anchor) } { (heading) } }
                            }
                        }
                    }
                    (decisions::render(view))
                    (scope::render(view))
                    (findings::render(view))
                    (sections::render(view))
                    (obligations::obligations(view))
                    (obligations::threats(view))
                    (obligations::attestations(view))
                    (annex::limits(view))
                    (annex::reproduce(view))
                    (annex::render(view))
                }
                footer data-part="footer" {
                    p { "Made by caiso " (TOOL_VERSION) ". This file loads nothing and sends nothing." }
                }
                @if let Some(receipt) = receipt {
                    template data-part="receipt" id=(RECEIPT_ID) { (receipt) }
                }
                (PreEscaped("\n"))
            }
        }
        (PreEscaped("\n"))
    }
}

/// Anchor of a part and its heading, numbered by its place.
fn heading(anchor: &str) -> Markup {
    let (number, (_, text)) = CONTENTS
        .iter()
        .enumerate()
        .find(|(_, (name, _))| *name == anchor)
        .unwrap_or((0, &("", "")));
    html! { h2 { span.number { (number + 1) } " " (text) } }
}
