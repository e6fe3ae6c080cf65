//! The six sections: one question, one answer, one table, one or two figures each.

use caiso_core::{Figure, Section};
use maud::{Markup, html};

use super::decisions::reason;
use super::pieces::{figure, prose, status, table, text};
use super::{View, heading};
use crate::tally::{SectionState, SectionTally};
use crate::words::{count, posture};
use crate::{CheckResult, CheckStatus};

/// Figures of a section that are shown in it; the others are in the annex.
const FIGURES: usize = 2;

pub(super) fn render(view: &View<'_>) -> Markup {
    html! {
        section data-part="sections" id="sections" {
            (heading("sections"))
            @for tally in view.report.tally() { (section(view, &tally)) }
        }
    }
}

fn question(section: Section) -> &'static str {
    match section {
        Section::Models => {
            "Are the model files what they claim to be, and can they be loaded without harm?"
        }
        Section::Robustness => "How far do decisions hold when inputs are changed on purpose?",
        Section::Fairness => "Do groups of people get different results?",
        Section::Compliance => "Which obligations apply, and is their evidence ready?",
        Section::Infrastructure => "Is the system deployed so that a break-in stays contained?",
        Section::Threats => "Which known attack techniques were tested, and what was found?",
    }
}

fn section(view: &View<'_>, tally: &SectionTally) -> Markup {
    let checks: Vec<&CheckResult> = view
        .report
        .checks
        .iter()
        .filter(|check| check.section == tally.section)
        .filter(|check| check.status != CheckStatus::NotApplicable)
        .collect();
    html! {
        section.section data-part={ "section-" (tally.section) } id={ "section-" (tally.section) } {
            h3 { (tally.section.title()) }
            p.question { (question(tally.section)) }
            p.answer {
                (answer(tally))
                @if let Some(posture) = obligations(view, tally.section) { " " (posture) " See " a href="#obligations" { "Obligations" } "." }
            }
            @for caution in cautions(&checks) { p.caution-line { b { "Caution. " } (prose(caution)) } }
            @if !checks.is_empty() {
                (table("Checks of this section that apply", &["Check", "On", "Result", "Answer"],
                    checks.iter().map(|check| vec![
                        html! { code { (check.code) } br; (check.title) },
                        text(if check.component.is_empty() { "system" } else { &check.component }),
                        status(check.status),
                        html! {
                            @if matches!(check.status, CheckStatus::Passed | CheckStatus::Failed) { (prose(&check.summary)) }
                            @else { "Not assessed: " (prose(reason(check))) }
                        },
                    ]).collect()))
            }
            @for (id, picture) in figures(view, tally.section).into_iter().take(FIGURES) { (figure(picture, &id)) }
        }
    }
}

/// What the requirements amount to, for the section of obligations.
fn obligations(view: &View<'_>, section: Section) -> Option<String> {
    let is_here = section == Section::Compliance && !view.report.posture.is_empty();
    is_here.then(|| format!("{}.", posture(view.report)))
}

fn answer(tally: &SectionTally) -> String {
    let assessed = tally.passed + tally.failed;
    let mut answer = match tally.state() {
        SectionState::Failed => format!(
            "{} of {} found weaknesses{}.",
            tally.failed,
            count(assessed, "assessed check", "assessed checks"),
            tally.worst_open().map_or_else(
                || "; all of them are accepted for a time".to_owned(),
                |worst| format!("; the worst open one is {worst}"),
            ),
        ),
        SectionState::Passed | SectionState::Partial => {
            format!("{} found no weakness.", count(assessed, "check ran and", "checks ran and"))
        }
        SectionState::NotAssessed => {
            "Not answered: none of the checks that apply could be assessed.".to_owned()
        }
        SectionState::Empty => "Not answered: no check of this section ran.".to_owned(),
    };
    if tally.not_assessed > 0 && tally.state() != SectionState::NotAssessed {
        let n = tally.not_assessed;
        answer += &format!(" {} could not be assessed.", count(n, "check", "checks"));
    }
    answer
}

/// Cautions of a section, each once.
fn cautions<'a>(checks: &[&'a CheckResult]) -> Vec<&'a str> {
    let mut cautions = Vec::new();
    for caution in checks.iter().filter_map(|check| check.caution.as_deref()) {
        if !cautions.contains(&caution) {
            cautions.push(caution);
        }
    }
    cautions
}

/// Figures of a section with their ids: of failed checks first.
pub(super) fn figures<'a>(view: &View<'a>, section: Section) -> Vec<(String, &'a Figure)> {
    let mut checks: Vec<(usize, &CheckResult)> = view
        .report
        .checks
        .iter()
        .enumerate()
        .filter(|(_, check)| check.section == section)
        .collect();
    checks.sort_by_key(|(_, check)| check.status != CheckStatus::Failed);
    checks
        .iter()
        .flat_map(|(at, check)| {
            check
                .figures
                .iter()
                .enumerate()
                .map(move |(nth, figure)| (format!("figure-{}-{}", at + 1, nth + 1), figure))
        })
        .collect()
}

/// Figures that found no place in their section.
pub(super) fn further_figures<'a>(view: &View<'a>) -> Vec<(String, &'a Figure)> {
    Section::ALL
        .into_iter()
        .flat_map(|section| figures(view, section).into_iter().skip(FIGURES))
        .collect()
}
