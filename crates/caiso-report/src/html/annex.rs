//! Limits, how to reproduce, and the annex.

use caiso_core::Measurement;
use maud::{Markup, html};

use super::findings::requirement;
use super::obligations::applies_from;
use super::pieces::{code, figure, prose, table, text};
use super::sections::further_figures;
use super::{View, heading};
use crate::words::{count, duration, value};

pub(super) fn limits(view: &View<'_>) -> Markup {
    let report = view.report;
    let parts = report
        .checks
        .iter()
        .flat_map(|check| check.not_assessed.iter().map(move |item| (check, item)))
        .collect::<Vec<_>>();
    let tests = report
        .checks
        .iter()
        .flat_map(|check| &check.measurements)
        .filter(|measurement| measurement.p_value.is_some())
        .count();
    html! {
        section data-part="limits" id="limits" {
            (heading("limits"))
            h3 { "What this report does not say" }
            ul { @for remark in &report.does_not_say { li { (prose(remark)) } } }
            @if tests > 1 {
                p {
                    (count(tests, "hypothesis test", "hypothesis tests")) " were made. At the level 0.05 about "
                    (caiso_figure::number((tests as f64 * 0.05).ceil()))
                    " would come out significant by chance alone if no group differed; single p-values are not a proof."
                }
            }
            @if let Some(class) = &report.classification {
                @if class.provisional { p { "The class under the EU AI Act is provisional: open questions were answered with the stricter branch." } }
            }
            @if !parts.is_empty() {
                h3 { "Not assessed" }
                (table("Parts of checks that could not be assessed", &["Check", "What", "Why not", "What would change that"],
                    parts.iter().map(|(check, item)| vec![
                        code(&check.code), text(&item.what), prose(&item.reason), prose(&item.remedy),
                    ]).collect()))
            }
            @let assumptions: Vec<_> = report.checks.iter()
                .flat_map(|check| check.limits.iter().map(move |limit| (check, limit))).collect();
            @if !assumptions.is_empty() {
                h3 { "What each check assumes and cannot see" }
                (table("Assumptions and blind spots", &["Check", "On", "Limit"],
                    assumptions.iter().map(|(check, limit)| vec![code(&check.code), text(&check.component), prose(limit)]).collect()))
            }
        }
    }
}

pub(super) fn reproduce(view: &View<'_>) -> Markup {
    let report = view.report;
    let how = &report.reproduce;
    html! {
        section data-part="reproduce" id="reproduce" {
            (heading("reproduce"))
            p { "The same files, parameters, seed and version give the same evidence digests, on any number of processors." }
            pre { code { (how.command) } }
            dl.pairs {
                dt { "Version" } dd { "caiso " (how.tool_version) }
                dt { "Seed" } dd { (report.seed) }
                dt { "Assessed" } dd { (report.assessed_at) }
                dt { "Took" } dd { (duration(how.duration_ms)) " on " (count(usize::try_from(how.threads).unwrap_or(usize::MAX), "processor", "processors")) }
                @if let Ok(digest) = report.digest() {
                    dt { "Digest of this report" } dd { code.long { (digest) } br; span.muted { "SHA-256 over the canonical JSON (RFC 8785) of the sealed value" } }
                }
                @for subject in report.scope.components.iter().filter_map(|component| component.subject.as_ref()) {
                    dt { (subject.name) } dd { code.long { (subject.sha256()) } }
                }
            }
            @if !report.evidence.is_empty() {
                h3 { "Evidence" }
                (table("Where each result is sealed", &["Record", "Check", "On", "SHA-256 of the statement"],
                    report.evidence.iter().map(|row| vec![
                        html! { "#" (row.seq) }, code(&row.code), text(&row.component), html! { code.long { (row.digest) } },
                    ]).collect()))
            }
            @let parameters: Vec<_> = report.checks.iter()
                .filter_map(|check| Some((check, canonical(&check.parameters)?))).collect();
            @if !parameters.is_empty() {
                h3 { "Parameters" }
                (table("Complete parameters of every check that ran", &["Check", "On", "Parameters"],
                    parameters.iter().map(|(check, text_of)| vec![code(&check.code), text(&check.component), code(text_of)]).collect()))
            }
        }
    }
}

/// Parameters in canonical JSON, which reads the same before and after sealing.
fn canonical(parameters: &serde_json::Value) -> Option<String> {
    let is_empty = parameters.as_object().is_some_and(serde_json::Map::is_empty);
    if parameters.is_null() || is_empty {
        return None;
    }
    serde_json_canonicalizer::to_string(parameters).ok()
}

/// Words of the report and what they mean.
const GLOSSARY: [(&str, &str); 10] = [
    ("passed", "the check ran and found nothing above info"),
    ("failed", "the check ran and found at least one weakness above info"),
    (
        "not assessed",
        "the check applies, but could not be answered; the reason is given; it never counts as passed",
    ),
    (
        "evidence-ready",
        "the automatic part of the evidence for a requirement is there; a person has not yet attested it",
    ),
    ("attested", "a named person has stated that the requirement is met, on the evidence listed"),
    ("gap", "a finding speaks against the requirement"),
    ("stale", "the evidence is too old or about other files than those assessed"),
    ("missing", "there is no evidence"),
    (
        "interval",
        "range that covers the true value in the stated share of repetitions (95 % unless stated)",
    ),
    ("receipt", "proof that a record is in the ledger, verifiable offline with the ledger's key"),
];

pub(super) fn render(view: &View<'_>) -> Markup {
    let report = view.report;
    let measurements: Vec<(&str, &str, &Measurement)> = report
        .checks
        .iter()
        .flat_map(|check| {
            check
                .measurements
                .iter()
                .map(|measurement| (check.code.as_str(), check.component.as_str(), measurement))
        })
        .collect();
    let figures = further_figures(view);
    html! {
        section data-part="annex" id="annex" {
            (heading("annex"))
            @if !measurements.is_empty() {
                div data-part="measurements" id="measurements" {
                    h3 { "Measurements" }
                    (table("Every value with its interval and sample size", &["Check", "On", "Measurement", "Value", "Unit", "n", "Test"],
                        measurements.iter().map(|(check, component, measurement)| vec![
                            code(check),
                            text(component),
                            code(measurement.key()),
                            text(value(measurement)),
                            text(&measurement.unit),
                            text(caiso_figure::number(measurement.n as f64)),
                            html! { @if let Some(p) = measurement.p_value { (measurement.test.as_deref().unwrap_or("test")) ", p " (p_value(p)) } },
                        ]).collect()))
                }
            }
            @let facts: Vec<_> = report.checks.iter().filter(|check| !check.facts.is_empty()).collect();
            @if !facts.is_empty() {
                div data-part="facts-of-checks" {
                    h3 { "Facts" }
                    (table("What checks describe without a number", &["Check", "On", "Fact", "Value"],
                        facts.iter().flat_map(|check| check.facts.iter().map(|(name, value)| vec![
                            code(&check.code), text(&check.component), text(name.replace('_', " ")), text(value),
                        ])).collect()))
                }
            }
            @if !report.requirements.is_empty() {
                div data-part="matrix" id="matrix" {
                    h3 { "All requirements" }
                    (table("State of every requirement and why", &["Requirement", "State", "Why", "Applies from", "Evidence"],
                        report.requirements.iter().map(|row| vec![
                            requirement(view, &row.key),
                            text(&row.state),
                            prose(&row.why),
                            html! { (applies_from(row)) },
                            html! { @for seq in &row.evidence { "#" (seq) " " } },
                        ]).collect()))
                }
            }
            @if !figures.is_empty() {
                div data-part="further-figures" {
                    h3 { "Further figures" }
                    @for (id, picture) in figures { (figure(picture, &id)) }
                }
            }
            div data-part="glossary" {
                h3 { "Words" }
                dl.pairs { @for (word, meaning) in GLOSSARY { dt { (word) } dd { (meaning) } } }
            }
            @if let (Some(ledger), true) = (&report.ledger, view.sealed) {
                div data-part="ledger" {
                    h3 { "Ledger" }
                    dl.pairs {
                        dt { "Root" } dd { code.long { (ledger.root) } }
                        dt { "Key" } dd { code.long { (ledger.key) } }
                        dt { "Checkpoint" } dd { pre { (ledger.checkpoint) } }
                    }
                    p { "The key printed here proves nothing by itself: get it from the organisation by another way. "
                        "The receipt (" code { "c2sp.org/tlog-proof@v1" } ") is in the element " code { "#" (super::RECEIPT_ID) } " of this file." }
                }
            }
        }
    }
}

fn p_value(p: f64) -> String {
    if p < 0.001 { "below 0.001".to_owned() } else { caiso_figure::number(p) }
}
