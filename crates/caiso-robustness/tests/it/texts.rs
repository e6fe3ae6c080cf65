//! Attacks on texts, against a bag of words.

use caiso_core::RunContext;
use caiso_inference::{Access, Error, LogitTap, TextModel, TextSpec};
use caiso_robustness::{
    Looks, TEXT_ATTACKS, TextAttacked, TextProblem, TextSettings, find_text, run_text,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Class 1 if good words outweigh bad ones; a word counts if it is spelled exactly.
struct BagOfWords {
    spec: TextSpec,
    access: Access,
    /// Gives no answer to texts that hold this.
    chokes_on: &'static str,
}

const WEIGHTS: [(&str, f32); 7] = [
    ("excellent", 2.0),
    ("good", 1.0),
    ("joy", 1.5),
    ("boring", -1.0),
    ("terrible", -2.0),
    ("bad", -1.5),
    ("film", 0.05),
];

impl BagOfWords {
    fn new(access: Access) -> Self {
        let spec = TextSpec { classes: 2, tap: LogitTap::Output, labels: Vec::new() };
        Self { spec, access, chokes_on: "\0" }
    }

    fn score(text: &str) -> f32 {
        let words = text.split(|c: char| !c.is_alphanumeric() && !c.is_control() && c.is_ascii());
        words
            .filter_map(|word| WEIGHTS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)))
            .map(|(_, weight)| weight)
            .sum::<f32>()
            - 0.01
    }
}

impl TextModel for BagOfWords {
    fn spec(&self) -> &TextSpec {
        &self.spec
    }

    fn access(&self) -> Access {
        self.access
    }

    fn logits(&self, texts: &[String]) -> Result<Vec<f32>, Error> {
        if texts.iter().any(|text| text.contains(self.chokes_on)) {
            return Err(Error::NoAnswer("the endpoint is gone".to_owned()));
        }
        let logits = texts.iter().flat_map(|text| {
            let score = Self::score(text);
            match self.access {
                Access::Labels => [f32::from(score <= 0.0), f32::from(score > 0.0)],
                _ => [-score, score],
            }
        });
        Ok(logits.collect())
    }
}

/// Texts, their classes, and how many of their words have to be hidden at least.
fn texts() -> (Vec<String>, Vec<usize>, Vec<usize>) {
    let cases = [
        ("An excellent film, and that's all there is to say about it today.", 1, 2),
        (
            "Good acting, and a joy to watch from the first minute to the very last one of all.",
            1,
            2,
        ),
        ("What a terrible, boring waste of a good evening with friends and family!", 0, 2),
        ("It is good.", 1, 1),
        (
            "Excellent, excellent, excellent; but a little bit boring towards the end, they say.",
            1,
            3,
        ),
    ];
    (
        cases.iter().map(|(text, ..)| (*text).to_owned()).collect(),
        cases.iter().map(|&(_, label, _)| label).collect(),
        cases.iter().map(|&(.., least)| least).collect(),
    )
}

fn attack(name: &str, parameters: &Value, model: &BagOfWords, queries: u64) -> TextAttacked {
    let (texts, labels, _) = texts();
    let attack = find_text(name).unwrap();
    let parameters = attack.parameters.resolve(parameters.as_object().unwrap()).unwrap();
    let problem = TextProblem { model, texts: &texts, labels: &labels };
    let settings = TextSettings { queries, ..TextSettings::default() };
    run_text(attack, &parameters, &problem, &settings, &RunContext::with_seed(3), &|_| ()).unwrap()
}

#[test]
fn guided_attacks_hide_no_more_words_than_they_have_to() {
    let (texts, labels, least) = texts();
    let model = BagOfWords::new(Access::Scores);
    for name in ["deepwordbug", "textbugger", "badchars"] {
        let attacked = attack(name, &json!({}), &model, u64::MAX);
        assert!(attacked.stopped.is_none());
        for (i, result) in attacked.texts.iter().enumerate() {
            assert_eq!(result.flipped, Some(1 - labels[i]), "{name} {result:?}");
            assert_eq!(model.predict(std::slice::from_ref(&result.text)).unwrap(), [1 - labels[i]]);
            assert_eq!(result.words_changed, least[i], "{name} {}", result.text);
            assert!(result.edit_distance >= least[i] && result.text != texts[i]);
            assert!(result.finished);
        }
    }
}

#[test]
fn labels_alone_are_enough() {
    let (_, labels, _) = texts();
    let model = BagOfWords::new(Access::Labels);
    for name in ["deepwordbug", "textbugger", "badchars"] {
        let attacked = attack(name, &json!({"max_words": 1.0, "max_edits": 200}), &model, u64::MAX);
        for (result, label) in attacked.texts.iter().zip(&labels) {
            assert_eq!(result.flipped, Some(1 - label), "{name} {result:?}");
            assert_eq!(model.predict(std::slice::from_ref(&result.text)).unwrap(), [1 - label]);
            assert!(result.words_changed <= 3, "what was not needed is taken back: {result:?}");
        }
    }
}

#[test]
fn each_kind_of_bad_characters_looks_the_same() {
    let model = BagOfWords::new(Access::Scores);
    let (texts, ..) = texts();
    for kind in ["invisible", "homoglyph", "reorder", "deletion"] {
        let attacked = attack("badchars", &json!({"kinds": [kind]}), &model, u64::MAX);
        let flips = attacked.texts.iter().filter(|result| result.flipped.is_some()).count();
        assert_eq!(flips, texts.len(), "{kind}");
        for (result, text) in attacked.texts.iter().zip(&texts) {
            let added = result.text.chars().filter(|c| !c.is_ascii()).count();
            match kind {
                "homoglyph" => assert_eq!(result.text.chars().count(), text.chars().count()),
                "deletion" => assert!(result.text.contains('\u{8}')),
                "invisible" => assert_eq!(result.text.replace('\u{200b}', ""), *text),
                _ => assert!(added >= 2),
            }
        }
    }
    assert_eq!(find_text("badchars").unwrap().looks, Looks::Same);
}

#[test]
fn random_typing_errors_are_what_chance_finds() {
    let model = BagOfWords::new(Access::Labels);
    let many = attack("typos", &json!({"typos": 3, "repeats": 200}), &model, u64::MAX);
    // The last text falls to one choice of three words in 364.
    for result in &many.texts[..4] {
        assert!(result.flipped.is_some() && result.words_changed == 3, "{result:?}");
        assert_eq!(result.queries, 201);
        // A swap is two characters.
        assert_eq!(result.edit_distance, 2 * result.words_changed);
    }
    let one = attack("typos", &json!({"typos": 1, "repeats": 200}), &model, u64::MAX);
    let flipped: Vec<bool> = one.texts.iter().map(|result| result.flipped.is_some()).collect();
    assert_eq!(
        flipped,
        [false, false, false, true, false],
        "one word is not enough for the others"
    );
}

#[test]
fn a_text_is_attacked_alike_on_any_number_of_threads() {
    let model = BagOfWords::new(Access::Scores);
    for unit in TEXT_ATTACKS {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| attack(unit.meta.name, &json!({}), &model, 500).texts)
        };
        assert_eq!(on(1), on(3), "{}", unit.meta.name);
    }
}

#[test]
fn no_text_costs_more_than_its_queries() {
    let model = BagOfWords::new(Access::Scores);
    for unit in TEXT_ATTACKS {
        for limit in [0, 1, 2, 9, 20, 40] {
            for result in attack(unit.meta.name, &json!({}), &model, limit).texts {
                assert!(result.queries <= limit + 1, "{} {result:?}", unit.meta.name);
            }
        }
    }
}

#[test]
fn a_model_that_dies_leaves_what_was_found() {
    let model = BagOfWords { chokes_on: "Godo", ..BagOfWords::new(Access::Labels) };
    let attacked = attack("typos", &json!({"typos": 2, "repeats": 200}), &model, u64::MAX);
    assert_eq!(attacked.stopped.as_deref(), Some("the endpoint is gone"));
    assert!(attacked.texts[2].flipped.is_some(), "the other texts are attacked");
    assert!(!attacked.texts[1].finished || attacked.texts[1].flipped.is_some());
}

/// A model that decides by a sum over all characters, so that any edit may change its mind.
struct Checksum(TextSpec);

impl TextModel for Checksum {
    fn spec(&self) -> &TextSpec {
        &self.0
    }

    fn access(&self) -> Access {
        Access::Scores
    }

    fn logits(&self, texts: &[String]) -> Result<Vec<f32>, Error> {
        let sum = |text: &String| {
            text.chars().fold(7_u32, |sum, c| sum.wrapping_mul(31).wrapping_add(u32::from(c)))
        };
        Ok(texts.iter().flat_map(|text| [0.0, (sum(text) % 101) as f32 - 70.0]).collect())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the text, what is reported is what the model says, and nothing outside of words changes.
    #[test]
    fn any_text_can_be_attacked(
        texts in prop::collection::vec("(\\PC|[a-zA-Z' \n]){0,40}", 1..4),
        queries in 0_u64..60,
    ) {
        let model = Checksum(TextSpec { classes: 2, tap: LogitTap::Output, labels: Vec::new() });
        let labels = model.predict(&texts).unwrap();
        let between = |text: &str| -> String {
            let kept = |c: &char| !c.is_alphanumeric() && !c.is_control() && c.is_ascii() && *c != ' ';
            text.chars().filter(kept).filter(|c| !"@'".contains(*c)).collect()
        };
        for unit in TEXT_ATTACKS {
            let parameters = unit.parameters.resolve(&serde_json::Map::new()).unwrap();
            let problem = TextProblem { model: &model, texts: &texts, labels: &labels };
            let settings = TextSettings { queries, ..TextSettings::default() };
            let context = RunContext::with_seed(9);
            let attacked =
                run_text(unit, &parameters, &problem, &settings, &context, &|_| ()).unwrap();
            for (result, (text, label)) in attacked.texts.iter().zip(texts.iter().zip(&labels)) {
                prop_assert!(result.queries <= queries + 1);
                let class = model.predict(std::slice::from_ref(&result.text)).unwrap()[0];
                prop_assert_eq!(result.flipped.unwrap_or(*label), class);
                prop_assert_eq!(result.flipped.is_some(), result.text != *text);
                prop_assert_eq!(result.edit_distance > 0, result.words_changed > 0);
                prop_assert_eq!(between(&result.text), between(text), "{}", unit.meta.name);
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let model = BagOfWords::new(Access::Labels);
    let refused = |texts: &[String], labels: &[usize]| -> String {
        let attack = find_text("typos").unwrap();
        let parameters = attack.parameters.resolve(&serde_json::Map::new()).unwrap();
        let problem = TextProblem { model: &model, texts, labels };
        let context = RunContext::with_seed(1);
        run_text(attack, &parameters, &problem, &TextSettings::default(), &context, &|_| ())
            .unwrap_err()
            .to_string()
    };
    let text = ["good".to_owned()];
    assert_eq!(refused(&[], &[]), "there are no rows");
    assert_eq!(refused(&text, &[1, 0]), "2 labels were given for 1 texts");
    assert_eq!(refused(&text, &[2]), "row 1 has class 2, the model knows 2 classes, from 0");
}
