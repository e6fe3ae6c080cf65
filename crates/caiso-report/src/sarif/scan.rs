//! The findings of a scan of model files as SARIF.

use std::collections::BTreeSet;

use caiso_core::{Finding, Meta, Severity, TOOL_VERSION};
use serde_json::{Value, json};

use super::{BASE, level, location, security_severity, uri};
use crate::render::RenderError;

/// What a scan found.
#[derive(Debug)]
pub struct Scan<'s> {
    /// Every rule that was applied.
    pub rules: Vec<&'static Meta>,
    /// What was found, in the order of the files.
    pub findings: Vec<&'s Finding>,
    /// What was not inspected, one sentence each.
    pub not_inspected: Vec<String>,
    /// Path, SHA-256 and size in bytes of each file.
    pub files: Vec<(&'s str, Option<&'s str>, u64)>,
}

/// Renders a scan. Paths are relative to the working folder of the scan, unless they are absolute.
pub fn scan(scan: &Scan<'_>) -> Result<String, RenderError> {
    let rules: Vec<Value> = scan.rules.iter().map(|meta| rule(meta)).collect();
    let results: Vec<Value> = scan.findings.iter().map(|found| result(scan, found)).collect();
    let techniques: BTreeSet<&str> =
        scan.findings.iter().flat_map(|found| &found.techniques).map(String::as_str).collect();
    let taxa: Vec<Value> = techniques.iter().map(|id| json!({ "id": id })).collect();
    let notifications: Vec<Value> = scan
        .not_inspected
        .iter()
        .map(|text| json!({ "level": "warning", "message": { "text": text } }))
        .collect();
    let artifacts: Vec<Value> = scan
        .files
        .iter()
        .map(|(path, sha256, size)| {
            let mut artifact = json!({ "location": { "uri": uri(path) }, "length": size });
            if let (Some(sha256), Some(fields)) = (sha256, artifact.as_object_mut()) {
                fields.insert("hashes".to_owned(), json!({ "sha-256": sha256 }));
            }
            artifact
        })
        .collect();
    let run = json!({
        "tool": { "driver": {
            "name": "caiso",
            "version": TOOL_VERSION,
            "rules": rules,
            "supportedTaxonomies": [{ "name": "MITRE ATLAS" }],
        }},
        "automationDetails": { "id": "caiso/scan/" },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": { BASE: { "description": { "text": "Folder the scan was started in." } } },
        "taxonomies": [{ "name": "MITRE ATLAS", "organization": "MITRE", "taxa": taxa }],
        "artifacts": artifacts,
        "invocations": [{ "executionSuccessful": true, "toolExecutionNotifications": notifications }],
        "results": results,
    });
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    Ok(serde_json::to_string_pretty(&log)? + "\n")
}

fn rule(meta: &Meta) -> Value {
    json!({
        "id": meta.code,
        "name": meta.name,
        "shortDescription": { "text": meta.title },
        "help": { "text": format!("Run `caiso explain {}`.", meta.code) },
        "defaultConfiguration": { "level": level(meta.severity) },
        "properties": {
            "security-severity": security_severity(meta.severity),
            "tags": ["security", "models"],
        },
    })
}

fn result(scan: &Scan<'_>, found: &Finding) -> Value {
    let informative = found.severity == Severity::Info;
    json!({
        "ruleId": found.code,
        "ruleIndex": scan.rules.iter().position(|meta| meta.code == found.code),
        "kind": if informative { "informational" } else { "fail" },
        "level": level(found.severity),
        "message": { "text": found.message },
        "locations": [location(&found.location)],
        "partialFingerprints": { "caisoFinding/v1": found.fingerprint() },
        "taxa": found.techniques.iter().map(|id| json!({
            "id": id, "toolComponent": { "name": "MITRE ATLAS" },
        })).collect::<Vec<_>>(),
        "properties": { "severity": found.severity, "remediation": found.remediation },
    })
}
