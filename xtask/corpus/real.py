"""Writes small real model files by the current packages: `python real.py OUT_DIR`.

They prove that files as their libraries write them are clean. Run it once in each
environment (one with torch, one with the others): what cannot be imported is skipped, and
`VERSIONS.md` keeps one row for each file. Bytes may differ between runs (times, random
identifiers), so the files are committed. torch writes the paths of its package and of this
script into some files: run it from a copy under a neutral folder.
"""

import argparse
import importlib.metadata
import json
import os
import pickle
import re
import shutil
import sys
import tempfile
from pathlib import Path

LIMIT = 60_000
WRITERS = []


def writer(*packages):
    """Registers a function that writes files, and the packages its files come from."""

    def register(function):
        WRITERS.append((function, packages))
        return function

    return register


def data():
    import numpy

    random = numpy.random.default_rng(7)
    features = random.normal(size=(60, 4))
    return features, (features[:, 0] + features[:, 1] > 0).astype(int), features @ [1.0, -2.0, 0.5, 0.0]


def estimators():
    """Fitted estimators of scikit-learn, one of each kind in common use."""
    import numpy
    from sklearn import cluster, compose, decomposition, ensemble, feature_extraction, gaussian_process, impute, isotonic
    from sklearn import linear_model, mixture, model_selection, naive_bayes, neighbors, neural_network, pipeline, preprocessing, svm, tree

    features, labels, target = data()
    small = {"n_estimators": 3, "max_depth": 3, "random_state": 0}
    yield "logistic", linear_model.LogisticRegression().fit(features, labels)
    yield "ridge", linear_model.RidgeCV().fit(features, target)
    yield "sgd", linear_model.SGDClassifier(random_state=0).fit(features, labels)
    yield "tree", tree.DecisionTreeClassifier(max_depth=3).fit(features, labels)
    yield "forest", ensemble.RandomForestClassifier(**small).fit(features, labels)
    yield "boosting", ensemble.GradientBoostingRegressor(**small).fit(features, target)
    yield "histogram-boosting", ensemble.HistGradientBoostingClassifier(max_iter=3).fit(features, labels)
    yield "isolation", ensemble.IsolationForest(n_estimators=3, random_state=0).fit(features)
    yield "stacking", ensemble.StackingClassifier([("l", linear_model.LogisticRegression())]).fit(features, labels)
    yield "svc", svm.SVC(probability=False).fit(features, labels)
    yield "neighbours", neighbors.KNeighborsClassifier().fit(features, labels)
    yield "bayes", naive_bayes.GaussianNB().fit(features, labels)
    yield "perceptron", neural_network.MLPClassifier((4,), max_iter=20, random_state=0).fit(features, labels)
    yield "kmeans", cluster.KMeans(2, n_init=1, random_state=0).fit(features)
    yield "dbscan", cluster.DBSCAN().fit(features)
    yield "pca", decomposition.PCA(2).fit(features)
    yield "nmf", decomposition.NMF(2, random_state=0).fit(numpy.abs(features))
    yield "mixture", mixture.GaussianMixture(2, random_state=0).fit(features)
    yield "gaussian-process", gaussian_process.GaussianProcessRegressor().fit(features[:10], target[:10])
    yield "isotonic", isotonic.IsotonicRegression().fit(features[:, 0], target)
    yield "tfidf", feature_extraction.text.TfidfVectorizer().fit(["call eval", "import os system", "exec this"])
    yield "hashing", feature_extraction.text.HashingVectorizer(n_features=16)
    yield "one-hot", preprocessing.OneHotEncoder().fit([["a"], ["b"]])
    yield "function", preprocessing.FunctionTransformer(numpy.log1p, inverse_func=numpy.expm1).fit(numpy.abs(features))
    columns = compose.ColumnTransformer([("s", preprocessing.StandardScaler(), [0, 1]), ("i", impute.SimpleImputer(), [2, 3])])
    yield "pipeline", pipeline.make_pipeline(columns, linear_model.LogisticRegression()).fit(features, labels)
    yield "grid-search", model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [1.0, 2.0]}, scoring="neg_mean_squared_error").fit(features, target)


@writer("scikit-learn", "numpy")
def sklearn_pickle(out):
    for name, model in estimators():
        (out / f"sklearn-{name}.pkl").write_bytes(pickle.dumps(model))
    model = dict(estimators())["forest"]
    for protocol in (2, 3, 4, 5):
        (out / f"sklearn-forest-protocol-{protocol}.pkl").write_bytes(pickle.dumps(model, protocol))


@writer("scikit-learn", "joblib")
def sklearn_joblib(out):
    import joblib

    models = dict(estimators())
    for name in ("logistic", "forest", "pipeline", "tfidf", "histogram-boosting", "kmeans"):
        joblib.dump(models[name], out / f"sklearn-{name}.joblib")
    for method in ("zlib", "gzip", "bz2", "xz", "lzma", "lz4"):
        joblib.dump(models["forest"], out / f"sklearn-forest-{method}.joblib", compress=(method, 3))


@writer("scikit-learn", "cloudpickle")
def sklearn_cloudpickle(out):
    import cloudpickle

    (out / "sklearn-pipeline-cloudpickle.pkl").write_bytes(cloudpickle.dumps(dict(estimators())["pipeline"]))


@writer("skops", "scikit-learn")
def skops_files(out):
    import skops.io

    models = dict(estimators())
    for name in ("logistic", "tree", "pipeline", "function", "svc", "kmeans"):
        skops.io.dump(models[name], out / f"sklearn-{name}.skops")


@writer("xgboost")
def xgboost_files(out):
    import xgboost

    features, labels, _ = data()
    model = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(features, labels)
    model.save_model(out / "xgboost.json")
    model.save_model(out / "xgboost.ubj")
    (out / "xgboost.pkl").write_bytes(pickle.dumps(model))
    (out / "xgboost-booster.pkl").write_bytes(pickle.dumps(model.get_booster()))


@writer("lightgbm")
def lightgbm_files(out):
    import lightgbm

    features, labels, _ = data()
    model = lightgbm.LGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1).fit(features, labels)
    model.booster_.save_model(out / "lightgbm.txt")
    (out / "lightgbm.pkl").write_bytes(pickle.dumps(model))


@writer("catboost")
def catboost_files(out):
    import catboost

    features, labels, _ = data()
    model = catboost.CatBoostClassifier(iterations=3, depth=2, verbose=False, allow_writing_files=False).fit(features, labels)
    model.save_model(str(out / "catboost.cbm"))
    model.save_model(str(out / "catboost.json"), format="json")
    model.save_model(str(out / "catboost.onnx"), format="onnx")
    model.save_model(str(out / "catboost.pmml"), format="pmml")
    (out / "catboost.pkl").write_bytes(pickle.dumps(model))


@writer("skl2onnx", "onnx")
def sklearn_onnx(out):
    import skl2onnx

    features, _, _ = data()
    models = dict(estimators())
    for name in ("logistic", "forest", "pca"):
        model = skl2onnx.to_onnx(models[name], features[:1].astype("float32"))
        (out / f"sklearn-{name}.onnx").write_bytes(model.SerializeToString())


@writer("onnx")
def onnx_external(out):
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(numpy.ones((32, 32), numpy.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])],
        [weight],
    )
    folder = out / "onnx-external"
    folder.mkdir(exist_ok=True)
    onnx.save_model(helper.make_model(graph), folder / "model.onnx", save_as_external_data=True, location="model.onnx.data", size_threshold=0)


@writer("safetensors", "numpy")
def safetensors_numpy(out):
    import numpy
    from safetensors.numpy import save_file

    save_file({"a": numpy.ones((2, 3), numpy.float32), "b": numpy.zeros(5, numpy.int8)}, out / "numpy.safetensors", metadata={"format": "np"})


@writer("gguf")
def gguf_file(out):
    import gguf
    import numpy

    file = gguf.GGUFWriter(str(out / "llama.gguf"), "llama")
    file.add_context_length(128)
    file.add_embedding_length(32)
    file.add_block_count(1)
    file.add_license("apache-2.0")
    file.add_tokenizer_model("llama")
    file.add_token_list(["<s>", "</s>", "eval", "os", "system"])
    file.add_token_scores([0.0] * 5)
    file.add_chat_template("{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}{% endfor %}")
    file.add_tensor("token_embd.weight", numpy.ones((5, 32), numpy.float32))
    file.add_tensor("output.weight", numpy.ones((5, 32), numpy.float16))
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


@writer("numpy")
def numpy_files(out):
    import numpy

    array = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
    numpy.save(out / "array.npy", array)
    numpy.save(out / "objects.npy", numpy.array(["a", None, {"b": 1}], dtype=object), allow_pickle=True)
    numpy.savez(out / "arrays.npz", a=array, b=array.astype("int64"))
    numpy.savez_compressed(out / "arrays-compressed.npz", a=array, b=array)
    (out / "numpy.pkl").write_bytes(pickle.dumps({"a": array, "s": numpy.float64(1), "r": numpy.random.default_rng(1), "m": numpy.ma.array([1], mask=[0])}))


@writer("scipy")
def scipy_files(out):
    import scipy.interpolate
    import scipy.sparse
    import scipy.spatial
    import scipy.stats

    features, _, target = data()
    matrix = scipy.sparse.csr_matrix(features > 1)
    (out / "scipy-sparse.pkl").write_bytes(pickle.dumps([matrix, matrix.tocoo(), scipy.sparse.csc_array(matrix)]))
    scipy.sparse.save_npz(out / "scipy-sparse.npz", matrix.astype(float))
    (out / "scipy-stats.pkl").write_bytes(pickle.dumps(scipy.stats.norm(0, 2)))
    (out / "scipy-interpolate.pkl").write_bytes(pickle.dumps(scipy.interpolate.CubicSpline(range(5), target[:5])))
    (out / "scipy-tree.pkl").write_bytes(pickle.dumps(scipy.spatial.cKDTree(features)))


@writer("pandas")
def pandas_files(out):
    import pandas

    features, labels, _ = data()
    frame = pandas.DataFrame(features, columns=["a", "b", "eval", "exec"])
    frame["kind"] = pandas.Categorical(["x" if label else "y" for label in labels])
    frame["when"] = pandas.Timestamp("2024-05-01")
    frame["name"] = "os.system"
    frame.to_pickle(out / "pandas-frame.pkl")
    frame.set_index("when").groupby("kind", observed=True)["a"].mean().to_pickle(out / "pandas-series.pkl")
    (out / "pandas-index.pkl").write_bytes(pickle.dumps([pandas.MultiIndex.from_product([[1, 2], ["a"]]), pandas.interval_range(0, 3), pandas.period_range("2024", periods=2, freq="M")]))


@writer("keras", "tensorflow")
def keras_files(out):
    import keras

    def model():
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu", name="dense_eval"), keras.layers.Dropout(0.1), keras.layers.Dense(1, activation="sigmoid")])

    net = model()
    net.save(out / "dense.keras")
    net.save(out / "dense.h5")
    net.save_weights(out / "dense.weights.h5")
    (out / "dense.keras.json").write_text(net.to_json())
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Conv2D(2, 3, padding="same", kernel_regularizer="l2")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Concatenate()([x, keras.ops.relu(x)])
    outputs = keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x))
    functional = keras.Model(inputs, outputs)
    functional.save(out / "functional.keras")
    functional.save(out / "functional.h5")
    words = keras.layers.TextVectorization(max_tokens=10, vocabulary=["eval", "exec", "os"])
    text = keras.Sequential([keras.Input((1,), dtype="string"), words, keras.layers.Embedding(10, 2), keras.layers.LSTM(2)])
    text.save(out / "text.keras")


@writer("tensorflow")
def tensorflow_files(out):
    import tensorflow as tf

    class Net(tf.Module):
        def __init__(self):
            self.w = tf.Variable(tf.ones((4, 2)))

        @tf.function(input_signature=[tf.TensorSpec((None, 4))])
        def __call__(self, x):
            return tf.nn.relu(tf.matmul(x, self.w))

    net = Net()
    tf.saved_model.save(net, str(out / "savedmodel"))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(out / "savedmodel"))
    (out / "net.tflite").write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    (out / "net-quantized.tflite").write_bytes(converter.convert())
    checkpoint = out / "tf-checkpoint"
    tf.train.Checkpoint(net=net).write(str(checkpoint / "ckpt"))
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    frozen = convert_variables_to_constants_v2(net.__call__.get_concrete_function())
    (out / "frozen.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())


@writer("tf_keras", "tensorflow")
def tf_keras_files(out):
    import tf_keras

    net = tf_keras.Sequential([tf_keras.layers.Dense(2, activation="relu", input_shape=(3,))])
    net.compile("adam", "mse")
    net.save(out / "legacy-keras.h5")
    net.save(out / "legacy-keras-savedmodel", save_format="tf")


@writer("flax", "jax")
def flax_files(out):
    import flax.serialization
    import jax.numpy as jnp

    tree = {"params": {"Dense_0": {"kernel": jnp.ones((3, 2)), "bias": jnp.zeros(2)}}, "step": 5}
    (out / "flax.msgpack").write_bytes(flax.serialization.to_bytes(tree))


@writer("coremltools")
def coreml_files(out):
    import coremltools
    from coremltools.models import datatypes, neural_network

    builder = neural_network.NeuralNetworkBuilder([("x", datatypes.Array(4))], [("y", datatypes.Array(4))])
    builder.add_activation("relu", "RELU", "x", "y")
    coremltools.utils.save_spec(builder.spec, str(out / "relu.mlmodel"))


@writer("openvino")
def openvino_files(out):
    import numpy
    import openvino
    from openvino import opset13 as ops

    x = ops.parameter([1, 4], numpy.float32, name="x")
    y = ops.relu(ops.add(x, ops.constant(numpy.ones((1, 4), numpy.float32))))
    openvino.save_model(openvino.Model([y], [x], "net"), str(out / "openvino" / "model.xml"), compress_to_fp16=False)


@writer("mlflow-skinny", "scikit-learn")
def mlflow_folder(out):
    import mlflow.sklearn

    model = dict(estimators())["logistic"]
    folder = out / "mlflow-sklearn"
    shutil.rmtree(folder, ignore_errors=True)
    mlflow.sklearn.save_model(model, str(folder), pip_requirements=["scikit-learn"], serialization_format="cloudpickle")


def net():
    import torch

    torch.manual_seed(7)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(72, 2))


@writer("torch")
def torch_files(out):
    import torch

    model = net()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 1, 8, 8)).sum().backward()
    optimizer.step()
    torch.save(model.state_dict(), out / "torch-state.pt")
    torch.save(model.state_dict(), out / "torch-state-legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "eval_loss": 0.5}, out / "torch-checkpoint.pt")
    torch.save(model, out / "torch-module.pt")
    kinds = {str(t).split(".")[1]: torch.ones(3, dtype=t) for t in (torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8, torch.int64, torch.bool, torch.complex64, torch.float8_e4m3fn)}
    torch.save(kinds, out / "torch-types.pt")
    odd = {"sparse": torch.eye(3).to_sparse(), "csr": torch.eye(3).to_sparse_csr(), "meta": torch.ones(2, device="meta"), "parameter": torch.nn.Parameter(torch.ones(2)), "quantized": torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8), "size": torch.Size([1, 2]), "device": torch.device("cpu"), "dtype": torch.float32, "generator": torch.get_rng_state()[:16]}
    torch.save(odd, out / "torch-odd-tensors.pt")
    transformer = torch.nn.TransformerEncoderLayer(8, 2, 16)
    torch.save(transformer, out / "torch-transformer.pt")
    torch.save(torch.nn.LSTM(4, 4), out / "torch-lstm.pt")
    (out / "torch-tensor.pkl").write_bytes(pickle.dumps({"t": torch.ones(3)}))
    torch.jit.save(torch.jit.trace(model.eval(), torch.ones(1, 1, 8, 8)), out / "torchscript-traced.pt")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), out / "torchscript-scripted.pt")
    exported = torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),))
    torch.export.save(exported, out / "torch-exported.pt2")


@writer("torch", "onnx")
def torch_onnx(out):
    import torch

    program = torch.onnx.export(net().eval(), (torch.ones(1, 1, 8, 8),), dynamo=True, verbose=False)
    program.save(str(out / "torch.onnx"))


@writer("safetensors", "torch")
def safetensors_torch(out):
    from safetensors.torch import save_file

    save_file(net().state_dict(), out / "torch.safetensors", metadata={"format": "pt"})


@writer("transformers", "torch")
def transformers_files(out):
    import torch
    from transformers import BertConfig, BertModel, TrainingArguments

    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=16)
    model = BertModel(config)
    folder = out / "transformers-bert"
    model.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "eval", "exec", "os", "system"]) + "\n")
    try:
        torch.save(TrainingArguments(output_dir="out"), out / "transformers-training-args.bin")
    except ImportError as error:
        print(f"training arguments skipped: {error}")


def files_under(path):
    return [item for item in sorted(path.rglob("*")) if item.is_file()]


def versions(packages):
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", help="regular expression over the writers' names")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table = options.out / "VERSIONS.md"
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", table.read_text(), re.M)) if table.exists() else {}
    failed = False
    for function, packages in WRITERS:
        if options.only and not re.search(options.only, function.__name__):
            continue
        missing = [name for name in packages if not installed(name)]
        if missing:
            print(f"{function.__name__}: skipped, not installed: {', '.join(missing)}")
            continue
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            try:
                function(scratch)
            except Exception as error:  # one package that fails must not hide the others
                failed = True
                print(f"{function.__name__}: failed: {type(error).__name__}: {error}")
            for path in files_under(scratch):
                name = path.relative_to(scratch)
                if path.stat().st_size > LIMIT:
                    print(f"{function.__name__}: {name} left out: {path.stat().st_size} bytes")
                    continue
                target = options.out / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
                rows[str(name)] = f"{versions(packages)} (Python {sys.version.split()[0]})"
    rows = {name: by for name, by in rows.items() if (options.out / name).exists()}
    body = "".join(f"| `{name}` | {by} |\n" for name, by in sorted(rows.items()))
    table.write_text(
        "# Real files\n\nWritten by `xtask/corpus/real.py` with the packages named here; a scan finds nothing above low in them.\n\n"
        f"| file | written by |\n| --- | --- |\n{body}"
    )
    size = sum(path.stat().st_size for path in files_under(options.out))
    print(f"{len(rows)} files, {size} bytes in all")
    sys.exit(1 if failed else 0)


def installed(name):
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    main()
