"""What a policy reads, out of what kinfer gives: an observation or a command, part by part."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ksim_compiler.deploy.kinfer.wires import Wires
from ksim_compiler.deploy.reads import reads
from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import ticks
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.robots_program import NOT_GIVEN
from ksim_schema.graph import Node
from ksim_schema.vocabulary.command import Command, Drawn
from ksim_schema.vocabulary.command.motion import CartesianCoordinate, Phase
from ksim_schema.vocabulary.command.velocity import AngularVelocity, LinearVelocity, PlanarVelocity
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.joint import JointPosition, JointVelocity
from ksim_schema.vocabulary.observation.signal import (
    CommandValue,
    EpisodeTime,
    LastAction,
    PhaseClock,
    SensorValue,
)
from ksim_schema.vocabulary.observation.trunk import BaseAngularVelocity, ProjectedGravity

JOINT_ANGLES, JOINT_VELOCITIES = "joint_angles", "joint_angular_velocities"
GRAVITY, GYROSCOPE, ACCELEROMETER = "projected_gravity", "gyroscope", "accelerometer"
COMMAND = "command"
SENSORS = {"gyro": GYROSCOPE, "accelerometer": ACCELEROMETER}
"""The types of MuJoCo sensors that kinfer has one of."""
_NAMES: Mapping[type[Command], tuple[str, ...]] = {
    PlanarVelocity: ("xvel", "yvel", "yawrate"),
    AngularVelocity: ("yawrate",),
}
"""The names that K-Scale's programs have for the numbers of a command."""
_GIVES = (
    "kinfer gives joint angles and velocities, projected gravity, one accelerometer, one "
    "gyroscope and commands"
)


def command_names(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Of each command that a robot's user gives, the names of its numbers."""
    found = dict[str, tuple[str, ...]]()
    for name in _commands(plan):
        part = plan.task.of(Command)[name]
        if isinstance(part, Drawn):
            labels = tuple(part.labels(plan.robot.facts))
            told = labels[:2] if isinstance(part, LinearVelocity) else labels
            found[name] = _NAMES.get(type(part), tuple(f"{name}.{label}" for label in told))
    every = [label for labels in found.values() for label in labels]
    if len(set(every)) < len(every):  # two commands of one kind
        return {n: tuple(f"{n}.{label}" for label in labels) for n, labels in found.items()}
    return found


def _commands(plan: Plan) -> list[str]:
    """The commands that the policy reads, each once, in the order of its input."""
    found = list[str]()
    for column in plan.policy_input:
        part = plan.task.of(column.source.object)[column.source.name]
        if isinstance(part, Command):
            found.append(column.source.name)
        elif isinstance(part, CommandValue):
            found.append(part.command)
    return list(dict.fromkeys(found))


def lacking(plan: Plan, joints: tuple[str, ...]) -> Iterator[Diagnostic]:
    """What the policy reads and kinfer cannot give.

    Args:
        plan: the task.
        joints: those that the archive names.
    """
    taken = dict[str, tuple[str, str]]()
    for column in plan.policy_input:
        node = column.source
        part = plan.task.of(node.object)[node.name]
        if isinstance(part, Observation):
            yield from _lacking(plan, node.name, part, joints, taken)
    for name in _commands(plan):
        part = plan.task.of(Command)[name]
        if isinstance(part, Phase) or (isinstance(part, Drawn) and not _begins(part)):
            continue
        message = f"the command '{name}' ({part.kind_name}) depends on where the robot is"
        help = f"{_GIVES} that a user gives"
        yield plan.task.report(NOT_GIVEN, message, "Command", name, "kind", help=help)


def _begins(part: Command) -> bool:
    return isinstance(part, CartesianCoordinate) and part.relative_to == "start"


def _lacking(
    plan: Plan,
    name: str,
    part: Observation,
    joints: tuple[str, ...],
    taken: dict[str, tuple[str, str]],
) -> Iterator[Diagnostic]:
    facts, report = plan.robot.facts, plan.task.report
    if isinstance(part, JointPosition | JointVelocity):
        unset = [j.name for j in facts.match_joints(part.joints) if j.name not in joints]
        if unset:
            message = f"the policy reads '{unset[0]}' and sets no target of it"
            help = "kinfer gives the joints that it is given targets for, and no others"
            field = ("joints",) if "joints" in part.model_fields_set else ("kind",)
            yield report(NOT_GIVEN, message, "Observation", name, *field, help=help)
        return
    source = _of_imu(plan, part)
    if source is not None:
        first, origin = taken.setdefault(source[0], (name, source[1]))
        if origin != source[1]:
            message = f"'{name}' needs a second {source[0].replace('_', ' ')}, besides '{first}'"
            yield report(NOT_GIVEN, message, "Observation", name, "kind", help=_GIVES)
        return
    if isinstance(part, LastAction | CommandValue | PhaseClock | EpisodeTime):
        return
    what = part.kind_name
    if isinstance(part, SensorValue):
        what = f"a {facts.sensor(part.sensor).type}, {part.sensor}"
    elif isinstance(part, BaseAngularVelocity):
        what += " in the world's axes"
    message = f"kinfer cannot give what the policy reads as '{name}' ({what})"
    help = f"{_GIVES}; leave it to the critic, or read something of these"
    yield report(NOT_GIVEN, message, "Observation", name, "kind", help=help)


def _of_imu(plan: Plan, part: Observation) -> tuple[str, str] | None:
    """kinfer's name of what an IMU measures, and what it is mounted on."""
    facts = plan.robot.facts
    if isinstance(part, SensorValue):
        sensor = facts.sensor(part.sensor)
        given = SENSORS.get(sensor.type)
        return None if given is None else (given, sensor.frame or sensor.name)
    if isinstance(part, ProjectedGravity):
        return GRAVITY, part.body or facts.root
    if isinstance(part, BaseAngularVelocity) and part.frame == "robot":
        return GYROSCOPE, f"body/{part.body or facts.root}"
    return None


def assumed(plan: Plan) -> list[str]:
    """In whose axes the policy takes what an IMU gives, as sentences for its user."""
    found = dict[str, None]()
    for column in plan.policy_input:
        part = plan.task.of(column.source.object)[column.source.name]
        source = _of_imu(plan, part) if isinstance(part, Observation) else None
        if source is not None:
            what, where = source[0].replace("_", " "), source[1].replace("/", " ")
            where = where if " " in where else f"body {where}"
            found[f"the {what} is read in the axes of {where}"] = None
    return list(found)


class Reader:
    """Computes the policy's inputs in the graph of a step."""

    def __init__(self, plan: Plan, wires: Wires, joints: tuple[str, ...]) -> None:
        self.plan, self.wires, self.joints = plan, wires, joints
        self.names = command_names(plan)
        self.action = wires.remember("last action", np.zeros(plan.action_size))
        self._told = dict[str, str]()

    def input(self, node: Node) -> str:
        """The value of an observation or of a command, as the policy's own graph takes it."""
        part = self.plan.task.of(node.object)[node.name]
        if isinstance(part, Command):
            return self._command(node.name)
        assert isinstance(part, Observation)
        r = reads(self.plan, node)
        value, size = self._measured(part, r), self.plan.measured(node.name)
        late = ticks(part.delay, self.plan.period)
        if late:
            value = self._stretch(f"{node.name}, late", value, size, late)[0]
        if r.get("lag") is not None:
            value = self._lagged(node.name, value, size, float(r["lag"]))
        if part.history > 1:
            older, newest = self._stretch(f"{node.name}, before", value, size, part.history - 1, 0)
            value = self.wires.joined([older, newest])
        return value

    def _stretch(
        self, name: str, value: str, size: int, times: int, width: int = 1
    ) -> tuple[str, str]:
        """The values of the latest ticks: the oldest (or all before this one), and the newest."""
        w = self.wires
        slot, before = w.kept(name, w.repeated(value, times), size * times)
        every = w.joined([before, value])
        slot.following = w.g.slice(every, size, size * (times + 1))
        return w.g.slice(every, 0, size * (width or times)), value

    def _lagged(self, name: str, value: str, size: int, share: float) -> str:
        g = self.wires.g
        slot, before = self.wires.kept(f"{name}, lagging", value, size)
        old = g("Mul", before, g.constant(share))
        slot.following = g("Add", old, g("Mul", value, g.constant(1.0 - share)))
        return slot.following

    def _measured(self, part: Observation, r: dict[str, Any]) -> str:
        w, g = self.wires, self.wires.g
        if isinstance(part, JointPosition | JointVelocity):
            kind = JOINT_ANGLES if isinstance(part, JointPosition) else JOINT_VELOCITIES
            value = w.take(kind, len(self.joints))
            value = w.pick(value, [self.joints.index(name) for name in r["joints"]])
            return g("Sub", value, g.constant(r["home"])) if part.from_home else value
        if isinstance(part, LastAction):
            return w.joined([g.slice(self.action.value, *ends) for ends in r["slices"]])
        if isinstance(part, CommandValue):
            return self._command(part.command)
        if isinstance(part, EpisodeTime):
            return w.time()
        if isinstance(part, PhaseClock):
            return self._hands(float(r["period"]), 0.0, (0.0,))
        source = _of_imu(self.plan, part)
        assert source is not None
        value = w.take(source[0], 3)
        if not isinstance(part, ProjectedGravity):
            return value
        # in m/s^2 as K-Scale's programs have it; its direction alone is asked for
        length = g("Sqrt", g("ReduceSum", g("Mul", value, value), keepdims=1))
        return g("Div", value, g("Max", length, g.constant(1e-6)))

    def _hands(self, period: float, start: float, offsets: tuple[float, ...]) -> str:
        """Sine and cosine of a clock, for each of its hands."""
        w, g = self.wires, self.wires.g
        turns = g("Div", w.time(), g.constant(period))
        whole: list[str] = []
        for offset in offsets:
            angle = g("Add", turns, g.constant(start + offset))
            angle = g("Mul", g("Sub", angle, g("Floor", angle)), g.constant(2 * math.pi))
            whole += [g("Sin", angle), g("Cos", angle)]
        return w.joined(whole)

    def _command(self, name: str) -> str:
        if name not in self._told:
            self._told[name] = self._worked_out(name)
        return self._told[name]

    def _worked_out(self, name: str) -> str:
        w, g, part = self.wires, self.wires.g, self.plan.task.of(Command)[name]
        r = reads(self.plan, Node("Command", name))
        if isinstance(part, Phase):
            return self._hands(float(r["period"]), float(r["start"]), tuple(r["offsets"]))
        order = [label for labels in self.names.values() for label in labels]
        start = order.index(self.names[name][0])
        value = g.slice(w.take(COMMAND, len(order)), start, start + len(self.names[name]))
        if r.get("rates"):
            value = self._towards(name, value, r)
        if isinstance(part, LinearVelocity):
            speed, direction = (g.slice(value, i, i + 1) for i in range(2))
            along = [g("Mul", speed, g(turn, direction)) for turn in ("Cos", "Sin")]
            value = w.joined([value, *along])
        return value

    def _towards(self, name: str, target: str, r: dict[str, Any]) -> str:
        """A command moves to what it is told to be no faster than the task has it."""
        w, g, rates = self.wires, self.wires.g, r["rates"]
        free = np.array([rate is None for rate in rates])
        first = g("Mul", target, g.constant(np.float32(free))) if r["from_rest"] else target
        slot, before = w.kept(f"{name}, now", first, len(rates))
        limits = [1e9 if rate is None else rate * self.plan.period for rate in rates]
        step = g("Max", g("Sub", target, before), g.constant([-limit for limit in limits]))
        moved = g("Add", before, g("Min", step, g.constant(limits)))
        # at the first step it is where it begins, and has not moved yet
        slot.following = g("Where", w.begun, moved, before)
        return slot.following
