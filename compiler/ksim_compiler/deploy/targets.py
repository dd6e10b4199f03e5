"""From the policy's output to targets, and what those are to be added to."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.binding import spread
from ksim_compiler.lowering.context import Context
from ksim_compiler.plan import Plan
from ksim_schema.custom.api import Custom, Remembers
from ksim_schema.vocabulary import action as v

JOINTS = "joint positions"
"""The joints' present positions."""
LAST = "last targets"
"""The targets before, as they were limited; at first the joints' positions, or the initial ones."""


class ExportError(Exception):
    """A policy that cannot be exported; the message says why."""


@dataclass(frozen=True)
class Targets:
    """One action part: ``limit(offset + a @ gain) + a @ feed``, a after squash and clip.

    Attributes:
        name: the part.
        start, stop: its stretch of the policy's output.
        offset: (targets,) and gain: (outputs, targets).
        limits: (2, targets) limits of the targets, or None.
        clips: limits of each number of the policy's output, or None.
        closed: (targets,) those of a negative action where its sign alone counts, or None; `offset`
            has the others.
        feed: (outputs, targets) feed-forward that the limits leave alone, or None.
        about: what the targets are to be added to before they are limited, JOINTS or LAST, or None;
            `offset` is then of a robot at home, and not in what the graph gives.
    """

    name: str
    part: v.Action
    start: int
    stop: int
    offset: np.ndarray
    gain: np.ndarray
    limits: np.ndarray | None
    clips: tuple[tuple[float, float], ...] | None = None
    closed: np.ndarray | None = None
    feed: np.ndarray | None = None
    about: str | None = None

    @property
    def initial(self) -> np.ndarray:
        """(targets,) those of a zero action, which stand at the start of an episode."""
        return self.offset if self.limits is None else np.clip(self.offset, *self.limits)


def targets(plan: Plan) -> list[Targets]:
    """The action parts of a task, in the order of the policy's output.

    Raises:
        ExportError: an action whose targets depend on earlier ones.
    """
    found, start = [], 0
    for name in plan.actions():
        part = plan.parts(v.Action)[name]
        stop = start + part.size(plan.robot.facts)
        found.append(_targets(plan, name, part, start, stop))
        start = stop
    return found


def _targets(plan: Plan, name: str, part: v.Action, start: int, stop: int) -> Targets:
    facts, size = plan.robot.facts, stop - start
    if isinstance(part, (v.IntegratedVelocity, v.IntegratedAcceleration)):
        raise ExportError(f"Action.{name}: {part.kind_name} integrates, which a graph cannot")
    if isinstance(part, Remembers):
        raise ExportError(f"Action.{name}: {part.kind_name} remembers, which a graph cannot")
    if isinstance(part, v.InverseKinematics):
        raise ExportError(f"Action.{name}: {part.kind_name} needs the robot's model at each tick")
    if isinstance(part, v.TargetMotion) and part.moves_limited:
        raise ExportError(f"Action.{name}: max_speed and max_acceleration need a memory")

    if isinstance(part, v.PositionVelocityTarget):
        part = part.model_copy(update={"velocity_noise": ()})  # of the simulation alone

    lowered = spread(part, facts)
    at_home = {"qpos": jnp.array(facts.home, jnp.float32), "qvel": jnp.zeros(facts.nv)}

    def value(action: np.ndarray, elsewhere: float = 0.0) -> np.ndarray:
        """(2, targets) what the limits hold, and what is added to it."""
        zero, key = jnp.float32(0.0), jax.random.key(int(elsewhere))
        world = {field: array + elsewhere for field, array in at_home.items()}
        told = jnp.asarray(action, jnp.float32)
        x = Context(facts, world, zero + elsewhere, plan.period, zero, key, told, told)
        result, _ = rules.apply(lowered, x, rules.initial(lowered, x))
        position, extra = result if isinstance(result, tuple) else (result, 0.0 * result)
        return np.asarray([position, extra], np.float64)

    bounds = part.bounds(facts)
    limits = None if bounds is None else np.array(bounds).T
    offset = value(np.zeros(size))
    if isinstance(part, v.Binary):
        closed = value(np.full(size, -1.0))[0]
        if limits is not None:
            closed = np.clip(closed, *limits)
        none = np.zeros((size, len(closed)))
        return Targets(name, part, start, stop, offset[0], none, limits, part.clips(facts), closed)
    gain = np.stack([value(row) - offset for row in np.eye(size)], axis=1)
    probe = np.linspace(-2.0, 2.0, size)
    if not np.allclose(value(probe), offset + probe @ gain, atol=1e-4):
        raise ExportError(f"Action.{name}: {part.kind_name} is not linear in its action")
    if isinstance(part, Custom) and not np.array_equal(value(probe), value(probe, 1.0)):
        raise ExportError(f"Action.{name}: {part.kind_name} looks at the robot or at time")
    feed = gain[1] if gain[1].any() else None
    around = part.around if isinstance(part, v.Actuator | v.TargetMotion) else None
    about = {"now": JOINTS, "last": LAST}.get(around or "")
    if feed is not None and (about == LAST or (about == JOINTS and limits is not None)):
        of = "limits of a target" if about == JOINTS else "targets"
        raise ExportError(f"Action.{name}: a feed-forward beside {of} around '{around}'")
    clips = part.clips(facts)
    return Targets(name, part, start, stop, offset[0], gain[0], limits, clips, None, feed, about)
