"""Definitions in double precision of what onnx's own reference implementation lacks or computes in single precision."""

import math

import numpy as np
from onnx.reference.op_run import OpRun

erf = np.vectorize(math.erf, otypes=[np.float64])


class Erf(OpRun):
    def _run(self, x):
        return (erf(x),)


class Gelu(OpRun):
    def _run(self, x, approximate=None):
        if approximate == "tanh":
            return (0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),)
        return (0.5 * x * (1 + erf(x / math.sqrt(2))),)


class Shrink(OpRun):
    def _run(self, x, bias=None, lambd=None):
        return (np.where(x < -lambd, x + bias, np.where(x > lambd, x - bias, 0.0)),)


class GlobalLpPool(OpRun):
    def _run(self, x, p=None):
        axes = tuple(range(2, x.ndim))
        return ((np.abs(x) ** p).sum(axes, keepdims=True) ** (1 / p),)


class LRN(OpRun):
    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        squares = np.zeros_like(x)
        for channel in range(x.shape[1]):
            first = max(0, channel - (size - 1) // 2)
            last = min(x.shape[1], channel + size // 2 + 1)
            squares[:, channel] = (x[:, first:last] ** 2).sum(1)
        return (x / (bias + alpha / size * squares) ** beta,)


class MeanVarianceNormalization(OpRun):
    def _run(self, x, axes=None):
        axes = tuple(axes)
        return ((x - x.mean(axes, keepdims=True)) / (x.std(axes, keepdims=True) + 1e-9),)


class GroupNormalization(OpRun):
    def _run(self, x, scale, bias, epsilon=None, num_groups=None, stash_type=None):
        groups = x.reshape(x.shape[0], num_groups, -1)
        variance = groups.var(2, keepdims=True)
        normal = ((groups - groups.mean(2, keepdims=True)) / np.sqrt(variance + epsilon)).reshape(x.shape)
        each = x.shape[1] // scale.size
        shape = [1, -1] + [1] * (x.ndim - 2)
        return (normal * np.repeat(scale, each).reshape(shape) + np.repeat(bias, each).reshape(shape),)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Recurrent(OpRun):
    """Loops over directions and places; `cell` maps (gates of the input, state, cell, weights, bias) to state and cell."""

    def _run(self, x, w, r, b=None, lengths=None, initial_h=None, initial_c=None, p=None, **attributes):
        hidden, layout = attributes["hidden_size"], attributes.get("layout") or 0
        if layout:
            x = x.transpose(1, 0, 2)
        steps, batch, _ = x.shape
        directions = w.shape[0]
        y = np.zeros((steps, directions, batch, hidden))
        last, cells = np.zeros((2, directions, batch, hidden))
        for d in range(directions):
            h = np.zeros((batch, hidden)) if initial_h is None else initial_h[d]
            c = np.zeros((batch, hidden)) if initial_c is None else initial_c[d]
            bias = np.zeros(2 * w.shape[1]) if b is None else b[d]
            of_input, of_state = np.split(bias, 2)
            backwards = d == 1 or attributes.get("direction") in ("reverse", b"reverse")
            for t in reversed(range(steps)) if backwards else range(steps):
                h, c = self.cell(x[t] @ w[d].T + of_input, h, c, r[d], of_state, hidden, attributes)
                y[t, d] = h
            last[d], cells[d] = h, c
        if layout:
            y, last, cells = y.transpose(2, 0, 1, 3), last.transpose(1, 0, 2), cells.transpose(1, 0, 2)
        return (y, last, cells)[: self.count]


class LSTM(Recurrent):
    count = 3

    def cell(self, gates, h, c, r, bias, hidden, attributes):
        i, o, f, g = np.split(gates + h @ r.T + bias, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


class GRU(Recurrent):
    count = 2

    def cell(self, gates, h, c, r, bias, hidden, attributes):
        weights, biases = np.split(r, 3), np.split(bias, 3)
        z, reset, g = np.split(gates, 3, 1)
        z = sigmoid(z + h @ weights[0].T + biases[0])
        reset = sigmoid(reset + h @ weights[1].T + biases[1])
        if attributes.get("linear_before_reset"):
            g = np.tanh(g + reset * (h @ weights[2].T + biases[2]))
        else:
            g = np.tanh(g + (reset * h) @ weights[2].T + biases[2])
        return (1 - z) * g + z * h, c


class RNN(Recurrent):
    count = 2

    def cell(self, gates, h, c, r, bias, hidden, attributes):
        z = gates + h @ r.T + bias
        relu = "Relu" in [str(name) for name in attributes.get("activations") or []]
        return (np.maximum(z, 0) if relu else np.tanh(z)), c


ALL = [Erf, Gelu, Shrink, GlobalLpPool, LRN, MeanVarianceNormalization, GroupNormalization, LSTM, GRU, RNN]
# Operators that onnxruntime accepts with doubles, but computes in single precision inside or not at all.
PREFERRED = {"GroupNormalization", "Shrink", "LSTM", "GRU", "RNN"}
