"""An ONNX graph under construction, which networks and distributions add their nodes to."""

from __future__ import annotations

from typing import Any

import numpy as np


class NoGraph(Exception):
    """Something has no ONNX graph; the message says what and why."""


class OnnxGraph:
    """Nodes and constants, by the names of their values.

    Attributes:
        nodes: ONNX's own, in order.
        constants: the tensors that they read.
    """

    def __init__(self, helper: Any, numpy_helper: Any) -> None:
        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        """A constant's name."""
        name = f"constant.{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.asarray(value, kind), name))
        return name

    def __call__(self, op: str, *inputs: str, **attributes: Any) -> str:
        """The name of the only output of a new node."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """The names of a new node's outputs."""
        names = [f"value.{len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(self._helper.make_node(op, list(inputs), names, **attributes))
        return names

    def split(self, value: str, parts: int) -> list[str]:
        """Equal parts of (1, size)."""
        return self.several("Split", parts, value, axis=1, num_outputs=parts)

    def row(self, vector: str) -> str:
        """(1, size) from (size,)."""
        return self("Unsqueeze", vector, self.constant([0], np.int64))

    def vector(self, row: str) -> str:
        """(size,) from (1, size)."""
        return self("Squeeze", row, self.constant([0], np.int64))

    def slice(self, value: str, start: int, stop: int, axis: int = 0) -> str:
        """A stretch of a value along an axis."""
        ends = (self.constant([n], np.int64) for n in (start, stop, axis))
        return self("Slice", value, *ends)

    def name(self, value: str, name: str) -> None:
        """Give an output its name."""
        self.nodes.append(self._helper.make_node("Identity", [value], [name]))
