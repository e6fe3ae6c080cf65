//! The result of a scan for people: a tree of what was found where.

use anstyle::{AnsiColor, Style};
use caiso_core::{Finding, Severity};
use caiso_modelfile::Node;
use caiso_scan::{FileResult, NotInspected, Verdict};

/// Renders the results and a closing line. Parts in which nothing was found are shown with `verbose`.
pub(super) fn render(results: &[FileResult], verbose: bool, colour: bool) -> String {
    let mut page = Page { text: String::new(), verbose, colour };
    for result in results {
        page.file(result);
    }
    page.summary(results);
    page.text
}

struct Page {
    text: String,
    verbose: bool,
    colour: bool,
}

impl Page {
    fn file(&mut self, result: &FileResult) {
        let clean = result.verdict == Verdict::Clean && result.findings.is_empty();
        if clean && !self.verbose {
            let formats = formats(result);
            self.text += &format!("{}  {}  {formats}\n", self.verdict(result), shown(&result.path));
            return;
        }
        let digest = result.sha256.as_ref().map(|digest| format!("  sha256 {digest}"));
        self.text += &format!(
            "{}  {}  {}, {}{}\n",
            self.verdict(result),
            shown(&result.path),
            formats(result),
            size(result.size),
            digest.unwrap_or_default()
        );
        let root = |part: Option<&str>| part.is_none();
        self.node(result, "", "  ", &root);
        for node in result.tree.nodes.iter().skip(1) {
            let path = node.path.as_str();
            let own = |part: Option<&str>| part.is_some_and(|part| holds(path, part, result));
            let anything = result.findings.iter().any(|f| own(f.location.part.as_deref()))
                || result.not_inspected.iter().any(|gap| gap.part.as_deref() == Some(path));
            if !anything && !self.verbose {
                continue;
            }
            let depth = path.matches('!').count() + 1;
            let indent = "  ".repeat(depth);
            let formats = names(node);
            self.text +=
                &format!("{indent}└ {}  {formats}, {}\n", shown(node.name()), size(node.size));
            self.node(result, path, &format!("{indent}    "), &own);
        }
        self.text.push('\n');
    }

    /// What was found in one part.
    fn node(
        &mut self,
        result: &FileResult,
        path: &str,
        indent: &str,
        own: &dyn Fn(Option<&str>) -> bool,
    ) {
        let of_root = |part: Option<&str>| {
            path.is_empty()
                && part.is_some_and(|part| {
                    !result.tree.nodes.iter().skip(1).any(|node| holds(&node.path, part, result))
                })
        };
        let here = |part: Option<&str>| own(part) || of_root(part);
        for finding in result.findings.iter().filter(|f| here(f.location.part.as_deref())) {
            self.finding(finding, indent);
        }
        let gaps = result.not_inspected.iter();
        for gap in gaps.filter(|gap| gap.part.as_deref().unwrap_or_default() == path) {
            self.gap(gap, indent);
        }
    }

    fn finding(&mut self, finding: &Finding, indent: &str) {
        let (style, plain) = self.style(severity_colour(finding.severity));
        let bytes = finding
            .location
            .bytes
            .map(|bytes| format!(" (bytes {} to {})", bytes.start, bytes.end));
        self.text += &format!(
            "{indent}{style}{:<8}{plain} {}  {}{}\n",
            finding.severity,
            finding.code,
            shown(&finding.message),
            bytes.unwrap_or_default()
        );
    }

    fn gap(&mut self, gap: &NotInspected, indent: &str) {
        let bytes = gap.bytes.map(|bytes| format!(" (bytes {} to {})", bytes.start, bytes.end));
        self.text += &format!(
            "{indent}not inspected: {}{}\n",
            shown(&gap.reason),
            bytes.unwrap_or_default()
        );
    }

    fn verdict(&self, result: &FileResult) -> String {
        let (word, colour) = match (result.verdict, result.max_severity) {
            (Verdict::Clean, _) => ("clean     ", AnsiColor::Green),
            (Verdict::Incomplete, _) => ("incomplete", AnsiColor::Yellow),
            (Verdict::Findings, severity) => {
                ("FINDINGS  ", severity.map_or(AnsiColor::Red, severity_colour))
            }
        };
        let (style, plain) = self.style(colour);
        format!("{style}{word}{plain}")
    }

    fn style(&self, colour: AnsiColor) -> (String, String) {
        if !self.colour {
            return (String::new(), String::new());
        }
        let style = Style::new().bold().fg_color(Some(colour.into()));
        (style.render().to_string(), style.render_reset().to_string())
    }

    fn summary(&mut self, results: &[FileResult]) {
        let count = |verdict| results.iter().filter(|result| result.verdict == verdict).count();
        let severities: Vec<String> = Severity::WORST_FIRST
            .iter()
            .filter_map(|&severity| {
                let findings = results.iter().flat_map(|result| &result.findings);
                let count = findings.filter(|finding| finding.severity == severity).count();
                (count > 0).then(|| format!("{count} {severity}"))
            })
            .collect();
        let severities = if severities.is_empty() {
            String::new()
        } else {
            format!(" ({})", severities.join(", "))
        };
        self.text += &format!(
            "{} file{}: {} clean, {} with findings{severities}, {} incomplete\n",
            results.len(),
            if results.len() == 1 { "" } else { "s" },
            count(Verdict::Clean),
            count(Verdict::Findings),
            count(Verdict::Incomplete),
        );
    }
}

/// Whether the part of a finding, `archive/data.pkl: os.system`, lies in the node with this path and in
/// none below it.
fn holds(path: &str, part: &str, result: &FileResult) -> bool {
    let begins = |path: &str| {
        part.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
    };
    begins(path)
        && !result
            .tree
            .nodes
            .iter()
            .any(|other| other.path.len() > path.len() && begins(&other.path))
}

/// What the file itself is.
fn formats(result: &FileResult) -> String {
    result.tree.root().map_or_else(|| "not read".to_owned(), names)
}

fn names(node: &Node) -> String {
    let names: Vec<&str> = node.readings.iter().map(|reading| reading.format.name()).collect();
    if names.is_empty() { "unknown format".to_owned() } else { names.join(" and ") }
}

fn severity_colour(severity: Severity) -> AnsiColor {
    match severity {
        Severity::Critical | Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low | Severity::Info => AnsiColor::Cyan,
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / (1 << 20)),
    }
}

/// Text out of a file with control characters escaped, so that it cannot steer a terminal.
fn shown(text: &str) -> String {
    let escape = |character: char| {
        let steers = character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if steers { character.escape_default().to_string() } else { character.to_string() }
    };
    text.chars().map(escape).collect()
}
