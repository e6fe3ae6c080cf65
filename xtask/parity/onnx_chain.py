"""Reads the ONNX file of a plain feed-forward network into PyTorch, and the rows that it is run on."""

import csv

import numpy as np
import onnx
import torch
from onnx import numpy_helper


class Chain(torch.nn.Module):
    """A graph in which every node takes the previous node's output and constants, up to logits."""

    def __init__(self, path, dtype):
        super().__init__()
        graph = onnx.load(path).graph
        constants = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
        self.steps = []
        current = graph.input[0].name
        for node in graph.node:
            if node.op_type == "Constant":
                constants[node.output[0]] = torch.tensor(numpy_helper.to_array(node.attribute[0].t))
                continue
            if current not in node.input:
                raise SystemExit(f"{path}: node {node.name} ({node.op_type}) does not continue the chain at {current}")
            operands = [None if name == current else constants[name].to(dtype) for name in node.input]
            attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            self.steps.append((node.op_type, operands, attributes))
            current = node.output[0]

    def forward(self, value):
        for kind, operands, attributes in self.steps:
            inputs = [value if operand is None else operand for operand in operands]
            value = apply(kind, inputs, attributes)
        return value


def apply(kind, inputs, attributes):
    match kind:
        case "Identity":
            return inputs[0]
        case "Add":
            return inputs[0] + inputs[1]
        case "Sub":
            return inputs[0] - inputs[1]
        case "Mul":
            return inputs[0] * inputs[1]
        case "Div":
            return inputs[0] / inputs[1]
        case "MatMul":
            return inputs[0] @ inputs[1]
        case "Gemm":
            left = inputs[0].T if attributes.get("transA", 0) else inputs[0]
            right = inputs[1].T if attributes.get("transB", 0) else inputs[1]
            product = attributes.get("alpha", 1.0) * (left @ right)
            return product + attributes.get("beta", 1.0) * inputs[2] if len(inputs) > 2 else product
        case "Relu":
            return torch.relu(inputs[0])
        case "Sigmoid":
            return torch.sigmoid(inputs[0])
        case "Tanh":
            return torch.tanh(inputs[0])
        case _:
            raise SystemExit(f"operator {kind} is not read by this script")


def read_rows(path, dtype):
    """Rows [n, d] and labels [n] of a numeric CSV: the model's inputs in order, then the class index as `label`."""
    with open(path, newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        if header[-1] != "label":
            raise SystemExit(f"{path}: the last column is {header[-1]!r}, expected 'label'")
        table = np.array([[float(cell) for cell in row] for row in reader])
    # Through single precision, so that every tool sees the same numbers as the model does.
    rows = torch.tensor(table[:, :-1].astype(np.float32)).to(dtype)
    return rows, torch.tensor(table[:, -1].astype(np.int64))
