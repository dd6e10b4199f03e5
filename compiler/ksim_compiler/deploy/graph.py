"""The policy as an ONNX graph: normalizer, network, mode of the distribution, targets.

Inputs are named as the parts that the policy reads, one vector each in the part's own unit, before
its clip and scale; a recurrent policy also has its memory, ``carry.0`` and so on, zeros at the
start. Outputs are ``action``, which the policy reads back as its last action, a vector of targets
for each action part, and the memory, ``next.carry.0`` and so on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ksim_compiler.deploy.targets import ExportError, Targets, targets
from ksim_compiler.learn.nets.networks import Dense, Feedforward, GruCell, LstmCell, Recurrent
from ksim_compiler.learn.nets.normalizer import LIMIT, MIN_STD
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.networks import MixtureOfGaussians, TanhGaussian
from ksim_schema.vocabulary.observation import Observation

OPSET = 20
IR_VERSION = 9


class _Builder:
    """Nodes and constants of a graph under construction."""

    def __init__(self, helper: Any, numpy_helper: Any) -> None:
        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        name = f"constant.{len(self.constants)}"
        self.constants.append(self._numpy.from_array(np.asarray(value, kind), name))
        return name

    def __call__(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"value.{len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(self._helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def name(self, value: str, name: str) -> None:
        """Give an output its name."""
        self.nodes.append(self._helper.make_node("Identity", [value], [name]))


def build(plan: Plan, policy: Policy) -> Any:
    """The ONNX model of a policy.

    Raises:
        ExportError: an action or distribution that has no such graph, or no onnx package.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise ExportError("this needs: pip install 'ksim-schema[export]'") from error
    g = _Builder(helper, numpy_helper)
    inputs, columns = [], []
    for column in plan.policy_input:
        name, size = column.source.name, column.stop - column.start
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]))
        columns.append(_observed(g, plan, column.source.object, name))
    if len({info.name for info in inputs}) < len(inputs):
        raise ExportError("an observation and a command that the policy reads share a name")
    x = g("Concat", *columns, axis=0) if len(columns) > 1 else columns[0]
    x = g("Unsqueeze", x, g.constant([0], np.int64))
    if policy.normalizer is not None:
        scale = 1.0 / np.maximum(np.sqrt(np.asarray(policy.normalizer.variance)), MIN_STD)
        x = g("Mul", g("Sub", x, g.constant(policy.normalizer.mean)), g.constant(scale))
        x = g("Clip", x, g.constant(-LIMIT), g.constant(LIMIT))
    x, carries = _network(g, policy.actor.network, x)
    for name, size, _ in carries:
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]))
    action = g("Squeeze", _mode(g, policy.actor.head, x), g.constant([0], np.int64))
    g.name(action, "action")
    outputs = [helper.make_tensor_value_info("action", TensorProto.FLOAT, [plan.action_size])]
    for part in targets(plan):
        g.name(_target(g, part, action), part.name)
        size = len(part.offset)
        outputs.append(helper.make_tensor_value_info(part.name, TensorProto.FLOAT, [size]))
    for name, size, value in carries:
        g.name(value, f"next.{name}")
        outputs.append(helper.make_tensor_value_info(f"next.{name}", TensorProto.FLOAT, [size]))
    graph = helper.make_graph(g.nodes, plan.task.name, inputs, outputs, g.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="ksim-export")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _observed(g: _Builder, plan: Plan, object: str, name: str) -> str:
    """A part's clip and scale."""
    part, value = plan.task.of(object)[name], name
    if isinstance(part, Observation):
        if part.clip is not None:
            low, high = (g.constant(float(limit)) for limit in part.clip)
            value = g("Clip", value, low, high)
        if part.scale != 1.0:
            value = g("Mul", value, g.constant(part.scale))
    return value


Carry = tuple[str, int, str]
"""Name, size and new value of a memory."""


def _network(g: _Builder, network: Any, x: str) -> tuple[str, list[Carry]]:
    carries: list[Carry] = []
    if isinstance(network, Feedforward):
        return _feedforward(g, network, x), carries
    assert isinstance(network, Recurrent)
    for cell in network.cells:
        if isinstance(cell, GruCell):
            x = _gru(g, cell, x, carries)
        elif isinstance(cell, LstmCell):
            x = _lstm(g, cell, x, carries)
    return _feedforward(g, network.head, x), carries


def _feedforward(g: _Builder, network: Feedforward, x: str) -> str:
    for layer in network.layers[:-1]:
        x = _activation(g, network.activation, _dense(g, layer, x))
    return _dense(g, network.layers[-1], x)


def _dense(g: _Builder, layer: Dense, x: str) -> str:
    return g("Gemm", x, g.constant(layer.weight), g.constant(layer.bias))


def _activation(g: _Builder, name: str, x: str) -> str:
    match name:
        case "swish":
            return g("Mul", x, g("Sigmoid", x))
        case "gelu":
            return g("Gelu", x, approximate="tanh")
    return g({"elu": "Elu", "relu": "Relu", "tanh": "Tanh"}[name], x)


def _memory(g: _Builder, carries: list[Carry], size: int) -> tuple[str, str]:
    """Name of the next memory, and its value before as a row."""
    name = f"carry.{len(carries)}"
    return name, g("Unsqueeze", name, g.constant([0], np.int64))


def _gru(g: _Builder, cell: GruCell, x: str, carries: list[Carry]) -> str:
    size = cell.bias.shape[0]
    name, carry = _memory(g, carries, size)
    mine = g("Split", _dense(g, cell.inputs, x), outputs=3, axis=1, num_outputs=3)
    recalled = g("MatMul", carry, g.constant(cell.weight))
    past = g("Split", recalled, outputs=3, axis=1, num_outputs=3)
    reset = g("Sigmoid", g("Add", mine[0], past[0]))
    update = g("Sigmoid", g("Add", mine[1], past[1]))
    inner = g("Mul", reset, g("Add", past[2], g.constant(cell.bias)))
    new = g("Tanh", g("Add", mine[2], inner))
    after = g("Add", new, g("Mul", update, g("Sub", carry, new)))
    carries.append((name, size, g("Squeeze", after, g.constant([0], np.int64))))
    return after


def _lstm(g: _Builder, cell: LstmCell, x: str, carries: list[Carry]) -> str:
    size = cell.weight.shape[0]
    hidden_name, hidden = _memory(g, carries, size)
    carries.append((hidden_name, size, ""))
    cell_name, kept = _memory(g, carries, size)
    gates = g("Add", _dense(g, cell.inputs, x), g("MatMul", hidden, g.constant(cell.weight)))
    write, forget, new, read = g("Split", gates, outputs=4, axis=1, num_outputs=4)
    written = g("Mul", g("Sigmoid", write), g("Tanh", new))
    kept = g("Add", g("Mul", g("Sigmoid", forget), kept), written)
    hidden = g("Mul", g("Sigmoid", read), g("Tanh", kept))
    row = g.constant([0], np.int64)
    carries[-1] = (hidden_name, size, g("Squeeze", hidden, row))
    carries.append((cell_name, size, g("Squeeze", kept, row)))
    return hidden


def _mode(g: _Builder, head: Any, output: str) -> str:
    """The distribution's mode, (1, actions)."""
    spec, actions = head.spec, head.actions
    if isinstance(spec, MixtureOfGaussians):
        raise ExportError("a mixture's mode jumps between its components; it is not exported")
    ends = g.constant([0], np.int64), g.constant([actions], np.int64), g.constant([1], np.int64)
    mean = g("Slice", output, *ends)
    return g("Tanh", mean) if isinstance(spec, TanhGaussian) else mean


def _target(g: _Builder, part: Targets, action: str) -> str:
    start, stop = (g.constant([n], np.int64) for n in (part.start, part.stop))
    value = g("Slice", action, start, stop, g.constant([0], np.int64))
    if part.part.squash == "tanh":
        value = g("Tanh", value)
    if part.part.clip is not None:
        low, high = (g.constant(float(limit)) for limit in part.part.clip)
        value = g("Clip", value, low, high)
    acted = value
    value = g("Add", g("MatMul", acted, g.constant(part.gain)), g.constant(part.offset))
    if part.limits is not None:
        low, high = (g.constant(limit) for limit in part.limits)
        value = g("Min", g("Max", value, low), high)
    if part.feed is not None:
        value = g("Add", value, g("MatMul", acted, g.constant(part.feed)))
    return value
