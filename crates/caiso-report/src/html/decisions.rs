//! Decisions needed: what someone has to decide, and what is accepted already.

use caiso_core::Severity;
use maud::{Markup, html};

use super::pieces::{code, place, prose, severity, table, text};
use super::{View, heading};
use crate::words::{date, is_law};
use crate::{CheckStatus, FindingState, ReportedFinding};

pub(super) fn render(view: &View<'_>) -> Markup {
    let report = view.report;
    let breaking: Vec<_> =
        report.findings.iter().enumerate().filter(|(_, found)| found.breaks_gate).collect();
    let unassessed: Vec<_> =
        report.checks.iter().filter(|check| check.status == CheckStatus::Incomplete).collect();
    let questions: &[String] =
        report.classification.as_ref().map_or(&[], |class| class.open_questions.as_slice());
    let accepted: Vec<_> =
        report.findings.iter().filter(|found| found.accepted.is_some()).collect();
    html! {
        section data-part="decisions" id="decisions" {
            (heading("decisions"))
            @if breaking.is_empty() && unassessed.is_empty() && questions.is_empty() {
                p { "None: no gate rule is broken, and everything that applies was assessed." }
            }
            @if !breaking.is_empty() {
                h3 { "Findings that break the gate" }
                (table("Each can be fixed, or accepted by a named person until a date",
                    &["Finding", "Severity", "Option: fix", "Due", "Decides"],
                    breaking.iter().map(|(index, found)| vec![
                        html! { a href={ "#finding-" (index + 1) } { code { (found.finding.code) } } br; (place(&found.finding.location)) },
                        severity(found.finding.severity),
                        prose(&found.finding.remediation),
                        due(view, found),
                        text(&report.scope.owner),
                    ]).collect()))
                p.note {
                    "To accept instead, add the finding to " code { "gate.accepted" }
                    " of the manifest with a reason, an approver and a last day within one year. It stays visible here."
                }
            }
            @if !unassessed.is_empty() {
                h3 { "Checks that wait for something" }
                (table("Until then the result cannot be pass", &["Check", "Why it was not assessed", "What would change that"],
                    unassessed.iter().map(|check| vec![
                        html! { code { (check.code) } " " (check.title) },
                        prose(reason(check)),
                        prose(remedy(check)),
                    ]).collect()))
            }
            @if !questions.is_empty() {
                h3 { "Questions that keep the class provisional" }
                ul { @for question in questions { li { (question) } } }
            }
            @if !accepted.is_empty() {
                h3 { "Accepted risks" }
                (table("Accepted findings do not break the gate until they expire", &["Finding", "Severity", "Reason", "Approver", "Until"],
                    accepted.iter().filter_map(|found| found.accepted.as_ref().map(|by| vec![
                        html! { code { (found.finding.code) } br; (place(&found.finding.location)) },
                        severity(found.finding.severity),
                        prose(&by.reason),
                        text(&by.approver),
                        text(date(&by.expires)),
                    ])).collect()))
            }
            @if !report.suppressions.is_empty() {
                h3 { "Acceptances to look at" }
                (table("Acceptances that are unused, expired or end soon", &["Code", "Remark"],
                    report.suppressions.iter().map(|note| vec![code(&note.code), prose(&note.message)]).collect()))
            }
            @if report.gate.fail_on > Severity::Info && report.findings.iter().any(open_below_gate(report.gate.fail_on)) {
                p.note { "Open findings below " (report.gate.fail_on) " do not break the gate; they are listed under Findings." }
            }
        }
    }
}

fn open_below_gate(gate: Severity) -> impl Fn(&ReportedFinding) -> bool {
    move |found| {
        found.state != FindingState::Accepted
            && found.finding.severity < gate
            && found.finding.severity > Severity::Info
    }
}

pub(super) fn reason(check: &crate::CheckResult) -> String {
    check.reason.clone().unwrap_or_else(|| {
        let parts = check.not_assessed.iter().map(|item| format!("{}: {}", item.what, item.reason));
        parts.collect::<Vec<_>>().join("; ")
    })
}

pub(super) fn remedy(check: &crate::CheckResult) -> String {
    check.remedy.clone().unwrap_or_else(|| {
        let mut parts: Vec<&str> =
            check.not_assessed.iter().map(|item| item.remedy.as_str()).collect();
        parts.dedup();
        parts.join("; ")
    })
}

/// The first date at which a requirement of law behind the finding applies; standards are taken
/// up voluntarily and set no date.
fn due(view: &View<'_>, found: &ReportedFinding) -> Markup {
    let first = found
        .requirements
        .iter()
        .filter(|key| is_law(key))
        .filter_map(|key| view.requirements.get(key.as_str()))
        .filter_map(|row| Some((row.applies_from.as_deref()?, row.reference.as_str())))
        .min();
    match first {
        Some((from, reference)) if from <= view.report.as_of.as_str() => {
            html! { "now: " (reference) " applies since " span.day { (date(from)) } }
        }
        Some((from, reference)) => html! { "before " span.day { (date(from)) } br; (reference) },
        None => html! { "before release" },
    }
}
