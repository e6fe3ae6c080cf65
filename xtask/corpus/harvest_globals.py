#!/usr/bin/env python3
"""List the globals that real files of the frameworks hold, for `catalogs/globals.toml`.

Run it in an environment that has the frameworks; what is not installed is left out and named:

    python harvest_globals.py > found.txt              # pickle, joblib and torch files of many objects
    python harvest_globals.py --wheels DIR > more.txt  # classes in the source of wheels, nothing imported
    python harvest_globals.py --update catalogs/globals.toml found.txt more.txt

The lists are lines of `module name`. `--update` writes them between the two marker lines of the
catalog; what is listed elsewhere in the catalog stays as it is there.
"""

import argparse
import ast
import importlib
import io
import pickle
import pkgutil
import sys
import tempfile
import warnings
import zipfile
from collections import defaultdict
from pathlib import Path

BEGIN, END = "# harvested: begin", "# harvested: end"
found = set()
missing = []


class Recorder(pickle._Unpickler):
    """Loads what this script itself has written, and notes each global."""

    def find_class(self, module, name):
        found.add((module, name))
        return super().find_class(module, name)


def record(value):
    """Notes the globals of `value` in the protocols that files use."""
    for protocol in (2, 4):
        try:
            data = pickle.dumps(value, protocol)
        except Exception:
            return
        try:
            Recorder(io.BytesIO(data)).load()
        except Exception:
            continue


def section(function):
    """Runs one framework's part; what is missing or fails is told, not fatal."""
    try:
        function()
    except Exception as error:
        missing.append(f"{function.__name__}: {error!r}")


def classes_below(package, keep):
    """Notes the classes that the modules of `package` define and `keep` wants."""
    root = importlib.import_module(package)
    modules = [root]
    for info in pkgutil.walk_packages(getattr(root, "__path__", []), package + ".", onerror=lambda _: None):
        if any(part in info.name for part in (".tests", ".test_", "conftest", "_testing")):
            continue
        try:
            modules.append(importlib.import_module(info.name))
        except Exception:
            continue
    for module in modules:
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == module.__name__ and keep(value):
                found.add((value.__module__, value.__qualname__))


def numpy_values():
    import numpy as np

    for dtype in "?bBhHiIlLqQefdgFDGSUVMmO":
        record(np.zeros(3, dtype))
        record(np.dtype(dtype))
    record(np.array(["a", None, 1], dtype=object))
    record(np.asfortranarray(np.ones((2, 3))))
    record(np.rec.array([(1, 2.0)], dtype=[("a", int), ("b", float)]))
    record(np.ma.masked_array([1, 2], mask=[True, False]))
    record(np.ma.masked)
    record(np.matrix([[1.0]]))
    record(np.char.array(["a"]))
    record(np.array("2020-01-01", dtype="datetime64[D]")[()])
    for scalar in (np.float16, np.float32, np.float64, np.longdouble, np.int8, np.int16, np.int32, np.int64,
                   np.uint8, np.uint16, np.uint32, np.uint64, np.bool_, np.complex64, np.complex128,
                   np.str_, np.bytes_):
        record(scalar(1))
        record(scalar)
    for generator in (np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64):
        record(generator(1))
        record(np.random.Generator(generator(1)))
    record(np.random.RandomState(1))
    record(np.random.SeedSequence(1))
    record(np.poly1d([1, 2]))
    record(np.polynomial.Polynomial([1, 2]))
    record(np.polynomial.Chebyshev([1, 2]))
    record(np.polynomial.Legendre([1, 2]))
    # Functions of arrays that transformers hold.
    for name in ("log log1p log2 log10 exp expm1 sqrt square abs sin cos tan tanh mean median std sum min max "
                 "power clip sign reciprocal cbrt nan_to_num ravel squeeze where argmax argmin unique "
                 "add subtract multiply divide maximum minimum isnan isfinite floor ceil rint arcsinh").split():
        record(getattr(np, name))
    for name in getattr(getattr(np, "dtypes", None), "__all__", []):
        record(getattr(np.dtypes, name))


def scipy_values():
    import numpy as np
    from scipy import interpolate, sparse, spatial, stats
    from scipy.spatial.transform import Rotation

    for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
        record(getattr(sparse, f"{kind}_matrix")(np.eye(3)))
        record(getattr(sparse, f"{kind}_array")(np.eye(3)))
    record(spatial.cKDTree(np.eye(3)))
    record(spatial.KDTree(np.eye(3)))
    record(Rotation.identity())
    record(interpolate.interp1d([0, 1, 2], [1, 2, 3]))
    record(interpolate.PchipInterpolator([0, 1, 2], [1, 2, 3]))
    record(interpolate.CubicSpline([0, 1, 2], [1, 2, 3]))
    record(interpolate.BSpline(np.arange(8), np.ones(4), 3))
    record(interpolate.UnivariateSpline(range(9), range(9)))
    record(interpolate.RegularGridInterpolator((range(3),), range(3)))
    for name in dir(stats):
        value = getattr(stats, name)
        if isinstance(value, (stats.rv_continuous, stats.rv_discrete)):
            record(value)
            found.add((type(value).__module__, type(value).__qualname__))
    record(stats.norm(0, 1))
    record(stats.loguniform(1, 2))
    record(stats.gaussian_kde([1.0, 2.0, 4.0]))
    record(stats.multivariate_normal([0.0], [[1.0]]))
    for name in "expit logit".split():
        record(getattr(importlib.import_module("scipy.special"), name))
    from scipy import optimize
    record(optimize.minimize(lambda x: float(x[0] ** 2), [1.0]))
    record(optimize.OptimizeResult(x=1))
    record(optimize.LinearConstraint([1], 0, 1))
    record(optimize.Bounds(0, 1))


def pandas_values():
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({
        "i": [1, 2, 3], "f": [1.0, 2.0, None], "s": ["a", "b", None], "b": [True, False, True],
        "d": pd.date_range("2020", periods=3), "t": pd.date_range("2020", periods=3, tz="UTC"),
        "l": pd.to_timedelta([1, 2, 3], unit="s"), "c": pd.Categorical(["x", "y", "x"]),
        "o": pd.Series([[1], {"a": 2}, (3,)], dtype=object), "p": pd.period_range("2020", periods=3, freq="M"),
        "v": pd.interval_range(0, 3), "n": pd.array([1, 2, None], dtype="Int64"),
        "z": pd.array([1.5, 2, None], dtype="Float64"), "w": pd.array(["a", "b", None], dtype="string"),
        "y": pd.array([True, None, False], dtype="boolean"), "k": pd.arrays.SparseArray([0, 0, 1]),
    })
    record(frame)
    record(frame.set_index(["i", "s"]))
    for column in frame:
        record(frame[column])
        record(frame[column].dtype)
        record(frame[column].array)
        record(pd.Index(frame[column]))
    for value in (pd.Timestamp("2020"), pd.Timestamp("2020", tz="Europe/Paris"), pd.Timedelta(1), pd.NaT, pd.NA,
                  pd.Period("2020"), pd.Interval(0, 1), pd.RangeIndex(3), pd.MultiIndex.from_product([[1], [2]]),
                  pd.IndexSlice, pd.NamedAgg("a", "sum")):
        record(value)
    for name in ("Day Hour Minute Second Milli Micro Nano BDay MonthEnd MonthBegin QuarterEnd YearEnd Week "
                 "BusinessHour DateOffset BMonthEnd BQuarterEnd BYearEnd YearBegin QuarterBegin").split():
        record(getattr(pd.offsets, name)())
    record(frame.groupby("b"))
    record(frame["f"].rolling(2))


def estimators(package, all_estimators):
    import numpy as np

    generator = np.random.default_rng(0)
    points = np.abs(generator.normal(size=(60, 4))) + 0.1
    labels = (points[:, 0] > points[:, 1]).astype(int)
    texts = ["one two three", "two three four", "three four five"] * 20
    try:
        from sklearn.utils._test_common.instance_generator import _construct_instances
    except ImportError:
        def _construct_instances(kind):
            yield kind()
    for _, kind in all_estimators():
        found.add((kind.__module__, kind.__qualname__))
        try:
            instances = list(_construct_instances(kind))
        except Exception:
            continue
        for instance in instances[:4]:
            record(instance)
            for data in (points, texts, points > 0.5, labels):
                for target in (labels, points[:, 0], points[:, :2], np.column_stack([labels, labels])):
                    try:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            instance.fit(data, target)
                    except Exception:
                        continue
                    record(instance)


def sklearn_values():
    import numpy as np
    from sklearn import compose, ensemble, gaussian_process, metrics, model_selection, neighbors, pipeline
    from sklearn import preprocessing, svm, tree
    from sklearn.linear_model import LogisticRegression
    from sklearn.utils import Bunch, all_estimators

    estimators("sklearn", all_estimators)
    generator = np.random.default_rng(0)
    points, labels = np.abs(generator.normal(size=(60, 4))), np.arange(60) % 3
    pipe = pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression())
    union = pipeline.FeatureUnion([("a", preprocessing.MinMaxScaler()), ("b", preprocessing.PolynomialFeatures())])
    columns = compose.ColumnTransformer([("a", pipe[0], [0, 1]), ("b", "passthrough", slice(2, 4))])
    for model in (pipe, union, columns, model_selection.GridSearchCV(pipe, {"logisticregression__C": [1, 2]}),
                  model_selection.RandomizedSearchCV(tree.DecisionTreeClassifier(), {"max_depth": [1, 2]}, n_iter=1),
                  ensemble.VotingClassifier([("a", LogisticRegression()), ("b", svm.SVC())]),
                  ensemble.StackingClassifier([("a", LogisticRegression()), ("b", tree.ExtraTreeClassifier())]),
                  compose.TransformedTargetRegressor(svm.SVR(), func=np.log1p, inverse_func=np.expm1),
                  preprocessing.FunctionTransformer(np.log1p)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(points, labels)
        record(model)
    for loss in ("squared_error", "absolute_error", "huber", "quantile"):
        record(ensemble.GradientBoostingRegressor(loss=loss, n_estimators=2).fit(points, points[:, 0]))
    for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile"):
        options = {"quantile": 0.5} if loss == "quantile" else {}
        try:
            record(ensemble.HistGradientBoostingRegressor(loss=loss, max_iter=2, **options).fit(points, points[:, 0]))
        except ValueError:  # a loss that this version does not have
            continue
    record(ensemble.HistGradientBoostingClassifier(max_iter=2).fit(points, labels))
    record(ensemble.GradientBoostingClassifier(n_estimators=2, loss="exponential").fit(points, labels > 0))
    for metric in ("euclidean manhattan chebyshev minkowski canberra braycurtis hamming haversine jaccard dice "
                   "russellrao rogerstanimoto sokalsneath yule matching").split():
        for algorithm in ("ball_tree", "kd_tree"):
            try:
                record(neighbors.KNeighborsClassifier(metric=metric, algorithm=algorithm).fit(points[:, :2], labels))
            except Exception:
                continue
        for width in (np.float32, np.float64):
            try:
                record(metrics.DistanceMetric.get_metric(metric, dtype=width))
            except Exception:
                continue
    kernels = gaussian_process.kernels
    for name in dir(kernels):
        kind = getattr(kernels, name)
        if isinstance(kind, type) and issubclass(kind, kernels.Kernel) and kind.__module__ == kernels.__name__:
            found.add((kind.__module__, kind.__qualname__))
    record(Bunch(a=1))
    for name in metrics.get_scorer_names():
        record(metrics.get_scorer(name))
    for name in metrics.__all__:
        value = getattr(metrics, name)
        if callable(value):
            found.add((value.__module__, value.__qualname__))
    for name in ("f_classif f_regression chi2 mutual_info_classif mutual_info_regression r_regression").split():
        record(getattr(importlib.import_module("sklearn.feature_selection"), name))
    for name in model_selection.__all__:
        value = getattr(model_selection, name)
        if isinstance(value, type):
            found.add((value.__module__, value.__qualname__))


def imblearn_values():
    from imblearn.utils.testing import all_estimators

    estimators("imblearn", all_estimators)


def joblib_values():
    import joblib
    import numpy as np

    from joblib import numpy_pickle

    plain = numpy_pickle.NumpyUnpickler.find_class

    def find_class(self, module, name):
        found.add((module, name))
        return plain(self, module, name)

    numpy_pickle.NumpyUnpickler.find_class = find_class
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.joblib"
        value = {"a": np.eye(2), "b": np.array(["x"], dtype=object), "m": np.matrix([[1.0]]), "s": np.float64(1)}
        for compress in (0, 3):
            joblib.dump(value, path, compress=compress)
            joblib.load(path)


def boosting_values():
    import numpy as np

    points = np.abs(np.random.default_rng(0).normal(size=(60, 4)))
    labels = np.arange(60) % 2
    try:
        import xgboost

        for name in ("XGBClassifier XGBRegressor XGBRanker XGBRFClassifier XGBRFRegressor").split():
            kind = getattr(xgboost, name)
            found.add((kind.__module__, kind.__qualname__))
            try:
                record(kind(n_estimators=2).fit(points, labels))
            except Exception:
                continue
        record(xgboost.train({}, xgboost.DMatrix(points, label=labels), 2))
    except ImportError as error:
        missing.append(f"xgboost: {error}")
    try:
        import lightgbm

        for name in ("LGBMClassifier LGBMRegressor LGBMRanker LGBMModel").split():
            kind = getattr(lightgbm, name)
            found.add((kind.__module__, kind.__qualname__))
            try:
                record(kind(n_estimators=2, verbose=-1, objective="binary").fit(points, labels))
            except Exception:
                continue
        record(lightgbm.train({"verbose": -1}, lightgbm.Dataset(points, labels), 2))
    except ImportError as error:
        missing.append(f"lightgbm: {error}")


def statsmodels_values():
    import numpy as np
    import statsmodels.api as sm
    import statsmodels.formula.api as smf
    from statsmodels.tsa.api import SARIMAX, ExponentialSmoothing
    from statsmodels.tsa.arima.model import ARIMA

    import pandas as pd

    generator = np.random.default_rng(0)
    points, series = generator.normal(size=(60, 3)), np.abs(generator.normal(size=60)) + 1
    labels = (points[:, 0] > 0).astype(int)
    labels[:10] = 1 - labels[:10]
    frame = pd.DataFrame({"y": series, "x": points[:, 0], "g": labels})
    attempts = [
        lambda: sm.OLS(series, sm.add_constant(points)).fit(), lambda: sm.WLS(series, points).fit(),
        lambda: sm.GLS(series, points).fit(), lambda: sm.Logit(labels, points).fit(disp=0),
        lambda: sm.Probit(labels, points).fit(disp=0), lambda: sm.MNLogit(labels, points).fit(disp=0),
        lambda: sm.Poisson(labels, points).fit(disp=0), lambda: sm.QuantReg(series, points).fit(),
        lambda: sm.NegativeBinomial(labels, points).fit(disp=0), lambda: sm.RLM(series, points).fit(),
        lambda: sm.MixedLM(series, points, groups=labels).fit(), lambda: ARIMA(series, order=(1, 0, 0)).fit(),
        lambda: SARIMAX(series).fit(disp=0), lambda: ExponentialSmoothing(series).fit(),
        lambda: smf.ols("y ~ x + C(g)", frame).fit(), lambda: smf.logit("g ~ x", frame).fit(disp=0),
        lambda: sm.tsa.VAR(points).fit(1), lambda: sm.PHReg(series, points).fit(),
    ] + [lambda family=family: sm.GLM(series, points, family=family()).fit() for family in (
        sm.families.Gaussian, sm.families.Gamma, sm.families.Poisson, sm.families.InverseGaussian,
        sm.families.Tweedie)]
    attempts.append(lambda: sm.GLM(labels, points, family=sm.families.Binomial()).fit())
    for attempt in attempts:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                record(attempt())
        except Exception:
            continue


def torch_values():
    import collections

    import torch

    for value in list(vars(torch).values()):
        if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
            record(value)
            found.add(("torch", repr(value).removeprefix("torch.")))
    for name in vars(torch):
        if name.endswith(("Storage", "Tensor")) and isinstance(getattr(torch, name), type):
            found.add(("torch", name))
            found.add(("torch.cuda", name)) if hasattr(torch.cuda, name) else None
    for name in vars(torch.storage):
        if name.endswith("Storage"):
            found.add(("torch.storage", name))
    for name in ("device Size Generator Tensor finfo iinfo").split():
        found.add(("torch", name))
    for module in ("torch._utils", "torch._tensor", "torch.nn.parameter"):
        for name in vars(importlib.import_module(module)):
            if name.startswith("_rebuild_"):
                found.add((module, name))
    module = torch.nn.Linear(2, 2)
    values = [module, module.state_dict(), torch.nn.Parameter(torch.ones(1)), torch.eye(2).to_sparse(),
              torch.eye(2).to_sparse_csr(), torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
              torch.device("cpu"), torch.Size([1]), collections.OrderedDict(a=torch.ones(1, dtype=torch.bfloat16)),
              torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2)),
              torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]), torch.ones(1, device="meta"),
              torch.optim.Adam(module.parameters()), torch.optim.SGD(module.parameters(), lr=0.1).state_dict()]
    for value in values:
        for zipped in (True, False):
            buffer = io.BytesIO()
            try:
                torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
            except Exception:
                continue
            if zipped:
                with zipfile.ZipFile(buffer) as archive:
                    name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
                    noted(archive.read(name))
    harmless = (torch.nn.Module, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler)
    for package in ("torch.nn.modules", "torch.optim", "torch.ao.nn", "torch.nn.parallel.data_parallel",
                    "torch.nn.utils.parametrizations", "torch.nn.utils.weight_norm", "torch.nn.utils.spectral_norm",
                    "torch.nn.utils.parametrize", "torch.ao.quantization.observer",
                    "torch.ao.quantization.fake_quantize", "torch.ao.quantization.stubs"):
        classes_below(package, lambda kind: issubclass(kind, harmless) or "parametri" in kind.__module__
                      or kind.__module__.endswith("_norm"))
    classes_below("torch.distributions", lambda kind: True)
    # Configurations name the public path instead of the module of the definition.
    for name, module in (("torch.nn", torch.nn), ("torch.optim", torch.optim),
                         ("torch.optim.lr_scheduler", torch.optim.lr_scheduler)):
        for key, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, harmless):
                found.add((name, key))
    # Functions that modules keep as their activation.
    for name in torch.nn.functional.__all__ if hasattr(torch.nn.functional, "__all__") else (
            "relu gelu silu sigmoid tanh leaky_relu elu selu softmax log_softmax mish softplus hardswish "
            "cross_entropy mse_loss l1_loss nll_loss binary_cross_entropy").split():
        found.add(("torch.nn.functional", name))
    for name in ("gelu relu tanh sigmoid softplus").split():
        found.add(("torch._C._nn", name))


def noted(data):
    """Notes the globals of a pickle without loading it."""
    import pickletools

    strings, memo = [], {}
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name == "GLOBAL":
            module, _, name = argument.partition(" ")
            found.add((module, name))
        elif opcode.name == "STACK_GLOBAL" and len(strings) > 1:
            found.add((strings[-2], strings[-1]))
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = strings[-1] if strings else None
        elif isinstance(argument, str):
            strings.append(argument)


# Wheels: package to the folders of it whose classes belong in model files.
WHEELS = {
    "torchvision": ["torchvision/models", "torchvision/ops", "torchvision/transforms/transforms.py"],
    "ultralytics": ["ultralytics/nn/modules", "ultralytics/nn/tasks.py", "ultralytics/utils/loss.py"],
    "gensim": ["gensim/models", "gensim/corpora/dictionary.py", "gensim/similarities/docsim.py"],
    "category_encoders": ["category_encoders"],
    "keras": ["keras/src/"],
    "timm": ["timm/layers", "timm/models/resnet.py", "timm/models/vision_transformer.py",
             "timm/models/efficientnet.py", "timm/models/convnext.py", "timm/models/swin_transformer.py",
             "timm/models/_efficientnet_blocks.py", "timm/models/regnet.py", "timm/models/densenet.py"],
    "transformers": [f"transformers/models/{family}" for family in
                     ("albert", "bart", "bert", "clip", "deberta_v2", "distilbert", "electra", "gpt2", "gpt_neox",
                      "llama", "mistral", "mpnet", "qwen2", "roberta", "t5", "vit", "wav2vec2", "whisper",
                      "xlm_roberta")]
                    + ["transformers/training_args.py", "transformers/training_args_seq2seq.py",
                       "transformers/activations.py", "transformers/pytorch_utils.py"],
}
# Public paths of Keras below which everything that is exported builds data only.
KERAS = ("keras.layers.", "keras.initializers.", "keras.optimizers.", "keras.losses.", "keras.metrics.",
         "keras.activations.", "keras.regularizers.", "keras.constraints.",
         "keras.dtype_policies.", "keras.models.Model", "keras.models.Sequential", "keras.Model", "keras.Sequential",
         "keras.Variable", "keras.InputSpec", "keras.KerasTensor", "keras.random.SeedGenerator", "keras.Loss",
         "keras.Metric", "keras.Optimizer", "keras.Initializer", "keras.Regularizer", "keras.Layer")
# Base classes whose construction builds data only.
HARMLESS_BASES = {
    "Module", "Sequential", "ModuleList", "Enum", "ExplicitEnum", "StrEnum", "IntEnum", "ModelOutput",
    "PreTrainedModel", "PretrainedConfig", "PreTrainedConfig", "SaveLoad", "BaseEstimator", "BaseEncoder",
    "PreTrainedTokenizer", "PreTrainedTokenizerFast", "GradientCheckpointingLayer", "object",
}


def wheel_classes(folder):
    """Notes classes by the source of the wheels in `folder`: those that rest on `HARMLESS_BASES`."""
    for path in sorted(Path(folder).glob("*.whl")):
        package = path.name.split("-")[0]
        if package not in WHEELS:
            continue
        bases = {}
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if not name.endswith(".py") or not name.startswith(tuple(WHEELS[package])) or "/test" in name:
                    continue
                if name.split("/")[-1].startswith(("convert_", "modular_")):
                    continue
                module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                for node in ast.parse(wheel.read(name)).body:
                    if package == "keras":
                        keras_exports(module, node)
                        continue
                    if isinstance(node, ast.ClassDef):
                        names = {ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases}
                        dataclass = any("dataclass" in ast.unparse(item) for item in node.decorator_list)
                        bases[(module, node.name)] = names | ({"object"} if dataclass or not names else set())
        known = set(HARMLESS_BASES)
        while True:
            more = {name for (_, name), names in bases.items() if names & known} - known
            if not more:
                break
            known |= more
        skip = ("Test", "_Safe", "Safe", "PathLine")
        found.update(key for key in bases if key[1] in known and not key[1].startswith(skip))


def keras_exports(module, node):
    """Notes the public paths of one definition and the place where it stands."""
    if isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Operation" for base in node.bases):
        found.add((module, node.name))
    for decorator in getattr(node, "decorator_list", []):
        if not (isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "keras_export"):
            continue
        paths = ast.literal_eval(decorator.args[0])
        paths = [paths] if isinstance(paths, str) else paths
        for path in paths:
            if path.startswith(KERAS) and not path.endswith((".get", ".serialize", ".deserialize")):
                found.add(tuple(path.rsplit(".", 1)))
                found.add((module, node.name))


def update(catalog, lists):
    import tomllib  # Python 3.11; the lists are made with older ones, too

    text = Path(catalog).read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    listed = set()
    for group in tomllib.loads(head + tail)["group"]:
        for module, names in group["globals"].items():
            listed.update((module, name) for name in names.split())
    globals_ = defaultdict(set)

    def elsewhere(module, name):
        return (module, name) in listed or module.split(".")[0] in STANDARD

    for path in lists:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            module, name = line.split()
            if "<" not in name and not elsewhere(module, name):
                globals_[module].add(name)
    packages = defaultdict(list)
    for module in sorted(globals_):
        packages[module.split(".")[0]].append(module)
    lines = []
    for package, modules in packages.items():
        lines += ["", "[[group]]", 'category = "framework-rebuild"', "[group.globals]"]
        for module in modules:
            names = sorted(globals_[module])
            one = f'"{module}" = "{" ".join(names)}"'
            if len(one) <= 120:
                lines.append(one)
                continue
            lines.append(f'"{module}" = """')
            row = ""
            for name in names:
                if len(row) + len(name) > 118:
                    lines.append(row.rstrip())
                    row = ""
                row += name + " "
            lines += [row.rstrip(), '"""']
    Path(catalog).write_text(head + BEGIN + "\n".join(["", *lines]) + "\n" + END + tail, encoding="utf-8")


# The standard library is listed by hand.
STANDARD = set(sys.stdlib_module_names) | {"__main__", "__builtin__", "copy_reg", "__mp_main__"}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheels")
    parser.add_argument("--update")
    parser.add_argument("lists", nargs="*")
    options = parser.parse_args()
    if options.update:
        update(options.update, options.lists)
        sys.exit()
    if options.wheels:
        wheel_classes(options.wheels)
    else:
        warnings.simplefilter("ignore")
        for part in (numpy_values, scipy_values, pandas_values, joblib_values, sklearn_values, imblearn_values,
                     boosting_values, statsmodels_values, torch_values):
            section(part)
    for module, name in sorted(found):
        print(module, name)
    for line in missing:
        print(f"left out: {line}", file=sys.stderr)
