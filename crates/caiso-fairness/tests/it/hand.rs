//! Tables by hand: known answers, every undefined case, every bound.

use caiso_core::{CheckError, Outcome, Severity, Value};
use caiso_fairness::{Attribute, FairnessInput};
use serde_json::json;

use crate::{attribute, run, table};

fn outcome(input: &FairnessInput) -> Outcome {
    run("FA-GROUP-001", input, &json!({"minimum_group_size": 5, "replicates": 200})).unwrap()
}

fn key(name: &str) -> String {
    format!("{name}[attribute=race,group=b,reference=a]")
}

fn undefined(outcome: &Outcome, name: &str) -> String {
    match &outcome.measurement(&key(name)).unwrap().value {
        Value::Undefined(reason) => reason.clone(),
        Value::Known(number) => panic!("{name} is {number}"),
    }
}

fn known(outcome: &Outcome, name: &str) -> f64 {
    outcome.measurement(&key(name)).unwrap().value.known().unwrap()
}

/// Measurements that a finding rests on.
fn broken(outcome: &Outcome) -> Vec<String> {
    let name = |f: &caiso_core::Finding| f.threshold.as_ref().map(|t| t.measurement.clone());
    outcome
        .findings
        .iter()
        .filter_map(name)
        .map(|k| k.split('[').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_table_with_known_answers() {
    // a: 40 of 50 selected, of 40 favourable 36; b: 20 of 50 selected, of 40 favourable 18.
    let outcome = outcome(&table("a", &[("a", [36, 4, 4, 6]), ("b", [18, 22, 2, 8])]));
    assert!((known(&outcome, "statistical_parity_difference") - -0.4).abs() < 1e-12);
    assert!((known(&outcome, "disparate_impact") - 0.5).abs() < 1e-12);
    assert!((known(&outcome, "equal_opportunity_difference") - -0.45).abs() < 1e-12);
    assert!((known(&outcome, "average_odds_difference") - -0.325).abs() < 1e-12);
    assert!((known(&outcome, "average_absolute_odds_difference") - 0.325).abs() < 1e-12);
    assert!((known(&outcome, "equalized_odds_difference") - 0.45).abs() < 1e-12);
    assert!((known(&outcome, "accuracy_difference") - (26.0 - 42.0) / 50.0).abs() < 1e-12);
    let bounds =
        ["disparate_impact", "equal_opportunity_difference", "average_absolute_odds_difference"];
    assert_eq!(broken(&outcome), bounds);
    assert!(outcome.not_assessed.is_empty());
    let finding = &outcome.findings[0];
    assert_eq!(finding.severity, Severity::High);
    assert_eq!(finding.location.part.as_deref(), Some("race = b"));
    assert!(finding.message.starts_with(
        "People with RACE = b get the favourable outcome (deny = no) 0.50 times as often as people \
         with RACE = a (40.0 % against 80.0 %), below the bound of 0.80; the 95 % interval"
    ), "{}", finding.message);
    assert!(finding.message.ends_with("excludes the bound."), "{}", finding.message);
    // scipy.stats.fisher_exact([[20, 30], [40, 10]])
    let p = outcome.measurement(&key("statistical_parity_difference")).unwrap().p_value.unwrap();
    assert!((p - 8.308_658_706e-5).abs() < 1e-12, "{p}");
}

#[test]
fn opposite_differences_cancel_in_the_signed_mean_alone() {
    // True positive rate 0.2 lower, false positive rate 0.2 higher.
    let outcome = outcome(&table("a", &[("a", [40, 10, 10, 40]), ("b", [30, 20, 20, 30])]));
    assert!(known(&outcome, "average_odds_difference").abs() < 1e-12);
    assert!((known(&outcome, "average_absolute_odds_difference") - 0.2).abs() < 1e-12);
    assert_eq!(
        broken(&outcome),
        ["equal_opportunity_difference", "average_absolute_odds_difference"]
    );
}

#[test]
fn the_rule_protects_the_privileged_side_too() {
    let outcome = outcome(&table("a", &[("a", [25, 25, 25, 25]), ("b", [40, 10, 40, 10])]));
    let finding = &outcome.findings[0];
    assert_eq!(finding.location.part.as_deref(), Some("race = a"));
    assert!(finding.message.contains("0.62 times"), "{}", finding.message);
    let threshold = finding.threshold.as_ref().unwrap();
    assert_eq!(
        (threshold.value, threshold.minimum, threshold.maximum),
        (1.6, Some(0.8), Some(1.25))
    );
}

#[test]
fn bounds_themselves_pass() {
    // Ratio 0.8, true positive rates 0.8 and 0.7: 0.1 within rounding is not beyond.
    let equal = table("a", &[("a", [100, 0, 0, 0]), ("b", [80, 20, 0, 0])]);
    let parameters = json!({"maximum_equal_opportunity_difference": 0.2, "replicates": 200});
    let outcome = run("FA-GROUP-001", &equal, &parameters).unwrap();
    assert!(broken(&outcome).is_empty(), "{:?}", broken(&outcome));
}

#[test]
fn an_interval_that_includes_the_bound_says_so() {
    let outcome = outcome(&table("a", &[("a", [20, 2, 2, 6]), ("b", [14, 3, 2, 11])]));
    let message = &outcome.findings[0].message;
    assert!(message.contains("includes the bound, so the data do not settle it"), "{message}");
}

#[test]
fn nobody_of_the_privileged_is_selected() {
    let outcome = outcome(&table("a", &[("a", [0, 10, 0, 10]), ("b", [5, 5, 5, 5])]));
    assert_eq!(undefined(&outcome, "disparate_impact"), "nobody with race = a is selected");
    // The ratio of the other direction is 0.
    let finding = &outcome.findings[0];
    assert_eq!(finding.location.part.as_deref(), Some("race = a"));
    assert!(finding.message.contains("0.00 times") && finding.threshold.is_none());
}

#[test]
fn nobody_at_all_is_selected() {
    let outcome = outcome(&table("a", &[("a", [0, 10, 0, 10]), ("b", [0, 5, 0, 5])]));
    assert_eq!(undefined(&outcome, "disparate_impact"), "nobody with race = a is selected");
    assert_eq!(undefined(&outcome, "chi_squared"), "everybody or nobody is selected");
    assert!(outcome.findings.is_empty());
    assert_eq!(outcome.not_assessed.len(), 1);
    assert_eq!(outcome.not_assessed[0].what, "disparate impact of RACE = b");
}

#[test]
fn a_group_without_favourable_truth() {
    let outcome = outcome(&table("a", &[("a", [8, 2, 3, 7]), ("b", [0, 0, 6, 6])]));
    let reason = "no row with race = b is truly favourable";
    for name in [
        "equal_opportunity_difference",
        "average_odds_difference",
        "average_absolute_odds_difference",
        "equalized_odds_difference",
    ] {
        assert_eq!(undefined(&outcome, name), reason);
        assert!(outcome.measurement(&key(name)).unwrap().interval.is_none());
    }
    let what: Vec<&str> = outcome.not_assessed.iter().map(|n| n.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "equal opportunity difference of RACE = b",
            "average absolute odds difference of RACE = b"
        ]
    );
    let rate = outcome.measurement("true_positive_rate[attribute=race,group=b]").unwrap();
    assert_eq!(rate.value, Value::Undefined(reason.to_owned()));
}

#[test]
fn groups_without_unfavourable_truth() {
    let outcome = outcome(&table("a", &[("a", [8, 2, 0, 0]), ("b", [7, 5, 0, 0])]));
    assert!(known(&outcome, "equal_opportunity_difference") < 0.0);
    assert_eq!(
        undefined(&outcome, "equalized_odds_difference"),
        "no row with race = b is truly unfavourable; no row with race = a is truly unfavourable"
    );
}

#[test]
fn rare_outcomes_leave_no_bootstrap_interval() {
    // One favourable row in b: a third of the resamples has none.
    let outcome = outcome(&table("a", &[("a", [8, 2, 3, 7]), ("b", [1, 0, 6, 6])]));
    let measurement = outcome.measurement(&key("average_absolute_odds_difference")).unwrap();
    assert!(measurement.value.known().is_some() && measurement.interval.is_none());
    assert!(outcome.limits.iter().any(|limit| limit.contains("resamples lack an outcome")));
}

#[test]
fn small_groups_are_not_shown_and_small_sides_not_assessed() {
    let input = table("a", &[("a", [8, 2, 3, 7]), ("b", [5, 5, 6, 6]), ("c", [1, 1, 1, 1])]);
    let outcome = outcome(&input);
    assert!(outcome.measurement("selection_rate[attribute=race,group=c]").is_none());
    assert!(outcome.measurement("selection_rate[attribute=race,group=b or c]").is_some());
    assert_eq!(outcome.limits[0], "1 group of RACE with fewer than 5 rows not shown: c.");
    assert!(outcome.not_assessed.is_empty());

    let small =
        run("FA-GROUP-001", &table("a", &[("a", [8, 2, 3, 7]), ("c", [1, 1, 1, 1])]), &json!({}))
            .unwrap();
    assert!(small.findings.is_empty() && small.measurements.is_empty());
    assert_eq!(small.not_assessed[0].what, "fairness by RACE");
    assert!(small.not_assessed[0].reason.contains("fewer than 30 rows"));
    assert_eq!(small.summary, "No protected attribute could be compared.");
}

#[test]
fn missing_values_are_a_group_of_their_own() {
    let outcome = outcome(&table("a", &[("a", [8, 2, 3, 7]), ("", [5, 5, 6, 6])]));
    assert!(outcome.measurement("selection_rate[attribute=race,group=(missing)]").is_some());
}

#[test]
fn inputs_that_do_not_fit_together() {
    let good = table("a", &[("a", [8, 2, 3, 7]), ("b", [5, 5, 6, 6])]);
    let reason = |change: &dyn Fn(&mut FairnessInput)| {
        let mut input = good.clone();
        change(&mut input);
        match run("FA-GROUP-001", &input, &json!({})).unwrap_err() {
            CheckError::NotAssessable { reason, .. } => reason,
            other => panic!("{other}"),
        }
    };
    assert_eq!(reason(&|i| i.attributes.clear()), "the data set names no protected attribute");
    assert_eq!(reason(&|i| i.actual.clear()), "there are no rows");
    assert_eq!(reason(&|i| i.predicted.truncate(3)), "`predicted` has 3 rows, expected 42");
    assert_eq!(reason(&|i| i.attributes[0].groups.truncate(3)), "`race` has 3 rows, expected 42");
    assert_eq!(reason(&|i| i.attributes[0].groups[4] = 9), "row 5 of `race` is in group 9 of 2");
    assert_eq!(
        reason(&|i| i.attributes[0].privileged = vec!["A".to_owned()]),
        "no group of `race` is `A`; groups: a, b"
    );
    let wide = |i: &mut FairnessInput| {
        let attribute =
            Attribute { values: vec!["a".to_owned(); 1 << 16], ..i.attributes[0].clone() };
        i.attributes = vec![attribute; 5];
    };
    assert_eq!(reason(&wide), "the protected attributes have more than 2^64 combinations");
    assert!(matches!(
        run("FA-INTER-001", &good, &json!({})),
        Err(CheckError::NotAssessable { .. })
    ));
}

#[test]
fn a_spent_budget_stops_the_bootstrap() {
    let check = caiso_fairness::ALL[0];
    let parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
    let context = caiso_core::RunContext::with_seed(1);
    context.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    let input = table("a", &[("a", [20, 20, 20, 20]), ("b", [20, 20, 20, 20])]);
    assert_eq!((check.run)(&input, &parameters, &context), Err(CheckError::Cancelled));
}

#[test]
fn intersections_find_what_single_attributes_hide() {
    // Each race and each sex is selected half of the time; black women and white men never
    // differ from chance alone, but the combinations do.
    let mut rows: Vec<(&str, &str, bool)> = Vec::new();
    for (race, sex, selected, n) in [
        ("a", "m", 40, 50),
        ("a", "f", 10, 50),
        ("b", "m", 10, 50),
        ("b", "f", 40, 50),
        ("c", "f", 1, 4),
    ] {
        rows.extend((0..n).map(|row| (race, sex, row < selected)));
    }
    let column = |pick: fn(&(&'static str, &'static str, bool)) -> &'static str| {
        rows.iter().map(pick).collect::<Vec<_>>()
    };
    let input = FairnessInput {
        component: "model:m".to_owned(),
        favourable: "hired".to_owned(),
        actual: rows.iter().map(|row| row.2).collect(),
        predicted: rows.iter().map(|row| row.2).collect(),
        attributes: vec![
            attribute("race", &column(|row| row.0), &["a"]),
            attribute("sex", &column(|row| row.1), &["m"]),
        ],
        ..FairnessInput::default()
    };
    let outcome = run("FA-INTER-001", &input, &json!({})).unwrap();
    let parts: Vec<&str> =
        outcome.findings.iter().filter_map(|f| f.location.part.as_deref()).collect();
    assert_eq!(parts, ["race = a and sex = f", "race = b and sex = m"]);
    assert!(outcome.findings.iter().all(|f| f.severity == Severity::High));
    assert_eq!(
        outcome.limits[0],
        "1 combination of RACE and SEX with fewer than 30 rows suppressed."
    );
    assert_eq!(
        outcome.summary,
        "2 of 3 combinations of protected values break a bound, 2 of them beyond chance."
    );
    let alone = run("FA-GROUP-001", &input, &json!({"replicates": 200})).unwrap();
    assert!(alone.findings.iter().all(|f| !f.message.contains("SEX = ")), "{:?}", alone.findings);
}

#[test]
fn a_gap_that_chance_explains_is_medium_in_intersections() {
    let mut input = table("a", &[("a", [20, 0, 0, 15]), ("b", [13, 0, 0, 19])]);
    let same = vec!["x"; input.actual.len()];
    input.attributes.push(attribute("sex", &same, &["x"]));
    let outcome = run("FA-INTER-001", &input, &json!({})).unwrap();
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(outcome.findings[0].severity, Severity::Medium);
    assert!(outcome.findings[0].message.contains("chance alone could explain it"));
}
