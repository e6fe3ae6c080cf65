//! System and scope: what was assessed, and what happened to every check.

use maud::{Markup, html};

use super::decisions::{reason, remedy};
use super::pieces::{ROWS, code, cut, prose, status, table, text};
use super::{View, heading};
use crate::words::{count, duration, short_digest};
use crate::{CheckResult, CheckStatus};

pub(super) fn render(view: &View<'_>) -> Markup {
    let report = view.report;
    let scope = &report.scope;
    html! {
        section data-part="scope" id="scope" {
            (heading("scope"))
            dl.pairs {
                dt { "Intended purpose" } dd { (scope.purpose) }
                dt { "Not meant for" }
                dd {
                    @if scope.out_of_scope.is_empty() { "not stated" }
                    @if !scope.out_of_scope.is_empty() { ul { @for item in &scope.out_of_scope { li { (item) } } } }
                }
                dt { "Answers for it" } dd { (scope.owner) }
                dt { "Stage" } dd { (scope.stage) }
                @if let Some(class) = &report.classification {
                    dt { "EU AI Act class" }
                    dd {
                        (class.title)
                        @if class.provisional { " " span.tag.provisional { "provisional" } }
                        br; (class.citations.join(", "))
                        br; span.muted { "Law version " (class.law_version) }
                    }
                }
                @for skill in &report.skill {
                    dt { "Skill of " (skill.model) }
                    dd {
                        @match skill.has_skill {
                            Some(true) => { "✓ better than a constant predictor. " }
                            Some(false) => { strong { "✕ not better than a constant predictor. " } }
                            None => { strong { "? not measured. " } }
                        }
                        (skill.sentence)
                    }
                }
            }
            div data-part="components" id="components" {
                h3 { "Components" }
                (table("What the system is made of", &["Kind", "Name", "Where", "SHA-256", "Facts"],
                    scope.components.iter().map(|component| vec![
                        text(&component.kind),
                        text(&component.name),
                        code(&component.path),
                        html! {
                            @match &component.subject {
                                Some(subject) => { code title=(subject.sha256()) { (short_digest(subject.sha256())) } }
                                None => { "–" }
                            }
                        },
                        html! {
                            @for (index, (name, value)) in component.facts.iter().enumerate() {
                                @if index > 0 { " · " }
                                (name.replace('_', " ")) " " b { (value) }
                            }
                        },
                    ]).collect()))
            }
            (checks(view))
        }
    }
}

fn checks(view: &View<'_>) -> Markup {
    let report = view.report;
    let cached = report.checks.iter().filter(|check| check.cached).count();
    let ran = report.total(CheckStatus::Passed) + report.total(CheckStatus::Failed);
    html! {
        div data-part="checks" id="checks" {
            h3 { "Checks" }
            p {
                (count(ran, "check was", "checks were")) " assessed (" (cached) " from the cache, because nothing they depend on changed), "
                (report.total(CheckStatus::Incomplete)) " not assessed, "
                (report.total(CheckStatus::Skipped)) " skipped, "
                (report.total(CheckStatus::NotApplicable)) " not applicable."
            }
            div.wide tabindex="0" role="region" aria-label="Checks" {
                table.checks {
                    caption { "Every check, whether it ran or why not" }
                    thead { tr {
                        th scope="col" { "Check" } th scope="col" { "On" } th scope="col" { "Result" }
                        th.number scope="col" { "Time" } th scope="col" { "Answer, or why there is none" }
                    } }
                    tbody {
                        @for check in report.checks.iter().take(ROWS) { (row(check)) }
                    }
                }
            }
            (cut(report.checks.len(), "all are in the JSON output of the same report"))
        }
    }
}

fn row(check: &CheckResult) -> Markup {
    let ran = matches!(check.status, CheckStatus::Passed | CheckStatus::Failed);
    html! {
        tr data-check=(check.code) data-status=(check.status.as_str()) data-in=(check.section) {
            td { code { (check.code) } br; (check.title) }
            td { @if check.component.is_empty() { "system" } @else { (check.component) } }
            td { (status(check.status)) }
            td.number { @if check.cached { "cached" } @else if ran { (duration(check.duration_ms)) } @else { "–" } }
            td {
                @if ran { (prose(&check.summary)) } @else {
                    (prose(reason(check)))
                    @let remedy = remedy(check);
                    @if !remedy.is_empty() { " " span.muted { "To change that: " (prose(remedy)) } }
                }
                @if ran && !check.not_assessed.is_empty() {
                    " " span.muted { (count(check.not_assessed.len(), "part was", "parts were")) " not assessed; see Limits." }
                }
            }
        }
    }
}
