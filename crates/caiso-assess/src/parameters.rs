//! The table of all checks, and their parameters from the manifest.

use std::collections::BTreeMap;

use caiso_core::{Diagnostic, Meta, ParameterSet, Parameters, nearest};
use serde_json::{Map, Value};

use crate::{AssessError, LoadedSystem, sections};

/// A check of this version.
#[derive(Clone, Copy, Debug)]
pub struct Registered {
    /// What it says about itself.
    pub meta: &'static Meta,
    /// Its parameters.
    pub parameters: ParameterSet,
}

/// Every check, in report order.
pub fn registry() -> Vec<Registered> {
    fn all<I>(
        checks: &'static [&'static caiso_core::Check<I>],
    ) -> impl Iterator<Item = Registered> {
        checks.iter().map(|check| Registered { meta: &check.meta, parameters: check.parameters })
    }
    let mut checks: Vec<Registered> = all(caiso_evals::ALL)
        .chain(all(caiso_modelfile::CHECKS))
        .chain(all(caiso_robustness::CHECKS))
        .chain(all(caiso_robustness::CAMPAIGNS))
        .chain(all(caiso_fairness::ALL))
        .chain(all(sections::compliance::CLASSIFICATION))
        .chain(all(sections::compliance::STATES))
        .chain(all(caiso_infra::CHECKS))
        .chain(all(sections::threats::COVERAGE))
        .collect();
    checks.sort_by_key(|check| check.meta.section());
    checks
}

/// Complete parameters of every check: defaults, then `checks`, then `gate.thresholds`.
pub(crate) fn resolve(
    system: &LoadedSystem,
) -> Result<BTreeMap<&'static str, Parameters>, AssessError> {
    let registry = registry();
    let mut problems = Vec::new();
    let manifest = &system.manifest;
    for code in manifest.checks.keys().chain(manifest.gate.thresholds.keys()) {
        if !registry.iter().any(|check| check.meta.code == code) {
            let near = nearest(code, registry.iter().map(|check| check.meta.code));
            let help = near.map_or_else(
                || "`caiso checks` lists all codes".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let problem = system.problem_at_key(code, format!("no check has the code `{code}`"));
            problems.push(problem.with_help(help));
        }
    }
    let mut resolved = BTreeMap::new();
    for check in registry {
        let code = check.meta.code;
        let mut values = Map::new();
        overrides(system, code, manifest.checks.get(code), false, &mut values, &mut problems);
        let thresholds = manifest.gate.thresholds.get(code);
        overrides(system, code, thresholds, true, &mut values, &mut problems);
        match check.parameters.resolve(&values) {
            Ok(parameters) => {
                resolved.insert(code, parameters);
            }
            Err(error) => {
                let problem = system.problem_at_key(code, format!("{code}: {error}"));
                problems.push(problem.with_help(format!("`caiso checks {code}` shows them")));
            }
        }
    }
    if problems.is_empty() { Ok(resolved) } else { Err(AssessError::Manifest(problems)) }
}

fn overrides(
    system: &LoadedSystem,
    code: &str,
    given: Option<&Map<String, Value>>,
    thresholds: bool,
    values: &mut Map<String, Value>,
    problems: &mut Vec<Diagnostic>,
) {
    for (name, value) in given.into_iter().flatten() {
        let is_threshold = name.starts_with("minimum_") || name.starts_with("maximum_");
        if is_threshold == thresholds {
            values.insert(name.clone(), value.clone());
            continue;
        }
        let place = if thresholds { "checks" } else { "gate.thresholds" };
        let message = format!("`{name}` of {code} does not belong here");
        problems.push(
            system.problem_at_key(name, message).with_help(format!("set it under `{place}`")),
        );
    }
}
