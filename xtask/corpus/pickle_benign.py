"""Pickles that a reader of names would flag although they are harmless."""

import pickle

import numpy

from pickle_asm import Build, G, New, asm, call, dump, push


def build(corpus):
    data(corpus)
    objects(corpus)
    arrays(corpus)
    other_files(corpus)


def data(corpus):
    def benign(name, about, value, proto=4):
        return corpus.benign(name, "pickle", about, dump(value, proto))
    for proto in range(6):
        benign(f"plain-protocol-{proto}.pkl", f"plain containers in protocol {proto}", {"a": [1, 2.5, None, True], "b": ("x", "y"), "c": {"d": -3}}, proto)
    benign("text-os-system.pkl", "the words os.system as text", {"description": "never call os.system(\"echo caiso\") in a model"})
    benign("text-import.pkl", "Python source as text, as a tokenizer's corpus holds it", ["import os", "os.system('echo caiso')", "eval(input())"])
    benign("text-operands.pkl", "the words posix and system one after the other, not used as operands", ["posix", "system", "builtins", "eval"])
    benign("text-disassembly.pkl", "a disassembled payload as text", "cos\nsystem\n(S'echo caiso'\ntR.")
    benign("text-url.pkl", "an address of documentation as text", {"homepage": "https://example.org/model", "licence": "Apache-2.0"})
    benign("keys-exec.pkl", "dictionary keys named exec, eval and system", {"exec": 1, "eval": 2, "system": 3, "__reduce__": 4})
    benign("vocabulary.pkl", "a vocabulary with names of functions", {word: index for index, word in enumerate(["eval", "exec", "compile", "open", "subprocess", "popen", "shell", "rm", "curl", "torch", "getattr", "__import__"])})
    benign("bytes-pickle-like.pkl", "bytes that look like a pickle, stored and not loaded", {"blob": b"\x80\x04K\x01."})
    benign("bytes-elf-like.pkl", "four bytes that begin an ELF file, in a table of magic numbers", {"magic": [b"\x7fELF", b"MZ", b"PK\x03\x04"]})
    benign("long-text.pkl", "a long text of 20,000 characters", "lorem ipsum dolor sit amet " * 750)
    benign("big-integers.pkl", "integers of 2,000 bits", [2**2000, -(2**1999)])
    benign("deep-moderate.pkl", "lists nested 60 deep", _nest(60))
    shared = [1, 2, 3]
    corpus.benign("memo-shared.pkl", "pickle", "shared and recursive references by the memo", pickle.dumps([shared, shared, {"again": shared}], 4))
    recursive = []
    recursive.append(recursive)
    corpus.benign("memo-recursive.pkl", "pickle", "a list that holds itself", pickle.dumps(recursive, 2))
    corpus.benign("set-and-frozenset.pkl", "pickle", "sets", dump_real({"labels": {"cat"}, "frozen": frozenset(["dog"])}))
    corpus.benign("two-streams.pkl", "pickle", "two plain pickles one after the other", dump([1]) + dump({"b": 2}))
    corpus.benign("python2-strings.pkl", "pickle", "byte strings of Python 2", asm("MARK", ("STRING", "weights"), ("INT", 3), "DICT", "STOP"))
    corpus.benign("pop-unused.pkl", "pickle", "plain values are pushed and popped", asm(("PROTO", 4), push([1]), "POP", push({"a": 1}), "STOP"))


def _nest(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


def dump_real(value, proto=4):
    return pickle.dumps(value, proto)


def objects(corpus):
    import collections
    import datetime
    import decimal
    import fractions
    import uuid

    def real(name, about, value, proto=4):
        return corpus.benign(name, "pickle", about, pickle.dumps(value, proto))
    real("ordereddict.pkl", "an OrderedDict", collections.OrderedDict([("a", 1), ("b", 2)]))
    real("defaultdict.pkl", "a defaultdict of lists", collections.defaultdict(list, {"a": [1]}))
    real("counter.pkl", "a Counter", collections.Counter("mississippi"))
    real("deque.pkl", "a deque", collections.deque([1, 2, 3], maxlen=5))
    real("datetime.pkl", "dates and time differences", [datetime.datetime(2024, 5, 1, 12), datetime.date(2024, 5, 1), datetime.timedelta(seconds=5)])
    real("datetime-protocol-2.pkl", "a date in protocol 2, where bytes are made by _codecs.encode", datetime.datetime(2024, 5, 1, 12), 2)
    real("decimal-fraction.pkl", "decimal numbers and fractions", [decimal.Decimal("1.5"), fractions.Fraction(1, 3)])
    real("uuid.pkl", "an identifier of the module uuid, whose private functions run commands", uuid.UUID(int=7))
    real("complex-range-slice.pkl", "complex numbers, ranges and slices", [1 + 2j, range(5), slice(1, 2)])
    real("bytearray-protocol-2.pkl", "a byte array in protocol 2", bytearray(b"caiso"), 2)
    real("path.pkl", "a pure path", __import__("pathlib").PurePosixPath("models/model.bin"))
    real("timezone.pkl", "a time zone", datetime.timezone.utc)
    real("namespace.pkl", "a simple namespace", __import__("types").SimpleNamespace(epochs=3, eval=True))
    mean = call("functools", "partial", G("numpy", "mean"))
    state = Build(mean, (G("numpy", "mean"), (), {"axis": 0}, None))
    corpus.benign("partial-numpy-mean.pkl", "pickle", "functools.partial of numpy.mean, as pipelines hold it", dump({"aggregate": state}))
    getter = call("operator", "itemgetter", "text")
    corpus.benign("itemgetter.pkl", "pickle", "operator.itemgetter with a column name", dump({"select": getter}))
    corpus.benign("builtin-classes.pkl", "pickle", "references to plain built-in classes", dump({"cast": [G("builtins", "int"), G("builtins", "float"), G("builtins", "str")]}))
    corpus.benign("reconstructor.pkl", "pickle", "copyreg._reconstructor, as protocol 1 writes objects", dump(Build(call("copyreg", "_reconstructor", G("collections", "Counter"), G("builtins", "dict"), {"a": 1}), {}), 1))
    pipeline = Build(New(G("sklearn.pipeline", "Pipeline")), {
        "steps": [
            ("log", Build(New(G("sklearn.preprocessing._function_transformer", "FunctionTransformer")), {"func": G("numpy", "log1p"), "inverse_func": G("numpy", "expm1"), "validate": True, "_sklearn_version": "1.6.0"})),
            ("tree", Build(New(G("sklearn.tree._classes", "DecisionTreeClassifier")), {"criterion": "gini", "_sklearn_version": "1.6.0"})),
        ],
        "_sklearn_version": "1.6.0",
    })
    corpus.benign("sklearn-pipeline-by-hand.pkl", "pickle", "a scikit-learn pipeline with a transformer over numpy functions", dump(pipeline))


def arrays(corpus):
    def real(name, about, value, proto=4):
        return corpus.benign(name, "pickle", about, pickle.dumps(value, proto))
    numbers = numpy.arange(12, dtype=numpy.float32).reshape(3, 4)
    for proto in (0, 2, 3, 4, 5):
        real(f"numpy-array-protocol-{proto}.pkl", f"a numpy array in protocol {proto}", numbers, proto)
    real("numpy-scalars.pkl", "numpy scalars and dtypes", [numpy.float64(1.5), numpy.int64(3), numpy.dtype("<f4")])
    real("numpy-structured.pkl", "a structured array", numpy.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]))
    real("numpy-objects.pkl", "an array of objects that are text", numpy.array(["eval", "exec"], dtype=object))
    real("numpy-datetime.pkl", "an array of dates", numpy.array(["2024-05-01"], dtype="datetime64[D]"))
    real("numpy-random-state.pkl", "a random generator of numpy with its state", numpy.random.RandomState(7))
    real("numpy-generator.pkl", "a new random generator of numpy", numpy.random.default_rng(7))
    real("numpy-masked.pkl", "a masked array", numpy.ma.array([1, 2], mask=[True, False]))
    real("numpy-state-dict.pkl", "a dictionary of arrays", {"layer.weight": numbers, "layer.bias": numpy.zeros(3)})
    old = call("numpy.core.multiarray", "_reconstruct", G("numpy", "ndarray"), (0,), b"b")
    dtype = Build(call("numpy", "dtype", "f4", False, True), (3, "<", None, None, None, -1, -1, 0))
    corpus.benign("numpy-old-module-name.pkl", "pickle", "an array by the module name of numpy 1", dump(Build(old, (1, (2,), dtype, False, b"\0" * 8))))
    scipy = Build(New(G("scipy.sparse._csr", "csr_matrix")), {"_shape": (1, 1), "maxprint": 50})
    corpus.benign("scipy-sparse-by-hand.pkl", "pickle", "a sparse matrix of scipy", dump(scipy))


def other_files(corpus):
    corpus.benign("text-notes.txt", "text", "notes that quote a payload", b"A payload looks like this:\ncos\nsystem\n(S'echo caiso'\ntR.\nDo not load it.\n")
    corpus.benign("readme-with-shell.md", "text", "a model card with shell commands", b"# Model\n\n```sh\npip install torch\npython -c 'import os; os.system(\"echo caiso\")'\n```\n\nSee https://example.org.\n")
    corpus.benign("stylesheet.css", "text", "a text whose first character is the opcode STOP", b".model { color: #333 }\n")
    corpus.benign("vocabulary.txt", "text", "a vocabulary of one word a line", b"\n".join([b"[PAD]", b"eval", b"exec", b"os", b"system", b"import"]) + b"\n")
    corpus.benign("image.png", "image", "the start of an image", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde" + b"\0\0\0\0IEND\xaeB`\x82")
    corpus.benign("config.json", "json", "a model configuration without custom code", b'{"architectures": ["BertModel"], "hidden_size": 8, "model_type": "bert", "torch_dtype": "float32", "transformers_version": "4.50.0"}\n')
    corpus.benign("empty.bin", "empty", "an empty file: nothing to load", b"")
    corpus.benign("table.csv", "text", "a table with a column named eval", b"id,eval,system\n1,0.5,posix\n2,0.25,nt\n")
