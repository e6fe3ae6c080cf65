"""PyTorch archives: zip, legacy and tar; TorchScript; TorchServe and NeMo bundles."""

import json
import struct

from archives import Entry, tar_files, zip_files, zip_of
from pickle_asm import PYTHON, SHELL, Build, Call, G, New, Persistent, asm, call, dump, op, push, system

MAGIC = 0x1950A86A20F9469CFC6C


def tensor(key="0", count=4, shape=(2, 2), kind="FloatStorage"):
    """A tensor rebuilt from a storage, as `torch.save` writes it."""
    storage = Persistent(("storage", G("torch", kind), key, "cpu", count))
    strides = tuple(shape[1:]) + (1,) if len(shape) == 2 else (1,)
    return call("torch._utils", "_rebuild_tensor_v2", storage, 0, shape, strides, False, Call(G("collections", "OrderedDict")))


def state_dict(extra=None):
    """An OrderedDict of two tensors, and `extra` pairs, in the opcodes of a real file."""
    pairs = push("layer.weight", 2) + push(tensor(), 2) + push("layer.bias", 2) + push(tensor("1", 2, (2,)), 2)
    for name, value in (extra or {}).items():
        pairs += push(name, 2) + push(value, 2)
    return asm(("PROTO", 2), push(Call(G("collections", "OrderedDict")), 2), "MARK", pairs, "SETITEMS", "STOP")


def parts(data_pkl, root="archive", **more):
    """The entries of a torch zip around `data_pkl`."""
    files = {
        f"{root}/data.pkl": data_pkl,
        f"{root}/.format_version": b"1",
        f"{root}/.storage_alignment": b"64",
        f"{root}/byteorder": b"little",
        f"{root}/data/0": struct.pack("<4f", 1, 2, 3, 4),
        f"{root}/data/1": struct.pack("<2f", 1, 2),
        f"{root}/version": b"3\n",
        f"{root}/.data/serialization_id": b"0000000000000000000000000000000000000000",
    }
    files.update({f"{root}/{name}": data for name, data in more.items()})
    return files


def torch_zip(data_pkl, **more):
    return zip_files(parts(data_pkl, **more))


def legacy(obj=None, magic=MAGIC, info=None, extra=None):
    """The five pickles and the storages of the format before torch 1.6."""
    first = magic if isinstance(magic, bytes) else dump(magic, 2)
    details = info or dump({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2)
    storage = Persistent(("storage", G("torch", "FloatStorage"), "94", "cpu", 4, None))
    plain = call("torch._utils", "_rebuild_tensor_v2", storage, 0, (2, 2), (2, 1), False, Call(G("collections", "OrderedDict")))
    body = obj or dump({**(extra or {}), "weight": plain}, 2)
    return first + dump(1001, 2) + details + body + dump(["94"], 2) + struct.pack("<q4f", 4, 1, 2, 3, 4)


CODE = """class Net(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
{body}
    return x
"""


def torchscript(body, **more):
    """A TorchScript archive whose forward method holds `body`."""
    module = Build(New(G("__torch__", "Net")), {"training": False, "_is_full_backward_hook": None})
    lines = "\n".join("    " + line for line in body)
    return torch_zip(
        dump(module, 2),
        **{
            "code/__torch__.py": CODE.format(body=lines).encode(),
            "code/__torch__.py.debug_pkl": dump(("FORMAT_WITH_STRING_TABLE", ("net.py",), ()), 2),
            "constants.pkl": dump((), 2),
            **more,
        },
    )


def build(corpus):
    zips(corpus)
    legacies(corpus)
    scripts(corpus)
    bundles(corpus)


def zips(corpus):
    corpus.benign("torch-state-dict.pt", "torch zip", "a state dictionary of two tensors", torch_zip(state_dict()))
    corpus.benign("torch-state-dict-epoch.pt", "torch zip", "a checkpoint with an epoch and a name that says eval", torch_zip(state_dict({"eval_loss": 0.5, "epoch": 3})))
    module = Build(New(G("torch.nn.modules.linear", "Linear")), {"training": False, "in_features": 2, "out_features": 2, "_parameters": {}})
    corpus.benign("torch-linear-module.pt", "torch zip", "a whole layer of torch.nn", torch_zip(dump(module, 2)))
    corpus.suspicious("torch-own-class.pt", "torch zip", "a model of a class that only its author has", torch_zip(dump(Build(New(G("acme_models.nets", "Net")), {"training": False}), 2)))
    corpus.malicious("torch-zip-system.pt", "torch zip", "os.system among the tensors", torch_zip(state_dict({"hook": call("os", "system", SHELL)})))
    corpus.malicious("torch-zip-popped.pt", "torch zip", "os.system is called and dropped before the tensors", torch_zip(op("PROTO", 2) + push(call("os", "system", SHELL), 2) + b"0" + state_dict()[2:]))
    corpus.malicious("torch-zip-bin.bin", "torch zip", "the usual name of a Hugging Face file", torch_zip(state_dict({"hook": call("builtins", "exec", PYTHON)})))
    other = parts(state_dict())
    other["archive/extra/note.pkl"] = system()
    corpus.malicious("torch-zip-second-pickle.pt", "torch zip", "a second pickle in the archive holds the payload", zip_files(other))
    renamed = parts(state_dict())
    renamed["archive/data/2"] = system()
    corpus.malicious("torch-zip-pickle-as-storage.pt", "torch zip", "a storage that no tensor uses is a pickle", zip_files(renamed), ["CVE-2025-1889"])
    config = parts(dump(Call(call("functools", "partial", G("torch.serialization", "load"), "model.pt")), 2))
    config["archive/config.json"] = system(0)
    corpus.malicious("torch-zip-nested-load.pt", "torch zip", "torch.load of another file with pickle_file set", zip_files(config))
    entries = [Entry(name, data) for name, data in parts(state_dict({"hook": call("os", "system", SHELL)})).items()]
    bad = [Entry("archive/a", b"little", signature=b"PK\x03\x99")] + entries
    corpus.malicious("torch-zip-bad-entry.pt", "torch zip", "a broken entry comes before data.pkl", zip_of(bad), ["modelscan#354"])
    for entry in entries:
        entry.crc = 1
    corpus.malicious("torch-zip-wrong-crc.pt", "torch zip", "wrong checksums, which torch does not check", zip_of(entries), ["CVE-2025-10156", "GHSA-mjqp-26hc-grxg"])
    flags = [Entry(name, data, flags=1) for name, data in parts(state_dict({"hook": call("os", "system", SHELL)})).items()]
    corpus.malicious("torch-zip-flags.pt", "torch zip", "all entries claim encryption, which torch ignores", zip_of(flags), ["CVE-2025-1945", "GHSA-w8jq-xcqf-f792"])
    doubled = [Entry("archive/data.pkl", state_dict())] + [Entry(n, d) for n, d in parts(state_dict({"h": call("os", "system", SHELL)})).items()]
    corpus.malicious("torch-zip-two-data.pt", "torch zip", "data.pkl stands twice", zip_of(doubled))
    setitem = asm(("PROTO", 2), push(tensor(), 2), push(0, 2), push(1.0, 2), "SETITEM", "STOP")
    corpus.malicious("torch-weights-only-setitem.pt", "torch zip", "SETITEM on a tensor: memory is written under weights_only", torch_zip(setitem), ["CVE-2026-24747"])
    claimed = state_dict({"huge": tensor("1", 1 << 40, (2,))})
    corpus.malicious("torch-weights-only-storage.pt", "torch zip", "a storage that claims more than its entry holds: memory outside is read under weights_only", torch_zip(claimed), ["CVE-2026-24747"])
    corpus.malicious("torch-traversal-storage.pt", "torch zip", "the key of a storage climbs out of the archive", torch_zip(state_dict({"x": tensor("../../../etc/passwd")})))
    elf = parts(state_dict())
    elf["archive/data/2"] = b"\x7fELF\x02\x01\x01\x00" + bytes(56)
    corpus.malicious("torch-zip-elf-storage.pt", "torch zip", "a storage that no tensor uses is a program", zip_files(elf))


def legacies(corpus):
    corpus.benign("torch-legacy.pt", "torch legacy", "the five pickles of the old format", legacy())
    container = Persistent(("module", G("torch.nn.modules.activation", "ReLU"), "activation.py", "class ReLU(Module): pass\n"))
    relu = Build(New(container), {"training": False, "inplace": False})
    corpus.benign("torch-legacy-module.pt", "torch legacy", "a layer of torch.nn with the source text that the old format keeps", legacy(extra={"layer": relu}))
    corpus.malicious("torch-legacy-system.pt", "torch legacy", "os.system in the fourth pickle", legacy(obj=dump({"w": call("os", "system", SHELL)}, 2)))
    magic = dump(call("builtins", "eval", f"[print('caiso'), {MAGIC}][1]"), 2)
    corpus.malicious("torch-legacy-magic-eval.pt", "torch legacy", "the magic number is computed by eval", legacy(magic=magic), ["GHSA-97f8-7cmv-76j2"])
    int_magic = dump(call("builtins", "int", str(MAGIC)), 2)
    corpus.malicious("torch-legacy-magic-call.pt", "torch legacy", "the magic number is the result of a harmless call, which only a bypass needs", legacy(magic=int_magic), ["GHSA-97f8-7cmv-76j2"])
    corpus.malicious("torch-legacy-sysinfo.pt", "torch legacy", "os.system in the third pickle", legacy(info=dump({"protocol_version": 1001, "x": call("os", "system", SHELL)}, 2)))
    corpus.malicious("torch-legacy-wrong-magic.pt", "torch legacy", "another magic number: a scanner that asks for it skips the payload", legacy(magic=12345, obj=dump({"w": call("os", "system", SHELL)}, 2)))
    corpus.malicious("torch-legacy-after-storages.pt", "torch legacy", "a payload after the storages", legacy() + system())
    tar = {"sys_info": dump({"protocol_version": 1000}, 2), "pickle": dump({"a": 1}, 2), "storages": dump(0, 2) + dump([], 2), "tensors": dump(0, 2)}
    corpus.benign("torch-tar.pt", "torch tar", "the tar format of the first versions", tar_files(tar))
    evil = dict(tar, pickle=dump({"a": call("os", "system", SHELL)}, 2))
    corpus.malicious("torch-tar-system.pt", "torch tar", "os.system in the tar format, which weights_only let through", tar_files(evil), ["CVE-2025-32434"])
    evil = dict(tar, storages=dump(call("os", "system", SHELL), 2))
    corpus.malicious("torch-tar-storages.pt", "torch tar", "os.system in the storages of the tar format", tar_files(evil), ["CVE-2025-32434"])


def scripts(corpus):
    corpus.benign("torchscript-relu.pt", "torchscript", "a TorchScript module that only computes", torchscript(["x = torch.relu(x)", "x = torch.add(x, 1)"]))
    cases = {
        "from-file": ('_0 = torch.from_file("/dev/null", True, 10)', "a file is mapped for writing", ["CVE-2025-32434"]),
        "ops-from-file": ('_0 = ops.aten.from_file("/dev/null", False, 10)', "a file is read by the operator's full name", ["CVE-2025-32434"]),
        "save": ('torch.save(x, "/dev/null")', "a file is written", ["CVE-2025-32434"]),
        "ops-save": ('ops.aten.save(x, "/dev/null")', "a file is written by the operator's full name", ["CVE-2025-32434"]),
        "image-write": ('ops.image.write_file("/dev/null", x)', "a file is written by an operator of torchvision", []),
        "image-read": ('x = ops.image.read_file("/dev/null")', "a file is read by an operator of torchvision", []),
    }
    for name, (line, about, refs) in cases.items():
        corpus.malicious(f"torchscript-{name}.pt", "torchscript", about, torchscript([line]), refs)
    corpus.suspicious("torchscript-unknown-op.pt", "torchscript", "an operator of an unknown library", torchscript(["x = ops.acme.fused(x)"]))
    corpus.suspicious("torchscript-load-library.pt", "torchscript", "the source asks for a shared library, which no loader allows there", torchscript(['ops.load_library("libcaiso.so")']))
    corpus.malicious("torchscript-debug-pickle.pt", "torchscript", "the payload is in the debug pickle", torchscript(["x = torch.relu(x)"], **{"code/__torch__.py.debug_pkl": system(2)}))
    corpus.malicious("torchscript-constants.pt", "torchscript", "the payload is in the constants", torchscript(["x = torch.relu(x)"], **{"constants.pkl": system(2)}))
    corpus.malicious("torchscript-other-file.pt", "torchscript", "the call is in a second source file", torchscript(["x = torch.relu(x)"], **{"code/__torch__/util.py": b'def f(x: Tensor) -> Tensor:\n  torch.save(x, "/dev/null")\n  return x\n'}), ["CVE-2025-32434"])
    package = {"model/.data/version": b"6\n", "model/acme/nets.py": b"import os\nos.system('echo caiso')\n", "model/model/model.pkl": dump({"a": 1}), "model/.data/extern_modules": b"os\n"}
    corpus.malicious("torch-package.pt", "torch package", "a torch.package archive whose source runs a shell", zip_files(package))


def bundles(corpus):
    manifest = json.dumps({"model": {"handler": "handler.py", "modelName": "m", "serializedFile": "model.pt", "modelVersion": "1.0"}, "archiverVersion": "0.12.0"}).encode()
    good = b"from ts.torch_handler.base_handler import BaseHandler\n\n\nclass Handler(BaseHandler):\n    def postprocess(self, data):\n        return data.tolist()\n"
    bad = b"import os\n\n\ndef handle(data, context):\n    os.system('echo caiso')\n    return data\n"
    weights = torch_zip(state_dict())
    corpus.suspicious("torchserve-handler.mar", "mar", "a handler that only reshapes: code runs on loading all the same", zip_files({"MAR-INF/MANIFEST.json": manifest, "handler.py": good, "model.pt": weights}))
    corpus.malicious("torchserve-handler.mar", "mar", "a handler that runs a shell", zip_files({"MAR-INF/MANIFEST.json": manifest, "handler.py": bad, "model.pt": weights}))
    corpus.malicious("torchserve-weights.mar", "mar", "the weights of a bundle hold the payload", zip_files({"MAR-INF/MANIFEST.json": manifest, "handler.py": good, "model.pt": torch_zip(state_dict({"h": call("os", "system", SHELL)}))}))
    config = "model:\n  target: nemo.collections.asr.models.EncDecCTCModel\n  encoder:\n    _target_: nemo.collections.asr.modules.ConvASREncoder\n    feat_in: 64\n"
    corpus.benign("nemo-model.nemo", "nemo", "a model with targets of its own library", tar_files({"model_config.yaml": config.encode(), "model_weights.ckpt": weights}))
    for name, target in {"os-system": "os.system", "subprocess": "subprocess.run", "eval": "builtins.eval", "partial": "functools.partial"}.items():
        evil = f"model:\n  encoder:\n    _target_: {target}\n    _args_:\n      - echo caiso\n"
        kind = "suspicious" if name == "partial" else "malicious"
        corpus.add(kind, f"nemo-target-{name}.nemo", "nemo", f"the configuration instantiates {target}", tar_files({"model_config.yaml": evil.encode(), "model_weights.ckpt": weights}), ["CVE-2025-23304"])
    quoted = 'model: {encoder: {"_target_": "os.\\x73ystem", command: "echo caiso"}}\n'
    corpus.malicious("nemo-target-escaped.nemo", "nemo", "the target is written in flow style with an escape", tar_files({"./model_config.yaml": quoted.encode(), "./model_weights.ckpt": weights}), ["CVE-2025-23304"])
    corpus.malicious("nemo-weights.nemo", "nemo", "the checkpoint holds the payload", tar_files({"model_config.yaml": config.encode(), "model_weights.ckpt": torch_zip(state_dict({"h": call("os", "system", SHELL)}))}))
    corpus.malicious("nemo-traversal.nemo", "nemo", "a member climbs out of the folder", tar_files({"model_config.yaml": config.encode(), "../../caiso.py": b"print('caiso')\n"}), ["CVE-2025-23304"])
