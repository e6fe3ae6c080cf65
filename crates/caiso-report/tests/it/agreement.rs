//! All outputs say the same: verdict, findings by severity, codes, and counts of checks.

use std::collections::BTreeMap;

use caiso_core::{Section, Severity};
use caiso_report::terminal::Terminal;
use caiso_report::{FindingState, Report, html, json, markdown, sarif, terminal};
use proptest::prelude::*;
use serde_json::Value;

use crate::{fixture, generator, ledger};

/// What a reader takes from an output.
#[derive(Debug, Default, PartialEq)]
struct Read {
    verdict: String,
    /// Findings by severity.
    severities: BTreeMap<String, usize>,
    /// Codes of findings with their number.
    codes: BTreeMap<String, usize>,
    /// Section to passed, failed, not assessed.
    sections: BTreeMap<String, [usize; 3]>,
}

impl Read {
    fn add(&mut self, code: &str, severity: &str) {
        *self.codes.entry(code.to_owned()).or_default() += 1;
        *self.severities.entry(severity.to_owned()).or_default() += 1;
    }
}

/// From the value, without the counting code of the crate.
fn from_report(report: &Report) -> Read {
    let json = serde_json::to_value(report).unwrap();
    from_json(&json)
}

fn from_json(json: &Value) -> Read {
    let mut read =
        Read { verdict: json["verdict"].as_str().unwrap().to_owned(), ..Read::default() };
    for section in Section::ALL {
        read.sections.insert(section.as_str().to_owned(), [0; 3]);
    }
    for found in json["findings"].as_array().unwrap() {
        read.add(found["code"].as_str().unwrap(), found["severity"].as_str().unwrap());
    }
    for check in json["checks"].as_array().unwrap() {
        let counts = read.sections.get_mut(check["section"].as_str().unwrap()).unwrap();
        match check["status"].as_str().unwrap() {
            "passed" => counts[0] += 1,
            "failed" => counts[1] += 1,
            "incomplete" => counts[2] += 1,
            _ => {}
        }
    }
    read
}

fn from_html(html: &str) -> Read {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let mut read = Read::default();
    let mut rows: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for tag in html.split('<').skip(1).filter_map(|tag| tag.split('>').next()) {
        if tag.starts_with("body ") {
            read.verdict = attribute(tag, "data-verdict").unwrap();
        }
        if let (Some(code), Some(severity)) =
            (attribute(tag, "data-finding"), attribute(tag, "data-severity"))
        {
            read.add(&code, &severity);
        }
        if let Some(section) = attribute(tag, "data-section") {
            let count = |name: &str| attribute(tag, name).unwrap().parse().unwrap();
            read.sections.insert(
                section,
                [count("data-passed"), count("data-failed"), count("data-not-assessed")],
            );
        }
        if let (Some(section), Some(status)) =
            (attribute(tag, "data-in"), attribute(tag, "data-status"))
        {
            let counts = rows.entry(section).or_default();
            match status.as_str() {
                "passed" => counts[0] += 1,
                "failed" => counts[1] += 1,
                "incomplete" => counts[2] += 1,
                _ => {}
            }
        }
    }
    // The tiles of page one and the rows of the table of checks agree among themselves.
    for (section, counts) in rows {
        assert_eq!(read.sections[&section], counts, "{section}");
    }
    // So does the visible text of each tile with its attributes.
    for (_, tile) in html.match_indices(" data-section=\"").map(|(at, _)| (at, &html[at..])) {
        let section = tile.split('"').nth(1).unwrap();
        let text = tile.split_once("<p class=\"numbers\">").unwrap().1.split('<').next().unwrap();
        let [passed, failed, open] = read.sections[section];
        assert_eq!(text, format!("{passed} passed · {failed} failed · {open} not assessed"));
    }
    read
}

fn from_markdown(markdown: &str) -> Read {
    let mut read = Read::default();
    let mut part = "";
    let mut severities = 0;
    for line in markdown.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let Some(rest) = line.strip_prefix("# ") {
            read.verdict = rest.split(':').next().unwrap().to_lowercase();
        } else if let Some(heading) = line.strip_prefix("## ") {
            part = heading;
        } else if let (Some(rest), "Findings") = (line.strip_prefix("### "), part) {
            let code = rest.split('`').nth(1).unwrap();
            let severity = rest.rsplit_once('(').unwrap().1.split(',').next().unwrap();
            read.add(code, severity);
        } else if let ("Sections", Some(section)) =
            (part, Section::ALL.iter().find(|section| section.title() == cells[0]))
        {
            let count = |at: usize| cells[at].parse().unwrap();
            read.sections.insert(section.as_str().to_owned(), [count(1), count(2), count(3)]);
        } else if part == "Findings"
            && cells.len() == 5
            && cells.iter().all(|cell| cell.parse::<usize>().is_ok())
        {
            severities = cells.iter().map(|cell| cell.parse::<usize>().unwrap()).sum();
        }
    }
    assert_eq!(
        severities,
        read.severities.values().sum::<usize>(),
        "the table counts the headings"
    );
    read
}

fn from_sarif(text: &str) -> Read {
    let log: Value = serde_json::from_str(text).unwrap();
    let run = &log["runs"][0];
    let mut read = Read {
        verdict: run["properties"]["verdict"].as_str().unwrap().to_owned(),
        ..Read::default()
    };
    let exit = run["invocations"][0]["exitCode"].as_u64().unwrap();
    assert_eq!(
        exit,
        match read.verdict.as_str() {
            "pass" => 0,
            "fail" => 1,
            _ => 3,
        }
    );
    for result in run["results"].as_array().unwrap() {
        let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        read.add(
            result["ruleId"].as_str().unwrap(),
            result["properties"]["severity"].as_str().unwrap(),
        );
    }
    let mut open = 0;
    for (section, counts) in run["properties"]["sections"].as_object().unwrap() {
        let count = |name: &str| counts[name].as_u64().unwrap() as usize;
        open += count("notAssessed");
        read.sections
            .insert(section.clone(), [count("passed"), count("failed"), count("notAssessed")]);
    }
    let notifications = run["invocations"][0]["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notifications.len(), open);
    read
}

/// The terminal shows codes of open findings above `info` only; the caller compares those.
fn from_terminal(text: &str) -> (Read, Vec<String>) {
    let mut read = Read::default();
    let mut codes = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let table = lines.iter().position(|line| line.starts_with("section  ")).unwrap();
    for line in &lines[table + 1..table + 7] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let count = |at: usize| words[at].parse().unwrap();
        read.sections.insert(words[0].to_owned(), [count(1), count(2), count(4)]);
    }
    for line in &lines[..table] {
        if line.starts_with("FAIL  ") || line.starts_with("warn  ") {
            codes.push(line.split_whitespace().nth(1).unwrap().to_owned());
        }
    }
    for line in &lines[table + 7..] {
        if let Some(rest) = line.strip_prefix("findings     ") {
            for part in rest.split(" (").next().unwrap().split(" · ") {
                let (n, severity) = part.split_once(' ').unwrap();
                let n: usize = n.parse().unwrap();
                if n > 0 {
                    read.severities.insert(severity.to_owned(), n);
                }
            }
        }
        if let Some(word) =
            line.split("  ").next().filter(|word| ["PASS", "FAIL", "INCOMPLETE"].contains(word))
        {
            read.verdict = word.to_lowercase();
        }
    }
    (read, codes)
}

fn check(report: &Report) {
    let expected = from_report(report);
    let (sealed, receipt) = ledger::seal(report);
    assert_eq!(from_html(&html::render(&sealed, Some(&receipt))), expected, "html");
    assert_eq!(from_html(&html::render(report, None)), expected, "html without receipt");
    assert_eq!(from_markdown(&markdown::render(&sealed)), expected, "markdown");
    let json = json::render(&sealed).unwrap();
    assert_eq!(from_json(&serde_json::from_str(&json).unwrap()), expected, "json");
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), sealed, "json is the report");
    assert_eq!(from_sarif(&sarif::render(&sealed).unwrap()), expected, "sarif");

    let mut open: Vec<String> = report
        .findings
        .iter()
        .filter(|found| {
            found.state != FindingState::Accepted && found.finding.severity > Severity::Info
        })
        .map(|found| found.finding.code.clone())
        .collect();
    open.sort();
    open.dedup();
    for width in [40, 80, 200] {
        for (colour, ascii) in [(false, false), (false, true), (true, false)] {
            let terminal = Terminal { width, colour, ascii, report: Some("r.html") };
            let text = terminal::render(&sealed, &terminal);
            assert!(text.lines().count() <= terminal::LINES, "{text}");
            assert!(!ascii || text.is_ascii(), "{text}");
            let allowed = |c: char| !c.is_control() || c == '\n' || (colour && c == '\u{1b}');
            assert!(text.chars().all(allowed), "{text:?}");
            if !colour {
                let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= width.max(60), "{widest} columns\n{text}");
            }
        }
    }
    let wide = Terminal { width: 400, ..Terminal::default() };
    let (read, mut codes) = from_terminal(&terminal::render(&sealed, &wide));
    codes.sort();
    assert_eq!(codes, open, "terminal codes");
    assert_eq!(Read { codes: expected.codes.clone(), ..read }, expected, "terminal");
}

#[test]
fn outputs_agree_on_the_example() {
    check(&fixture::mortgage());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn outputs_agree(report in generator::report()) {
        check(&report);
    }
}
