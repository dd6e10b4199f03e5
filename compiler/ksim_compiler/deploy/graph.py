"""The policy as an ONNX graph: normalizer, network, mode of the distribution, targets.

Inputs are named as the parts that the policy reads, one vector each in the part's own unit, before
its clip and scale; a recurrent policy also has its memory, ``carry.0`` and so on, zeros at the
start. Outputs are ``action``, which the policy reads back as its last action, a vector of targets
for each action part, and the memory, ``next.carry.0`` and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ksim_compiler.deploy.targets import ExportError, Targets, targets
from ksim_compiler.learn.nets.normalizer import LIMIT, MIN_STD
from ksim_compiler.learn.nets.onnx_graph import NoGraph, OnnxGraph
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.observation import Observation

OPSET = 20
IR_VERSION = 9


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
    g = OnnxGraph(helper, numpy_helper)
    inputs, columns = [], []
    for column in plan.policy_input:
        name, size = column.source.name, column.stop - column.start
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]))
        columns.append(_observed(g, plan, column.source.object, name))
    if len({info.name for info in inputs}) < len(inputs):
        raise ExportError("an observation and a command that the policy reads share a name")
    x = g("Concat", *columns, axis=0) if len(columns) > 1 else columns[0]
    x = g.row(x)
    if policy.normalizer is not None:
        scale = 1.0 / np.maximum(np.sqrt(np.asarray(policy.normalizer.variance)), MIN_STD)
        x = g("Mul", g("Sub", x, g.constant(policy.normalizer.mean)), g.constant(scale))
        x = g("Clip", x, g.constant(-LIMIT), g.constant(LIMIT))
    network, memory = policy.actor.network, memories(policy)
    for name, size in memory.items():
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [size]))
    form = jax.tree.structure(jax.eval_shape(lambda: network.initial_carry(1)))
    carry = jax.tree.unflatten(form, [g.row(name) for name in memory])
    try:
        x, carry = network.emit(g, x, carry)
        action = g.vector(policy.actor.head.emit_mode(g, x))
    except NoGraph as error:
        raise ExportError(str(error)) from None
    g.name(action, "action")
    outputs = [helper.make_tensor_value_info("action", TensorProto.FLOAT, [plan.action_size])]
    for part in targets(plan):
        g.name(_target(g, part, action), part.name)
        size = len(part.offset)
        outputs.append(helper.make_tensor_value_info(part.name, TensorProto.FLOAT, [size]))
    for (name, size), value in zip(memory.items(), jax.tree.leaves(carry), strict=True):
        g.name(g.vector(value), f"next.{name}")
        outputs.append(helper.make_tensor_value_info(f"next.{name}", TensorProto.FLOAT, [size]))
    graph = helper.make_graph(g.nodes, plan.task.name, inputs, outputs, g.constants)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="ksim-export")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def memories(policy: Policy) -> dict[str, int]:
    """What a policy remembers from tick to tick: the name of each vector, and its size."""
    return {f"carry.{i}": size for i, size in enumerate(policy.actor.network.memory)}


def _observed(g: OnnxGraph, plan: Plan, object: str, name: str) -> str:
    """A part's clip and scale."""
    part, value = plan.task.of(object)[name], name
    if isinstance(part, Observation):
        size, facts = plan.measured(name), plan.robot.facts
        value = _clipped(g, value, part.clips(facts, size), part.history)
        scales = part.scales(facts, size)
        if set(scales) != {1.0}:
            value = g("Mul", value, g.constant(_ends(scales, part.history)))
    return value


def _ends(values: Sequence[float], times: int = 1) -> Any:
    """One number where all are the same, else one for each element of as many ticks."""
    one = len(set(values)) == 1
    return float(values[0]) if one else np.tile(np.asarray(values, np.float64), times)


def _clipped(g: OnnxGraph, value: str, clips: Sequence[tuple[float, float]] | None, times: int = 1):
    if clips is None:
        return value
    low, high = (_ends(ends, times) for ends in zip(*clips, strict=True))
    if isinstance(low, float) and isinstance(high, float):
        return g("Clip", value, g.constant(low), g.constant(high))
    return g("Min", g("Max", value, g.constant(low)), g.constant(high))


def _target(g: OnnxGraph, part: Targets, action: str) -> str:
    value = g.slice(action, part.start, part.stop)
    if part.part.squash == "tanh":
        value = g("Tanh", value)
    value = _clipped(g, value, part.clips)
    if part.closed is not None:
        above = g("GreaterOrEqual", value, g.constant(0.0))
        return g("Where", above, g.constant(part.initial), g.constant(part.closed))
    acted = value
    value = g("MatMul", acted, g.constant(part.gain))
    if part.about is None:
        value = g("Add", value, g.constant(part.offset))
    if part.limits is not None and part.about is None:
        low, high = (g.constant(limit) for limit in part.limits)
        value = g("Min", g("Max", value, low), high)
    if part.feed is not None:
        value = g("Add", value, g("MatMul", acted, g.constant(part.feed)))
    return value
