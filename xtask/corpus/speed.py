"""Writes the files that the speed of a scan is measured on.

    speed.py OUT

OUT/small: 1,000 pickles of about 1 kB; OUT/large.pt: a PyTorch archive of 768 MiB; OUT/floats.pkl and OUT/rows.pkl: pickles
of 768 MiB, one list of numbers and one of small dictionaries, in batches of 1,000 as CPython's pickler writes them.
"""

import collections
import pathlib
import pickle
import random
import struct
import sys
import zipfile

LARGE = 768 << 20


def small(folder):
    folder.mkdir(parents=True, exist_ok=True)
    numbers = random.Random(1)
    for index in range(1000):
        value = {
            "name": f"model {index}",
            "weights": [numbers.random() for _ in range(100)],
            "config": collections.OrderedDict(a=index, b=[1, 2, 3]),
            "labels": ["a", "b", "c"],
        }
        (folder / f"{index}.pkl").write_bytes(pickle.dumps(value, protocol=4))


def archive(path):
    block = random.Random(2).randbytes(16 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
        out.writestr("large/data.pkl", pickle.dumps({"epoch": 3}, protocol=2))
        for key in range(LARGE // len(block)):
            out.writestr(f"large/data/{key}", block)
        out.writestr("large/version", "3\n")


def stream(path, item):
    batch = b"(" + item * 1000 + b"e"
    with open(path, "wb") as out:
        out.write(b"\x80\x04]\x94")
        size = 0
        while size < LARGE:
            size += out.write(batch * 20)
        out.write(b".")


def main():
    out = pathlib.Path(sys.argv[1])
    small(out / "small")
    archive(out / "large.pt")
    stream(out / "floats.pkl", b"G" + struct.pack(">d", 0.123))
    row = {"a": 1.5, "b": [1, 2, 3], "c": "text value", "d": None}
    # Without the protocol, the frame and STOP.
    stream(out / "rows.pkl", pickle.dumps(row, protocol=4)[11:-1])


if __name__ == "__main__":
    main()
