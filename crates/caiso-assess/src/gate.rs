//! The gate: acceptances, the baseline, and the verdict.

use caiso_core::manifest::{Acceptance, Gate};
use caiso_core::{Finding, Threshold};
use caiso_report::{
    Accepted, Changes, CheckResult, CheckStatus, FindingState, GateResult, Report, ReportedFinding,
    SuppressionNote, Verdict,
};
use jiff::civil::Date;

/// Days before the end of an acceptance at which the report begins to remind.
const REMIND_DAYS: i32 = 30;

/// What findings are compared with.
pub(crate) struct Earlier<'a> {
    /// The earlier report.
    pub(crate) report: &'a Report,
    /// In words: `the report of 2026-10-02`.
    pub(crate) since: String,
    /// Known findings do not fail the gate (`--baseline`).
    pub(crate) lets_through: bool,
}

/// Marks each finding as accepted, known, new or worse, and as breaking the gate or not.
/// `assessed` tells whether this run looked for an earlier finding again: only then can it count
/// as fixed.
pub(crate) fn judge(
    gate: &Gate,
    as_of: Date,
    findings: &mut [ReportedFinding],
    earlier: Option<&Earlier<'_>>,
    assessed: &dyn Fn(&Finding) -> bool,
) -> (GateResult, Vec<SuppressionNote>, Option<Changes>) {
    let notes = accept(gate, as_of, findings);
    let mut let_through = 0;
    for finding in findings.iter_mut() {
        let before = earlier.and_then(|earlier| find(earlier.report, &finding.fingerprint));
        let known = match before {
            None => FindingState::New,
            Some(before) if is_worse(&finding.finding, &before.finding) => FindingState::Worse,
            Some(_) => FindingState::Known,
        };
        if finding.accepted.is_none() {
            finding.state = known;
        }
        let counts = finding.accepted.is_none() && finding.finding.severity >= gate.fail_on;
        let excused =
            known == FindingState::Known && earlier.is_some_and(|earlier| earlier.lets_through);
        finding.breaks_gate = counts && !excused;
        let_through += u64::from(counts && excused);
    }
    let result = GateResult { fail_on: gate.fail_on, broken: broken_rules(findings), let_through };
    (result, notes, earlier.map(|earlier| changes(earlier, findings, assessed)))
}

/// The verdict: a broken rule fails; otherwise anything not assessed makes it incomplete.
pub(crate) fn verdict(gate: &GateResult, checks: &[CheckResult]) -> (Verdict, String) {
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let not_assessed = checks.iter().filter(|check| is_not_assessed(check)).count();
    let assessed = checks.iter().filter(|check| is_assessed(check)).count();
    let (verdict, start) = if !gate.broken.is_empty() {
        let broken = gate.broken.len();
        let plural = if broken == 1 { "check breaks" } else { "checks break" };
        let text = format!("{broken} {plural} the gate (findings of {} or worse)", gate.fail_on);
        (Verdict::Fail, text)
    } else if not_assessed > 0 {
        (Verdict::Incomplete, "nothing fails, but not everything could be assessed".to_owned())
    } else if assessed == 0 {
        (Verdict::Incomplete, "nothing was assessed".to_owned())
    } else {
        (Verdict::Pass, "no finding reaches the gate".to_owned())
    };
    let skipped = match count(CheckStatus::Skipped) {
        0 => String::new(),
        skipped => format!(", {skipped} skipped on request"),
    };
    let word = match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Incomplete => "INCOMPLETE",
    };
    let sentence = format!(
        "{word}: {start}; {assessed} checks assessed, {not_assessed} not fully assessed{skipped}."
    );
    (verdict, sentence)
}

/// Something that applies to the check was not assessed.
pub(crate) fn is_not_assessed(check: &CheckResult) -> bool {
    check.status == CheckStatus::Incomplete || !check.not_assessed.is_empty()
}

fn is_assessed(check: &CheckResult) -> bool {
    matches!(check.status, CheckStatus::Passed | CheckStatus::Failed)
}

fn accept(gate: &Gate, as_of: Date, findings: &mut [ReportedFinding]) -> Vec<SuppressionNote> {
    let mut notes = Vec::new();
    for acceptance in &gate.accepted {
        let matching = || findings.iter().filter(|found| matches(acceptance, &found.finding));
        let note = |code: &str, text: String| SuppressionNote {
            code: code.to_owned(),
            message: format!(
                "acceptance of {} by {} (line {}): {text}",
                acceptance.code.value, acceptance.approver, acceptance.code.line
            ),
        };
        // Validated when the system was planned.
        let Ok(expires) = acceptance.expires.parse::<Date>() else { continue };
        if expires < as_of {
            notes.push(note("SUP-002", format!("expired on {expires}, so it no longer counts")));
            continue;
        }
        if matching().next().is_none() {
            notes.push(note("SUP-001", "matches no finding; remove it".to_owned()));
            continue;
        }
        let days = as_of.until(expires).map_or(0, |span| span.get_days());
        if days <= REMIND_DAYS {
            notes.push(note("SUP-003", format!("expires in {days} days, on {expires}")));
        }
        for found in findings.iter_mut().filter(|found| matches(acceptance, &found.finding)) {
            found.state = FindingState::Accepted;
            found.accepted = Some(Accepted {
                reason: acceptance.reason.value.clone(),
                approver: acceptance.approver.clone(),
                expires: expires.to_string(),
            });
        }
    }
    notes
}

fn matches(acceptance: &Acceptance, finding: &Finding) -> bool {
    let fits = |wanted: &Option<String>, found: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
    };
    acceptance.code.value == finding.code
        && fits(&acceptance.component, Some(&finding.location.component))
        && fits(&acceptance.path, finding.location.path.as_deref())
        && fits(&acceptance.part, finding.location.part.as_deref())
}

fn find<'a>(report: &'a Report, fingerprint: &str) -> Option<&'a ReportedFinding> {
    report.findings.iter().find(|finding| finding.fingerprint == fingerprint)
}

/// A graver severity, or a value that moved away from its bound by more than the interval: noise
/// is not a change.
fn is_worse(now: &Finding, before: &Finding) -> bool {
    if now.severity != before.severity {
        return now.severity > before.severity;
    }
    let (Some(now), Some(before)) = (&now.threshold, &before.threshold) else { return false };
    let Threshold { value, interval, minimum, .. } = now;
    let (low, high) =
        interval.as_ref().map_or((*value, *value), |interval| (interval.low, interval.high));
    if minimum.is_some() { high < before.value } else { low > before.value }
}

fn broken_rules(findings: &[ReportedFinding]) -> Vec<String> {
    let mut codes: Vec<&str> = Vec::new();
    for found in findings.iter().filter(|found| found.breaks_gate) {
        if !codes.contains(&found.finding.code.as_str()) {
            codes.push(&found.finding.code);
        }
    }
    codes
        .into_iter()
        .map(|code| {
            let of_code: Vec<&ReportedFinding> = findings
                .iter()
                .filter(|found| found.breaks_gate && found.finding.code == code)
                .collect();
            let more = match of_code.len() {
                1 => String::new(),
                count => format!(" (and {} more)", count - 1),
            };
            format!("{code}: {}{more}", of_code[0].finding.message)
        })
        .collect()
}

fn changes(
    earlier: &Earlier<'_>,
    findings: &[ReportedFinding],
    assessed: &dyn Fn(&Finding) -> bool,
) -> Changes {
    let name =
        |found: &ReportedFinding| format!("{} {}", found.finding.code, found.finding.location);
    let was = |found: &ReportedFinding| find(earlier.report, &found.fingerprint);
    let is_still_there = |before: &ReportedFinding| {
        findings.iter().any(|found| found.fingerprint == before.fingerprint)
    };
    Changes {
        since: earlier.since.clone(),
        new: findings.iter().filter(|found| was(found).is_none()).map(name).collect(),
        fixed: earlier
            .report
            .findings
            .iter()
            .filter(|before| assessed(&before.finding) && !is_still_there(before))
            .map(name)
            .collect(),
        worse: findings
            .iter()
            .filter(|found| {
                was(found).is_some_and(|before| is_worse(&found.finding, &before.finding))
            })
            .map(name)
            .collect(),
    }
}
