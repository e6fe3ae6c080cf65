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
        (
            "inputs twice",
            GOOD.replace(
                "    features:",
                "    inputs: {columns: \"p*\", bounds: [0, 1]}\n    features:",
            ),
        ),
        (
            "lonely category",
            GOOD.replace("    features:", "    one_hot: [[income]]\n    features:"),
        ),
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

const ENDPOINT: &str = "\
endpoints:
  - name: scoring
    url: https://scoring.example.org/predict
    headers: {Authorization: \"Bearer ${TOKEN}\"}
    body: {instances: \"{{rows}}\"}
    answer: {probabilities: /predictions}
    classes: [refused, granted]
    labels: [\"0\", \"1\"]
    features:
      - {column: income, bounds: [0, 3]}
      - {column: debt}
    input_shape: [2, 1]
    dataset: test
    batch: 8
    rate: 20
    timeout: 5
    budget: 1000
";

#[test]
fn endpoints_are_described_or_only_named() {
    let named = format!("{GOOD}endpoints:\n  - {{name: api, url: \"grpc://api.example.org\"}}\n");
    let manifest = read("caiso.yaml", named.as_bytes()).unwrap();
    let endpoint = &manifest.endpoints[0];
    assert!(endpoint.body.is_none() && endpoint.answer.is_none());
    assert_eq!((endpoint.batch.value, endpoint.concurrency.value), (32, 1));

    let manifest = read("caiso.yaml", format!("{GOOD}{ENDPOINT}").as_bytes()).unwrap();
    let endpoint = &manifest.endpoints[0];
    assert_eq!(endpoint.method.as_str(), "POST");
    assert_eq!(endpoint.answer.as_ref().unwrap().pointer().value, "/predictions");
    assert_eq!(endpoint.budget.as_ref().unwrap().value, 1000);
    let again = serde_json::to_value(endpoint).unwrap();
    let again: caiso_core::manifest::Endpoint = serde_json::from_value(again).unwrap();
    assert_eq!(&again, endpoint);
}

#[test]
fn broken_endpoints_are_explained() {
    let cases = [
        ("no answer", "    answer: {probabilities: /predictions}\n", ""),
        ("two answers", "{probabilities: /predictions}", "{probabilities: /p, label: /l}"),
        ("unknown answer", "{probabilities: /predictions}", "{logits: /p}"),
        ("no pointer", "/predictions", "predictions"),
        ("bad escape", "/predictions", "/a~2b"),
        ("two positions", "/predictions", "/*/a/*"),
        ("no HTTP", "https:", "grpc:"),
        ("one class", "[refused, granted]", "[refused]"),
        ("labels for others", "[\"0\", \"1\"]", "[\"0\"]"),
        ("wrong shape", "[2, 1]", "[3]"),
        ("empty axis", "[2, 1]", "[2, 0]"),
        ("empty batch", "batch: 8", "batch: 0"),
        ("too many", "batch: 8", "concurrency: 65"),
        ("no rate", "rate: 20", "rate: 0"),
        ("no timeout", "timeout: 5", "timeout: .nan"),
        ("reversed bounds", "[0, 3]", "[3, 0]"),
        ("unknown method", "batch: 8", "method: GET"),
        ("unknown data", "dataset: test\n    batch", "dataset: tset\n    batch"),
        ("roots outside", "batch: 8", "tls_roots: /etc/ca.pem"),
    ];
    let report: String = cases
        .iter()
        .map(|(name, from, to)| {
            let endpoint = ENDPOINT.replace(from, to);
            assert_ne!(endpoint, ENDPOINT, "{name}");
            format!("== {name}\n{}\n", errors(&format!("{GOOD}{endpoint}")))
        })
        .collect();
    insta::assert_snapshot!(report);
}

#[test]
fn a_pattern_stands_for_columns_in_the_order_of_the_file() {
    let columns: Vec<String> = ["pixel_1_0", "digit", "pixel_0", "pixel", "a_pixel_0", "pixel_0_b"]
        .map(str::to_owned)
        .to_vec();
    let named = |pattern: &str| -> Vec<String> {
        let text = GOOD.replace(
            "    features:\n      - {column: income, bounds: [0, 3]}\n",
            &format!("    inputs: {{columns: \"{pattern}\", bounds: [0, 16], integer: true}}\n"),
        );
        let manifest = read("caiso.yaml", text.as_bytes()).unwrap();
        let features = manifest.models[0].inputs.as_ref().unwrap().features(&columns);
        assert!(
            features
                .iter()
                .all(|it| it.integer && it.bounds.as_ref().unwrap().value == [0.0, 16.0])
        );
        features.into_iter().map(|feature| feature.column.value).collect()
    };
    assert_eq!(named("pixel_*"), ["pixel_1_0", "pixel_0", "pixel_0_b"]);
    assert_eq!(named("pixel_*_*"), ["pixel_1_0", "pixel_0_b"]);
    assert_eq!(named("*_0"), ["pixel_1_0", "pixel_0", "a_pixel_0"]);
    assert_eq!(named("digit"), ["digit"]);
    assert_eq!(named("*"), columns);
    assert_eq!(named("x*"), [""; 0]);
    // What stands at both ends must not be the same text.
    assert_eq!(named("pixel*pixel"), [""; 0]);
}
