//! Each kind of broken manifest gets a message with its place and what to do.

use caiso_core::manifest::read;
use proptest::prelude::*;

const GOOD: &str = "\
caiso: 1
system:
  name: mortgage
  purpose: Screens applications.
  owner: M. Jansen
models:
  - name: classifier
    path: model/mortgage.onnx
    dataset: test
    classes: [\"no\", \"yes\"]
    features:
      - {column: income, bounds: [0, 3]}
datasets:
  - name: test
    path: data/test.csv
    role: test
    target: deny
    favourable: \"no\"
    protected:
      - {column: race, privileged: [white]}
";

fn errors(text: &str) -> String {
    match read("caiso.yaml", text.as_bytes()) {
        Ok(_) => "no error".to_owned(),
        Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn a_good_manifest_is_read() {
    let manifest = read("caiso.yaml", GOOD.as_bytes()).unwrap();
    assert_eq!(manifest.models[0].classes.value, ["no", "yes"]);
    assert_eq!(manifest.models[0].dataset.as_ref().unwrap().line, 9);
}

#[test]
fn broken_manifests_are_explained() {
    let cases = [
        ("unknown key", GOOD.replace("favourable:", "favorable:")),
        ("missing key", GOOD.replace("  owner: M. Jansen\n", "")),
        ("broken YAML", GOOD.replace("classes: [", "classes: ")),
        ("wrong type", GOOD.replace("[0, 3]", "[low, 3]")),
        ("unknown value", GOOD.replace("role: test", "role: tets")),
        ("dangling reference", GOOD.replace("dataset: test", "dataset: tset")),
        ("path outside", GOOD.replace("data/test.csv", "../secret.csv")),
        ("absolute path", GOOD.replace("data/test.csv", "/etc/passwd")),
        ("empty interval", GOOD.replace("[0, 3]", "[3, 0]")),
        ("duplicate key", GOOD.replace("    role: test\n", "    role: test\n    role: train\n")),
        ("bad name", GOOD.replace("name: classifier", "name: Class ifier")),
        ("other version", GOOD.replace("caiso: 1", "caiso: 2")),
    ];
    let report: String =
        cases.iter().map(|(name, text)| format!("== {name}\n{}\n", errors(text))).collect();
    insta::assert_snapshot!(report);
}

#[test]
fn a_manifest_outside_utf8_names_the_place() {
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes[30] = 0xff;
    let problems = read("caiso.yaml", &bytes).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "caiso.yaml:3:14: is not UTF-8 text\n help: save the file as UTF-8"
    );
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, previous) in ('b'..='k').zip('a'..) {
        text += &format!("{name}: &{name} [{}]\n", vec![format!("*{previous}"); 9].join(", "));
    }
    assert!(errors(&text).contains("caiso.yaml"));
}

#[test]
fn the_schema_accepts_the_good_manifest_and_refuses_unknown_keys() {
    let schema = jsonschema::validator_for(&caiso_core::Manifest::schema()).unwrap();
    let value: serde_json::Value = serde_saphyr::from_str(GOOD).unwrap();
    assert!(schema.is_valid(&value), "{:?}", schema.iter_errors(&value).next());
    let mut other = value.clone();
    other["sytem"] = serde_json::json!({});
    assert!(!schema.is_valid(&other));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(position in 0..GOOD.len(), byte: u8, cut in 0..GOOD.len()) {
        let mut bytes = GOOD.as_bytes().to_vec();
        bytes[position] = byte;
        let _ = read("caiso.yaml", &bytes);
        let _ = read("caiso.yaml", &bytes[..cut]);
    }
}
