"""Builds small ONNX models, each in single and in double precision."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BATCH = "batch"


class Graph:
    """A graph with the input `x` of floats of some type, `[batch, …]`."""

    def __init__(self, opset, shape, dtype, random, batch=BATCH):
        self.opset, self.dtype, self.random = opset, np.dtype(dtype), random
        self.element = helper.np_dtype_to_tensor_dtype(self.dtype)
        self.nodes, self.initializers, self.functions = [], [], []
        self.input = helper.make_tensor_value_info("x", self.element, [batch, *shape])
        self.count = 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def c(self, array):
        """A constant of floats, in the precision of the graph."""
        return self.constant(np.asarray(array, dtype=self.dtype))

    def r(self, *shape, low=-1.0, high=1.0):
        """Random floats: the same in both precisions."""
        return self.c(self.random.uniform(low, high, shape).astype(np.float32))

    def i(self, array, dtype=np.int64):
        """A constant of integers."""
        return self.constant(np.asarray(array, dtype=dtype))

    def constant(self, array):
        name = self.name()
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def op(self, operator, *inputs, outputs=1, domain="", **attributes):
        """Adds a node; a double has the type of the graph wherever the attribute `to` says float."""
        if attributes.get("to") == TensorProto.FLOAT:
            attributes["to"] = self.element
        names = [self.name() for _ in range(outputs)]
        node = helper.make_node(operator, list(inputs), names, name=f"n{len(self.nodes)}", domain=domain)
        for key, value in attributes.items():
            node.attribute.append(helper.make_attribute(key, value))
        self.nodes.append(node)
        return names[0] if outputs == 1 else names

    def model(self, output):
        graph = helper.make_graph(
            self.nodes,
            "case",
            [self.input],
            [helper.make_tensor_value_info(output, self.element, [BATCH, None])],
            self.initializers,
        )
        imports = [helper.make_opsetid("", self.opset)]
        imports += [helper.make_opsetid(domain, 1) for domain in {f.domain for f in self.functions}]
        model = helper.make_model(graph, opset_imports=imports, functions=self.functions)
        model.ir_version = 8 if self.opset < 21 else 10
        return model

    def operators(self):
        def names(nodes):
            for node in nodes:
                yield node.op_type
                for attribute in node.attribute:
                    if attribute.type == onnx.AttributeProto.GRAPH:
                        yield from names(attribute.g.node)

        return sorted(set(names(self.nodes)))
