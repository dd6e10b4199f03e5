"""The parts of an archive, and the archive."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import math
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ksim_compiler.deploy import graph
from ksim_compiler.deploy.kinfer.reading import (
    JOINT_ANGLES,
    Reader,
    assumed,
    command_names,
    lacking,
)
from ksim_compiler.deploy.kinfer.wires import CARRY, Wires
from ksim_compiler.deploy.targets import LAST, ExportError, Targets, targets
from ksim_compiler.learn.nets.onnx_graph import OnnxGraph
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Diagnostic, TaskError
from ksim_schema.diagnostics.codes.robots_program import NOT_TAKEN
from ksim_schema.vocabulary.action import Action, PositionTarget

OWN = "policy/"
"""What the names of the policy's own graph begin with inside the step."""
ACTION, FOLLOWING = "action", "next_carry"


@dataclass(frozen=True)
class Archive:
    """An archive's three parts.

    Attributes:
        init, step: ONNX models.
        joints: what each number of ``action``, and of kinfer's joint angles, is of.
        commands: the names of the numbers of kinfer's command.
        carry: what the memory is made of.
        assumed: in whose axes an IMU's values are read, as sentences.
    """

    init: Any
    step: Any
    joints: tuple[str, ...]
    commands: tuple[str, ...]
    carry: list[dict[str, Any]]
    assumed: list[str]

    @property
    def metadata(self) -> dict[str, Any]:
        """As kinfer reads it."""
        return {
            "joint_names": list(self.joints),
            "command_names": list(self.commands),
            "carry_size": [self.carry[-1]["stop"]],
        }

    @property
    def told(self) -> dict[str, Any]:
        """For the contract."""
        return {"metadata": self.metadata, "carry": self.carry, "assumes": self.assumed}

    def packed(self) -> bytes:
        """The archive: by kinfer's own function where that is installed, else the same by ours."""
        try:
            pack: Any = importlib.import_module("kinfer.export.serialize").pack
            described: Any = importlib.import_module("kinfer.rust_bindings").PyModelMetadata
        except ImportError:
            return _packed(self)
        return bytes(pack(self.init, self.step, described(**self.metadata)))


def _packed(parts: Archive) -> bytes:
    files = {
        "init_fn.onnx": parts.init.SerializeToString(),
        "step_fn.onnx": parts.step.SerializeToString(),
        "metadata.json": json.dumps(parts.metadata).encode(),
    }
    whole = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=whole, mode="wb", mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return whole.getvalue()


def archive(plan: Plan, policy: Policy, sources: dict[str, str]) -> Archive:
    """A policy as an archive of kinfer.

    Args:
        plan: the task.
        policy: its policy.
        sources: the task's texts, which problems point into.

    Raises:
        TaskError: the policy reads what kinfer cannot give, or sets what it does not take.
        ExportError: an action or a network without a graph, or no onnx package.
    """
    wrong = [*_untaken(plan)]
    joints = _joints(plan)
    wrong += lacking(plan, joints)
    if wrong:
        raise TaskError(wrong, sources)
    own = graph.build(plan, policy)  # says what has no graph, and that onnx is missing
    from onnx import helper, numpy_helper

    w = Wires(OnnxGraph(helper, numpy_helper), plan.period)
    _within(plan, policy, w, joints, own)
    names = command_names(plan)
    commands = tuple(label for labels in names.values() for label in labels)
    return Archive(
        _init(helper, w), _step(helper, w, len(joints)), joints, commands, w.told(), assumed(plan)
    )


def _untaken(plan: Plan) -> Iterator[Diagnostic]:
    for name in plan.actions():
        part = plan.parts(Action)[name]
        if not isinstance(part, PositionTarget):
            message = f"kinfer sends no {part.kind_name} of '{name}'"
            help = "it takes targets of joints' position servos: kind: position_target"
            yield plan.task.report(NOT_TAKEN, message, "Action", name, "kind", help=help)


def _joints(plan: Plan) -> tuple[str, ...]:
    """The joints that the policy sets, in the model's order."""
    facts = plan.robot.facts
    actions = [plan.parts(Action)[name] for name in plan.actions()]
    driven = {drive.joint for action in actions for drive in action.drives(facts)}
    return tuple(joint.name for joint in facts.motion_joints if joint.name in driven)


def _within(plan: Plan, policy: Policy, w: Wires, joints: tuple[str, ...], own: Any) -> None:
    """Wire what kinfer gives to the policy's own graph, and its targets to the joints."""
    from onnx import compose

    g, reader = w.g, Reader(plan, w, joints)
    for column in plan.policy_input:
        g.name(reader.input(column.source), OWN + column.source.name)
    for name, size in graph.memories(policy).items():
        slot = w.remember(f"network, {name}", np.zeros(size))
        g.name(slot.value, OWN + name)
        slot.following = f"{OWN}next.{name}"
    inner = compose.add_prefix_graph(own.graph, OWN)
    g.nodes.extend(inner.node)
    g.constants.extend(inner.initializer)
    reader.action.following = f"{OWN}action"
    values: list[str] = []
    order: list[str] = []
    for part in targets(plan):
        values.append(_target(plan, w, part, joints))
        order += [drive.joint for drive in part.part.drives(plan.robot.facts)]
    whole = w.pick(w.joined(values), [order.index(name) for name in joints])
    g.name(whole, ACTION)
    g.name(w.joined([slot.following for slot in w.slots]), FOLLOWING)


def _target(plan: Plan, w: Wires, part: Targets, joints: tuple[str, ...]) -> str:
    """The targets of an action: about the present positions where it says so, and filtered."""
    g, value, action = w.g, OWN + part.name, part.part
    if part.about == LAST:
        raise ExportError(
            f"Action.{part.name}: targets around the last ones count from where the joints are at "
            "the start, which kinfer does not tell"
        )
    if part.about is not None:
        own = [joints.index(drive.joint) for drive in action.drives(plan.robot.facts)]
        value = g("Add", w.pick(w.take(JOINT_ANGLES, len(joints)), own), value)
        if part.limits is not None:
            low, high = (g.constant(limit) for limit in part.limits)
            value = g("Min", g("Max", value, low), high)
    if action.low_pass is not None:
        share = plan.period / (plan.period + 1.0 / (2 * math.pi * action.low_pass))
        slot = w.remember(f"{part.name}, filtered", part.initial)
        moved = g("Mul", g("Sub", value, slot.value), g.constant(share))
        value = slot.following = g("Add", slot.value, moved)
    return value


def _init(helper: Any, w: Wires) -> Any:
    """The model that gives the memory at the start."""
    from onnx import TensorProto, numpy_helper

    value = helper.make_node("Constant", [], [CARRY], value=numpy_helper.from_array(w.initial))
    out = helper.make_tensor_value_info(CARRY, TensorProto.FLOAT, [w.initial.size])
    return _model(helper, helper.make_graph([value], "init", [], [out]))


def _step(helper: Any, w: Wires, joints: int) -> Any:
    from onnx import TensorProto

    def vector(name: str, size: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [size])

    size = w.initial.size
    inputs = [vector(name, count) for name, count in w.given.items()] + [vector(CARRY, size)]
    outputs = [vector(ACTION, joints), vector(FOLLOWING, size)]
    return _model(helper, helper.make_graph(w.g.nodes, "step", inputs, outputs, w.g.constants))


def _model(helper: Any, made: Any) -> Any:
    import onnx

    opset = helper.make_opsetid("", graph.OPSET)
    model = helper.make_model(made, opset_imports=[opset], producer_name="ksim-export")
    model.ir_version = graph.IR_VERSION
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ExportError(f"the archive's graph is not valid: {error}") from error
    return model
