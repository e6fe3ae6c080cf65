//! The summary for the terminal: at most 40 lines, worst first, the verdict last.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use caiso_core::{Finding, Severity, Threshold};

use crate::render::Renderer;
use crate::tally::SectionTally;
use crate::words::{clip, compare, count, framework, short_digest};
use crate::{CheckResult, CheckStatus, FindingState, Report, ReportedFinding, Verdict};

pub(crate) static RENDERER: Renderer = Renderer {
    name: "text",
    extension: "txt",
    title: "the summary that the terminal shows",
    render: |report, _| Ok(render(report, &Terminal::default())),
};

/// Most lines of the summary.
pub const LINES: usize = 40;
/// Narrowest width that is laid out for.
const NARROWEST: usize = 60;

/// How the terminal wants it.
#[derive(Clone, Debug)]
pub struct Terminal<'a> {
    /// Columns.
    pub width: usize,
    /// ANSI colours; they only repeat what words say.
    pub colour: bool,
    /// ASCII only.
    pub ascii: bool,
    /// Name of the report that was written, for the next commands.
    pub report: Option<&'a str>,
}

impl Default for Terminal<'_> {
    fn default() -> Self {
        Self { width: 100, colour: false, ascii: false, report: None }
    }
}

const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().dimmed();

/// Renders the summary.
pub fn render(report: &Report, terminal: &Terminal<'_>) -> String {
    let width = terminal.width.max(NARROWEST);
    let head = head(report);
    let foot = foot(report, terminal);
    let table = table(report);
    // Findings and unassessed checks share what the fixed parts leave, three blank lines aside.
    let room = LINES.saturating_sub(head.len() + foot.len() + table.len() + 3).max(4);
    let failed = failed(report, width);
    let open = unassessed(report);
    let for_open = open.len().min((room / 3).max(room.saturating_sub(failed.len())));
    let body_failed = shorten(failed, room - for_open, "more codes with findings");
    let body_open = shorten(open, for_open, "more not assessed");

    let blocks = [head, [body_failed, body_open].concat(), table, foot];
    let blocks: Vec<Vec<Line>> = blocks.into_iter().filter(|block| !block.is_empty()).collect();
    let mut out = String::new();
    for (index, block) in blocks.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        for line in block {
            out += &line.paint(width, terminal);
            out.push('\n');
        }
    }
    out
}

/// A line: a word in a style and the rest.
#[derive(Clone)]
struct Line {
    word: &'static str,
    style: Style,
    rest: String,
}

impl Line {
    fn plain(rest: String) -> Self {
        Self { word: "", style: Style::new(), rest }
    }

    fn paint(&self, width: usize, terminal: &Terminal<'_>) -> String {
        let rest = safe(&self.rest, terminal.ascii);
        let used = self.word.chars().count();
        let rest = if terminal.ascii {
            clip(&rest, width.saturating_sub(used + 2)).replace('…', "...")
        } else {
            clip(&rest, width.saturating_sub(used))
        };
        if terminal.colour && !self.word.is_empty() {
            format!("{}{}{:#}{rest}", self.style, self.word, self.style)
        } else {
            format!("{}{rest}", self.word)
        }
    }
}

/// Text without anything a terminal obeys: control characters and changes of direction.
fn safe(text: &str, ascii: bool) -> String {
    let text = if ascii { text.replace(" · ", ", ") } else { text.to_owned() };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => {
                out.push('?');
            }
            c if c.is_control() => out.push('?'),
            '·' if ascii => out.push(','),
            '≥' if ascii => out.push_str(">="),
            '≤' if ascii => out.push_str("<="),
            '…' if ascii => out.push_str("..."),
            c if ascii && !c.is_ascii() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}

fn shorten(mut lines: Vec<Line>, room: usize, what: &str) -> Vec<Line> {
    if lines.len() > room {
        let hidden = lines.split_off(room.saturating_sub(1));
        lines.push(Line::plain(format!(
            "      and {} {what}: caiso report --format markdown",
            hidden.len()
        )));
    }
    lines
}

fn head(report: &Report) -> Vec<Line> {
    let title = format!("caiso  {}  as of {}", report.system, report.as_of);
    let subjects: Vec<String> = report
        .scope
        .components
        .iter()
        .filter_map(|component| component.subject.as_ref())
        .map(|subject| format!("{} {}", subject.name, short_digest(subject.sha256())))
        .collect();
    let cached = report.checks.iter().filter(|check| check.cached).count();
    let mut checks = format!(
        "checks {} passed · {} failed · {} not assessed · {} skipped · {} not applicable",
        report.total(CheckStatus::Passed),
        report.total(CheckStatus::Failed),
        report.total(CheckStatus::Incomplete),
        report.total(CheckStatus::Skipped),
        report.total(CheckStatus::NotApplicable),
    );
    if cached > 0 {
        checks += &format!(" ({cached} cached)");
    }
    let mut lines = vec![Line::plain(title)];
    if !subjects.is_empty() {
        lines.push(Line::plain(format!("files  {}", subjects.join(" · "))));
    }
    lines.push(Line::plain(checks));
    for skill in report.skill.iter().filter(|skill| skill.has_skill != Some(true)).take(2) {
        lines.push(Line { word: "note", style: YELLOW, rest: format!("   {}", skill.sentence) });
    }
    lines
}

/// One line for each code with open findings, worst first as the report has them.
fn failed(report: &Report, width: usize) -> Vec<Line> {
    let mut order: Vec<&str> = Vec::new();
    let mut groups: BTreeMap<&str, Vec<&ReportedFinding>> = BTreeMap::new();
    for found in report.findings.iter().filter(|found| is_open(found)) {
        let group = groups.entry(&found.finding.code).or_default();
        if group.is_empty() {
            order.push(&found.finding.code);
        }
        group.push(found);
    }
    order
        .into_iter()
        .filter_map(|code| {
            let group = groups.get(code)?;
            let first = group.first()?;
            let finding = &first.finding;
            let severity = group.iter().map(|found| found.finding.severity).max()?;
            let breaks = group.iter().any(|found| found.breaks_gate);
            let (word, style) = if breaks { ("FAIL", RED) } else { ("warn", YELLOW) };
            let mut measured = finding.threshold.as_ref().map_or_else(String::new, measured);
            if group.len() > 1 {
                measured += &format!("  ({} findings)", group.len());
            }
            let start = format!("  {code:<13} {severity:<8} ");
            // The value stays whole; the words give way.
            let room = width.saturating_sub(4 + start.chars().count() + measured.chars().count());
            let what = match (&finding.threshold, &finding.location.part) {
                (Some(_), Some(part)) => format!("{}, {part}", title(report, finding)),
                (Some(_), None) => title(report, finding).to_owned(),
                (None, _) => finding.message.clone(),
            };
            let message = if room < 12 { String::new() } else { clip(&what, room) };
            Some(Line { word, style, rest: format!("{start}{message}{measured}") })
        })
        .collect()
}

/// `  0.712 [0.634, 0.785] needs ≥ 0.800  n 1190`
fn measured(threshold: &Threshold) -> String {
    let words = compare(threshold);
    let needs = words.needs.map_or_else(String::new, |needs| {
        format!(" needs {}", needs.replace("at least", "≥").replace("at most", "≤"))
    });
    format!("  {}{needs}  n {}", words.value, threshold.n)
}

/// Title of the check behind a finding; its message if no check has the code.
fn title<'a>(report: &'a Report, finding: &'a Finding) -> &'a str {
    let check = report.checks.iter().find(|check| check.code == finding.code);
    check.map_or(&finding.message, |check| &check.title)
}

fn is_open(found: &ReportedFinding) -> bool {
    found.state != FindingState::Accepted && found.finding.severity > Severity::Info
}

fn unassessed(report: &Report) -> Vec<Line> {
    let line = |check: &CheckResult| {
        let first = check.not_assessed.first();
        let reason = check.reason.as_deref().or(first.map(|item| item.reason.as_str()));
        let remedy = check.remedy.as_deref().or(first.map(|item| item.remedy.as_str()));
        let remedy = remedy.map_or_else(String::new, |remedy| format!(" ({remedy})"));
        let reason = reason.unwrap_or("no reason given");
        let title = &check.title;
        let rest = format!("  {:<13} {title}: not assessed: {reason}{remedy}", check.code);
        Line { word: "--  ", style: YELLOW, rest }
    };
    let unassessed = |check: &&CheckResult| check.status == CheckStatus::Incomplete;
    report.checks.iter().filter(unassessed).map(line).collect()
}

fn table(report: &Report) -> Vec<Line> {
    let head = "section         pass  fail   n/a  not assessed  worst".to_owned();
    let mut lines = vec![Line { word: "", style: DIM, rest: head }];
    lines.extend(report.tally().iter().map(row));
    lines
}

fn row(tally: &SectionTally) -> Line {
    let SectionTally { section, passed, failed, not_assessed, not_applicable, .. } = tally;
    let worst = tally.worst_word();
    Line::plain(format!(
        "{section:<14} {passed:>5} {failed:>5} {not_applicable:>5} {not_assessed:>13}  {worst}"
    ))
}

fn foot(report: &Report, terminal: &Terminal<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let severities: Vec<String> =
        report.severities().iter().map(|(severity, n)| format!("{n} {severity}")).collect();
    let mut findings = format!("findings     {}", severities.join(" · "));
    if report.accepted() > 0 {
        findings += &format!(" ({} accepted)", report.accepted());
    }
    lines.push(Line::plain(findings));
    for (id, states) in report.posture.iter().take(5) {
        let parts: Vec<String> = ["attested", "evidence-ready", "gap", "stale", "missing"]
            .iter()
            .filter_map(|state| {
                states.get(*state).filter(|n| **n > 0).map(|n| format!("{n} {state}"))
            })
            .collect();
        lines.push(Line::plain(format!("obligations  {}: {}", framework(id), parts.join(" · "))));
    }
    if let Some(class) = &report.classification {
        let provisional = if class.provisional { ", provisional" } else { "" };
        lines.push(Line::plain(format!(
            "class        {}{provisional} ({})",
            class.title,
            class.citations.join(", ")
        )));
    }
    for note in report.suppressions.iter().take(2) {
        lines.push(Line::plain(format!("acceptance   {} {}", note.code, note.message)));
    }
    if let Some(changes) = &report.changes {
        lines.push(Line::plain(format!(
            "since        {}: {} new, {} fixed, {} worse",
            changes.since,
            changes.new.len(),
            changes.fixed.len(),
            changes.worse.len()
        )));
    }
    if let Some(ledger) = &report.ledger {
        let size = usize::try_from(ledger.size).unwrap_or(usize::MAX);
        lines.push(Line::plain(format!(
            "sealed       ledger of {}, root {}",
            count(size, "record", "records"),
            short_digest(&ledger.root)
        )));
    }
    if let Some(name) = terminal.report {
        lines.push(Line::plain(format!("report       {name}")));
    }
    let (word, style) = match report.verdict {
        Verdict::Pass => ("PASS", GREEN),
        Verdict::Fail => ("FAIL", RED),
        Verdict::Incomplete => ("INCOMPLETE", YELLOW),
    };
    let sentence = format!("  {}", without_word(&report.sentence, word));
    lines.push(Line { word, style, rest: sentence });
    let worst = report.findings.iter().find(|found| is_open(found));
    let mut next = Vec::new();
    if let Some(worst) = worst {
        next.push(format!("caiso explain {}", worst.finding.code));
    }
    if let (Some(name), Some(_)) = (terminal.report, &report.ledger) {
        next.push(format!("caiso verify {name} --key KEY"));
    }
    for (index, command) in next.iter().enumerate() {
        let word = if index == 0 { "next" } else { "    " };
        lines.push(Line::plain(format!("{word}  {command}")));
    }
    lines
}

/// The sentence without the verdict it may begin with.
fn without_word<'a>(sentence: &'a str, word: &str) -> &'a str {
    let starts = sentence.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if starts {
        sentence.get(word.len()..).unwrap_or(sentence).trim_start_matches([':', ',', ' '])
    } else {
        sentence
    }
}
