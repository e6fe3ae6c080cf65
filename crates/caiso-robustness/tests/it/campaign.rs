//! Campaigns: stopped and continued, within budgets, worst case of all, known answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use caiso_core::{Figure, Outcome, RunContext};
use caiso_inference::{Access, Differentiable, Error, Model, ModelSpec};
use caiso_robustness::{
    CAMPAIGNS, Campaign, Domain, Ended, RobustnessInput, State, Step, campaign_key,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::models::{input, linear, network, rows};

fn case(count: usize) -> RobustnessInput {
    let domain = Domain::uniform(6, 0.0, 1.0).unwrap();
    let model = network(&[6, 16, 3], 5);
    let (rows, labels) = rows(&domain, &model, count, 9);
    input(&model, domain, rows, labels)
}

fn parameters(given: &Value) -> caiso_core::Parameters {
    CAMPAIGNS[0].parameters.resolve(given.as_object().unwrap()).unwrap()
}

/// Few attacks of every kind that are there whatever else is added.
fn few() -> Value {
    json!({"attacks": ["fgsm", "bim", "pgd"], "epsilons": [0.05, 0.1, 0.2], "configurations": 2})
}

fn with(mut given: Value, more: &Value) -> Value {
    given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    given
}

fn to_end(campaign: &Campaign<'_>, mut state: State) -> State {
    let context = RunContext::with_seed(1);
    while campaign.step(&mut state, &context).unwrap() == Step::Done {}
    state
}

fn measured(outcome: &Outcome, key: &str) -> f64 {
    outcome.measurement(key).unwrap_or_else(|| panic!("no {key}")).value.known().unwrap()
}

#[test]
fn a_campaign_that_is_stopped_after_any_step_comes_to_the_same_bytes() {
    let input = case(150);
    let parameters = parameters(&few());
    let campaign = Campaign::new(&input, &parameters, 1).unwrap();
    let whole = to_end(&campaign, campaign.start());
    assert_eq!(whole.ended(), Some(Ended::Through));
    let bytes = serde_json::to_vec(&campaign.outcome(&whole, None)).unwrap();
    let mut state = campaign.start();
    let context = RunContext::with_seed(1);
    let mut steps = 0;
    while campaign.step(&mut state, &context).unwrap() == Step::Done {
        // Written down and read again, by another campaign of the same kind.
        let text = serde_json::to_string(&state).unwrap();
        state = serde_json::from_str(&text).unwrap();
        let again = Campaign::new(&input, &parameters, 1).unwrap();
        let end = to_end(&again, state.clone());
        assert_eq!(serde_json::to_vec(&again.outcome(&end, None)).unwrap(), bytes);
        steps += 1;
    }
    assert!(steps > 10, "{steps}");
    assert_eq!(state, whole);
}

#[test]
fn the_worst_case_is_at_most_that_of_every_attack_and_falls_with_epsilon() {
    let input = case(150);
    let outcome = run_check(&input, &few());
    let n = outcome.measurement("clean_accuracy").unwrap().n;
    assert_eq!(n, 150);
    let worst = |epsilon| measured(&outcome, &format!("robust_accuracy[epsilon={epsilon}]"));
    assert!(worst(0.05) >= worst(0.1) && worst(0.1) >= worst(0.2), "{outcome:?}");
    assert!(worst(0.2) < measured(&outcome, "clean_accuracy"));
    let full: Vec<_> = outcome
        .measurements
        .iter()
        .filter(|found| found.of.contains_key("attack") && found.name == "robust_accuracy")
        .collect();
    assert_eq!(full.len(), 3);
    for attack in &full {
        // Those that saw all rows cannot be worse than the worst case.
        assert!(attack.n < n || attack.value.known().unwrap() >= worst(0.1), "{attack:?}");
    }
    assert!(full.iter().any(|attack| attack.n == n));
    let finding = &outcome.findings[0];
    assert_eq!(finding.techniques, ["AML.T0015", "AML.T0043.000"]);
    let Figure::Curve { lines, .. } = &outcome.figures[0] else { panic!("no curve") };
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0].points[0], (0.0, 1.0));
    let Figure::Changes { records, .. } = &outcome.figures[1] else { panic!("no records") };
    assert_eq!(records.len(), 4);
    assert!(records[0].label.contains(" from class "), "{}", records[0].label);
}

fn run_check(input: &RobustnessInput, given: &Value) -> Outcome {
    (CAMPAIGNS[0].run)(input, &parameters(given), &RunContext::with_seed(1)).unwrap()
}

#[test]
fn examples_are_adversarial_within_their_distance_and_shown_in_the_units_of_the_model() {
    let domain = Domain::new(vec![
        caiso_robustness::FeatureDomain::continuous("income", 0.0, 300.0),
        caiso_robustness::FeatureDomain::continuous("age", 18.0, 98.0),
    ])
    .unwrap();
    // Refuses below an income of 150; nothing else counts.
    let model = linear(&[&[-0.01, 0.0], &[0.01, 0.0]], &[1.5, -1.5]);
    let (rows, labels) = rows(&domain, &model, 60, 3);
    let input = input(&model, domain, rows, labels);
    let outcome = run_check(&input, &few());
    let Figure::Changes { records, .. } = &outcome.figures[1] else { panic!("no records") };
    for record in records {
        let change = record.changes.iter().find(|change| change.feature == "income").unwrap();
        assert!((change.before < 150.0) != (change.after < 150.0), "{change:?}");
        assert_eq!(change.range, (0.0, 300.0));
        assert!((change.after - change.before).abs() <= 0.2 * 300.0 + 0.1);
    }
}

/// A model that counts what it is asked, and stops answering after some rows.
struct Remote {
    model: Arc<dyn Model>,
    access: Access,
    asked: AtomicU64,
    limit: u64,
}

impl Model for Remote {
    fn spec(&self) -> &ModelSpec {
        self.model.spec()
    }

    fn access(&self) -> Access {
        self.access
    }

    fn differentiable(&self) -> Option<&dyn Differentiable> {
        (self.access == Access::Gradients).then(|| self.model.differentiable())?
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        let count = (rows.len() / self.features()) as u64;
        if self.asked.fetch_add(count, Ordering::Relaxed) + count > self.limit {
            return Err(Error::NoAnswer("the endpoint has gone away".to_owned()));
        }
        self.model.logits(rows)
    }
}

fn remote(input: RobustnessInput, access: Access, limit: u64) -> (RobustnessInput, Arc<Remote>) {
    let asked = AtomicU64::new(0);
    let remote = Arc::new(Remote { model: input.model, access, asked, limit });
    (RobustnessInput { model: Arc::clone(&remote) as Arc<dyn Model>, ..input }, remote)
}

#[test]
fn a_model_that_dies_half_way_is_named_and_nothing_is_lost() {
    let scores = |limit| remote(case(100), Access::Scores, limit).0;
    let all = json!({"attacks": [], "queries_per_row": 40, "rows": 40, "configurations": 1});
    let parameters = parameters(&with(few(), &all));
    let dying = scores(2_000);
    let campaign = Campaign::new(&dying, &parameters, 1).unwrap();
    let mut state = campaign.start();
    let context = RunContext::with_seed(1);
    let reason = loop {
        match campaign.step(&mut state, &context).unwrap() {
            Step::Done => {}
            Step::Stopped(reason) => break reason,
            Step::Ended(ended) => panic!("{ended:?}"),
        }
    };
    assert!(reason.contains("the endpoint has gone away"), "{reason}");
    let outcome = campaign.outcome(&state, Some(&reason));
    assert!(outcome.not_assessed[0].reason.contains("the endpoint has gone away"));
    assert!(outcome.not_assessed[0].remedy.contains("--resume"));
    // Its successor carries on and comes to the same as one that never died.
    let alive = scores(u64::MAX);
    let campaign = Campaign::new(&alive, &parameters, 1).unwrap();
    let whole = to_end(&campaign, campaign.start());
    assert_eq!(to_end(&campaign, state), whole);
}

#[test]
fn the_queries_of_a_campaign_stay_within_its_budget() {
    for budget in [50, 700, 3_000, 20_000] {
        let (input, remote) = remote(case(100), Access::Gradients, u64::MAX);
        let given = with(few(), &json!({"budget_queries": budget}));
        let parameters = parameters(&given);
        let campaign = Campaign::new(&input, &parameters, 1).unwrap();
        let state = to_end(&campaign, campaign.start());
        assert!(state.queries() <= budget, "{} of {budget}", state.queries());
        let outcome = campaign.outcome(&state, None);
        if budget >= 700 {
            assert!(outcome.measurement("clean_accuracy").unwrap().n >= 4, "{outcome:?}");
        }
        drop(remote);
    }
}

#[test]
fn it_stops_when_the_answer_is_known() {
    let input = case(1_000);
    let ended = |minimum: f64, confidence: Value| {
        let more = json!({"minimum_robust_accuracy": minimum, "confidence": confidence});
        let parameters = parameters(&with(few(), &more));
        let campaign = Campaign::new(&input, &parameters, 1).unwrap();
        let state = to_end(&campaign, campaign.start());
        (state.ended().unwrap(), campaign.outcome(&state, None))
    };
    let (end, below) = ended(0.99, json!(0.95));
    assert_eq!(end, Ended::KnownBelow);
    assert!(below.measurement("clean_accuracy").unwrap().n < 1_000);
    assert_eq!(below.findings.len(), 1);
    let (end, above) = ended(0.05, json!(0.95));
    assert_eq!(end, Ended::KnownAbove);
    assert!(above.findings.is_empty(), "{above:?}");
    assert!(above.summary.contains("known with 95.0 % confidence"), "{}", above.summary);
    let (end, all) = ended(0.05, Value::Null);
    assert_eq!(end, Ended::Through);
    assert_eq!(all.measurement("clean_accuracy").unwrap().n, 1_000);
}

#[test]
fn a_model_that_is_always_wrong_is_not_robust_but_not_assessed() {
    let right = case(40);
    let labels = right.labels.iter().map(|label| (label + 1) % 3).collect();
    let outcome = run_check(&RobustnessInput { labels, ..right }, &few());
    assert_eq!(outcome.not_assessed.len(), 1);
    assert!(outcome.not_assessed[0].reason.contains("no correct decision"));
    assert!(outcome.findings.is_empty());
}

#[test]
fn the_key_depends_on_every_subject_and_on_nothing_else() {
    use caiso_core::Subject;
    let (a, b) = (Subject::new("model:a", "00"), Subject::new("dataset:b", "11"));
    let key = campaign_key(&[a.clone(), b.clone()]);
    assert_eq!(key, campaign_key(&[b.clone(), a.clone()]));
    assert_ne!(key, campaign_key(&[a, Subject::new("dataset:b", "12")]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_seed_gives_one_result_and_rows_count_once(seed in 0_u64..1_000, count in 1_usize..80) {
        let input = case(count);
        let parameters = parameters(&with(few(), &json!({"configurations": 1})));
        let campaign = Campaign::new(&input, &parameters, seed).unwrap();
        let state = to_end(&campaign, campaign.start());
        prop_assert_eq!(&to_end(&campaign, campaign.start()), &state);
        let outcome = campaign.outcome(&state, None);
        prop_assert_eq!(outcome.measurement("clean_accuracy").unwrap().n, count as u64);
    }
}
