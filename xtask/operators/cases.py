"""The cases: for each operator at least one, in the operator sets in which it means something different."""

from dataclasses import dataclass
from typing import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

ALL = (11, 13, 17, 18, 21)
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


@dataclass
class Case:
    name: str
    shape: tuple
    build: Callable
    opsets: tuple = (11, 21)
    low: float = -2.0
    high: float = 2.0
    # Differentiable at all.
    gradient: bool = True
    # The result holds integers or booleans.
    integer: bool = False
    # All values of a row differ by a step.
    distinct: bool = False
    batch: object = "batch"
    # The result's first axis holds more than the batch; values of a row then.
    merged: bool = False
    outputs: int = 0


def since(version, *others):
    return tuple(opset for opset in sorted({version, 21, *others}) if opset >= version)


def all_cases():
    yield from elementwise()
    yield from binary()
    yield from reductions()
    yield from shapes()
    yield from movement()
    yield from indexing()
    yield from products()
    yield from normalization()
    yield from resampling()
    yield from sequences()
    yield from composites()


def elementwise():
    vector = (8,)
    plain = "Abs Atan Cos Elu Erf Exp HardSigmoid LeakyRelu Neg Relu Selu Sigmoid Sin Softplus Softsign Tanh ThresholdedRelu Asinh Cosh Sinh Celu"
    for name in plain.split():
        yield Case(name, vector, lambda g, x, name=name: g.op(name, x), since(12) if name == "Celu" else (11, 21))
    yield Case("Elu-alpha", vector, lambda g, x: g.op("Elu", x, alpha=0.7))
    yield Case("Celu-alpha", vector, lambda g, x: g.op("Celu", x, alpha=0.7), (12, 21))
    yield Case("Selu-parameters", vector, lambda g, x: g.op("Selu", x, alpha=1.2, gamma=0.8))
    yield Case("LeakyRelu-alpha", vector, lambda g, x: g.op("LeakyRelu", x, alpha=0.3))
    yield Case("HardSigmoid-parameters", vector, lambda g, x: g.op("HardSigmoid", x, alpha=0.4, beta=0.3))
    yield Case("ThresholdedRelu-alpha", vector, lambda g, x: g.op("ThresholdedRelu", x, alpha=0.3))
    for name, low, high in [
        ("Sqrt", 0.1, 3), ("Log", 0.1, 3), ("Reciprocal", 0.2, 3), ("Tan", -1.2, 1.2), ("Asin", -0.9, 0.9),
        ("Acos", -0.9, 0.9), ("Acosh", 1.1, 4), ("Atanh", -0.9, 0.9),
    ]:  # fmt: skip
        yield Case(name, vector, lambda g, x, name=name: g.op(name, x), (11, 21), low, high)
    yield Case("HardSwish", vector, lambda g, x: g.op("HardSwish", x), (14, 21), -4, 4)
    yield Case("Mish", vector, lambda g, x: g.op("Mish", x), (18, 21))
    yield Case("Swish", vector, lambda g, x: g.op("Swish", x, alpha=1.3), (24,))
    yield Case("Gelu", vector, lambda g, x: g.op("Gelu", x), (20, 21), -4, 4)
    yield Case("Gelu-tanh", vector, lambda g, x: g.op("Gelu", x, approximate="tanh"), (20, 21), -4, 4)
    yield Case("Shrink", vector, lambda g, x: g.op("Shrink", x, bias=0.2, lambd=0.6))
    for name in "Floor Ceil Round Sign".split():
        yield Case(name, vector, lambda g, x, name=name: g.op(name, x), gradient=False)
    yield Case("IsNaN", vector, lambda g, x: g.op("IsNaN", g.op("Log", x)), (13, 21), integer=True, gradient=False)
    yield Case("IsInf", vector, lambda g, x: g.op("IsInf", g.op("Log", g.op("Relu", x)), detect_positive=0), integer=True, gradient=False)
    yield Case("Not", vector, lambda g, x: g.op("Not", g.op("Less", x, g.c(0.3))), integer=True, gradient=False)
    yield Case("Clip-inputs", vector, lambda g, x: g.op("Clip", x, g.c(-0.5), g.c(0.8)))
    yield Case("Clip-low", vector, lambda g, x: g.op("Clip", x, g.c(-0.5)))
    yield Case("Clip-rows", vector, lambda g, x: g.op("Clip", x, g.op("ReduceMean", g.c([-0.5, -0.4])), "" ))
    yield Case("Hardmax", (2, 4), lambda g, x: g.op("Hardmax", x, axis=1), (11, 13, 21), gradient=False)
    yield Case("Hardmax-last", (2, 4), lambda g, x: g.op("Hardmax", x), (13, 21), gradient=False)
    yield Case("PRelu", (3, 2, 2), lambda g, x: g.op("PRelu", x, g.r(3, 1, 1)))
    yield Case("PRelu-rows", (6,), lambda g, x: g.op("PRelu", x, g.op("Sin", x)))
    for name in ("Softmax", "LogSoftmax"):
        for axis in (1, 2, -1):
            yield Case(f"{name}-axis{axis}", (3, 4), lambda g, x, name=name, axis=axis: g.op(name, x, axis=axis), (11, 13, 21))
        yield Case(f"{name}-default", (3, 4), lambda g, x, name=name: g.op(name, x), (11, 13, 21))
    yield Case("Cast", vector, lambda g, x: g.op("Cast", g.op("Cast", x, to=INT64), to=FLOAT), gradient=False)
    yield Case("Cast-bool", vector, lambda g, x: g.op("Cast", g.op("Relu", x), to=BOOL), integer=True, gradient=False)
    yield Case("CastLike", vector, lambda g, x: g.op("CastLike", g.i([1, 2, 3, 4, 5, 6, 7, 8]), x) and g.op("Add", x, g.op("CastLike", g.i(2), x)), (15, 21))
    yield Case("Identity", vector, lambda g, x: g.op("Identity", x))
    yield Case("Dropout", vector, lambda g, x: g.op("Dropout", x), (12, 21))


def binary():
    def pair(name, **attributes):
        return lambda g, x: g.op(name, x, g.r(4, low=0.3, high=2), **attributes)

    for name in "Add Sub Mul Div".split():
        yield Case(f"{name}-vector", (3, 4), pair(name))
        yield Case(f"{name}-scalar-left", (3, 4), lambda g, x, name=name: g.op(name, g.c(1.7), x), low=0.3, high=2)
        yield Case(f"{name}-column", (3, 4), lambda g, x, name=name: g.op(name, x, g.r(1, 3, 1, low=0.3, high=2)))
        yield Case(f"{name}-wider", (1, 4), lambda g, x, name=name: g.op(name, x, g.r(3, 1, low=0.3, high=2)))
        yield Case(f"{name}-rows", (2, 3), lambda g, x, name=name: g.op(name, x, g.op("Exp", x)))
        yield Case(f"{name}-rows-broadcast", (3, 4), lambda g, x, name=name: g.op(name, x, g.op("Exp", g.op("Slice", x, g.i([1]), g.i([2]), g.i([2])))))
    yield Case("Div-integers", (6,), lambda g, x: g.op("Div", g.op("Cast", x, to=INT64), g.i(3)), integer=True, gradient=False, low=-20, high=20)
    for name, low in (("Pow", 0.3), ("Mod", 0.3)):
        more = {"fmod": 1} if name == "Mod" else {}
        yield Case(f"{name}-vector", (3, 4), pair(name, **more), (13, 21), low, 3)
    for exponent in (2.0, 0.5, -1.0, 1.0, 3.0):
        yield Case(f"Pow-{exponent}", (6,), lambda g, x, e=exponent: g.op("Pow", x, g.c(e)), low=0.4)
    yield Case("Pow-left", (6,), lambda g, x: g.op("Pow", g.c(1.7), x))
    yield Case("Mod-integers", (6,), lambda g, x: g.op("Mod", g.op("Cast", x, to=INT64), g.i(3)), integer=True, gradient=False, low=-20, high=20)
    for name in "Min Max".split():
        yield Case(f"{name}", (6,), lambda g, x, name=name: g.op(name, x, g.r(6), g.op("Sin", x)))
    for name in "Sum Mean".split():
        yield Case(f"{name}", (2, 3), lambda g, x, name=name: g.op(name, x, g.r(3), g.op("Sin", x)))
        yield Case(f"{name}-one", (6,), lambda g, x, name=name: g.op(name, x))
    for name in "Equal Greater GreaterOrEqual Less LessOrEqual".split():
        yield Case(
            name, (6,), lambda g, x, name=name: g.op(name, x, g.op("Floor", x)),
            since(12, 16) if "OrEqual" in name else (11, 21), gradient=False, integer=True,
        )  # fmt: skip
    for name in "And Or Xor".split():
        yield Case(
            name, (6,), lambda g, x, name=name: g.op(name, g.op("Less", x, g.c(0.5)), g.op("Greater", x, g.c(-0.5))),
            gradient=False, integer=True,
        )  # fmt: skip
    yield Case("Where", (2, 3), lambda g, x: g.op("Where", g.op("Greater", x, g.c(0.2)), g.op("Sin", x), g.r(3)))
    yield Case("Where-mask", (2, 3), lambda g, x: g.op("Where", g.i([True, False, True], bool), x, g.c(-2.0)))
    yield Case("Where-rows", (2, 3), lambda g, x: g.op("Where", g.i([[True], [False]], bool), x, g.op("Exp", x)))


def reductions():
    for name in "ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare".split():
        low = 0.2 if name == "ReduceLogSum" else -2.0
        change = 13 if name == "ReduceSum" else 18

        def reduce(g, x, axes, name=name, change=change, **attributes):
            if g.opset >= change:
                return g.op(name, x, g.i(axes), **attributes)
            return g.op(name, x, axes=axes, **attributes)

        for axes in ([1], [2], [-1, 1], [2, 3], [1, 3]):
            for keep in (0, 1):
                if axes != [2] and keep and name != "ReduceSum":
                    continue
                yield Case(
                    f"{name}-{'_'.join(map(str, axes))}-{keep}", (2, 3, 4),
                    lambda g, x, axes=axes, keep=keep, reduce=reduce: reduce(g, x, axes, keepdims=keep),
                    (11, 13, 18, 21) if axes == [2] else (11, 18), low, distinct=name in ("ReduceMax", "ReduceMin"),
                )  # fmt: skip
        yield Case(f"{name}-noop", (6,), lambda g, x, name=name: g.op(name, x, noop_with_empty_axes=1), (18,), 0.2)
    yield Case("ReduceProd-zero", (2, 3), lambda g, x: g.op("ReduceProd", g.op("Mul", x, g.c([0, 1, 2])), axes=[2]), (11,))
    for exclusive in (0, 1):
        for reverse in (0, 1):
            yield Case(
                f"CumSum-{exclusive}{reverse}", (3, 4),
                lambda g, x, e=exclusive, r=reverse: g.op("CumSum", x, g.i(1 if r else -1), exclusive=e, reverse=r),
            )  # fmt: skip
    yield Case("ArgMax", (3, 4), lambda g, x: g.op("ArgMax", x, axis=2, keepdims=0), gradient=False, integer=True)
    yield Case("ArgMin", (3, 4), lambda g, x: g.op("ArgMin", x, axis=1), gradient=False, integer=True)
    yield Case("ArgMax-last", (3, 4), lambda g, x: g.op("ArgMax", g.op("Round", x), axis=-1, select_last_index=1), (12, 21), gradient=False, integer=True)
    yield Case("TopK", (2, 6), lambda g, x: g.op("TopK", x, g.i([3]), outputs=2)[0], distinct=True)
    yield Case("TopK-smallest", (5, 2), lambda g, x: g.op("TopK", x, g.i([2]), axis=1, largest=0, outputs=2)[0], distinct=True)
    yield Case("TopK-places", (2, 6), lambda g, x: g.op("TopK", x, g.i([3]), outputs=2)[1], integer=True, gradient=False, distinct=True)


def axes(g, operator, x, values):
    return g.op(operator, x, g.i(values)) if g.opset >= 13 else g.op(operator, x, axes=values)


def shapes():
    yield Case("Reshape", (2, 6), lambda g, x: g.op("Reshape", x, g.i([-1, 3, 4])))
    yield Case("Reshape-zero", (2, 6), lambda g, x: g.op("Reshape", x, g.i([0, 0, 3, 2])))
    yield Case("Flatten", (2, 3, 2), lambda g, x: g.op("Flatten", x))
    yield Case("Squeeze", (1, 3, 1, 2), lambda g, x: axes(g, "Squeeze", x, [1, -2]))
    yield Case("Squeeze-all", (1, 3, 1, 2), lambda g, x: g.op("Squeeze", x))
    yield Case("Unsqueeze", (3, 2), lambda g, x: axes(g, "Unsqueeze", x, [1, -1]))

    def computed(g, x):
        shape = g.op("Shape", x)
        batch = axes(g, "Unsqueeze", g.op("Gather", shape, g.i(0), axis=0), [0])
        width = g.op("Slice", shape, g.i([2]), g.i([3]), g.i([0]))
        return g.op("Reshape", x, g.op("Concat", batch, g.op("Mul", width, g.i([2])), g.i([-1]), axis=0))

    yield Case("Shape-arithmetic", (6, 2), computed)
    yield Case("Size", (2, 3), lambda g, x: g.op("Reshape", x, g.op("Concat", g.i([-1]), axes(g, "Unsqueeze", g.op("Size", g.c([[1, 2, 3], [4, 5, 6]])), [0]), axis=0)))

    def expanded(g, x):
        batch = g.op("Slice", g.op("Shape", x), g.i([0]), g.i([1]))
        token = g.op("Expand", g.r(1, 1, 3), g.op("Concat", batch, g.i([1, 1]), axis=0))
        return g.op("Concat", token, x, axis=1)

    yield Case("Expand-batch", (2, 3), expanded)
    yield Case("Expand", (1, 3), lambda g, x: g.op("Expand", x, g.i([1, 2, 3])))
    yield Case("Tile", (2, 3), lambda g, x: g.op("Tile", x, g.i([1, 2, 3])))

    def zeros(g, x):
        shape = g.op("Concat", g.op("Slice", g.op("Shape", x), g.i([0]), g.i([1])), g.i([3]), axis=0)
        return g.op("Concat", x, g.op("ConstantOfShape", shape), axis=1)

    yield Case("ConstantOfShape", (3,), zeros)
    yield Case("Range", (4,), lambda g, x: g.op("Mul", x, g.op("Cast", g.op("Range", g.i(1), g.i(9), g.i(2)), to=FLOAT)))
    yield Case("NonZero", (4,), lambda g, x: g.op("Gather", x, g.op("Squeeze", g.op("NonZero", g.i([1, 0, 0, 1]))), axis=1), (13, 21))
    yield Case("EyeLike", (3,), lambda g, x: g.op("MatMul", x, g.op("EyeLike", g.c(np.ones((3, 4))), k=1)))
    yield Case("Constant", (3,), lambda g, x: g.op("Mul", x, g.op("Cast", g.op("Constant", value_ints=[2, 3, 4]), to=FLOAT)), (12, 21))


def movement():
    yield Case("Transpose", (2, 3, 4), lambda g, x: g.op("Transpose", x, perm=[0, 3, 1, 2]))
    yield Case("Transpose-batch", (3, 4), lambda g, x: g.op("Transpose", g.op("Mul", g.op("Transpose", x, perm=[1, 0, 2]), g.r(3, 1, 4)), perm=[1, 0, 2]))
    yield Case("Transpose-batch-sum", (3, 4), lambda g, x: g.op("ReduceMean", g.op("Transpose", x, perm=[2, 0, 1]), axes=[0], keepdims=0), (11, 13))
    yield Case("Slice", (5, 6), lambda g, x: g.op("Slice", x, g.i([1, -1]), g.i([9, 0]), g.i([1, 2]), g.i([2, -2])))
    yield Case("Slice-all", (5, 6), lambda g, x: g.op("Slice", x, g.i([0, 1]), g.i([2**62, 3]), g.i([0, -1])))
    yield Case("Concat", (2, 3), lambda g, x: g.op("Concat", x, g.op("Sin", x), x, axis=2))
    yield Case("Concat-first", (2, 3), lambda g, x: g.op("Concat", x, g.op("Sin", x), axis=-2))

    def split(g, x, sizes):
        if sizes is None:
            more = {"num_outputs": 2} if g.opset >= 18 else {}
            parts = g.op("Split", x, axis=2, outputs=2, **more)
        elif g.opset >= 13:
            parts = g.op("Split", x, g.i(sizes), axis=2, outputs=len(sizes))
        else:
            parts = g.op("Split", x, axis=2, split=sizes, outputs=len(sizes))
        return g.op("Mul", g.op("Sin", parts[0]), parts[1])

    yield Case("Split", (2, 6), lambda g, x: split(g, x, [3, 3]), (11, 13, 18))
    yield Case("Split-even", (2, 6), lambda g, x: split(g, x, None), (11, 13, 18))
    for mode in ("constant", "reflect", "edge", "wrap"):
        yield Case(
            f"Pad-{mode}", (3, 4),
            lambda g, x, mode=mode: g.op("Pad", x, g.i([0, 1, 2, 0, 2, 1]), *([g.c(0.7)] if mode == "constant" else []), mode=mode),
            (19, 21) if mode == "wrap" else (11, 21),
        )  # fmt: skip
    yield Case("Pad-axes", (3, 4), lambda g, x: g.op("Pad", x, g.i([1, -1]), "", g.i([-1])), (18, 21))
    for mode in ("DCR", "CRD"):
        yield Case(f"DepthToSpace-{mode}", (8, 2, 3), lambda g, x, mode=mode: g.op("DepthToSpace", x, blocksize=2, mode=mode))
    yield Case("SpaceToDepth", (2, 4, 6), lambda g, x: g.op("SpaceToDepth", x, blocksize=2), (13,))
    for upper in (0, 1):
        yield Case(f"Trilu-{upper}", (3, 4), lambda g, x, upper=upper: g.op("Trilu", x, g.i(upper), upper=upper), (14, 21))


def indexing():
    yield Case("Gather", (3, 4), lambda g, x: g.op("Gather", x, g.i([[1, -1], [0, 2]]), axis=2))
    yield Case("Gather-one", (3, 4), lambda g, x: g.op("Gather", x, g.i(1), axis=1))
    yield Case("Gather-table", (4,), lambda g, x: g.op("Gather", g.r(5, 3), g.op("Cast", g.op("Abs", x), to=INT64)), gradient=False, low=-4.5, high=4.5)

    def elements(g, x):
        places = g.op("TopK", x, g.i([2]), axis=2, outputs=2)[1]
        return g.op("GatherElements", g.op("Sin", x), places, axis=2)

    yield Case("GatherElements-rows", (3, 4), elements, distinct=True)

    def expanded(g, indices, x):
        batch = g.op("Slice", g.op("Shape", x), g.i([0]), g.i([1]))
        return g.op("Expand", g.i(indices), g.op("Concat", batch, g.i(np.shape(indices)[1:]), axis=0))

    yield Case("GatherElements", (3, 4), lambda g, x: g.op("GatherElements", x, expanded(g, [[[1, 0, 2, 2]]], x), axis=1))
    yield Case("GatherND", (3, 4), lambda g, x: g.op("GatherND", x, expanded(g, [[[1, 0], [2, 3]]], x), batch_dims=1), (12, 21))
    yield Case(
        "ScatterElements", (3, 4),
        lambda g, x: g.op("ScatterElements", x, expanded(g, [[[1, 0, 2, 2]]], x), g.op("Sin", g.op("Slice", x, g.i([0]), g.i([1]), g.i([1]))), axis=1),
    )  # fmt: skip
    for reduction, version in (("add", 16), ("mul", 16), ("max", 18), ("min", 18)):
        yield Case(
            f"ScatterElements-{reduction}", (3, 4),
            lambda g, x, reduction=reduction: g.op("ScatterElements", x, expanded(g, [[[1, 0, 2, 2]]], x), g.op("Sin", g.op("Slice", x, g.i([0]), g.i([1]), g.i([1]))), axis=1, reduction=reduction),
            since(version),
        )  # fmt: skip
    yield Case("Scatter", (2, 3), lambda g, x: g.op("Scatter", x, g.i([[[1, 0, 1]]]), g.r(1, 1, 3), axis=1), (9,), batch=1)
    yield Case("ScatterND-constant", (2, 3), lambda g, x: g.op("Mul", x, g.op("ScatterND", g.r(3), g.i([[1]]), g.c([4.0]))))
    yield Case("ScatterND-one", (4, 3), lambda g, x: g.op("ScatterND", x, g.i([[0, 1], [0, 3]]), g.r(2, 3)), (13, 21), batch=1)
    yield Case("Squeeze-one", (4, 3), lambda g, x: g.op("Unsqueeze", g.op("Sin", g.op("Squeeze", x, g.i([0]))), g.i([0])), (13, 21), batch=1)
    yield Case("OneHot", (3,), lambda g, x: g.op("OneHot", g.op("Cast", x, to=INT64), g.i(4), g.c([-1, 2])), low=0, high=3.9, gradient=False)
    yield Case("OneHot-axis", (3,), lambda g, x: g.op("OneHot", g.op("Cast", x, to=INT64), g.i(4), g.c([0, 1]), axis=1), low=-3.9, high=3.9, gradient=False)


def products():
    yield Case("MatMul", (3, 4), lambda g, x: g.op("MatMul", x, g.r(4, 5)))
    yield Case("MatMul-vector", (3, 4), lambda g, x: g.op("MatMul", x, g.r(4)))
    yield Case("MatMul-left", (3, 4), lambda g, x: g.op("MatMul", g.r(2, 3), x))
    yield Case("MatMul-rows", (3, 4), lambda g, x: g.op("MatMul", x, g.op("Transpose", g.op("Sin", x), perm=[0, 2, 1])))
    yield Case("MatMul-heads", (2, 3, 4), lambda g, x: g.op("MatMul", x, g.op("Transpose", g.op("Sin", x), perm=[0, 1, 3, 2])))
    yield Case("MatMul-broadcast", (2, 3, 4), lambda g, x: g.op("MatMul", x, g.r(2, 4, 3)))
    yield Case("MatMul-large", (20, 24), lambda g, x: g.op("MatMul", g.op("Transpose", x, perm=[0, 2, 1]), x))
    yield Case("Gemm", (4,), lambda g, x: g.op("Gemm", x, g.r(4, 5), g.r(5), alpha=0.5, beta=2.0))
    yield Case("Gemm-transposed", (4,), lambda g, x: g.op("Gemm", x, g.r(5, 4), g.r(1, 5), transB=1))
    yield Case("Gemm-bare", (4,), lambda g, x: g.op("Gemm", x, g.r(5, 4), transB=1))
    yield Case("Gemm-rows", (4,), lambda g, x: g.op("Gemm", x, g.r(4, 4), g.op("Sin", x), beta=0.7))

    def tokens(g, x):
        flat = g.op("Gemm", g.op("Reshape", x, g.i([-1, 4])), g.r(4, 5), g.r(5))
        shape = g.op("Concat", g.op("Slice", g.op("Shape", x), g.i([0]), g.i([1])), g.i([3, 5]), axis=0)
        return g.op("Reshape", flat, shape)

    yield Case("Gemm-tokens", (3, 4), tokens)
    for number, (equation, shape) in enumerate([("bij,jk->bik", (4, 5)), ("bij,kj->bk", (5, 4)), ("...ij,jk->...ik", (4, 5)), ("bij,i->bj", (3,))]):
        yield Case(f"Einsum-{number}", (3, 4), lambda g, x, e=equation, s=shape: g.op("Einsum", x, g.r(*s), equation=e), (12, 21))
    yield Case("Einsum-rows", (2, 3, 4), lambda g, x: g.op("Einsum", x, g.op("Sin", x), equation="bhid,bhjd->bhij"), (12, 21))
    yield Case("Einsum-outer", (3,), lambda g, x: g.op("Einsum", x, g.op("Sin", x), equation="bi,bj->bij"), (12, 21))
    yield Case("Einsum-one", (3, 4), lambda g, x: g.op("Einsum", x, equation="bij->bji"), (12, 21))
    yield Case("Einsum-sum", (3, 4), lambda g, x: g.op("Einsum", x, equation="bij->bj"), (12, 21))
    yield Case("Conv", (2, 5, 5), lambda g, x: g.op("Conv", x, g.r(3, 2, 3, 3), g.r(3), pads=[1, 1, 1, 1], strides=[2, 2]))
    yield Case("Conv-groups", (4, 5, 5), lambda g, x: g.op("Conv", x, g.r(4, 1, 3, 3), group=4, dilations=[2, 2], pads=[2, 1, 2, 1]))
    yield Case("ConvTranspose", (2, 3, 3), lambda g, x: g.op("ConvTranspose", x, g.r(2, 3, 3, 3), g.r(3), strides=[2, 2], output_padding=[1, 1]))
    yield Case("MaxPool", (2, 4, 4), lambda g, x: g.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), distinct=True)
    yield Case("AveragePool", (2, 5, 5), lambda g, x: g.op("AveragePool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1))
    yield Case("GlobalAveragePool", (3, 4, 4), lambda g, x: g.op("GlobalAveragePool", x))
    yield Case("GlobalMaxPool", (3, 4, 4), lambda g, x: g.op("GlobalMaxPool", x), distinct=True)
    yield Case("LpPool", (2, 4, 4), lambda g, x: g.op("LpPool", x, kernel_shape=[2, 2], p=2), (11, 18))
    yield Case("GlobalLpPool", (3, 4, 4), lambda g, x: g.op("GlobalLpPool", x, p=2))


def normalization():
    yield Case("BatchNormalization", (3, 2, 2), lambda g, x: g.op("BatchNormalization", x, g.r(3), g.r(3), g.r(3), g.r(3, low=0.5, high=2)))
    yield Case("LayerNormalization", (3, 4), lambda g, x: g.op("LayerNormalization", x, g.r(4), g.r(4)), (17, 21))
    yield Case("LayerNormalization-axes", (3, 4), lambda g, x: g.op("LayerNormalization", x, g.r(3, 4), axis=1, epsilon=0.1), (17, 21))
    yield Case("RMSNormalization", (3, 4), lambda g, x: g.op("RMSNormalization", x, g.r(4), epsilon=0.01), (23,))
    yield Case("InstanceNormalization", (3, 2, 4), lambda g, x: g.op("InstanceNormalization", x, g.r(3), g.r(3), epsilon=0.01))
    yield Case("GroupNormalization", (4, 2, 3), lambda g, x: g.op("GroupNormalization", x, g.r(2), g.r(2), num_groups=2), (18,))
    yield Case("GroupNormalization-channels", (4, 2, 3), lambda g, x: g.op("GroupNormalization", x, g.r(4), g.r(4), num_groups=2), (21,))
    for p in (1, 2):
        for axis in (1, -1):
            yield Case(f"LpNormalization-{p}-{axis}", (3, 4), lambda g, x, p=p, axis=axis: g.op("LpNormalization", x, p=p, axis=axis))
    yield Case("MeanVarianceNormalization", (2, 3, 3), lambda g, x: g.op("MeanVarianceNormalization", x, axes=[1, 3]), (13, 21))
    for size in (3, 5):
        yield Case(f"LRN-{size}", (5, 2, 2), lambda g, x, size=size: g.op("LRN", x, size=size, alpha=0.3, beta=0.6, bias=1.2))


def resampling():
    def roi(g):
        return g.constant(np.array([], np.float32)) if g.opset < 13 else ""

    def scales(g, x, factors, **attributes):
        return g.op("Resize", x, roi(g), g.constant(np.array([1, 1, *factors], np.float32)), **attributes)

    def sizes(g, x, lengths, **attributes):
        batch = g.op("Slice", g.op("Shape", x), g.i([0]), g.i([2]))
        return g.op("Resize", x, roi(g), g.constant(np.array([], np.float32)) if g.opset < 13 else "", g.op("Concat", batch, g.i(lengths), axis=0), **attributes)

    modes = "half_pixel pytorch_half_pixel align_corners asymmetric".split()
    for coordinates in modes:
        for mode in ("nearest", "linear", "cubic"):
            if mode == "nearest" and coordinates == "align_corners":
                continue
            yield Case(
                f"Resize-{mode}-{coordinates}", (2, 4, 3),
                # The reference implementation aligns corners of lengths that are not rounded down.
                lambda g, x, mode=mode, c=coordinates: scales(g, x, (2, 3 if c == "align_corners" else 1.5), mode=mode, coordinate_transformation_mode=c),
                (11, 19),
            )  # fmt: skip
    for nearest in "round_prefer_ceil floor ceil".split():
        yield Case(f"Resize-{nearest}", (2, 4, 3), lambda g, x, n=nearest: scales(g, x, (1.5, 2), mode="nearest", nearest_mode=n))
    yield Case("Resize-smaller", (1, 6, 6), lambda g, x: sizes(g, x, [3, 4], mode="linear"))
    yield Case("Resize-symmetric", (1, 4, 6), lambda g, x: scales(g, x, (1.3, 0.7), mode="linear", coordinate_transformation_mode="half_pixel_symmetric"), (19,))
    yield Case("Resize-cubic-outside", (1, 4, 4), lambda g, x: scales(g, x, (2, 2), mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5))
    yield Case("Resize-antialias", (1, 8, 6), lambda g, x: scales(g, x, (0.5, 0.5), mode="linear", antialias=1), (18,))
    yield Case("Upsample", (2, 2, 3), lambda g, x: g.op("Upsample", x, g.constant(np.array([1, 1, 2, 3], np.float32)), mode="nearest"), (9,))


def sequences():
    def layer(name, direction, layout=0, initial=False, bias=True, gates=None, picked=0, **attributes):
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
        many = 2 if direction == "bidirectional" else 1
        features, hidden = 3, 4

        def build(g, x):
            if layout == 0:
                x = g.op("Transpose", x, perm=[1, 0, 2])
            inputs = [x, g.r(many, gates * hidden, features), g.r(many, gates * hidden, hidden)]
            inputs.append(g.r(many, 2 * gates * hidden) if bias else "")
            if initial:
                inputs.append("")
                for _ in range(2 if name == "LSTM" else 1):
                    batch = g.op("Slice", g.op("Shape", x), g.i([1 - layout]), g.i([2 - layout]))
                    shape = [batch, g.i([many]), g.i([hidden])] if layout else [g.i([many]), batch, g.i([hidden])]
                    state = g.r(1, many, hidden) if layout else g.r(many, 1, hidden)
                    inputs.append(g.op("Expand", state, g.op("Concat", *shape, axis=0)))
            count = 3 if name == "LSTM" else 2
            results = g.op(name, *inputs, outputs=count, hidden_size=hidden, direction=direction, **attributes)
            result = results[picked]
            if layout:
                return result
            return g.op("Transpose", result, perm=[2, 0, 1, 3] if picked == 0 else [1, 0, 2])

        return build

    for name in ("LSTM", "GRU", "RNN"):
        for direction in ("forward", "reverse", "bidirectional"):
            for picked in range(3 if name == "LSTM" else 2):
                yield Case(f"{name}-{direction}-{picked}", (5, 3), layer(name, direction, picked=picked), (11, 14))
        yield Case(f"{name}-initial", (5, 3), layer(name, "bidirectional", initial=True), (11, 14))
        yield Case(f"{name}-bare", (5, 3), layer(name, "forward", bias=False), (14,))
    yield Case("GRU-linear", (5, 3), layer("GRU", "forward", linear_before_reset=1), (11, 14))
    yield Case("GRU-linear-initial", (5, 3), layer("GRU", "bidirectional", initial=True, linear_before_reset=1), (11, 14))
    yield Case("RNN-relu", (5, 3), layer("RNN", "forward", activations=["Relu"]), (14,))

    def attention(heads=None, shape=None, mask=None, **attributes):
        def build(g, x):
            inputs = [x, g.op("Sin", x), g.op("Cos", x)]
            if heads and heads[0] != heads[1]:
                inputs[1:] = [g.op("Slice", y, g.i([0]), g.i([heads[1] * 4]), g.i([2])) for y in inputs[1:]]
            if mask is not None:
                inputs.append(mask(g))
            if heads:
                attributes.update(q_num_heads=heads[0], kv_num_heads=heads[1])
            return g.op("Attention", *inputs, **attributes)

        return build

    yield Case("Attention", (2, 3, 4), attention(), (23,))
    yield Case("Attention-flat", (3, 8), attention((2, 2)), (23,))
    yield Case("Attention-grouped", (3, 8), attention((2, 1)), (23,))
    yield Case("Attention-causal", (2, 3, 4), attention(is_causal=1, scale=0.7), (23,))
    yield Case("Attention-mask", (2, 3, 4), attention(mask=lambda g: g.r(3, 3)), (23,))
    yield Case("Attention-boolean-mask", (2, 3, 4), attention(mask=lambda g: g.i([[1, 0, 1], [1, 1, 0], [0, 1, 1]], bool)), (23,))
    yield Case("Attention-cap", (2, 3, 4), attention(softcap=0.8), (23,))


def composites():
    def branch(g, x):
        def part(operator):
            node = helper.make_node(operator, [x], [operator])
            value = helper.make_tensor_value_info(operator, g.element, None)
            return helper.make_graph([node], operator, [], [value])

        rank = g.op("Size", g.op("Shape", x))
        condition = g.op("Equal", rank, g.i(2))
        return g.op("If", condition, then_branch=part("Sin"), else_branch=part("Cos"))

    yield Case("If", (4,), branch)

    def function(g, x):
        inner = [helper.make_node("Softmax", ["a"], ["b"]), helper.make_node("Mul", ["b", "a"], ["c"])]
        reference = onnx.AttributeProto(name="axis", ref_attr_name="along", type=onnx.AttributeProto.INT)
        inner[0].attribute.append(reference)
        default = helper.make_attribute("along", 1)
        imports = [helper.make_opsetid("", g.opset)]
        g.functions.append(helper.make_function("own", "Weighted", ["a"], ["c"], inner, imports, [], [default]))
        return g.op("Weighted", g.op("Weighted", x, domain="own"), domain="own", along=2)

    yield Case("Function", (3, 4), function, (17, 21))

    def mask(g, x):
        # As in `x * (x > 0.3)` where the mask only chooses.
        return g.op("Where", g.op("And", g.op("Greater", x, g.c(0.3)), g.op("Less", x, g.c(1.5))), g.op("Exp", x), x)

    yield Case("Mask", (6,), mask)

    def attention(g, x):
        """Self-attention of PyTorch's script exporter: sequence first, heads joined with the batch."""
        length, width, heads = 3, 4, 2
        x = g.op("Transpose", x, perm=[1, 0, 2])
        batch = g.op("Gather", g.op("Shape", x), g.i(1), axis=0)
        joined = axes(g, "Unsqueeze", g.op("Mul", batch, g.i(heads)), [0])
        parts = []
        for _ in range(3):
            part = g.op("Add", g.op("MatMul", x, g.r(width, width)), g.r(width))
            shape = g.op("Concat", g.i([length]), joined, g.i([width // heads]), axis=0)
            parts.append(g.op("Transpose", g.op("Reshape", part, shape), perm=[1, 0, 2]))
        scores = g.op("MatMul", g.op("Mul", parts[0], g.c(0.5**0.5)), g.op("Transpose", parts[1], perm=[0, 2, 1]))
        mixed = g.op("Transpose", g.op("MatMul", g.op("Softmax", scores, axis=2), parts[2]), perm=[1, 0, 2])
        flat = g.op("Concat", axes(g, "Unsqueeze", g.op("Mul", batch, g.i(length)), [0]), g.i([width]), axis=0)
        out = g.op("Gemm", g.op("Reshape", mixed, flat), g.r(width, width), g.r(width), transB=1)
        shape = g.op("Concat", g.i([length]), axes(g, "Unsqueeze", batch, [0]), g.i([width]), axis=0)
        return g.op("Transpose", g.op("Reshape", out, shape), perm=[1, 0, 2])

    yield Case("Attention-joined", (3, 4), attention, (13, 17, 21))
