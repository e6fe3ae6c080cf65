"""Checks adversarial rows that caiso saved with another runtime: `robustness.py CAISO DIGITS MORTGAGE` (the folders of the
examples).

onnxruntime decides every saved row again and must find the robust accuracy that caiso reports; every row must be valid (bounds,
epsilon, immutable and whole features), and the same command with other batch sizes and threads must give the same bytes.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime

DIGITS = ["pgd", "apgd-ce", "autoattack", "square", "deepfool", "fmn", "hopskipjump", "cw"]
MORTGAGE = ["pgd", "square", "hopskipjump", "fmn", "lowprofool"]
RATIOS = ["pirat", "hirat", "lvrat"]


def read(path, target):
    """Rows as a model takes them and their classes."""
    with open(path, newline="") as file:
        table = list(csv.DictReader(file))
    number = {"no": 0.0, "yes": 1.0}
    value = lambda text: number[text] if text in number else float(text)
    columns = [name for name in table[0] if name not in (target, "afam")]
    rows = np.array([[value(row[name]) for name in columns] for row in table], "float32")
    return rows, np.array([int(value(row[target])) for row in table]), columns


class Model:
    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options)
        self.input = self.session.get_inputs()[0]

    def classes(self, rows):
        shape = [-1, *self.input.shape[1:]]
        return self.session.run(None, {self.input.name: rows.reshape(shape)})[0].argmax(1)


def evaluate(binary, folder, model, rows, labels, extra):
    files = {"rows": rows, "labels": labels}
    for name, values in files.items():
        np.save(folder / f"{name}.npy", values)
    command = [binary, "robustness", "evaluate", "--model", model, "--inputs", folder / "rows.npy"]
    command += ["--labels", folder / "labels.npy", "--quiet", "--format", "json"]
    command += ["--save-adversarial", folder / "saved", *extra]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    saved = {path.name: path.read_bytes() for path in sorted((folder / "saved").iterdir())}
    return json.loads(done.stdout), saved


def recheck(name, model, rows, labels, answer, valid):
    clean = model.classes(rows) == labels
    assert abs(clean.mean() - answer["clean_accuracy"]) < 1e-9, f"{name}: clean accuracy"
    for result in answer["results"]:
        what = f"{name}, {result['attack']} {result['norm']} {result['eps']}"
        moved = np.load(result["adversarial"])
        assert moved.shape == rows.shape and moved.dtype == np.float32, what
        valid(what, moved)
        change = np.abs(moved.astype("float64") - rows).reshape(len(rows), -1)
        far = {"linf": change.max(1), "l2": np.sqrt((change**2).sum(1)), "l0": (change > 0).sum(1)}
        stands = model.classes(moved) == labels
        if result["eps"] is not None:
            # Adversarial rows of minimum-norm attacks count within epsilon only.
            stands |= clean & (far[result["norm"]] > result["eps"] * (1 + 1e-6) + 1e-6)
        # Rows on which an attack could not start stand too, but are not counted as robust.
        robust = ((stands & clean).sum() - result["init_failed"]) / len(rows)
        assert result["not_attacked"] == 0, what
        assert abs(robust - result["robust_accuracy"]) < 1e-9, f"{what}: {robust} by onnxruntime, {result['robust_accuracy']}"


def main():
    binary, digits, mortgage = sys.argv[1], *map(pathlib.Path, sys.argv[2:4])
    checked = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows, labels, _ = read(digits / "data/test.csv", "digit")
        rows, labels = rows[:60], labels[:60]
        path = digits / "model/digits.onnx"

        def valid(what, moved):
            assert moved.min() >= 0 and moved.max() <= 16, what

        for norm, eps in (("linf", "1,2"), ("l2", "4")):
            extra = ["--attack", ",".join(DIGITS), "--norm", norm, "--eps", eps, "--bounds", "0,16", "--queries", "600"]
            answer, saved = evaluate(binary, folder, path, rows, labels, extra)
            recheck("digits", Model(path), rows, labels, answer, valid)
            checked += len(answer["results"])
            if norm == "linf":
                for other in (["--batch-size", "1", "--threads", "1"], ["--batch-size", "7", "--threads", "2"], ["--batch-size", "64"]):
                    again, bytes_ = evaluate(binary, folder, path, rows, labels, [*extra, *other])
                    assert bytes_ == saved, f"{other}: other adversarial rows"
                    for one in (answer, again):
                        for result in one["results"]:
                            result["cpu_seconds"] = 0
                    assert again == answer, f"{other}: other figures"

        rows, labels, columns = read(mortgage / "data/test.csv", "deny")
        rows, labels = rows[:150], labels[:150]
        path = mortgage / "model/mortgage.onnx"
        fixed = [str(j) for j, name in enumerate(columns) if name not in RATIOS]

        def unchanged(what, moved):
            frozen = [int(j) for j in fixed]
            assert (moved[:, frozen] == rows[:, frozen]).all(), f"{what}: an immutable feature moved"

        extra = ["--attack", ",".join(MORTGAGE), "--norm", "l2", "--eps", "0.1", "--immutable", ",".join(fixed)]
        answer, _ = evaluate(binary, folder, path, rows, labels, extra)
        recheck("mortgage", Model(path), rows, labels, answer, unchanged)
        checked += len(answer["results"])
    print(f"{checked} results with saved adversarial rows, each the same by onnxruntime, in any batch and on any number of threads")


if __name__ == "__main__":
    main()
