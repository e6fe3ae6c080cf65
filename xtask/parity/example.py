"""What the other scripts read, made from an example: its network's decisions, rows and bounds.

    pip install -r requirements-torch.txt
    python example.py examples/mortgage output

Writes to the output folder
  predictions.csv  the test data with a column yhat, the class that PyTorch decides for
  rows.csv         the network's inputs and the class index `label`
  bounds.json      [[lower, upper], ...] of the inputs, as caiso.yaml declares them
"""

import csv
import json
import re
import sys
from pathlib import Path

import torch
from onnx_chain import Chain


def main():
    example, output = Path(sys.argv[1]), Path(sys.argv[2])
    sys.path.insert(0, str(example.resolve()))
    from train import CLASSES, FEATURES, load

    data = example / "data" / "test.csv"
    features, labels = load(data)
    with torch.no_grad():
        decided = Chain(str(example / "model" / "mortgage.onnx"), torch.float32)(features).argmax(1)

    with open(data, newline="") as file:
        rows = list(csv.DictReader(file))
    write(output / "predictions.csv", [*rows[0], "yhat"], [
        [*row.values(), CLASSES[index]] for row, index in zip(rows, decided.tolist(), strict=True)
    ])  # fmt: skip
    write(output / "rows.csv", [*FEATURES, "label"], [
        [*row, label] for row, label in zip(features.tolist(), labels.tolist(), strict=True)
    ])  # fmt: skip

    declared = re.findall(r"column: (\w+),.*bounds: (\[[^]]+\])", (example / "caiso.yaml").read_text())
    bounds = {column: json.loads(pair) for column, pair in declared}
    (output / "bounds.json").write_text(json.dumps([bounds[name] for name in FEATURES]))


def write(path, heading, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([heading, *rows])


if __name__ == "__main__":
    main()
