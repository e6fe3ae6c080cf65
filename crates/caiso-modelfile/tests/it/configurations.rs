//! skops, Hugging Face, Hydra, MLflow, TorchServe and Python beside models: what is published is high, what
//! is benign is clean.

use caiso_core::Finding;
use caiso_core::Severity::{self, Critical, High, Low, Medium};
use proptest::prelude::*;

use crate::run::{findings, worst};

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../fixtures/", $name)).as_slice()
    };
}

/// Findings above low, for messages.
fn above_low(name: &str, bytes: &[u8]) -> Vec<Finding> {
    findings(name, bytes).into_iter().filter(|finding| finding.severity > Low).collect()
}

#[track_caller]
fn expect(code: &str, name: &str, content: &str, least: Severity) {
    let found = worst(code, name, content.as_bytes());
    assert!(
        found >= Some(least),
        "{code} {found:?} {content}: {:?}",
        findings(name, content.as_bytes())
    );
}

#[track_caller]
fn clean(name: &str, content: &str) {
    assert_eq!(above_low(name, content.as_bytes()), [], "{content}");
}

#[test]
fn real_skops_schemas_are_clean() {
    for schema in
        [fixture!("skops/pipeline.json"), fixture!("skops/hgb.json"), fixture!("skops/knn.json")]
    {
        assert_eq!(above_low("schema.json", schema), []);
    }
}

#[test]
fn skops_tricks_are_high() {
    let node = |module: &str, class: &str, loader: &str, rest: &str| {
        format!(
            r#"{{"__class__": "{class}", "__module__": "{module}", "__loader__": "{loader}", {rest}
            "protocol": 2, "_skops_version": "0.11.0"}}"#
        )
    };
    let schema = |module, class, loader, rest: &str| node(module, class, loader, rest);
    expect("MF-SKO-001", "schema.json", &schema("operator", "call", "OperatorFuncNode", ""), High);
    expect(
        "MF-SKO-001",
        "schema.json",
        &schema("sklearn.base", "call", "OperatorFuncNode", ""),
        High,
    );
    let bound = r#""content": {"func": "system", "obj": {"__class__": "X", "__module__": "os",
        "__loader__": "ObjectNode"}},"#;
    expect("MF-SKO-001", "schema.json", &schema("sklearn.svm", "SVC", "MethodNode", bound), High);
    expect("MF-SKO-001", "schema.json", &schema("builtins", "eval", "FunctionNode", ""), High);
    expect("MF-SKO-001", "schema.json", &schema("os", "system", "ObjectNode", ""), High);
    expect("MF-SKO-001", "schema.json", &schema("my.own", "Thing", "ObjectNode", ""), Medium);
    expect("MF-SKO-001", "m.skops", "cos\nsystem\n(S'id'\ntR.", High);
    let wide: Vec<u8> = schema("os", "system", "ObjectNode", "")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(worst("MF-SKO-001", "schema.json", &wide) >= Some(High));
}

#[test]
fn remote_code_and_outside_weights_are_found() {
    let own = r#"{"architectures": ["A"], "auto_map": {"AutoModel": "modeling_a.A"}}"#;
    assert_eq!(worst("MF-HF-001", "config.json", own.as_bytes()), Some(Medium));
    let other = r#"{"architectures": ["A"], "auto_map": {"AutoModel": "evil/repo--modeling_a.A"}}"#;
    expect("MF-HF-001", "config.json", other, High);
    let listed = r#"{"tokenizer_class": "T", "auto_map": {"AutoTokenizer": [null, "x/y--t.T"]}}"#;
    expect("MF-HF-001", "tokenizer_config.json", listed, High);
    expect("MF-HF-001", "config.json", r#"{"model_type": "a", "trust_remote_code": true}"#, Medium);
    expect(
        "MF-HF-001",
        "config.json",
        r#"{"model_type": "a", "_attn_implementation": "kernels-x/flash"}"#,
        Medium,
    );
    let escaped = r#"{"model_type": "a", "auto\u005fmap": {"AutoModel": "e/r--m.A"}}"#;
    expect("MF-HF-001", "config.json", escaped, High);
    for file in ["../../etc/passwd", "/etc/passwd", "..\\\\x", "https://h/w", "C:\\\\w"] {
        let index = format!(r#"{{"metadata": {{}}, "weight_map": {{"a": "{file}"}}}}"#);
        expect("MF-HF-002", "model.safetensors.index.json", &index, High);
    }
    let modules = r#"[{"idx": 0, "name": "0", "path": "", "type": "os.system"}]"#;
    expect("MF-HF-001", "modules.json", modules, High);
    let template = r#"{"tokenizer_class": "T", "chat_template":
        "{{ ''.__class__.__mro__[1].__subclasses__() }}"}"#;
    expect("MF-HF-003", "tokenizer_config.json", template, High);

    clean(
        "config.json",
        r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
        "transformers_version": "4.57.0", "vocab_size": 32000, "attn_implementation": "sdpa"}"#,
    );
    clean(
        "model.safetensors.index.json",
        r#"{"metadata": {"total_size": 5}, "weight_map": {"a": "model-00001-of-00002.safetensors"}}"#,
    );
    clean(
        "modules.json",
        r#"[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]"#,
    );
    clean(
        "model_index.json",
        r#"{"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0",
        "unet": ["diffusers", "UNet2DConditionModel"], "text_encoder": ["transformers", "CLIPTextModel"],
        "safety_checker": [null, null]}"#,
    );
    clean("README.md", "---\nlicense: apache-2.0\ndatasets:\n- glue\n---\n# Card\nText.\n");
    clean(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "T", "chat_template":
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}{% endfor %}"}"#,
    );
}

#[test]
fn targets_are_judged() {
    expect(
        "MF-HYD-001",
        "model_config.yaml",
        "a:\n  _target_: os.system\n  command: id\n",
        Critical,
    );
    expect(
        "MF-HYD-001",
        "model_config.yaml",
        "a: {_target_: builtins.exec, _args_: ['1']}\n",
        High,
    );
    expect("MF-HYD-001", "c.yaml", "a:\n  \"\\x5ftarget_\": os.system\n", High);
    expect("MF-HYD-001", "c.yaml", "k: &k _target_\nv: &v os.system\nm: {*k : *v}\n", High);
    expect("MF-HYD-001", "c.json", r#"{"m": {"_target_": "subprocess.Popen"}}"#, Critical);
    expect("MF-HYD-001", "c.yaml", "a: !!python/object/apply:os.system ['id']\n", High);
    expect("MF-HYD-001", "c.yaml", "m:\n  _target_: mine.models.Net\n", Medium);
    expect("MF-HYD-001", "c.yaml", "m:\n  _target_: ${oc.env:X}\n", Medium);
    expect(
        "MF-HYD-001",
        "MLmodel",
        "flavors:\n  python_function:\n    loader_module: mine.loader\n",
        Medium,
    );
    expect(
        "MF-HYD-001",
        "MLmodel",
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    data: ../../x\n",
        High,
    );
    clean(
        "model_config.yaml",
        "name: m\nencoder:\n  _target_: nemo.collections.asr.modules.ConformerEncoder\n  d: 512\nloss:\n  _target_: torch.nn.CrossEntropyLoss\n",
    );
    clean(
        "MLmodel",
        "artifact_path: model\nflavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    python_version: 3.11.0\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n    sklearn_version: 1.5.0\nmlflow_version: 2.16.0\n",
    );
}

#[test]
fn manifests_are_judged() {
    let manifest = |model: &str| {
        format!(r#"{{"runtime": "python", "model": {{{model}}}, "archiverVersion": "0.12.0"}}"#)
    };
    let custom = manifest(r#""modelName": "m", "serializedFile": "m.pt", "handler": "handler.py""#);
    assert_eq!(worst("MF-MAR-001", "MANIFEST.json", custom.as_bytes()), Some(Medium));
    let outside = manifest(
        r#""modelName": "m", "serializedFile": "../../m.pt", "handler": "image_classifier""#,
    );
    expect("MF-MAR-001", "MANIFEST.json", &outside, High);
    let needs = manifest(
        r#""modelName": "m", "serializedFile": "m.pt", "handler": "image_classifier",
        "requirementsFile": "requirements.txt""#,
    );
    expect("MF-MAR-001", "MANIFEST.json", &needs, Medium);
    clean(
        "MANIFEST.json",
        &manifest(r#""modelName": "m", "serializedFile": "m.pt", "handler": "image_classifier""#),
    );
}

#[test]
fn python_is_judged_by_what_it_calls() {
    for source in [
        "import os\nos.system('id')\n",
        "from os import system as s; s('id')\n",
        "__import__('os').system('id')\n",
        "import os\ngetattr(os, 'sys' + 'tem')('id')\n",
        "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))\n",
        "import subprocess as p\nclass A:\n    x = p.run(['id'])\n",
        "import importlib\nimportlib.import_module('os').system('id')\n",
        "import os as o\nq = o.popen\nq('id')\n",
        "eval(\n  '1'\n  '+1'\n)\n",
        "from os import *\nsystem('id')\n",
        "import os\nx = f\"{os.system('id')}\"\n",
        "import os\nx = f'{f\"{os.system(1)!r:>{w}}\"}'\n",
        "import os\n(s:=os.system)('id')\n",
        "import os\nfor f in [os.system]: f('id')\n",
        "import os\nlist(map(os.system, ['id']))\n",
        "import os\n@os.system\ndef f(): pass\n",
        "import os\nd = {'a': os.system}\nd['a']('id')\n",
        "import os\nos.\u{ff53}ystem('id')\n",
        "import os\nos.\\\nsystem('id')\n",
        "import os.path as p\np.os.system('id')\n",
        "import sys\nsys.modules['os'].system('id')\n",
        "import builtins\nbuiltins.__dict__['eval']('1')\n",
        "import numpy\nnumpy.os.system('id')\n",
    ] {
        expect("MF-PY-001", "modeling_x.py", source, High);
    }
    let inside = "import os\ndef f():\n    os.system('id')\n";
    assert!(worst("MF-PY-001", "modeling_x.py", inside.as_bytes()) <= Some(High));
    expect("MF-PY-001", "modeling_x.py", inside, Low);
    for source in [
        "class A:\n    def eval(self, x):\n        return self.net.eval()\n    def open(self): pass\n",
        "import torch\nx = torch.nn.Linear(1, 1).eval()\n@torch.jit.script\ndef f(x): return x\ntorch.compile(f)\n",
        "import transformers\nm = transformers.BertModel(c).eval()\nf(compile=True)\n",
        "import subprocess\ntry:\n    pass\nexcept subprocess.CalledProcessError: pass\n",
        "import torch\nif not torch.jit.is_tracing():\n    torch.utils.checkpoint.checkpoint(f)\n",
        "x = f'{a[\"b\"]} {c!r:>{w}} {{os.system}}'\n",
    ] {
        clean("modeling_x.py", source);
    }
    clean(
        "modeling_x.py",
        "import torch\nfrom torch import nn\nimport numpy as np\nfrom transformers import PreTrainedModel\n\n\
         class Net(PreTrainedModel):\n    '''os.system('id')'''\n    def __init__(self, config):\n        \
         super().__init__(config)\n        self.w = nn.Linear(4, 4)  # eval('1')\n\n    def forward(self, x):\n        \
         return torch.relu(self.w(x)).eval() + np.zeros(3)\n",
    );
}

#[test]
fn torchscript_and_path_files_are_judged() {
    let script = fixture!("torchscript/from_file.pt");
    assert_eq!(worst("MF-TS-001", "m.pt", script), Some(High));
    assert_eq!(
        findings("m.pt", script).iter().filter(|finding| finding.code == "MF-TS-001").count(),
        3
    );
    expect("MF-PTH-001", "x.pth", "import os; os.system('id')\n", Critical);
    expect("MF-PTH-001", "x.pth", "/some/path\nimport\tos;exec('1')\n", Critical);
    expect("MF-PTH-001", "x.pth", "import evil\n", Medium);
    // What setuptools installs, and the same line with one word more.
    let known = "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; \
                 enabled and __import__('_distutils_hack').add_shim(); ";
    assert_eq!(worst("MF-PTH-001", "distutils-precedence.pth", known.as_bytes()), Some(Medium));
    expect("MF-PTH-001", "x.pth", &format!("{known}os.system('id')"), Critical);
    clean("easy.pth", "./lib\n/usr/lib/python3\n");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_text_under_these_names_is_read_without_a_panic(
        text in "[_a-z{}\\[\\]\"':,.()#\\\\\n %-]{0,200}",
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for name in ["config.json", "c.yaml", "m.py", "x.pth", "MLmodel", "README.md", "t.jinja"] {
            for mark in ["", "{\"_target_\": ", "a: &a\n  _target_: ", "{\"__loader__\": ", "{\"auto_map\": ", "import os\n", "---\nlicense: "] {
                findings(name, format!("{mark}{text}").as_bytes());
                findings(name, &[mark.as_bytes(), &bytes].concat());
            }
        }
    }
}
