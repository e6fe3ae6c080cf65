//! What a reader is told.

use std::sync::Arc;

use caiso_core::{CheckError, Outcome, RunContext, Value};
use caiso_robustness::{CHECKS, Domain, FeatureDomain, RobustnessInput};

use crate::models::{self, input, linear};
use crate::mortgage;

fn domain() -> Domain {
    Domain::new(vec![
        FeatureDomain::continuous("income", 0.0, 3.0),
        FeatureDomain::continuous("value", 0.0, 2.0),
        FeatureDomain { immutable: true, ..FeatureDomain::continuous("age", 18.0, 99.0) },
        FeatureDomain { integer: true, ..FeatureDomain::continuous("loans", 0.0, 10.0) },
    ])
    .unwrap()
}

fn case(weights: &[&[f32]], bias: &[f32]) -> RobustnessInput {
    let model = linear(weights, bias);
    let (rows, labels) = models::rows(&domain(), &model, 200, 8);
    RobustnessInput {
        classes: vec!["grant".to_owned(), "refuse".to_owned()],
        ..input(&model, domain(), rows, labels)
    }
}

fn brittle() -> RobustnessInput {
    case(&[&[1.0, -1.5, 0.0, 0.05], &[-1.0, 1.5, 0.0, -0.05]], &[-0.1, 0.1])
}

fn sturdy() -> RobustnessInput {
    // Only age decides, and nobody can change it.
    case(&[&[0.0, 0.0, 0.1, 0.0], &[0.0, 0.0, -0.1, 0.0]], &[-6.0, 6.0])
}

fn run(
    code: &str,
    input: &RobustnessInput,
    given: &serde_json::Value,
) -> Result<Outcome, CheckError> {
    let check = CHECKS.iter().find(|check| check.meta.code == code).unwrap();
    let parameters = check.parameters.resolve(given.as_object().unwrap()).unwrap();
    (check.run)(input, &parameters, &RunContext::with_seed(1))
}

/// An outcome with one line for each measurement.
fn text(outcome: &Outcome) -> String {
    let measurements = outcome.measurements.iter().map(|measurement| {
        let value = match &measurement.value {
            Value::Known(number) => number.to_string(),
            Value::Undefined(reason) => format!("undefined, {reason}"),
        };
        let interval = measurement
            .interval
            .as_ref()
            .map(|interval| format!(" in [{}, {}]", interval.low, interval.high))
            .unwrap_or_default();
        format!(
            "{}: {value}{interval} {}, n = {}",
            measurement.key(),
            measurement.unit,
            measurement.n
        )
    });
    let rest = Outcome { measurements: Vec::new(), ..outcome.clone() };
    let rest = serde_json::to_string_pretty(&rest).unwrap();
    format!("{}\n{rest}", measurements.collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_unit_is_documented() {
    for check in CHECKS {
        for heading in ["## What it does", "## Why it matters", "## References"] {
            assert!(check.meta.docs.contains(heading), "{} lacks {heading}", check.meta.code);
        }
        assert_eq!(check.meta.section(), caiso_core::Section::Robustness);
        let schema = check.parameters.schema();
        let undescribed = |(name, property): (String, serde_json::Value)| {
            property.get("description").is_none().then_some(name)
        };
        let names: Vec<String> =
            check.parameters.properties().into_iter().filter_map(undescribed).collect();
        assert!(names.is_empty(), "{names:?} of {schema}");
    }
}

#[test]
fn a_brittle_model_is_a_finding() {
    for code in ["RB-FGSM-001", "RB-PGD-001"] {
        let outcome = run(code, &brittle(), &serde_json::json!({})).unwrap();
        insta::assert_snapshot!(format!("brittle_{code}"), text(&outcome));
    }
}

#[test]
fn the_example_is_brittle() {
    for code in ["RB-FGSM-001", "RB-PGD-001"] {
        let outcome = run(code, &mortgage::input(), &serde_json::json!({})).unwrap();
        // Kernels differ between processors in the last bits, so nothing finer than a message is compared.
        let [finding] = &outcome.findings[..] else { panic!("{:?}", outcome.findings) };
        insta::assert_snapshot!(
            format!("mortgage_{code}"),
            format!("{}\n{}\n{}", outcome.summary, finding.message, finding.remediation)
        );
        assert!(outcome.not_assessed.is_empty(), "{:?}", outcome.not_assessed);
    }
}

#[test]
fn an_attack_weaker_than_a_single_step_is_said() {
    let limits = |given: serde_json::Value| run("RB-PGD-001", &brittle(), &given).unwrap().limits;
    let masked = |limits: &[String]| limits.iter().any(|limit| limit.contains("single step"));
    let timid = serde_json::json!({"steps": 1, "relative_step_size": 0.01, "restarts": 0});
    assert!(masked(&limits(timid)));
    assert!(!masked(&limits(serde_json::json!({}))));
}

#[test]
fn a_sturdy_model_passes_only_where_it_was_assessed() {
    let outcome = run("RB-PGD-001", &sturdy(), &serde_json::json!({})).unwrap();
    assert!(outcome.findings.is_empty());
    // Its gradient is zero in all that may move: nothing was shown.
    insta::assert_snapshot!("sturdy_RB-PGD-001", text(&outcome));
}

#[test]
fn the_gate_takes_the_organisations_own_bar() {
    let at = |minimum: f64| {
        let given =
            serde_json::json!({"minimum_robust_accuracy": minimum, "threshold_epsilon": 0.01});
        run("RB-FGSM-001", &brittle(), &given).unwrap()
    };
    let robust =
        at(0.0).measurement("robust_accuracy[epsilon=0.01]").unwrap().value.known().unwrap();
    assert!(at(robust).findings.is_empty());
    let finding = &at(robust + 0.001).findings[0];
    let threshold = finding.threshold.as_ref().unwrap();
    assert_eq!((threshold.value, threshold.minimum), (robust, Some(robust + 0.001)));
    assert_eq!(threshold.measurement, "robust_accuracy[epsilon=0.01]");
}

#[test]
fn unusable_input_is_not_assessable_and_says_why() {
    let reason = |change: &dyn Fn(&mut RobustnessInput)| {
        let mut input = brittle();
        change(&mut input);
        match run("RB-PGD-001", &input, &serde_json::json!({})) {
            Err(CheckError::NotAssessable { reason, remedy }) => format!("{reason}\n  {remedy}"),
            other => panic!("{other:?}"),
        }
    };
    let reasons = [
        reason(&|input| input.rows[5] = f32::NAN),
        reason(&|input| input.rows[6] = f32::INFINITY),
        reason(&|input| input.labels[3] = 2),
        reason(&|input| input.labels.truncate(10)),
        reason(&|input| (input.rows.clear(), input.labels.clear()).1),
        reason(&|input| input.model = Arc::new(linear(&[&[1.0], &[2.0]], &[0.0, 0.0]).load())),
        reason(&|input| {
            let fixed =
                |feature: &FeatureDomain| FeatureDomain { immutable: true, ..feature.clone() };
            input.domain = Domain::new(domain().features().iter().map(fixed).collect()).unwrap();
        }),
    ];
    insta::assert_snapshot!(reasons.join("\n"));
}

#[test]
fn parameters_outside_their_range_are_refused() {
    let refused = |given: serde_json::Value| {
        let check = CHECKS.iter().find(|check| check.meta.code == "RB-PGD-001").unwrap();
        check.parameters.resolve(given.as_object().unwrap()).unwrap_err().to_string()
    };
    let errors = [
        refused(serde_json::json!({"epsilons": [0.1, 1.5]})),
        refused(serde_json::json!({"steps": 0})),
        refused(serde_json::json!({"relative_step_size": 0.0})),
        refused(serde_json::json!({"minimum_robust_accuracy": 90})),
        refused(serde_json::json!({"restart": 3})),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_spent_budget_stops_the_attack() {
    let context = RunContext::with_seed(1);
    context.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    for check in CHECKS {
        let parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
        assert_eq!((check.run)(&brittle(), &parameters, &context), Err(CheckError::Cancelled));
    }
}

#[test]
fn a_model_that_is_always_wrong_has_nothing_to_flip() {
    let mut input = brittle();
    input.labels.iter_mut().for_each(|label| *label = 1 - *label);
    let outcome = run("RB-PGD-001", &input, &serde_json::json!({})).unwrap();
    assert!(outcome.findings.is_empty());
    assert_eq!(outcome.not_assessed.len(), 1);
    assert_eq!(outcome.measurement("clean_accuracy").unwrap().value.known(), Some(0.0));
}

#[test]
fn sampling_is_by_seed_and_said() {
    let given = serde_json::json!({"rows": 50});
    let outcome = run("RB-PGD-001", &brittle(), &given).unwrap();
    assert_eq!(outcome.measurement("clean_accuracy").unwrap().n, 50);
    assert!(outcome.limits.iter().any(|limit| limit.contains("50 of 200 rows")));
    assert_eq!(outcome, run("RB-PGD-001", &brittle(), &given).unwrap());
}
