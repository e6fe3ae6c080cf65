//! Wrong answers get a clear message.

use caiso_compliance::{Answers, Frameworks};

fn problems(text: &str) -> Vec<String> {
    let procedure = &Frameworks::embedded().procedure;
    Answers::read(procedure, "answers.yaml", text.as_bytes())
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn every_wrong_answer_is_reported_with_place_and_remedy() {
    let text = "profilling: true\n\
                annex_iii_points: [5-b, 5-e]\n\
                deployer_kind: bank\n\
                decides_on_people: maybe\n\
                gpai_training_flop: -1\n\
                roles: provider\n";
    insta::assert_snapshot!(problems(text).join("\n"));
}

#[test]
fn broken_files_are_refused() {
    assert!(problems("profiling: [").len() == 1);
    assert!(problems("- profiling\n")[0].contains("answers.yaml:1:1"));
    let procedure = &Frameworks::embedded().procedure;
    let latin1 = Answers::read(procedure, "a.yaml", b"roles: \xe9").unwrap_err();
    assert_eq!(latin1[0].to_string(), "a.yaml: is not UTF-8 text (byte 7)");
    let huge = vec![b'#'; 1 << 19];
    let huge = Answers::read(procedure, "a.yaml", &huge).unwrap_err();
    assert_eq!(huge[0].to_string(), "a.yaml: is 524288 bytes, expected at most 262144");
    let twice = problems("profiling: true\nprofiling: false\n");
    assert!(twice[0].contains("duplicate"), "{twice:?}");
}

#[test]
fn null_means_not_answered_and_a_number_can_name_a_point() {
    let procedure = &Frameworks::embedded().procedure;
    let text = b"profiling: null\nannex_iii_points: [2]\n";
    let answers = Answers::read(procedure, "a.yaml", text).unwrap();
    assert!(answers.get("profiling").is_none());
    assert_eq!(serde_json::to_string(&answers).unwrap(), r#"{"annex_iii_points":["2"]}"#);
}
