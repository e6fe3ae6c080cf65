//! Who has skill and who has none.

use caiso_core::{Outcome, Severity, Value};
use caiso_evals::{HAS_SKILL, SkillInput};
use caiso_math::Stream;
use proptest::prelude::*;
use serde_json::json;

use crate::{rows, run};

fn outcome(input: &SkillInput) -> Outcome {
    run(input, &json!({})).unwrap()
}

fn has_skill(input: &SkillInput) -> bool {
    outcome(input).facts[HAS_SKILL] == "yes"
}

fn known(outcome: &Outcome, key: &str) -> f64 {
    outcome.measurement(key).unwrap_or_else(|| panic!("no {key}")).value.known().unwrap()
}

#[test]
fn a_constant_has_none_however_accurate() {
    let outcome = outcome(&rows([[880, 0], [120, 0]]));
    assert_eq!(outcome.facts[HAS_SKILL], "no");
    assert_eq!(known(&outcome, "accuracy"), 0.88);
    assert_eq!(known(&outcome, "accuracy_gain"), 0.0);
    assert_eq!(known(&outcome, "balanced_skill"), 0.0);
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(outcome.findings[0].severity, Severity::High);
    assert!(outcome.findings[0].message.contains("88.0 %"), "{}", outcome.findings[0].message);
    assert_eq!(outcome.findings[0].threshold.as_ref().unwrap().minimum, Some(0.0));
}

#[test]
fn less_accurate_than_the_constant_can_still_know_something() {
    // Finds 90 of 120 at the price of 150 false alarms.
    let outcome = outcome(&rows([[730, 150], [30, 90]]));
    assert!(known(&outcome, "accuracy_gain") < 0.0);
    assert_eq!(outcome.facts[HAS_SKILL], "yes");
    assert!(outcome.findings.is_empty());
    let skill = known(&outcome, "balanced_skill");
    assert!((skill - (730.0 / 880.0 + 90.0 / 120.0 - 1.0)).abs() < 1e-12, "Youden's index");
}

#[test]
fn known_answers() {
    let outcome = outcome(&rows([[40, 10, 0], [5, 20, 5], [0, 5, 15]]));
    assert!((known(&outcome, "accuracy") - 0.75).abs() < 1e-12);
    assert!((known(&outcome, "constant_accuracy[class=c0]") - 0.5).abs() < 1e-12);
    assert!((known(&outcome, "accuracy_gain") - 0.25).abs() < 1e-12);
    let balanced = (40.0 / 50.0 + 20.0 / 30.0 + 15.0 / 20.0) / 3.0;
    assert!((known(&outcome, "balanced_accuracy") - balanced).abs() < 1e-12);
    assert!((known(&outcome, "balanced_skill") - (balanced - 1.0 / 3.0) * 1.5).abs() < 1e-12);
    // 35 rows only the model gets right, 10 only the constant: twice the binomial tail P(X ≤ 10),
    // X ~ B(45, 1/2).
    let p = outcome.measurement("accuracy_gain").unwrap().p_value.unwrap();
    let tail: f64 =
        (0..=10).map(|k| (0..k).fold(1.0, |c, i| c * f64::from(45 - i) / f64::from(i + 1))).sum();
    assert!((p - 2.0 * tail * 0.5_f64.powi(45)).abs() < 1e-12, "{p}");
}

#[test]
fn few_lucky_rows_prove_little() {
    // Two right answers on a class of two rows among 40: the interval reaches chance level.
    assert!(!has_skill(&rows([[25, 13], [1, 1]])));
    assert!(has_skill(&rows([[20, 0], [0, 20]])));
}

#[test]
fn a_stricter_minimum_is_a_finding_though_there_is_skill() {
    let outcome = run(&rows([[300, 100], [100, 300]]), &json!({"minimum_skill": 0.6})).unwrap();
    assert_eq!(outcome.facts[HAS_SKILL], "yes");
    assert!(outcome.findings[0].message.contains("minimum of 0.60"));
}

#[test]
fn a_class_without_rows_is_not_assessed_and_does_not_count() {
    let outcome = outcome(&rows([[30, 5, 5], [5, 30, 5], [0, 0, 0]]));
    assert_eq!(outcome.not_assessed[0].what, "recognition of c2");
    assert!((known(&outcome, "balanced_accuracy") - 0.75).abs() < 1e-12);
    assert!((known(&outcome, "balanced_skill") - 0.5).abs() < 1e-12);
}

#[test]
fn probabilities_are_scored_beside_the_decisions() {
    let mut input = rows([[70, 10], [5, 15]]);
    let told = |answer: usize| if answer == 1 { [0.3, 0.7] } else { [0.9, 0.1] };
    input.probabilities = Some(input.predicted.iter().flat_map(|&answer| told(answer)).collect());
    let outcome = outcome(&input);
    // Brier: 2 × mean of (1 - p of the true class)².
    let brier = 2.0 * (70.0 * 0.01 + 10.0 * 0.49 + 5.0 * 0.81 + 15.0 * 0.09) / 100.0;
    assert!((known(&outcome, "brier_score") - brier).abs() < 1e-6);
    assert!((known(&outcome, "brier_skill_score") - (1.0 - brier / 0.32)).abs() < 1e-6);
    // Area: P(higher) + P(equal)/2.
    let area = 0.75 * (70.0 / 80.0) + 0.5 * (0.75 * 0.125 + 0.25 * 0.875);
    assert!((known(&outcome, "roc_auc") - area).abs() < 1e-12);
    assert!(outcome.measurement("log_loss_skill_score").unwrap().interval.is_some());
    insta::assert_json_snapshot!(outcome);
}

#[test]
fn an_impossible_event_makes_the_loss_infinite() {
    let mut input = rows([[30, 0], [1, 9]]);
    let sure = |answer: usize| if answer == 1 { [0.0, 1.0] } else { [1.0, 0.0] };
    input.probabilities = Some(input.predicted.iter().flat_map(|&answer| sure(answer)).collect());
    let outcome = outcome(&input);
    let reason = "the true class has probability 0 in 1 rows, so the loss is infinite";
    assert_eq!(outcome.measurement("log_loss").unwrap().value, Value::Undefined(reason.to_owned()));
    assert!(known(&outcome, "brier_skill_score") > 0.0);
}

/// A predictor that ignores the truth is called skilled no more often than the level allows.
#[test]
fn chance_is_rarely_called_skill() {
    let mut stream = Stream::new(11, "test", 0);
    let mut called = 0;
    let trials = 600;
    for _ in 0..trials {
        let mut input = rows([[0, 0], [0, 0]]);
        for _ in 0..150 {
            input.actual.push(usize::from(stream.next_f64() < 0.3));
            input.predicted.push(usize::from(stream.next_f64() < 0.4));
        }
        called += u32::from(has_skill(&input));
    }
    // 2.5 % expected; 5 % would be four standard errors above.
    assert!(called <= trials / 20, "{called} of {trials}");
}

proptest! {
    #[test]
    fn order_of_rows_and_names_of_classes_are_no_matter(
        pairs in prop::collection::vec((0..3_usize, 0..3_usize), 40..120),
    ) {
        let make = |pairs: &[(usize, usize)], rename: [usize; 3]| SkillInput {
            classes: vec!["x".to_owned(), "y".to_owned(), "z".to_owned()],
            actual: pairs.iter().map(|pair| rename[pair.0]).collect(),
            predicted: pairs.iter().map(|pair| rename[pair.1]).collect(),
            ..SkillInput::default()
        };
        let Ok(first) = run(&make(&pairs, [0, 1, 2]), &json!({})) else { return Ok(()) };
        let reversed: Vec<_> = pairs.iter().rev().copied().collect();
        prop_assert_eq!(&first, &run(&make(&reversed, [0, 1, 2]), &json!({})).unwrap());
        let renamed = run(&make(&pairs, [2, 0, 1]), &json!({})).unwrap();
        for name in ["accuracy", "accuracy_gain", "balanced_accuracy", "balanced_skill"] {
            // The gain depends on which of two equally frequent classes is the constant only in
            // its test, never in its value.
            prop_assert!((known(&first, name) - known(&renamed, name)).abs() < 1e-12, "{}", name);
        }
        let skill = first.measurement("balanced_skill").unwrap();
        prop_assert!(skill.value.known().unwrap() <= 1.0 && skill.interval.as_ref().unwrap().high <= 1.0 + 1e-12);
    }
}
