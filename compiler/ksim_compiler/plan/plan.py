"""The intermediate representation: a task with all that the compiler has found out about it.

A plan is frozen. Each pass takes a plan and returns one that says more; printed, it is what a
reader needs to know how a task will run.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

from ksim_compiler.plan.clock import NEAR, ticks
from ksim_compiler.robot.model import Robot
from ksim_schema.graph import Graph, Node
from ksim_schema.graph.order import topological
from ksim_schema.records import dataclass
from ksim_schema.robot import Drive, RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Signed
from ksim_schema.task import Task
from ksim_schema.units import Dimension, Measured
from ksim_schema.vocabulary import Model, Part
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.clips import evenly
from ksim_schema.vocabulary.curriculum import ConstantLevel, Curriculum
from ksim_schema.vocabulary.each import by_patterns
from ksim_schema.vocabulary.objects import OBJECT
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.termination import Termination

if TYPE_CHECKING:  # few tasks follow a motion
    from ksim_compiler.motion.clip import Clip

P = TypeVar("P", bound=Part)
Shape = tuple[int, ...]


class Column(NamedTuple):
    """A stretch of a network's input.

    Attributes:
        source: the observation or command.
        noisy: whether it is the value with noise.
        start: index of the first element.
        stop: index after the last.
    """

    source: Node
    noisy: bool
    start: int
    stop: int


class Reflection(NamedTuple):
    """What the inputs and the output of the networks turn into in a mirror."""

    policy: Signed
    critic: Signed
    action: Signed


def base_text(facts: RobotFacts) -> str:
    """The robot's base in a summary: ``base torso (floats)``."""
    return f"base {facts.root} ({'does not float' if facts.base is None else 'floats'})"


def _each(plan: Plan, part: Part, owner: str) -> Iterator[str]:
    """What the values of a part by patterns come to for each thing."""
    for path, each, value in by_patterns(part):
        names = dict.fromkeys(part.things(each.field, plan.robot.facts) or ())
        shown = ", ".join(f"{n} {_number(value.values[value.index(n)])}" for n in names)
        yield f"{'.'.join((owner, *map(str, path)))}: {shown}"


def _number(value: Any) -> str:
    if isinstance(value, Model):
        return " ".join(f"{name} {_number(number)}" for name, number in value)
    if isinstance(value, tuple):
        return f"{value[0]:g} to {value[1]:g}"
    unit = str(value.dimension) if isinstance(value, Measured) else ""
    return f"{float(value):g} {unit}".rstrip()


@dataclass(frozen=True)
class Plan:
    """A task on its way through the compiler.

    Attributes:
        task: the parts.
        graph: the wires between them.
        robot: the compiled model and its facts.
        substeps: physics steps per control tick (resolve).
        clips: the clips of each command that is a recorded motion, those of its files in their
            order; one that cannot be read is left out, and an error (resolve).
        shapes: shape of the value of each node (infer).
        units: dimensions of the value of each node (infer).
        policy_input: the columns of the policy's input (infer).
        critic_input: the columns of the critic's input (infer).
        reflection: the robot's mirror symmetry, when the training uses it (reflect).
        dropped: nodes that nothing uses (prune).
        fields: MjData fields that are read of the physics (equip).
        model_fields: MjModel fields that differ between environments (equip).
        sensors: sensors that were added to the model (equip).
        drives: actuators that were added to the model (equip).
        controls: the actuators that actions tell what to do, in the order of their targets (equip).
    """

    task: Task
    graph: Graph
    robot: Robot
    substeps: int = 0
    clips: Mapping[str, tuple[Clip, ...]] = field(default_factory=lambda: {})
    shapes: Mapping[Node, Shape] = field(default_factory=lambda: {})
    units: Mapping[Node, tuple[Dimension, ...]] = field(default_factory=lambda: {})
    policy_input: tuple[Column, ...] = ()
    critic_input: tuple[Column, ...] = ()
    reflection: Reflection | None = None
    dropped: tuple[Node, ...] = ()
    fields: tuple[str, ...] = ()
    model_fields: tuple[str, ...] = ()
    sensors: tuple[SensorRequest, ...] = ()
    drives: tuple[Drive, ...] = ()
    controls: tuple[str, ...] = ()

    @functools.cached_property
    def order(self) -> tuple[Node, ...]:
        """The nodes of a tick in the order in which they are computed.

        It goes along the edges without delay, and by the stages of the tick where these leave it.
        """
        place = {node: number for number, node in enumerate(self.graph.nodes)}

        def key(node: Node) -> tuple[int, int]:
            return OBJECT[node.object].stage, place[node]

        return tuple(topological(self.graph.instantaneous(), key))

    @property
    def period(self) -> float:
        """The control period in seconds."""
        return self.robot.part.control

    @property
    def settle_steps(self) -> int:
        """Physics steps between the resets and an episode."""
        settle = self.robot.part.settle
        return 0 if settle is None else math.ceil(settle / self.robot.facts.timestep - NEAR)

    @property
    def longest_episode(self) -> int | None:
        """Ticks after which a time limit ends every episode; None where the task has none."""
        limits = [
            limit
            for part in self.parts(Termination).values()
            if (limit := part.time_limit()) is not None
        ]
        return max(1, ticks(min(limits), self.period)) if limits else None

    @overload
    def parts(self, object: type[P]) -> dict[str, P]: ...

    @overload
    def parts(self, object: str) -> dict[str, Part]: ...

    def parts(self, object: str | type[Part]) -> Mapping[str, Part]:
        """The parts of an object that are in use, by name, as :meth:`Task.of` takes it."""
        named = object if isinstance(object, str) else object.object
        dropped = {node.name for node in self.dropped if node.object == named}
        return {name: part for name, part in self.task.of(named).items() if name not in dropped}

    def measured(self, name: str) -> int:
        """How many numbers an observation measures at one tick, without its history (infer)."""
        part = self.task.of(Observation)[name]
        return math.prod(self.shapes[Node("Observation", name)]) // part.history

    def held(self, level: float | Mapping[str, float]) -> Plan:
        """The plan with its curriculum at a standstill, as policies are judged and shown.

        Recorded motions then begin anywhere in their clips, whatever fails.

        Args:
            level: the level in [0, 1] that nothing moves, or that of each curriculum, by name; a
                runtime parameter as others are.
        """
        task = self.task
        still = {
            name: ConstantLevel(level=float(level[name] if isinstance(level, Mapping) else level))
            for name in task.of(Curriculum)
        }
        commands = {name: evenly(part) for name, part in task.of(Command).items()}
        parts = {**task.parts, "Curriculum": still, "Command": commands}
        return replace(self, task=replace(task, parts=parts))

    def actions(self) -> tuple[str, ...]:
        """The actions in the order of the policy's output."""
        return tuple(edge.tgt.name for edge in self.graph.edges if edge.hom == "act")

    @property
    def action_size(self) -> int:
        """Length of the policy's output."""
        return sum(self.shapes[Node("Action", name)][0] for name in self.actions())

    def text(self) -> str:
        """The plan as it is printed and kept in golden files."""
        return "\n".join((*self._head(), *self._tick(), *self._ends())) + "\n"

    def _head(self) -> list[str]:
        facts, period = self.robot.facts, self.period
        rate = f"{1 / period:g} Hz = {self.substeps} x {facts.timestep * 1e3:g} ms"
        lines = [
            f"plan {self.task.name}",
            f"robot {facts.source}: nq {facts.nq}, nv {facts.nv}, nu {facts.nu}, "
            f"{facts.mass:.1f} kg, {base_text(facts)}, control {rate}",
        ]
        if self.settle_steps:
            lines.append(f"settles for {self.settle_steps} physics steps before an episode")
        for drive in self.drives:
            servo = f"velocity servo kd {drive.kd:g}" if drive.kd else "motor"
            if drive.kp is not None:
                servo = f"servo kp {drive.kp:g} kd {drive.kd:g}"
            limit = f"limit {drive.limit:g}"
            if drive.drag:
                limit += f", stall {drive.stall:g}, no load {drive.no_load_speed:g}"
            lines.append(f"  add {servo}, {limit}: {drive.joint}")
        lines += [
            f"  {line}"
            for object, name, part in self.task
            for line in _each(self, part, f"{object}.{name}")
        ]
        for own in (facts.own[name] for name in self.controls if name in facts.own):
            low, high = own.reach
            unit = f" {own.dimension}".rstrip()
            lines.append(f"  tell {own.name} {low:g} to {high:g}{unit}, home {own.home:g}")
        lines += [f"  hold {name} at {value:g}" for name, value in self.robot.held.items()]
        return lines + [f"  add sensor {s.name.removeprefix('ksim/')}" for s in self.sensors]

    def _tick(self) -> list[str]:
        lines = ["tick"]
        width = max((len(str(node)) for node in self.order), default=0)
        for number, node in enumerate(self.order, start=1):
            sources = ", ".join(
                f"{edge.src}{' (last tick)' if self.graph.delay(edge) else ''}"
                for edge in self.graph.into(node)
                if edge.hom != "hold"
            )
            kind = self.graph.kinds.get(node, "")
            shape = "x".join(map(str, self.shapes.get(node, ()))) or "-"
            arrow = f"  <- {sources}" if sources else ""
            lines.append(f"  {number:2d} {node!s:{width}}  {shape:>4}  {kind:20}{arrow}".rstrip())
        return lines

    def _sum(self) -> list[str]:
        """The terms of the total, and what is done with their sum, in that order."""
        parts = self.parts(Reward)
        order = sorted(parts, key=lambda name: (parts[name].of_total, name))
        return [parts[name].in_words(name) for name in order]

    def _ends(self) -> list[str]:
        lines: list[str] = []
        for title, columns in (("policy", self.policy_input), ("critic", self.critic_input)):
            lines.append(f"{title} input {columns[-1].stop if columns else 0}")
            for c in columns:
                noise = " noisy" if c.noisy and c.source.object == "Observation" else ""
                lines.append(f"  [{c.start}:{c.stop}] {c.source}{noise}")
        lines += ["reward", *(f"  {line}" for line in self._sum())]
        delayed = [f"{e.src} -> {e.tgt} ({e.hom})" for e in self.graph.edges if self.graph.delay(e)]
        lines += ["carried to the next tick", *(f"  {edge}" for edge in delayed)]
        lines.append("physics fields " + ", ".join(self.fields))
        if self.model_fields:
            lines.append("per environment " + ", ".join(self.model_fields))
        lines += [f"dropped {node}" for node in self.dropped]
        return lines
