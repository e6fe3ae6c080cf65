//! The report as GitHub-flavoured Markdown, for tickets and pull requests.

use std::fmt::Write as _;

use crate::render::Renderer;
use crate::words::{compare, date, framework, short_digest, time};
use crate::{CheckStatus, Report, ReportedFinding};

pub(crate) static RENDERER: Renderer = Renderer {
    name: "markdown",
    extension: "md",
    title: "a summary with every finding, for tickets",
    render: |report, _| Ok(render(report)),
};

/// Most rows of a table and most findings.
const ROWS: usize = 500;

/// Renders the report.
pub fn render(report: &Report) -> String {
    let mut out = Out::default();
    out.line(&format!(
        "# {}: {}",
        report.verdict.as_str().to_uppercase(),
        escape(&report.scope.title)
    ));
    out.paragraph(&format!("**{}**", escape(&report.sentence)));
    head(&mut out, report);
    sections(&mut out, report);
    findings(&mut out, report);
    figures(&mut out, report);
    not_assessed(&mut out, report);
    obligations(&mut out, report);
    end(&mut out, report);
    out.0
}

#[derive(Default)]
struct Out(String);

impl Out {
    fn line(&mut self, line: &str) {
        self.0 += line;
        self.0.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        self.line("");
        self.line(text);
    }

    fn heading(&mut self, text: &str) {
        self.paragraph(&format!("## {text}"));
        self.line("");
    }

    /// A table of cells that are Markdown already.
    fn table(&mut self, headers: &[&str], rows: &[Vec<String>]) {
        self.line(&format!("| {} |", headers.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(headers.len())));
        for row in rows.iter().take(ROWS) {
            self.line(&format!("| {} |", row.join(" | ")));
        }
        if rows.len() > ROWS {
            self.paragraph(&format!("The first {ROWS} of {} rows are shown.", rows.len()));
        }
    }
}

fn head(out: &mut Out, report: &Report) {
    let mut rows = vec![
        vec!["System".to_owned(), code(&report.system)],
        vec!["Answers for it".to_owned(), escape(&report.scope.owner)],
        vec!["As of".to_owned(), escape(&date(&report.as_of))],
    ];
    if let Some(class) = &report.classification {
        let provisional = if class.provisional { " (provisional)" } else { "" };
        let citations = class.citations.join(", ");
        let text = format!("{}{provisional}, {}", escape(&class.title), escape(&citations));
        rows.push(vec!["EU AI Act class".to_owned(), text]);
    }
    for subject in report.scope.components.iter().filter_map(|component| component.subject.as_ref())
    {
        rows.push(vec![escape(&subject.name), code(short_digest(subject.sha256()))]);
    }
    for skill in &report.skill {
        rows.push(vec![format!("Skill of {}", escape(&skill.model)), escape(&skill.sentence)]);
    }
    out.line("");
    out.table(&["", ""], &rows);
}

fn sections(out: &mut Out, report: &Report) {
    out.heading("Sections");
    let rows: Vec<Vec<String>> = report
        .tally()
        .iter()
        .map(|tally| {
            vec![
                tally.section.title().to_owned(),
                tally.passed.to_string(),
                tally.failed.to_string(),
                tally.not_assessed.to_string(),
                tally.not_applicable.to_string(),
                tally.worst_word().to_owned(),
            ]
        })
        .collect();
    out.table(
        &["Section", "Passed", "Failed", "Not assessed", "Not applicable", "Worst finding"],
        &rows,
    );
}

fn findings(out: &mut Out, report: &Report) {
    out.heading("Findings");
    let counts = report.severities();
    let row = counts.iter().map(|(_, n)| n.to_string()).collect();
    out.table(&counts.map(|(severity, _)| severity.as_str()), &[row]);
    for (index, found) in report.findings.iter().take(ROWS).enumerate() {
        finding(out, index + 1, found);
    }
    if report.findings.len() > ROWS {
        out.paragraph(&format!(
            "The first {ROWS} of {} findings are shown.",
            report.findings.len()
        ));
    }
}

fn finding(out: &mut Out, number: usize, found: &ReportedFinding) {
    let finding = &found.finding;
    let gate = if found.breaks_gate { ", breaks the gate" } else { "" };
    out.paragraph(&format!(
        "### {number}. {} ({}, {}{gate})",
        code(&finding.code),
        finding.severity,
        found.state.as_str()
    ));
    out.paragraph(&escape(&finding.message));
    out.line("");
    if let Some(threshold) = &finding.threshold {
        let words = compare(threshold);
        let needs = words.needs.map_or_else(String::new, |needs| format!(", needs {needs}"));
        let n = caiso_figure::number(threshold.n as f64);
        out.line(&format!("- Measured: {}{needs}, n {n}", escape(&words.value)));
    }
    out.line(&format!("- Where: {}", code(&finding.location.to_string())));
    if !finding.techniques.is_empty() || !found.requirements.is_empty() {
        let keys: Vec<String> =
            finding.techniques.iter().chain(&found.requirements).map(|key| code(key)).collect();
        out.line(&format!("- Bears on: {}", keys.join(", ")));
    }
    out.line(&format!("- Fix: {}", escape(&finding.remediation)));
    if let Some(caution) = &found.caution {
        out.line(&format!("- Caution: {}", escape(caution)));
    }
    if let Some(by) = &found.accepted {
        let (reason, approver) = (escape(&by.reason), escape(&by.approver));
        out.line(&format!(
            "- Accepted by {approver} until {}: {reason}",
            escape(&date(&by.expires))
        ));
    }
    if let Some(seq) = found.evidence {
        out.line(&format!("- Evidence: record {seq}"));
    }
}

/// What the pictures of the other formats show, in words and values.
fn figures(out: &mut Out, report: &Report) {
    let all =
        || report.checks.iter().flat_map(|check| check.figures.iter().map(move |f| (check, f)));
    if all().next().is_none() {
        return;
    }
    out.heading("Figures");
    for (check, figure) in all() {
        let title = escape(caiso_figure::title(figure));
        let on = if check.component.is_empty() { "system" } else { &check.component };
        out.paragraph(&format!("**{title}** ({}, {})", code(&check.code), code(on)));
        out.paragraph(&escape(caiso_figure::alternative(figure)));
        let table = caiso_figure::table(figure);
        out.paragraph("<details><summary>Values</summary>");
        out.line("");
        let headers: Vec<String> = table.headers.iter().map(|header| escape(header)).collect();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> =
            table.rows.iter().map(|row| row.iter().map(|cell| escape(cell)).collect()).collect();
        out.table(&headers, &rows);
        out.paragraph("</details>");
    }
}

fn not_assessed(out: &mut Out, report: &Report) {
    out.heading("Not assessed");
    let rows: Vec<Vec<String>> = report
        .checks
        .iter()
        .filter(|check| check.status == CheckStatus::Incomplete)
        .map(|check| {
            let reason = check.reason.clone().unwrap_or_else(|| {
                let parts = check.not_assessed.iter().map(|item| item.reason.clone());
                parts.collect::<Vec<_>>().join("; ")
            });
            let remedy = check.remedy.clone().unwrap_or_else(|| {
                let parts = check.not_assessed.iter().map(|item| item.remedy.clone());
                parts.collect::<Vec<_>>().join("; ")
            });
            vec![code(&check.code), escape(&check.title), escape(&reason), escape(&remedy)]
        })
        .collect();
    if rows.is_empty() {
        out.line("Everything that applies was assessed.");
    } else {
        out.table(&["Check", "Title", "Why", "What would change that"], &rows);
    }
}

fn obligations(out: &mut Out, report: &Report) {
    out.heading("Obligations");
    if report.posture.is_empty() {
        out.line("Not assessed.");
        return;
    }
    for (id, states) in &report.posture {
        let parts: Vec<String> = states
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|(state, n)| format!("{n} {}", escape(&state.replace('-', " "))))
            .collect();
        out.line(&format!("- {}: {}", escape(framework(id)), parts.join(" · ")));
    }
}

fn end(out: &mut Out, report: &Report) {
    out.heading("What changed");
    match &report.changes {
        None => out.line("There is no earlier sealed report to compare with."),
        Some(changes) => {
            out.line(&format!(
                "Since {}: {} new, {} fixed, {} worse.",
                escape(&changes.since),
                changes.new.len(),
                changes.fixed.len(),
                changes.worse.len()
            ));
        }
    }
    out.heading("What this report does not say");
    for remark in &report.does_not_say {
        out.line(&format!("- {}", escape(remark)));
    }
    out.heading("Receipt");
    match &report.ledger {
        Some(ledger) => out.line(&format!(
            "Ledger of {} records, root {}, {}. Made by caiso {} with {}.",
            ledger.size,
            code(short_digest(&ledger.root)),
            escape(&time(&report.assessed_at)),
            escape(&report.reproduce.tool_version),
            code(&report.reproduce.command),
        )),
        None => out.line("Not sealed."),
    }
}

/// Text that Markdown shows as it is, on one line.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside_word =
            before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '\\' | '`' | '*' | '<' | '>' | '|' | '[' | ']' | '~' | '&' => out.extend(['\\', c]),
            '_' if !inside_word => out.push_str("\\_"),
            '#' | '+' | '-' | '=' if out.is_empty() => out.extend(['\\', c]),
            '.' | ')'
                if !out.is_empty()
                    && out.chars().all(|c| c.is_ascii_digit())
                    && rest.peek().is_none_or(|next| next.is_whitespace()) =>
            {
                out.extend(['\\', c]);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// A code span, also for text with backticks and inside tables.
fn code(text: &str) -> String {
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let text = text.replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let mut out = String::new();
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 || text.is_empty() { " " } else { "" };
    let _ = write!(out, "{fence}{pad}{text}{pad}{fence}");
    out
}

#[cfg(test)]
mod tests {
    use super::{code, escape};

    #[test]
    fn text_stays_text() {
        assert_eq!(escape("a_b *c* <d> | [e](f)\n# g"), r"a_b \*c\* \<d\> \| \[e\](f) # g");
        assert_eq!(escape("# heading"), r"\# heading");
        assert_eq!(escape("1. list"), r"1\. list");
        assert_eq!(escape("_x_"), r"\_x\_");
        assert_eq!(code("a|b"), r"`a\|b`");
        assert_eq!(code("a`b"), "`` a`b ``");
    }
}
