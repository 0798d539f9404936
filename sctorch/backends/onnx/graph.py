"""A graph in the making: nodes, constants, and the few idioms that ONNX needs for integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

__all__ = ["Graph", "integer_type", "numpy_type", "tensor"]


def integer_type(bits: int) -> int:
    """The type of an unsigned number of so many bits. Runtimes compare and pick bytes and int32, not 16 bits."""
    return int(TensorProto.UINT8 if bits <= 8 else TensorProto.INT32)


def numpy_type(kind: int) -> np.dtype:
    return np.dtype(helper.tensor_dtype_to_np_dtype(kind))


def tensor(name: str, kind: int, shape: Sequence[int | str], doc: str = "") -> ValueInfoProto:
    """The type of an input or output; a text in its shape is a free dimension."""
    return helper.make_tensor_value_info(name, kind, list(shape), doc_string=doc)


class Graph:
    """What the layers write into.

    prepared : nodes that need no input; runtimes fold them when they load the graph.
    nodes : one timestep. constants : initialisers by name.
    word : type of currents, membranes and scores, INT32 or INT64.
    """

    def __init__(self, word: int) -> None:
        self.word = word
        self.prepared: list[NodeProto] = []
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self._count = 0

    def node(self, op: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Append a node of one output and return its name."""
        made = self._make(op, inputs, out, attributes)
        self.nodes.append(made)
        return made.output[0]

    def prepare(self, op: str, *inputs: str, **attributes: Any) -> str:
        """As `node`, for what depends on constants alone."""
        made = self._make(op, inputs, "", attributes)
        self.prepared.append(made)
        return made.output[0]

    def _make(self, op: str, inputs: Sequence[str], out: str, attributes: dict[str, Any]) -> NodeProto:
        self._count += 1
        name = out or f"{op.lower()}.{self._count}"  # a dot: no layer is called so
        return helper.make_node(op, list(inputs), [name], name=f"{name}.node", **attributes)

    def constant(self, name: str, values: object, kind: int) -> str:
        """An initialiser; one name stands for one array."""
        array = np.asarray(values).astype(numpy_type(kind))
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def number(self, value: int, kind: int | None = None) -> str:
        """A constant number, of `word` if no type is given."""
        kind = self.word if kind is None else kind
        text = TensorProto.DataType.Name(kind).lower()
        return self.constant(f"{text}.{value}", value, kind)

    def numbers(self, *values: int) -> str:
        """A constant row of int64, such as a shape or axes."""
        return self.constant("row." + ".".join(map(str, values)), values, TensorProto.INT64)

    def floor_shift(self, value: str, bits: int) -> str:
        """floor(value / 2**bits). ONNX's integer Div rounds towards zero and its BitShift takes no sign, but Mod
        has the divisor's sign: what is left after subtracting it divides without a remainder."""
        if bits == 0:
            return value
        power = self.number(1 << bits)
        return self.node("Div", self.node("Sub", value, self.node("Mod", value, power)), power)

    def shift_up(self, value: str, bits: int) -> str:
        return self.node("Mul", value, self.number(1 << bits)) if bits else value
