//! `caiso bom`: what goes into a bill of materials, and what does not.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::system::{CAISO, System};

fn bom(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(CAISO)
        .arg("bom")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn written(folder: &Path, arguments: &[&str]) -> Value {
    let (status, out, err) = bom(folder, arguments);
    assert_eq!((status, err.as_str()), (0, ""));
    serde_json::from_str(&out).unwrap()
}

fn component<'b>(bom: &'b Value, reference: &str) -> &'b Value {
    let components = bom["components"].as_array().unwrap();
    let found = components.iter().find(|component| component["bom-ref"] == reference);
    found.unwrap_or_else(|| panic!("no {reference} in {bom:#}"))
}

fn property<'c>(component: &'c Value, name: &str) -> Option<&'c str> {
    let name = format!("caiso:{name}");
    let properties = component["properties"].as_array()?;
    properties.iter().find(|property| property["name"] == name)?["value"].as_str()
}

fn needs(bom: &Value, reference: &str) -> Vec<String> {
    let dependencies = bom["dependencies"].as_array().unwrap();
    let found = dependencies.iter().find(|dependency| dependency["ref"] == reference).unwrap();
    let needed = found["dependsOn"].as_array().into_iter().flatten();
    needed.map(|needed| needed.as_str().unwrap().to_owned()).collect()
}

fn sha256(path: &Path) -> String {
    caiso_core::sha256_hex(&fs::read(path).unwrap())
}

/// A pickle of an estimator.
const ESTIMATOR: &[u8] =
    b"\x80\x04\x8c\x1esklearn.linear_model._logistic\x8c\x12LogisticRegression\x93)\x81}\
    (\x8c\x10_sklearn_version\x8c\x051.9.1ub.";

#[test]
fn the_example_is_described_with_everything_beside_it() {
    let system = System::new();
    system.write("requirements.txt", "torch==2.15.0\nnumpy>=2\n");
    let bom = written(&system.path(""), &[".", "--name", "mortgage", "--model-version", "1.2"]);
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&json!("CycloneDX"), &json!("1.6")));
    assert_eq!(bom["metadata"]["component"]["name"], "mortgage");
    assert_eq!(bom["metadata"]["component"]["version"], "1.2");
    assert!(bom["metadata"]["timestamp"].is_null());
    let model = component(&bom, "model/model/mortgage.onnx");
    assert_eq!(model["type"], "machine-learning-model");
    assert_eq!((&model["name"], &model["version"]), (&json!("mortgage"), &json!("1.2")));
    assert_eq!(model["hashes"][0]["content"], sha256(&system.path("model/mortgage.onnx")));
    let parameters = &model["modelCard"]["modelParameters"];
    assert_eq!(parameters["task"], "classification");
    assert_eq!(parameters["approach"]["type"], "supervised");
    assert_eq!(parameters["architectureFamily"], "feed-forward neural network");
    assert_eq!(parameters["modelArchitecture"], "Gemm ×3, Relu ×2, Div ×1, Sub ×1");
    assert_eq!(parameters["inputs"], json!([{"format": "features: float [batch, 12]"}]));
    assert_eq!(parameters["outputs"], json!([{"format": "logits: float [batch, 2]"}]));
    let datasets = json!([{"ref": "data/data/test.csv"}, {"ref": "data/data/train.csv"}]);
    assert_eq!(parameters["datasets"], datasets);
    let uses = model["modelCard"]["considerations"]["useCases"][0].as_str().unwrap();
    assert!(uses.starts_with("The lender's loan officers use it"), "{uses}");
    for (name, value) in [
        ("format", "ONNX"),
        ("parameters", "1002"),
        ("data-types", "float 1002"),
        ("operator-sets", "ai.onnx 17"),
        ("scan:verdict", "clean"),
    ] {
        assert_eq!(property(model, name), Some(value));
    }
    let test = component(&bom, "data/data/test.csv");
    assert_eq!((&test["type"], &test["mime-type"]), (&json!("data"), &json!("text/csv")));
    assert_eq!(test["hashes"][0]["content"], sha256(&system.path("data/test.csv")));
    assert_eq!((property(test, "rows"), property(test, "role")), (Some("1190"), Some("test")));
    assert_eq!(test["data"][0]["sensitiveData"][0], "afam");
    // The model names PyTorch 2.15.0 too: one component.
    let torch = component(&bom, "pkg:pypi/torch@2.15.0");
    assert_eq!((&torch["type"], &torch["purl"]), (&json!("framework"), &torch["bom-ref"]));
    let places =
        json!([{"location": "model/mortgage.onnx"}, {"location": "requirements.txt", "line": 1}]);
    assert_eq!(torch["evidence"]["occurrences"], places);
    let numpy = component(&bom, "pkg:pypi/numpy");
    assert_eq!(property(numpy, "version-constraint"), Some(">=2"));
    assert_eq!(
        needs(&bom, "model/model/mortgage.onnx"),
        ["data/data/train.csv", "pkg:pypi/numpy", "pkg:pypi/torch@2.15.0"]
    );
    assert_eq!(needs(&bom, "subject"), ["data/data/test.csv", "model/model/mortgage.onnx"]);
}

#[test]
fn cards_licences_and_findings_are_told() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("model.pkl"), ESTIMATOR).unwrap();
    fs::write(path("evil.pkl"), b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0aecho caiso\x85R.")
        .unwrap();
    fs::write(path("model.pkl.sig"), "{}").unwrap();
    fs::write(path("rows.jsonl"), "{\"a\": 1}\n{\"a\": 2}\n").unwrap();
    let card = "---\nlicense: apache-2.0\npipeline_tag: tabular-classification\ndatasets: [acme/loans]\n\
                model-index:\n- results:\n  - dataset: {name: loans}\n    metrics: [{type: f1, value: 0.8}]\n---\n\
                ## Intended use\nRanking loans.\n## Limitations\n- Old data\n- Small data\n";
    fs::write(path("README.md"), card).unwrap();
    let bom = written(folder.path(), &["."]);
    let model = component(&bom, "model/model.pkl");
    assert_eq!(model["licenses"], json!([{"license": {"id": "Apache-2.0"}}]));
    let parameters = &model["modelCard"]["modelParameters"];
    assert_eq!(parameters["task"], "tabular-classification");
    assert_eq!(parameters["architectureFamily"], "linear model");
    assert_eq!(parameters["datasets"][0]["name"], "acme/loans");
    let metric = &model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0];
    assert_eq!(*metric, json!({"type": "f1", "value": "0.8", "slice": "loans"}));
    let considerations =
        json!({"useCases": ["Ranking loans."], "technicalLimitations": ["Old data", "Small data"]});
    assert_eq!(model["modelCard"]["considerations"], considerations);
    let references = model["externalReferences"].as_array().unwrap();
    let reference =
        |kind: &str| references.iter().find(|reference| reference["type"] == kind).unwrap();
    assert_eq!(reference("model-card")["url"], "README.md");
    assert_eq!(reference("digital-signature")["url"], "model.pkl.sig");
    assert_eq!(needs(&bom, "model/model.pkl"), ["pkg:pypi/scikit-learn@1.9.1"]);
    let evil = component(&bom, "model/evil.pkl");
    assert_eq!(property(evil, "scan:max-severity"), Some("critical"));
    assert!(property(evil, "scan:finding").unwrap().contains("os.system"), "{evil:#}");
    assert_eq!(property(component(&bom, "data/rows.jsonl"), "rows"), Some("2"));
}

#[test]
fn the_same_files_give_the_same_bytes_wherever_they_lie() {
    let one = TempDir::new().unwrap();
    let two = TempDir::new().unwrap();
    for folder in [&one, &two] {
        fs::create_dir(folder.path().join("m")).unwrap();
        for number in 0..20 {
            fs::write(folder.path().join(format!("m/{number}.pkl")), ESTIMATOR).unwrap();
        }
        // The message of a finding names the file.
        fs::write(folder.path().join("m/wrong.onnx"), ESTIMATOR).unwrap();
    }
    let first = bom(one.path(), &["m", "--jobs", "1"]);
    let absolute = two.path().join("m").to_str().unwrap().to_owned();
    assert_eq!(bom(one.path(), &[&absolute, "--jobs", "8"]), first);
    assert_eq!(bom(one.path(), &["m", "-o", "out.json"]), (0, String::new(), String::new()));
    assert_eq!(fs::read_to_string(one.path().join("out.json")).unwrap(), first.1);
    let serial = |text: &str| {
        let bom: Value = serde_json::from_str(text).unwrap();
        bom["serialNumber"].as_str().unwrap().strip_prefix("urn:uuid:").unwrap().to_owned()
    };
    let number = serial(&first.1);
    assert_eq!(number.len(), 36);
    assert_eq!(&number[14..15], "8", "version 8 of RFC 9562");
    assert!("89ab".contains(&number[19..20]), "{number}");
    // Another content, another number; the time changes nothing but itself.
    fs::write(two.path().join("m/0.pkl"), b"\x80\x04]\x94.").unwrap();
    assert_ne!(serial(&bom(two.path(), &["m"]).1), number);
    let timed = written(one.path(), &["m", "--timestamp"]);
    assert!(timed["metadata"]["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(timed["serialNumber"], format!("urn:uuid:{number}"));
}

#[test]
fn bad_input_is_an_error_that_says_what_to_do() {
    let folder = TempDir::new().unwrap();
    let (status, out, err) = bom(folder.path(), &["nowhere"]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.starts_with("error: cannot read nowhere"), "{err}");
    fs::write(folder.path().join("data.csv"), "a,b\n1,2\n").unwrap();
    let (status, out, err) = bom(folder.path(), &["."]);
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(err.contains("nothing under . is a model file"), "{err}");
    for arguments in [&["-"][..], &[], &[".", "--format", "sarif"]] {
        assert_eq!(bom(folder.path(), arguments).0, 2);
    }
    fs::write(folder.path().join("model.pkl"), ESTIMATOR).unwrap();
    assert_eq!(bom(folder.path(), &[".", "-o", "no/such/folder.json"]).0, 2);
    // What cannot be read is left out, said, and makes the bill incomplete.
    for (name, content) in
        [("README.md", "---\na: [\n---\n"), ("pyproject.toml", "["), ("config.json", "{")]
    {
        fs::write(folder.path().join(name), content).unwrap();
    }
    let (status, out, err) = bom(folder.path(), &["."]);
    assert_eq!(status, 3, "{err}");
    assert_eq!(err.lines().count(), 3, "{err}");
    let bom: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(bom["metadata"]["component"]["properties"].as_array().unwrap().len(), 3);
    assert_eq!(bom["compositions"][0]["assemblies"], json!(["subject"]));
    component(&bom, "model/model.pkl");
}
