//! What lies beside models: a bad and a good text for each check.

use caiso_core::{RunContext, Severity, sha256_hex};
use caiso_modelfile::{CHECKS, InMemory, ModelFileInput, applies};

/// The severities of the findings that a check makes of a file; none if it does not apply.
fn severities(code: &str, name: &str, text: &str) -> Vec<Severity> {
    let bytes = text.as_bytes();
    let input = ModelFileInput::new("model:test", name, sha256_hex(bytes), bytes, None, &InMemory);
    let check = CHECKS.iter().find(|check| check.meta.code == code).unwrap();
    if !applies(code, &input) {
        return Vec::new();
    }
    let parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
    let outcome = (check.run)(&input, &parameters, &RunContext::default()).unwrap();
    outcome.findings.iter().map(|finding| finding.severity).collect()
}

/// Code, name of the file, a text that is found with at least this severity, and one that is not.
const CASES: [(&str, &str, Severity, &str, &str); 13] = [
    (
        "MF-PY-001",
        "handler.py",
        Severity::High,
        "from subprocess import check_output as co\nco('echo caiso', shell=True)\n",
        "import torch\ndef f(model):\n    model.eval()\n    return '''os.system(1)'''  # eval(x)\n",
    ),
    (
        "MF-PY-001",
        "config.py",
        Severity::High,
        "import os\ngetattr(os, 'sys' + 'tem')('echo caiso')\n",
        "import os\npath = os.path.join('a', 'b')\nhome = os.environ.get('HOME')\n",
    ),
    (
        "MF-PY-001",
        "late.py",
        Severity::Medium,
        "# -*- coding: utf-7 -*-\nx = 1\n",
        "# -*- coding: utf-8 -*-\nx = 1\n",
    ),
    (
        "MF-PY-002",
        "requirements.txt",
        Severity::Medium,
        "torch\n--extra-index-url https://packages.invalid/simple\n",
        "torch==2.15.0\n# --index-url of nobody\n",
    ),
    (
        "MF-PTH-001",
        "packages.pth",
        Severity::Critical,
        "vendor\nimport\tos; os.system('echo caiso')\n",
        "# import os\n/opt/packages\nvendor\n",
    ),
    (
        "MF-SEC-001",
        "notes.txt",
        Severity::Medium,
        "key: AKIAABCDEFGHIJKLMNOP\n",
        "AKIA is how such keys begin\n",
    ),
    (
        "MF-HF-001",
        "config.json",
        Severity::High,
        r#"{"model_type": "x", "auto_map": {"AutoModel": "someone/else--modeling.Model"}}"#,
        r#"{"model_type": "bert", "architectures": ["BertModel"]}"#,
    ),
    (
        "MF-HF-002",
        "model.safetensors.index.json",
        Severity::High,
        r#"{"weight_map": {"a": "../../secret"}}"#,
        r#"{"weight_map": {"a": "model-00001-of-00002.safetensors"}}"#,
    ),
    (
        "MF-HF-003",
        "chat_template.jinja",
        Severity::Critical,
        "{% for m in messages %}{{ cycler.__init__.__globals__.os.popen('id') }}{% endfor %}",
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{% endfor %}",
    ),
    (
        "MF-HYD-001",
        "model_config.yaml",
        Severity::Critical,
        "model:\n  _target_: os.system\n  command: echo caiso\n",
        "model:\n  _target_: torch.nn.Linear\n  in_features: 3\n",
    ),
    (
        "MF-MAR-001",
        "MANIFEST.json",
        Severity::Medium,
        r#"{"archiverVersion": "0.9", "model": {"modelName": "m", "handler": "own.py", "serializedFile": "m.pt"}}"#,
        r#"{"archiverVersion": "0.9", "model": {"modelName": "m", "handler": "image_classifier", "serializedFile": "m.pt"}}"#,
    ),
    (
        "MF-CAF-001",
        "net.prototxt",
        Severity::High,
        "layer {\n  type: \"Python\"\n  python_param { module: \"os\" }\n}\n",
        "layer {\n  type: \"ReLU\"\n}\n",
    ),
    (
        "MF-PMML-001",
        "model.pmml",
        Severity::High,
        "<?xml version=\"1.0\"?><!DOCTYPE PMML [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><PMML version=\"4.4\" xmlns=\"http://www.dmg.org/PMML-4_4\"><Header/></PMML>",
        "<?xml version=\"1.0\"?><PMML version=\"4.4\" xmlns=\"http://www.dmg.org/PMML-4_4\"><Header/></PMML>",
    ),
];

#[test]
fn each_check_finds_the_bad_text_and_leaves_the_good_one() {
    for (code, name, severity, bad, good) in CASES {
        let found = severities(code, name, bad);
        assert!(found.iter().any(|found| *found >= severity), "{code} {bad}: {found:?}");
        let found = severities(code, name, good);
        assert!(found.iter().all(|found| *found <= Severity::Low), "{code} {good}: {found:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_much(text in "[ -~\\n\\t]{0,400}") {
        for (code, name, ..) in CASES {
            let _ = severities(code, name, &text);
        }
    }

    #[test]
    fn no_cut_text_is_too_much(case in 0..CASES.len(), part in 0.0..1.0) {
        let (code, name, _, bad, _) = CASES[case];
        let mut end = (bad.len() as f64 * part) as usize;
        while !bad.is_char_boundary(end) {
            end -= 1;
        }
        let _ = severities(code, name, &bad[..end]);
    }
}
