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


ALL = [Erf, Gelu, Shrink, GlobalLpPool, LRN, MeanVarianceNormalization, GroupNormalization]
# Operators that onnxruntime has for doubles, but computes with single precision inside.
PREFERRED = {"GroupNormalization", "Shrink"}
