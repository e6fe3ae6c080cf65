"""Writes small models, what onnxruntime computes with them, and derivatives.

    pip install -r requirements.txt
    python make.py FOLDER

FOLDER gets cases.json and a NAME.onnx for each case, with the keys:
name, operators (of the graph), rows [n][features], outputs [n][m] by onnxruntime in single precision, seeds [n][m], and gradients
[n][features] of seeds * outputs by central differences of fourth order in double precision (onnxruntime, or where it
has no kernel for that precision the reference implementation of onnx), null where the operator has none.
"""

import json
import pathlib
import sys
import zlib

import numpy as np
import onnxruntime
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

import cases
import reference
from graph import Graph

ROWS = 3


def evaluator(model):
    """Function of rows `[n, features…]`, in the precision of the model."""
    double = model.graph.input[0].type.tensor_type.elem_type == TensorProto.DOUBLE
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        if double and any(node.op_type in reference.PREFERRED for node in model.graph.node):
            raise NotImplementedError("onnxruntime computes a part of it in single precision")
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        return lambda rows: session.run(None, {"x": rows})[0]
    except Exception as error:  # no kernel for this type
        if not double:
            raise error
        evaluator = ReferenceEvaluator(model, new_ops=reference.ALL)
        return lambda rows: np.asarray(evaluator.run(None, {"x": rows})[0])


def build(case, opset, dtype):
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    graph = Graph(opset, case.shape, dtype, random, case.batch)
    result = case.build(graph, "x")
    if case.integer:
        result = graph.op("Cast", result, to=TensorProto.FLOAT)
    flat = graph.op("Reshape", result, graph.i([-1, case.outputs] if case.merged else [0, -1]))
    # Something behind the operator, so that it is not taken for the end of a classifier.
    done = graph.op("Add", flat, graph.c(np.float32(0.125)))
    return graph, graph.model(done)


def differences(function, rows, seeds, step, together):
    """Of `seeds * function(row)` with respect to each value of the row."""
    gradients = []
    for row, seed in zip(rows, seeds):
        size = row.size
        moves = np.concatenate([k * step * np.eye(size) for k in (-2, -1, 1, 2)]).reshape(4 * size, *row.shape)
        near = row + moves
        outputs = function(near) if together else np.concatenate([function(move[None]) for move in near])
        far_left, left, right, far_right = (outputs @ seed).reshape(4, size)
        gradients.append((far_left - 8 * left + 8 * right - far_right) / (12 * step))
    return np.stack(gradients)


def attempt(case, opset, number):
    random = np.random.default_rng([zlib.crc32(case.name.encode()), number])
    shape = (ROWS if case.batch == "batch" else case.batch, *case.shape)
    rows = random.uniform(case.low, case.high, (ROWS, *case.shape)).astype(np.float32)
    if case.distinct:
        # Values that stay in order under the steps of the differences.
        values = np.linspace(case.low, case.high, int(np.prod(case.shape)), dtype=np.float32)
        rows = np.stack([random.permutation(values).reshape(case.shape) for _ in range(ROWS)])
    graph, single = build(case, opset, np.float32)
    _, double = build(case, opset, np.float64)
    run = evaluator(single)
    whole = shape[0]
    outputs = np.concatenate([run(rows[i : i + whole]) for i in range(0, ROWS, whole)]).reshape(ROWS, -1)
    seeds = random.uniform(-1, 1, outputs.shape).astype(np.float32)
    gradients = None
    if case.gradient:
        function = evaluator(double)
        if whole != ROWS:
            assert whole == 1
        wide = rows.astype(np.float64)
        step = 1e-4
        gradients = differences(function, wide, seeds.astype(np.float64), step, whole == ROWS)
        check = differences(function, wide, seeds.astype(np.float64), step * 0.5, whole == ROWS)
        scale = np.abs(gradients).max()
        if not np.isfinite(gradients).all() or np.abs(gradients - check).max() > 1e-6 * scale + 1e-9:
            return None, None
    listed = lambda array: None if array is None else np.asarray(array, dtype=np.float64).reshape(ROWS, -1).tolist()
    return single, dict(
        name=f"{case.name}-{opset}",
        operators=graph.operators(),
        rows=listed(rows),
        outputs=listed(outputs),
        seeds=listed(seeds),
        gradients=listed(gradients),
    )


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    written, failed = [], []
    for case in cases.all_cases():
        for opset in case.opsets:
            try:
                for number in range(20):
                    model, entry = attempt(case, opset, number)
                    if model is not None:
                        break
                else:
                    raise ValueError("a kink near every attempt")
            except Exception as error:
                failed.append(f"{case.name} in operator set {opset}: {str(error)[:300]}")
                continue
            (folder / f"{entry['name']}.onnx").write_bytes(model.SerializeToString(deterministic=True))
            written.append(entry)
    (folder / "cases.json").write_text(json.dumps(written))
    print(f"{len(written)} cases of {len({o for entry in written for o in entry['operators']})} operators")
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
