//! Obligations, threats and attestations.

use std::collections::BTreeSet;

use caiso_core::{Bar, Figure, GridCell};
use caiso_figure::STATE_ORDER;
use maud::{Markup, html};

use super::findings::requirement;
use super::pieces::{figure, prose, table, text};
use super::{View, heading};
use crate::words::{count, date, framework, is_law, time};
use crate::{Report, RequirementRow, TechniqueCell};

pub(super) fn obligations(view: &View<'_>) -> Markup {
    let report = view.report;
    let open: Vec<&RequirementRow> = report
        .requirements
        .iter()
        .filter(|row| matches!(row.state.as_str(), "gap" | "stale"))
        .collect();
    let missing = report.requirements.iter().filter(|row| row.state == "missing").count();
    html! {
        section data-part="obligations" id="obligations" {
            (heading("obligations"))
            @if report.posture.is_empty() {
                p { "Not assessed: no framework was applied." }
            } @else {
                p {
                    "State of every requirement on " (date(&report.as_of)) ". "
                    "Automatic evidence ends at evidence-ready; only a named person can attest that an obligation is met."
                }
                (figure(&strip(report), "figure-obligations"))
            }
            @if !open.is_empty() {
                h3 { "Gaps" }
                (table("Requirements with evidence against them (gap) or outdated evidence (stale)",
                    &["Requirement", "State", "Why", "Applies from"],
                    open.iter().map(|row| vec![
                        requirement(view, &row.key),
                        text(&row.state),
                        prose(&row.why),
                        applies_from(row),
                    ]).collect()))
            }
            @if missing > 0 {
                p { (count(missing, "requirement has", "requirements have")) " no evidence yet; the "
                    a href="#matrix" { "full matrix" } " lists them." }
            }
        }
    }
}

/// When a requirement of law begins to apply.
pub(super) fn applies_from(row: &RequirementRow) -> Markup {
    html! {
        @match &row.applies_from {
            Some(from) if is_law(&row.key) => span.day { (date(from)) },
            _ if is_law(&row.key) => "",
            _ => "voluntary",
        }
    }
}

fn strip(report: &Report) -> Figure {
    let bars: Vec<Bar> = report
        .posture
        .iter()
        .map(|(id, states)| {
            let mut parts: Vec<(String, u64)> =
                states.iter().map(|(state, count)| (state.clone(), *count)).collect();
            parts.sort_by_key(|(state, _)| {
                STATE_ORDER.iter().position(|known| known == state).unwrap_or(STATE_ORDER.len())
            });
            Bar { label: framework(id).to_owned(), parts }
        })
        .collect();
    let said: Vec<String> = bars
        .iter()
        .map(|bar| {
            let total: u64 = bar.parts.iter().map(|part| part.1).sum();
            let ready: u64 = bar
                .parts
                .iter()
                .filter(|part| matches!(part.0.as_str(), "attested" | "evidence-ready"))
                .map(|part| part.1)
                .sum();
            format!("{}: {ready} of {total}", bar.label)
        })
        .collect();
    Figure::Strip {
        title: "Requirements by state.".to_owned(),
        alternative: format!("Attested or evidence-ready: {}.", said.join("; ")),
        bars,
    }
}

pub(super) fn threats(view: &View<'_>) -> Markup {
    let report = view.report;
    let mut touched: Vec<(&str, &str, &str, String)> = Vec::new();
    for cell in report.threats.iter().flat_map(|tactic| &tactic.techniques) {
        let is_new = touched.iter().all(|row| row.0 != cell.id);
        if cell.state != "untested" && is_new {
            touched.push((&cell.id, &cell.name, &cell.state, cell.checks.join(", ")));
        }
    }
    touched.sort_by_key(|row| (row.2 != "found", row.2.to_owned()));
    html! {
        section data-part="threats" id="threats" {
            (heading("threats"))
            @if report.threats.is_empty() {
                p { "Not assessed: no technique was mapped." }
            } @else {
                p { "Techniques of MITRE ATLAS by tactic. A hatched technique is untested: nothing is known about it." }
                @if !touched.is_empty() {
                    (table("Techniques that a check tested or found", &["Technique", "State", "Checks"],
                        touched.iter().map(|(id, name, state, checks)| vec![
                            html! { code { (id) } " " (name) }, text(state), html! { code { (checks) } },
                        ]).collect()))
                }
                (figure(&grid(report), "figure-threats"))
            }
        }
    }
}

fn grid(report: &Report) -> Figure {
    let all: Vec<&TechniqueCell> =
        report.threats.iter().flat_map(|tactic| &tactic.techniques).collect();
    let columns: Vec<(String, Vec<GridCell>)> = report
        .threats
        .iter()
        .map(|tactic| {
            let cells = tactic
                .techniques
                .iter()
                .filter(|cell| !(is_sub_technique(cell) && cell.state == "untested"))
                .map(|cell| {
                    let within = format!("{}.", cell.id);
                    let folded: BTreeSet<&str> = all
                        .iter()
                        .filter(|other| other.id.starts_with(&within) && other.state == "untested")
                        .map(|other| other.id.as_str())
                        .collect();
                    let more = if folded.is_empty() || is_sub_technique(cell) {
                        String::new()
                    } else {
                        format!(" +{}", folded.len())
                    };
                    GridCell {
                        label: format!("{}{more}", cell.id.trim_start_matches("AML.")),
                        title: cell.name.clone(),
                        state: cell.state.clone(),
                    }
                })
                .collect();
            (tactic.name.clone(), cells)
        })
        .collect();
    let with = |state: &str| {
        let in_state = all.iter().filter(|cell| state.is_empty() || cell.state == state);
        in_state.map(|cell| cell.id.as_str()).collect::<BTreeSet<_>>().len()
    };
    let alternative = format!(
        "Of {} techniques and sub-techniques {} were found, {} were tested without being found and {} are untested. +2 stands for two untested sub-techniques.",
        with(""),
        with("found"),
        with("tested"),
        with("untested")
    );
    Figure::Grid { title: "Coverage of MITRE ATLAS.".to_owned(), alternative, columns }
}

fn is_sub_technique(cell: &TechniqueCell) -> bool {
    cell.id.matches('.').count() > 1
}

pub(super) fn attestations(view: &View<'_>) -> Markup {
    let report = view.report;
    let open: Vec<&RequirementRow> = report
        .requirements
        .iter()
        .filter(|row| row.state == "evidence-ready" && !row.to_attest.is_empty())
        .collect();
    html! {
        section data-part="attestations" id="attestations" {
            (heading("attestations"))
            @if report.attestations.is_empty() {
                p { "Nobody has attested anything about this system." }
            } @else {
                (table("Statements of named people, each a record in the ledger",
                    &["Requirement", "Who", "Statement", "When", "Holds until", "Record"],
                    report.attestations.iter().map(|attested| vec![
                        requirement(view, &attested.requirement),
                        html! { (attested.person) br; span.muted { (attested.role) } },
                        text(&attested.statement),
                        text(time(&attested.time)),
                        html! { @match &attested.expires { Some(day) => (date(day)), None => "no end stated" } },
                        html! { "#" (attested.seq) },
                    ]).collect()))
            }
            @if !open.is_empty() {
                h3 { "Open" }
                (table("Evidence is ready; a person still has to attest", &["Requirement", "To attest"],
                    open.iter().map(|row| vec![
                        requirement(view, &row.key),
                        html! { ul { @for item in &row.to_attest { li { (item) } } } },
                    ]).collect()))
            }
        }
    }
}
