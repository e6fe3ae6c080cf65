"""Cross-entropy and its gradient with respect to the raw inputs, row by row, by PyTorch, printed as JSON.

    pip install -r requirements-torch.txt
    python torch_gradients.py model.onnx rows.csv [--precision double|single]

rows.csv: numeric, the model's inputs in order, then the class index in a column `label`.
Prints {"logits": [n][k], "loss": [n], "gradients": [n][d]}; natural logarithm, no mean over rows.
"""

import argparse
import json

import torch
from onnx_chain import Chain, read_rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("rows")
    parser.add_argument("--precision", choices=["double", "single"], default="double")
    arguments = parser.parse_args()
    dtype = torch.float64 if arguments.precision == "double" else torch.float32

    rows, labels = read_rows(arguments.rows, dtype)
    rows.requires_grad_(True)
    logits = Chain(arguments.model, dtype)(rows)
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    (gradients,) = torch.autograd.grad(loss.sum(), rows)
    print(json.dumps({"logits": logits.tolist(), "loss": loss.tolist(), "gradients": gradients.tolist()}))


if __name__ == "__main__":
    main()
