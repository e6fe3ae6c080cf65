//! The findings as SARIF 2.1.0
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), for code hosts.

use std::collections::{BTreeMap, BTreeSet};

use caiso_core::{Location, Severity};
use serde_json::{Map, Value, json};

use crate::render::{RenderError, Renderer};
use crate::words::compare;
use crate::{CheckStatus, FindingState, Report, ReportedFinding, Verdict};

mod scan;

pub use scan::{Scan, scan};

pub(crate) static RENDERER: Renderer = Renderer {
    name: "sarif",
    extension: "sarif",
    title: "findings for code hosts (SARIF 2.1.0)",
    render: |report, _| render(report),
};

/// Base of every relative path: the folder of the manifest.
const BASE: &str = "MANIFEST";

/// Renders the findings. What was not assessed appears as notifications of the invocation, counts
/// and verdict in the properties of the run.
pub fn render(report: &Report) -> Result<String, RenderError> {
    let (rules, index) = rules(report);
    let results: Vec<Value> =
        report.findings.iter().map(|found| result(report, found, &index)).collect();
    let techniques: BTreeSet<&str> = report
        .findings
        .iter()
        .flat_map(|found| &found.finding.techniques)
        .map(String::as_str)
        .collect();
    let taxa: Vec<Value> = techniques.iter().map(|id| json!({ "id": id })).collect();
    let run = json!({
        "tool": { "driver": {
            "name": "caiso",
            "version": report.reproduce.tool_version,
            "rules": rules,
            "supportedTaxonomies": [{ "name": "MITRE ATLAS" }],
        }},
        "automationDetails": { "id": format!("caiso/{}/", report.system) },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { BASE: { "description": { "text": "Folder of caiso.yaml." } } },
        "taxonomies": [{ "name": "MITRE ATLAS", "organization": "MITRE", "taxa": taxa }],
        "invocations": [invocation(report)],
        "results": results,
        "properties": properties(report),
    });
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

/// One rule for each code of a finding, in the order of codes, and the place of each.
fn rules(report: &Report) -> (Vec<Value>, BTreeMap<&str, usize>) {
    let mut worst: BTreeMap<&str, &ReportedFinding> = BTreeMap::new();
    for found in &report.findings {
        let entry = worst.entry(&found.finding.code).or_insert(found);
        if found.finding.severity > entry.finding.severity {
            *entry = found;
        }
    }
    let index = worst.keys().enumerate().map(|(at, code)| (*code, at)).collect();
    let rules = worst
        .iter()
        .map(|(code, found)| {
            let title = report
                .checks
                .iter()
                .find(|check| check.code == *code)
                .map_or(found.finding.message.as_str(), |check| check.title.as_str());
            json!({
                "id": code,
                "shortDescription": { "text": or_code(title, code) },
                "help": { "text": format!("{} Run `caiso explain {code}`.", found.finding.remediation) },
                "defaultConfiguration": { "level": level(found.finding.severity) },
                "properties": {
                    "security-severity": security_severity(found.finding.severity),
                    "tags": [found.section.as_str()],
                },
            })
        })
        .collect();
    (rules, index)
}

fn result(report: &Report, found: &ReportedFinding, index: &BTreeMap<&str, usize>) -> Value {
    let finding = &found.finding;
    let is_informative = finding.severity == Severity::Info;
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": index.get(finding.code.as_str()),
        "kind": if is_informative { "informational" } else { "fail" },
        "level": level(finding.severity),
        "message": { "text": or_code(&finding.message, &finding.code) },
        "locations": [location(&finding.location)],
        "partialFingerprints": { "caisoFinding/v1": found.fingerprint },
        "taxa": finding.techniques.iter().map(|id| json!({
            "id": id, "toolComponent": { "name": "MITRE ATLAS" },
        })).collect::<Vec<_>>(),
    });
    let mut properties = json!({
        "severity": finding.severity,
        "state": found.state.as_str(),
        "breaksGate": found.breaks_gate,
        "remediation": finding.remediation,
        "requirements": found.requirements,
        "evidence": found.evidence,
    });
    if let (Some(properties), Some(threshold)) = (properties.as_object_mut(), &finding.threshold) {
        properties.insert("threshold".to_owned(), json!(threshold));
        properties.insert("measured".to_owned(), json!(compare(threshold).value));
    }
    if let Some(fields) = result.as_object_mut() {
        fields.insert("properties".to_owned(), properties);
        let state = match found.state {
            FindingState::New => Some("new"),
            FindingState::Known => Some("unchanged"),
            FindingState::Worse => Some("updated"),
            FindingState::Accepted => None,
        };
        if let Some(state) = state.filter(|_| report.changes.is_some()) {
            fields.insert("baselineState".to_owned(), json!(state));
        }
        if let Some(by) = &found.accepted {
            fields.insert(
                "suppressions".to_owned(),
                json!([{
                    "kind": "external",
                    "status": "accepted",
                    "justification": by.reason,
                    "properties": { "approver": by.approver, "expires": by.expires },
                }]),
            );
        }
    }
    result
}

fn location(location: &Location) -> Value {
    let mut out = Map::new();
    if let Some(path) = &location.path {
        let mut physical = json!({ "artifactLocation": { "uri": uri(path), "uriBaseId": BASE } });
        let lines = location.line.filter(|line| *line > 0);
        if let (Some(line), Some(fields)) = (lines, physical.as_object_mut()) {
            let mut region = json!({ "startLine": line });
            let columns = location.column.filter(|column| *column > 0);
            if let (Some(column), Some(region)) = (columns, region.as_object_mut()) {
                region.insert("startColumn".to_owned(), json!(column));
            }
            fields.insert("region".to_owned(), region);
        }
        out.insert("physicalLocation".to_owned(), physical);
    }
    let mut logical = vec![json!({ "fullyQualifiedName": location.component, "kind": "module" })];
    if let Some(part) = &location.part {
        let name = format!("{}/{part}", location.component);
        logical.push(json!({ "name": part, "fullyQualifiedName": name, "kind": "member" }));
    }
    out.insert("logicalLocations".to_owned(), Value::Array(logical));
    // No region: these are bytes of the part, which may be compressed in the file.
    if let Some(bytes) = location.bytes {
        out.insert("properties".to_owned(), json!({ "bytes": bytes }));
    }
    Value::Object(out)
}

fn invocation(report: &Report) -> Value {
    let notifications: Vec<Value> = report
        .checks
        .iter()
        .filter(|check| check.status == CheckStatus::Incomplete)
        .map(|check| {
            let reason = check.reason.as_deref().unwrap_or("not assessed");
            let remedy = check.remedy.as_deref().unwrap_or_default();
            json!({
                "level": "warning",
                "message": { "text": format!("{}: not assessed: {reason} {remedy}", check.title).trim_end() },
                "descriptor": { "id": check.code },
            })
        })
        .collect();
    let (code, words) = match report.verdict {
        Verdict::Pass => (0, "pass"),
        Verdict::Fail => (1, "the gate failed"),
        Verdict::Incomplete => (3, "incomplete"),
    };
    json!({
        "executionSuccessful": true,
        "commandLine": report.reproduce.command,
        "exitCode": code,
        "exitCodeDescription": words,
        "endTimeUtc": report.assessed_at,
        "toolExecutionNotifications": notifications,
    })
}

fn properties(report: &Report) -> Value {
    let sections: Map<String, Value> = report
        .tally()
        .iter()
        .map(|tally| {
            let counts = json!({
                "passed": tally.passed,
                "failed": tally.failed,
                "notAssessed": tally.not_assessed,
                "skipped": tally.skipped,
                "notApplicable": tally.not_applicable,
            });
            (tally.section.as_str().to_owned(), counts)
        })
        .collect();
    json!({
        "verdict": report.verdict.as_str(),
        "sentence": report.sentence,
        "asOf": report.as_of,
        "sections": sections,
        "ledgerRoot": report.ledger.as_ref().map(|ledger| &ledger.root),
        "ledgerSize": report.ledger.as_ref().map(|ledger| ledger.size),
    })
}

/// SARIF wants a text where a message may be empty.
fn or_code<'a>(text: &'a str, code: &'a str) -> &'a str {
    if text.is_empty() { code } else { text }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
        Severity::Info => "none",
    }
}

/// The number by which code hosts rank security findings, middle of the CVSS range of the word.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// A relative path as a URI reference: everything but unreserved characters and `/` is escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("deploy/a b#c.yaml"), "deploy/a%20b%23c.yaml");
        assert_eq!(uri("modèle.onnx"), "mod%C3%A8le.onnx");
    }
}
