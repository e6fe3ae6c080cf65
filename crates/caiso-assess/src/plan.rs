//! What applies to a system, what does not and why, and what is missing.

use std::collections::BTreeMap;

use caiso_core::{Check, CheckError, Parameters, Subject, nearest};

use crate::step::{Step, Work};
use crate::{AssessError, LoadedSystem, registry, sections};

/// Which checks a run is asked for.
pub(crate) struct Selection<'a> {
    pub(crate) only: &'a [String],
    pub(crate) skip: &'a [String],
}

/// Builds steps with the resolved parameters.
pub(crate) struct Planner<'a> {
    pub(crate) system: &'a LoadedSystem,
    pub(crate) parameters: &'a BTreeMap<&'static str, Parameters>,
}

impl Planner<'_> {
    /// Parameters of a registered check.
    pub(crate) fn parameters(&self, code: &str) -> Parameters {
        self.parameters[code].clone()
    }

    /// Steps that all end the same way without running.
    pub(crate) fn without_running<I>(
        &self,
        checks: &'static [&'static Check<I>],
        component: &str,
        subjects: &[Subject],
        work: impl Fn() -> Work,
    ) -> Vec<Step> {
        checks
            .iter()
            .map(|check| Step {
                meta: &check.meta,
                component: component.to_owned(),
                subjects: subjects.to_vec(),
                parameters: self.parameters(check.meta.code),
                work: work(),
            })
            .collect()
    }
}

/// All steps of the first phase, in running order: skill first, because it labels the rest.
pub(crate) fn plan(planner: &Planner<'_>) -> Result<Vec<Step>, AssessError> {
    let mut steps = sections::models::plan(planner)?;
    steps.extend(sections::compliance::plan_classification(planner)?);
    steps.extend(sections::infrastructure::plan(planner));
    Ok(steps)
}

/// Marks steps that `--only` and `--skip` leave out.
pub(crate) fn select(steps: &mut [Step], selection: &Selection<'_>) {
    for step in steps {
        if let Some(by) = skipped_by(step.meta.code, selection) {
            step.work = Work::Skipped(by);
        }
    }
}

/// Why a check is left out, if it is.
pub(crate) fn skipped_by(code: &str, selection: &Selection<'_>) -> Option<String> {
    if let Some(pattern) = selection.skip.iter().find(|pattern| glob(pattern, code)) {
        return Some(format!("left out by --skip {pattern}"));
    }
    let listed = selection.only.is_empty() || selection.only.iter().any(|p| glob(p, code));
    (!listed).then(|| format!("left out by --only {}", selection.only.join(",")))
}

/// Every pattern must match some check: a slip of the keyboard must not pass as "all fine".
pub(crate) fn validate(selection: &Selection<'_>) -> Result<(), AssessError> {
    let registry = registry();
    for pattern in selection.only.iter().chain(selection.skip) {
        if !registry.iter().any(|check| glob(pattern, check.meta.code)) {
            let near = nearest(pattern, registry.iter().map(|check| check.meta.code));
            return Err(AssessError::NoSuchCheck {
                pattern: pattern.clone(),
                suggestion: near.map(str::to_owned),
            });
        }
    }
    Ok(())
}

/// `*` stands for any text; everything else for itself, whatever its case.
pub fn glob(pattern: &str, code: &str) -> bool {
    let pattern = pattern.to_ascii_uppercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| code.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Something it needs is missing.
pub(crate) fn missing(reason: impl Into<String>, remedy: impl Into<String>) -> Work {
    Work::Missing(CheckError::not_assessable(reason, remedy))
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn patterns_match_codes() {
        for (pattern, code) in [
            ("RB-PGD-001", "RB-PGD-001"),
            ("rb-*", "RB-PGD-001"),
            ("*-001", "RB-PGD-001"),
            ("*", "RB-PGD-001"),
            ("R*P*1", "RB-PGD-001"),
        ] {
            assert!(glob(pattern, code), "{pattern}");
        }
        for pattern in ["RB", "FA-*", "*-002", "RB-PGD-001*x", ""] {
            assert!(!glob(pattern, "RB-PGD-001"), "{pattern}");
        }
    }
}
