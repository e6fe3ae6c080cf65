"""TensorFlow graphs written as protocol buffers, and TFLite files."""

import json

import flatbuffers
import numpy

from archives import Entry, zip_of
from keras_files import old_lambda
from pickle_asm import system
from protobuf import block, entry, integer


def node(name, op, inputs=(), **attributes):
    data = block(1, name) + block(2, op)
    for source in inputs:
        data += block(3, source)
    for key, value in attributes.items():
        data += entry(5, key, value)
    return data


def text(value):
    """A string tensor as an attribute."""
    return block(8, integer(1, 7) + block(2, b"") + block(8, value))


def const(name, value):
    return node(name, "Const", dtype=integer(6, 7), value=text(value))


def graph(nodes, functions=()):
    data = b"".join(block(1, item) for item in nodes)
    library = b"".join(block(1, item) for item in functions)
    if library:
        data += block(2, library)
    return data + block(4, integer(1, 1882))


def function(name, nodes):
    return block(1, block(1, name)) + b"".join(block(3, item) for item in nodes)


def saved_model(definition, saver=b""):
    meta = block(1, block(4, "serve") + block(5, "2.19.0") + block(6, "unknown"))
    return integer(1, 1) + block(2, meta + block(2, definition) + (block(3, saver) if saver else b""))


BASE = [node("x", "Placeholder", dtype=integer(6, 1)), node("y", "Relu", ["x"], T=integer(6, 1))]


def build(corpus):
    graphs(corpus)
    lite(corpus)


def graphs(corpus):
    corpus.benign("savedmodel-relu", "savedmodel", "a graph that only computes", {"saved_model.pb": saved_model(graph(BASE))})
    corpus.benign("frozen-relu.pb", "graphdef", "a frozen graph that only computes", graph(BASE))
    restore = [const("save/Const", "variables"), node("save/SaveV2", "SaveV2", ["save/Const"]), node("save/RestoreV2", "RestoreV2", ["save/Const"]), node("save/MergeV2Checkpoints", "MergeV2Checkpoints", ["save/Const"])]
    saver = block(1, "save/Const:0") + block(2, "save/Identity:0") + block(3, "save/restore_all")
    asset = block(6, block(1, block(1, "asset:0")) + block(2, "../../../etc/passwd"))
    meta = block(1, block(4, "serve") + block(5, "2.19.0") + block(6, "unknown")) + block(2, graph(BASE)) + asset
    corpus.malicious("savedmodel-asset-outside", "savedmodel", "an asset lies outside of the folder", {"saved_model.pb": integer(1, 1) + block(2, meta)})
    corpus.benign("savedmodel-saver", "savedmodel", "the saver nodes that every saved model has", {"saved_model.pb": saved_model(graph(BASE + restore), saver)})
    cases = {
        "readfile": ([const("f", "/etc/passwd"), node("r", "ReadFile", ["f"])], "a file is read"),
        "writefile": ([const("f", "/dev/null"), const("c", "caiso"), node("w", "WriteFile", ["f", "c"])], "a file is written"),
        "pyfunc": ([node("p", "PyFunc", ["x"], token=block(2, "pyfunc_0"))], "a Python function is called"),
        "pyfunc-stateless": ([node("p", "PyFuncStateless", ["x"], token=block(2, "pyfunc_0"))], "a Python function is called without state"),
        "eagerpyfunc": ([node("p", "EagerPyFunc", ["x"], token=block(2, "pyfunc_0"))], "a Python function is called eagerly"),
        "matchingfiles": ([const("f", "/home/*"), node("m", "MatchingFiles", ["f"])], "files are listed"),
        "debug-url": ([node("d", "DebugIdentityV2", ["x"], debug_urls=block(1, block(2, "file:///dev/null")))], "tensors are sent to an address"),
        "wholefilereader": ([node("q", "WholeFileReaderV2"), node("r", "ReaderReadV2", ["q"])], "whole files are read"),
        "save-absolute": ([const("f", "/dev/null"), node("s", "Save", ["f"])], "tensors are saved to a constant absolute path"),
        "savev2-absolute": ([const("f", "/root/.ssh/authorized_keys"), node("s", "SaveV2", ["f"])], "tensors are saved to a constant absolute path"),
        "print-file": ([const("f", "caiso"), node("p", "PrintV2", ["f"], output_stream=block(2, "file:///dev/null"))], "text is printed to a file"),
        "summary-writer": ([const("f", "/dev/null"), node("s", "CreateSummaryFileWriter", ["f"])], "summaries are written to a file"),
        "rpc": ([node("r", "RpcClient", ["x"])], "a remote procedure is called"),
        "dataset-generator": ([node("g", "GeneratorDataset", ["x"], next_func=block(10, block(1, "next")))], "a data set is fed by a Python generator"),
    }
    for name, (nodes, about) in cases.items():
        kind = "suspicious" if name in ("rpc", "dataset-generator", "wholefilereader", "matchingfiles", "debug-url") else "malicious"
        corpus.add(kind, f"savedmodel-{name}", "savedmodel", about, {"saved_model.pb": saved_model(graph(BASE + nodes))})
        if name in ("readfile", "writefile", "pyfunc", "eagerpyfunc"):
            corpus.malicious(f"frozen-{name}.pb", "graphdef", f"{about} by a frozen graph", graph(BASE + nodes))
    hidden = function("__inference_call_1", [const("f", "/dev/null"), const("c", "caiso"), node("w", "WriteFile", ["f", "c"])])
    call = node("c", "StatefulPartitionedCall", ["x"], f=block(10, block(1, "__inference_call_1")))
    corpus.malicious("savedmodel-in-function", "savedmodel", "a file is written inside a function of the library", {"saved_model.pb": saved_model(graph(BASE + [call], [hidden]))})
    corpus.malicious("savedmodel-second-graph", "savedmodel", "the second graph writes a file", {"saved_model.pb": saved_model(graph(BASE)) + block(2, block(2, graph(cases["writefile"][0])))})
    corpus.suspicious("savedmodel-custom-op", "savedmodel", "an operator of an unknown library", {"saved_model.pb": saved_model(graph(BASE + [node("a", "AcmeFused", ["x"])]))})
    corpus.suspicious("savedmodel-cut", "savedmodel", "a graph cut in the middle", {"saved_model.pb": saved_model(graph(BASE * 20))[:300]})

    metadata = json.dumps({"class_name": "Lambda", "config": old_lambda()["config"]})
    saved = block(1, integer(2, 1) + block(3, "root.layer-1") + block(4, "_tf_keras_layer") + block(5, metadata))
    corpus.malicious("savedmodel-keras-metadata", "savedmodel", "a Lambda layer in keras_metadata.pb", {"saved_model.pb": saved_model(graph(BASE)), "keras_metadata.pb": saved}, ["CVE-2024-3660"])
    plain = json.dumps({"class_name": "Dense", "config": {"name": "dense", "units": 2}})
    benign = block(1, integer(2, 1) + block(3, "root.layer-1") + block(4, "_tf_keras_layer") + block(5, plain))
    corpus.benign("savedmodel-keras-metadata", "savedmodel", "a dense layer in keras_metadata.pb", {"saved_model.pb": saved_model(graph(BASE)), "keras_metadata.pb": benign})
    corpus.malicious("savedmodel-asset-pickle", "savedmodel", "an asset is a pickle with the payload", {"saved_model.pb": saved_model(graph(BASE)), "assets/vocabulary.txt": system()})


def tflite(operators, description="caiso", metadata=()):
    """A TFLite file with the given operator codes: an integer or a custom name."""
    b = flatbuffers.Builder(1024)
    codes = []
    for item in operators:
        custom = b.CreateString(item) if isinstance(item, str) else None
        b.StartObject(4)
        number = 32 if custom is not None else item
        b.PrependInt8Slot(0, min(number, 127), 0)
        if custom is not None:
            b.PrependUOffsetTRelativeSlot(1, custom, 0)
        b.PrependInt32Slot(2, 1, 1)
        b.PrependInt32Slot(3, number, 0)
        codes.append(b.EndObject())
    code_vector = _vector(b, codes)
    name = b.CreateString("input")
    shape = b.CreateNumpyVector(numpy.array([1, 2], "int32"))
    b.StartObject(10)
    b.PrependUOffsetTRelativeSlot(0, shape, 0)
    b.PrependUOffsetTRelativeSlot(3, name, 0)
    tensor = b.EndObject()
    tensors = _vector(b, [tensor])
    operators_at = []
    for index in range(len(operators)):
        io = b.CreateNumpyVector(numpy.array([0], "int32"))
        b.StartObject(9)
        b.PrependUint32Slot(0, index, 0)
        b.PrependUOffsetTRelativeSlot(1, io, 0)
        b.PrependUOffsetTRelativeSlot(2, io, 0)
        operators_at.append(b.EndObject())
    operator_vector = _vector(b, operators_at)
    b.StartObject(5)
    b.PrependUOffsetTRelativeSlot(0, tensors, 0)
    b.PrependUOffsetTRelativeSlot(3, operator_vector, 0)
    subgraphs = _vector(b, [b.EndObject()])
    b.StartObject(1)
    buffers = _vector(b, [b.EndObject()])
    about = b.CreateString(description)
    notes = []
    for key in metadata:
        title = b.CreateString(key)
        b.StartObject(2)
        b.PrependUOffsetTRelativeSlot(0, title, 0)
        notes.append(b.EndObject())
    note_vector = _vector(b, notes)
    b.StartObject(8)
    b.PrependUint32Slot(0, 3, 0)
    b.PrependUOffsetTRelativeSlot(1, code_vector, 0)
    b.PrependUOffsetTRelativeSlot(2, subgraphs, 0)
    b.PrependUOffsetTRelativeSlot(3, about, 0)
    b.PrependUOffsetTRelativeSlot(4, buffers, 0)
    b.PrependUOffsetTRelativeSlot(6, note_vector, 0)
    b.Finish(b.EndObject(), file_identifier=b"TFL3")
    return bytes(b.Output())


def _vector(b, offsets):
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()


def lite(corpus):
    corpus.benign("tflite-relu.tflite", "tflite", "built-in operators only", tflite([19, 9], metadata=["min_runtime_version"]))
    labels = zip_of([Entry("labels.txt", b"cat\ndog\n")], prefix=tflite([9]))
    corpus.benign("tflite-labels.tflite", "tflite", "labels appended as a zip, as the task library does", labels)
    corpus.benign("tflite-description.tflite", "tflite", "the description says system and eval", tflite([9], "system for eval of images"))
    corpus.malicious("tflite-flex-writefile.tflite", "tflite", "a Flex operator writes a file", tflite([9, "FlexWriteFile"]))
    corpus.malicious("tflite-flex-readfile.tflite", "tflite", "a Flex operator reads a file", tflite(["FlexReadFile"]))
    corpus.malicious("tflite-flex-pyfunc.tflite", "tflite", "a Flex operator calls a Python function", tflite(["FlexPyFunc"]))
    corpus.malicious("tflite-flex-eagerpyfunc.tflite", "tflite", "a Flex operator calls a Python function eagerly", tflite(["FlexEagerPyFunc"]))
    corpus.suspicious("tflite-flex-other.tflite", "tflite", "a harmless Flex operator: it needs the TensorFlow kernel library", tflite(["FlexErf"]))
    corpus.suspicious("tflite-custom.tflite", "tflite", "a custom operator", tflite(["AcmeFused"]))
    corpus.benign("tflite-custom-known.tflite", "tflite", "the custom operator of detection models", tflite([9, "TFLite_Detection_PostProcess"]))
    corpus.malicious("tflite-zip-payload.tflite", "tflite", "the appended zip holds a payload", zip_of([Entry("labels.txt", system())], prefix=tflite([9])))
    corpus.malicious("tflite-zip-traversal.tflite", "tflite", "a name of the appended zip climbs out", zip_of([Entry("../../labels.txt", b"cat\n")], prefix=tflite([9])))
    corpus.malicious("tflite-pickle-tail.tflite", "tflite", "a payload after the model", tflite([9]) + system())
    good = bytearray(tflite([9]))
    good[0:4] = (0x7FFFFFF0).to_bytes(4, "little")
    corpus.suspicious("tflite-root-outside.tflite", "tflite", "the root table lies outside of the file", bytes(good))
