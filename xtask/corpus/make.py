"""Writes the fixture corpus of `caiso scan`: `python make.py OUT_DIR`.

Every fixture is made from names and bytes; nothing here loads or runs one. Payloads only
print. The same call writes the same bytes (Python 3.11, `requirements.txt`).
"""

import argparse
import collections
import importlib

from fixture import Corpus

FAMILIES = [
    "pickle_calls",
    "pickle_tricks",
    "pickle_benign",
    "containers",
    "torch_files",
    "arrays",
    "keras_files",
    "tensorflow_files",
    "onnx_files",
    "weights",
    "tabular",
    "other_graphs",
    "beside",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", help="folder to write to")
    out = parser.parse_args().out
    corpus = Corpus()
    for name in FAMILIES:
        importlib.import_module(name).build(corpus)
    rows = corpus.write(out)
    kinds = collections.Counter(row["class"] for row in rows)
    formats = collections.Counter(row["format"] for row in rows)
    print(f"{len(rows)} fixtures: {dict(kinds)}")
    print(dict(formats))


if __name__ == "__main__":
    main()
