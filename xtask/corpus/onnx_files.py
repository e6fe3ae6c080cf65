"""ONNX models written as protocol buffers."""

import base64
import struct
import tarfile

from archives import Entry, tar_files, zip_of
from pickle_asm import system
from protobuf import block, integer

SYMLINK = 0o120777 << 16


def opset(domain="", version=17):
    return block(1, domain) + integer(2, version)


def value(name, shape=(1, 2)):
    dims = b"".join(block(1, integer(1, size)) for size in shape)
    return block(1, name) + block(2, block(1, integer(1, 1) + block(2, dims)))


def tensor(name="w", shape=(2,), external=None, raw=None, data_type=1):
    data = b"".join(integer(1, size) for size in shape) + integer(2, data_type) + block(8, name)
    if external is None:
        return data + block(9, raw if raw is not None else struct.pack("<2f", 1, 2))
    for key, item in external.items():
        data += block(13, block(1, key) + block(2, item))
    return data + integer(14, 1)


def node(op, inputs=("x",), outputs=("y",), domain="", attributes=()):
    data = b"".join(block(1, name) for name in inputs) + b"".join(block(2, name) for name in outputs)
    data += block(3, f"{op}_0") + block(4, op)
    data += b"".join(block(5, item) for item in attributes)
    return data + (block(7, domain) if domain else b"")


def text_attribute(name, value):
    return block(1, name) + block(4, value) + integer(20, 3)


def graph_attribute(name, value):
    return block(1, name) + block(6, value) + integer(20, 5)


def tensor_attribute(name, value):
    return block(1, name) + block(5, value) + integer(20, 4)


def graph(nodes=None, initializers=(), name="main", sparse=(), inputs=True):
    data = b"".join(block(1, item) for item in (nodes or [node("Relu")])) + block(2, name)
    data += b"".join(block(5, item) for item in initializers)
    if inputs:
        data += block(11, value("x"))
    data += block(12, value("y"))
    return data + b"".join(block(15, item) for item in sparse)


def model(main=None, opsets=None, functions=(), training=(), metadata=(), doc=""):
    data = integer(1, 9) + block(2, "caiso-corpus") + block(3, "1")
    if doc:
        data += block(6, doc)
    data += block(7, main if main is not None else graph())
    data += b"".join(block(8, item) for item in (opsets or [opset()]))
    for key, item in metadata:
        data += block(14, block(1, key) + block(2, item))
    data += b"".join(block(20, item) for item in training)
    return data + b"".join(block(25, item) for item in functions)


#: The condition of every conditional below.
CONDITION = tensor("c", (), raw=b"\x01", data_type=9)


def conditional(branch):
    """A model with one conditional whose branches are both `branch`."""
    branches = [graph_attribute("then_branch", branch), graph_attribute("else_branch", branch)]
    return graph([node("If", ("c",), attributes=branches)], [CONDITION])


def external(location, **more):
    return tensor(external={"location": location, **more})


def with_weight(weight):
    return model(graph([node("Add", ("x", "w"))], [weight]))


def build(corpus):
    benign(corpus)
    locations(corpus)
    operators(corpus)
    broken(corpus)


def benign(corpus):
    corpus.benign("onnx-relu.onnx", "onnx", "one operator", model())
    corpus.benign("onnx-weights.onnx", "onnx", "weights in the file", with_weight(tensor()))
    corpus.benign("onnx-metadata.onnx", "onnx", "metadata with an address and the word eval", model(metadata=[("homepage", "https://example.org"), ("mode", "eval")]))
    corpus.benign("onnx-names.onnx", "onnx", "tensors named like functions", model(graph([node("Relu", ("x",), ("os.system",)), node("Relu", ("os.system",))])))
    ml = [opset(), opset("ai.onnx.ml", 3)]
    corpus.benign("onnx-ml.onnx", "onnx", "an operator of the domain for classical models", model(graph([node("Normalizer", domain="ai.onnx.ml", attributes=[text_attribute("norm", "L2")])]), ml))
    corpus.benign("onnx-microsoft.onnx", "onnx", "an operator of ONNX Runtime's own domain", model(graph([node("FusedMatMul", ("x", "x"), domain="com.microsoft")]), [opset(), opset("com.microsoft", 1)]))
    body = graph([node("Relu")], name="then", inputs=False)
    corpus.benign("onnx-if.onnx", "onnx", "a conditional with plain branches", model(conditional(body)))
    beside = {"model.onnx": with_weight(external("weights.bin", offset="0", length="8")), "weights.bin": struct.pack("<2f", 1, 2)}
    corpus.benign("onnx-external-beside", "onnx", "weights in a file beside the model", beside)
    sub = {"model.onnx": with_weight(external("data/weights.bin", offset="0", length="8")), "data/weights.bin": struct.pack("<2f", 1, 2)}
    corpus.benign("onnx-external-subfolder", "onnx", "weights in a folder below the model", sub)
    function = block(1, "Twice") + block(4, "a") + block(5, "b") + block(7, node("Add", ("a", "a"), ("b",))) + block(9, opset()) + block(10, "local")
    corpus.benign("onnx-local-function.onnx", "onnx", "a function of the model over standard operators", model(graph([node("Twice", domain="local")]), [opset(), opset("local", 1)], [function]))


def locations(corpus):
    cases = {
        "parent": ("../../../etc/passwd", ["CVE-2022-25882"]),
        "absolute": ("/etc/passwd", ["CVE-2022-25882"]),
        "inner-parent": ("weights/../../../etc/passwd", ["CVE-2024-27318"]),
        "dots": ("....//....//etc/passwd", ["CVE-2024-27318"]),
        "backslash": ("..\\..\\windows\\win.ini", ["CVE-2024-27318"]),
        "drive": ("C:\\windows\\win.ini", ["CVE-2022-25882"]),
        "network": ("\\\\caiso.invalid\\share\\weights", ["CVE-2022-25882"]),
        "url": ("file:///etc/passwd", ["CVE-2022-25882"]),
        "overwrite": ("../overwrite_me", ["CVE-2025-51480"]),
        "null": ("weights.bin\0../../etc/passwd", ["CVE-2024-27318"]),
        "home": ("~/.ssh/id_rsa", ["CVE-2022-25882"]),
    }
    for name, (location, refs) in cases.items():
        kind = "suspicious" if name in ("dots", "home") else "malicious"
        corpus.add(kind, f"onnx-external-{name}.onnx", "onnx", f"external data at {location!r}", with_weight(external(location)), refs)
    twice = tensor(external={"location": "weights.bin"}) + block(13, block(1, "location") + block(2, "/etc/passwd"))
    corpus.malicious("onnx-external-twice.onnx", "onnx", "the key location stands twice, the second is absolute", with_weight(twice), ["CVE-2022-25882"])
    attribute = model(graph([node("Constant", (), attributes=[tensor_attribute("value", external("/etc/passwd"))])]))
    corpus.malicious("onnx-external-attribute.onnx", "onnx", "external data in an attribute", attribute, ["CVE-2022-25882"])
    branch = graph([node("Relu")], [external("../../etc/passwd")], "then", inputs=False)
    corpus.malicious("onnx-external-branch.onnx", "onnx", "external data in a branch of a conditional", model(conditional(branch)), ["CVE-2022-25882"])
    sparse = block(1, external("../../etc/passwd")) + block(2, tensor("i", data_type=7, raw=struct.pack("<2q", 0, 1))) + integer(3, 2)
    corpus.malicious("onnx-external-sparse.onnx", "onnx", "external data in a sparse tensor", model(graph(sparse=[sparse])), ["CVE-2022-25882"])
    training = block(1, graph([node("Relu")], [external("/etc/passwd")], "init"))
    corpus.malicious("onnx-external-training.onnx", "onnx", "external data in the training information", model(training=[training]), ["CVE-2022-25882"])
    function = block(1, "F") + block(4, "a") + block(5, "b") + block(7, node("Constant", (), ("b",), attributes=[tensor_attribute("value", external("../../etc/passwd"))])) + block(9, opset()) + block(10, "local")
    corpus.malicious("onnx-external-function.onnx", "onnx", "external data in a function of the model", model(functions=[function]), ["CVE-2022-25882"])
    beside = {"model.onnx": with_weight(external("weights.bin", offset="4096", length="9000000000000000000")), "weights.bin": b"\0" * 8}
    corpus.suspicious("onnx-external-range", "onnx", "offset and length lie outside of the weights file", beside)
    corpus.suspicious("onnx-external-missing.onnx", "onnx", "the file with the weights is not there", with_weight(external("weights.bin")))
    payload = {"model.onnx": with_weight(external("weights.bin")), "weights.bin": system()}
    corpus.malicious("onnx-external-pickle", "onnx", "the weights file is a pickle with a payload", payload)
    bundle = {"model.onnx": with_weight(external("weights.bin"))}
    corpus.malicious("onnx-bundle-traversal.tar", "onnx tar", "a bundle of the model hub whose name climbs out", tar_files({"../../model.onnx": model()}), ["CVE-2024-5187"])
    corpus.malicious("onnx-bundle-symlink.tar", "onnx tar", "the weights are a symbolic link to a file outside", tar_files(bundle, [("weights.bin", "/etc/passwd", tarfile.SYMTYPE)]), ["CVE-2026-27489", "CVE-2026-34447"])
    corpus.malicious("onnx-bundle-symlink-parent.tar", "onnx tar", "a folder is a symbolic link to a place outside", tar_files({"model.onnx": with_weight(external("data/passwd"))}, [("data", "../../../etc", tarfile.SYMTYPE)]), ["CVE-2026-34447"])
    corpus.malicious("onnx-bundle-hardlink.tar", "onnx tar", "the weights are a hard link to a file outside", tar_files(bundle, [("weights.bin", "/etc/passwd", tarfile.LNKTYPE)]), ["CVE-2026-34446"])
    linked = zip_of([Entry("model.onnx", bundle["model.onnx"]), Entry("weights.bin", b"../../../../etc/passwd", attributes=SYMLINK)])
    corpus.malicious("onnx-bundle-symlink.zip", "onnx zip", "the weights are a symbolic link in a zip", linked, ["CVE-2026-27489"])


def operators(corpus):
    custom = [opset(), opset("acme.ops", 1)]
    corpus.suspicious("onnx-custom-domain.onnx", "onnx", "an operator of an unknown domain", model(graph([node("Fused", domain="acme.ops")]), custom))
    branch = graph([node("Fused", domain="acme.ops")], name="then", inputs=False)
    corpus.suspicious("onnx-custom-in-branch.onnx", "onnx", "an operator of an unknown domain in a branch", model(conditional(branch), custom))
    function = block(1, "F") + block(4, "a") + block(5, "b") + block(7, node("Fused", ("a",), ("b",), "acme.ops")) + block(9, opset("acme.ops", 1)) + block(10, "local")
    corpus.suspicious("onnx-custom-in-function.onnx", "onnx", "an operator of an unknown domain in a function of the model", model(graph([node("F", domain="local")]), [opset(), opset("local", 1)], [function]))
    for op_name in ("PyOp", "PythonOp"):
        source = [text_attribute("module", "os"), text_attribute("compute", "system")]
        corpus.malicious(f"onnx-{op_name.lower()}.onnx", "onnx", f"{op_name} calls a Python function", model(graph([node(op_name, domain="ai.onnx.contrib", attributes=source)]), [opset(), opset("ai.onnx.contrib", 1)]))
    aten = [text_attribute("operator", "from_file")]
    corpus.suspicious("onnx-aten.onnx", "onnx", "an operator of PyTorch by its name", model(graph([node("ATen", domain="org.pytorch.aten", attributes=aten)]), [opset(), opset("org.pytorch.aten", 1)]))
    shadow = block(1, "Relu") + block(4, "a") + block(5, "b") + block(7, node("Fused", ("a",), ("b",), "acme.ops")) + block(9, opset("acme.ops", 1)) + block(10, "")
    corpus.suspicious("onnx-shadowed-operator.onnx", "onnx", "a function of the model takes the place of a standard operator", model(functions=[shadow]))
    loop = block(1, "A") + block(4, "a") + block(5, "b") + block(7, node("A", ("a",), ("b",), "local")) + block(9, opset("local", 1)) + block(10, "local")
    corpus.suspicious("onnx-recursive-function.onnx", "onnx", "a function of the model calls itself", model(graph([node("A", domain="local")]), [opset(), opset("local", 1)], [loop]))
    corpus.malicious("onnx-metadata-script.onnx", "onnx", "metadata holds a pickle with a payload in base64", model(metadata=[("init", base64.b64encode(system(2)).decode())]))


def broken(corpus):
    corpus.suspicious("onnx-cut.onnx", "onnx", "a model cut in the middle", with_weight(tensor(shape=(2, 300), raw=bytes(2400)))[:700])
    corpus.suspicious("onnx-shape-lies.onnx", "onnx", "a shape that does not fit the bytes", with_weight(tensor(shape=(1 << 31, 1 << 31))))
    deep = graph([node("Relu")], name="leaf", inputs=False)
    for _ in range(300):
        deep = graph([node("If", ("c",), attributes=[graph_attribute("then_branch", deep)])], name="n", inputs=False)
    corpus.suspicious("onnx-deep.onnx", "onnx", "three hundred nested branches", model(deep))
    corpus.malicious("onnx-pickle-tail.onnx", "onnx", "a payload after the model", model() + system())
    corpus.malicious("onnx-zip-tail.onnx", "onnx", "a zip with a payload after the model", zip_of([Entry("data.pkl", system())], prefix=model()))
    corpus.malicious("onnx-elf-raw.onnx", "onnx", "the bytes of a weight are a program", with_weight(tensor(shape=(16,), raw=b"\x7fELF\x02\x01\x01\x00" + bytes(56))))
