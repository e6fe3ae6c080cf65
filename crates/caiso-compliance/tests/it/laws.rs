//! Laws of the logic and of the walk.

use caiso_compliance::{Answers, Class, Frameworks, Truth, classify};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use Truth::{No, Unknown, Yes};

const ALL: [Truth; 3] = [No, Unknown, Yes];

#[test]
fn kleene_tables() {
    let and = |a, b| Truth::all([a, b]);
    let or = |a, b| Truth::any([a, b]);
    assert_eq!(and(No, Unknown), No);
    assert_eq!(and(Unknown, Yes), Unknown);
    assert_eq!(or(Unknown, Yes), Yes);
    assert_eq!(or(No, Unknown), Unknown);
    assert_eq!(!Unknown, Unknown);
    for a in ALL {
        assert_eq!(!!a, a);
        for b in ALL {
            assert_eq!(!and(a, b), or(!a, !b), "De Morgan");
            assert_eq!(and(a, b), and(b, a));
            assert_eq!(and(a, or(a, b)), a, "absorption");
            for c in ALL {
                assert_eq!(and(a, or(b, c)), or(and(a, b), and(a, c)), "distribution");
            }
        }
    }
    assert_eq!(Truth::all([]), Yes);
    assert_eq!(Truth::any([]), No);
}

/// Answers to any part of the questions.
fn some_answers() -> impl Strategy<Value = Map<String, Value>> {
    let procedure = &Frameworks::embedded().procedure;
    let each: Vec<_> = procedure
        .facts
        .iter()
        .map(|(name, fact)| {
            use caiso_compliance::FactKind;
            let values = fact.values.clone();
            let answer: BoxedStrategy<Value> = match fact.kind {
                FactKind::Bool => any::<bool>().prop_map(Value::from).boxed(),
                FactKind::Number => select(vec![0.0, 1e25, 2e25]).prop_map(Value::from).boxed(),
                FactKind::Enum => select(values).prop_map(Value::from).boxed(),
                FactKind::Set => {
                    let length = values.len();
                    subsequence(values, 0..=length).prop_map(|set| json!(set)).boxed()
                }
            };
            let answer = prop_oneof![4 => answer, 1 => Just(Value::Null)];
            (Just(name.clone()), answer)
        })
        .collect();
    each.prop_map(|pairs| pairs.into_iter().collect())
}

fn walk(answers: &Map<String, Value>) -> caiso_compliance::Classification {
    let frameworks = Frameworks::embedded();
    classify(frameworks, &Answers::new(&frameworks.procedure, answers).unwrap())
}

proptest! {
    #[test]
    fn every_walk_ends_with_a_class_and_known_obligations(answers in some_answers()) {
        let found = walk(&answers);
        prop_assert!(found.headline.is_some() || found.provisional);
        for key in found.obligations.iter().chain(&found.prohibited).chain(&found.route) {
            prop_assert!(Frameworks::embedded().requirement(key).is_some(), "{}", key);
        }
        prop_assert_eq!(walk(&answers), found);
    }

    /// More knowledge never contradicts: a final result stays when the rest is answered.
    #[test]
    fn a_final_result_does_not_change_when_more_is_answered(
        answers in some_answers(), more in some_answers(),
    ) {
        let before = walk(&answers);
        if before.provisional {
            return Ok(());
        }
        let mut both = more;
        both.extend(answers.into_iter().filter(|(_, answer)| !answer.is_null()));
        let after = walk(&both);
        prop_assert_eq!(after.classes, before.classes);
        prop_assert_eq!(after.obligations, before.obligations);
    }

    /// Leaving a question of Annex III open never gives a milder class than any answer to it.
    #[test]
    fn an_open_question_is_never_milder(
        mut answers in some_answers(),
        fact in select(vec!["annex_iii_points", "annex_iii_exclusion", "profiling",
            "no_significant_risk", "filter_conditions", "rbi"]),
    ) {
        let known = walk(&answers);
        answers.insert(fact.to_owned(), Value::Null);
        let open = walk(&answers);
        if known.is(Class::HighRiskAnnexIii) {
            prop_assert!(open.is(Class::HighRiskAnnexIii), "{} {:?}", fact, open.classes);
        }
    }
}
