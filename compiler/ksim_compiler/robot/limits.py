"""What the motors of a model give at most: the one place that works it out.

An action's motor or servo gives as much in one direction as in the other. Where a range of the
model is wider on one side, the narrower side is what both get: so what is said is what acts.

A joint that is driven stands for those that equalities tie to it and that nothing drives, such as
the second finger of a gripper: by the principle of virtual work, a force on one of those counts
times how far that joint moves for a unit of the driven one. Functions take all of this as `moved`,
the joint itself with 1 among them; None is the joint alone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import mujoco
import numpy as np

from ksim_compiler.robot.transmission import carried, tendon_joints
from ksim_schema.robot import Joint

_TRN: Any = mujoco.mjtTrn
_DYN: Any = mujoco.mjtDyn
_FILTERS = (_DYN.mjDYN_FILTER, _DYN.mjDYN_FILTEREXACT)
Moved = Mapping[int, float]
"""Joints -> how far each moves for a unit of the first."""


class Span(NamedTuple):
    """The lowest and the highest of something: a force, a torque, a control."""

    low: float
    high: float

    def times(self, factor: float) -> Span:
        ends = (factor * self.low, factor * self.high) if factor else (0.0, 0.0)
        return Span(min(ends), max(ends))

    def within(self, other: Span) -> Span:
        """Clipped to another."""
        low, high = (min(max(end, other.low), other.high) for end in self)
        return Span(low, high)

    @staticmethod
    def total(spans: Iterable[Span]) -> Span:
        low, high = 0.0, 0.0
        for span in spans:
            low, high = low + span.low, high + span.high
        return Span(low, high)

    @property
    def both_ways(self) -> float:
        """The largest size that it has in both directions; 0 where it lies on one side."""
        return max(0.0, min(-self.low, self.high))

    @property
    def size(self) -> float:
        """That in both directions; of what acts in one only, its largest there."""
        return self.both_ways or max(abs(self.low), abs(self.high))


EVERYTHING = Span(-math.inf, math.inf)


def joint_cap(model: mujoco.MjModel, joint: int, moved: Moved | None = None) -> float:
    """The largest force (N) or torque (N*m) that a joint takes from motors in both directions.

    That is of its actuatorfrcrange; 0 where it lets torque through in one direction only. What the
    motors of a joint tied to it give there comes on top.
    """
    others = {j: slope for j, slope in (moved or {}).items() if j != joint}
    shares = [_alone(model, j).times(slope) for j, slope in others.items() if _acted(model, j)]
    return Span.total([_taken(model, joint), *shares]).both_ways


def effort(model: mujoco.MjModel, joint: int, moved: Moved | None = None) -> float | None:
    """The motor limit of a joint: its own, or what the actuators on it give together; None without.

    A hinge's in N*m, a slide's in N.
    """
    return limit_of(reach(model, joint, moved))


def limit_of(reached: Span) -> float | None:
    """The motor limit of a joint with a reach; None where nothing drives it or limits that."""
    largest = reached.size
    return None if math.isinf(largest) or not largest else largest


def reach(model: mujoco.MjModel, joint: int, moved: Moved | None = None) -> Span:
    """From the lowest to the highest torque that the model's own motors give a joint.

    Where the joint has none, what it takes.
    """
    acted = {j: slope for j, slope in (moved or {joint: 1.0}).items() if _acted(model, j)}
    if not acted:
        return _taken(model, joint)
    if list(acted) == [joint]:
        return _alone(model, joint)
    each = Span.total(_alone(model, j).times(slope) for j, slope in acted.items())
    return _together(model, acted).within(each)


def torque_limits(
    model: mujoco.MjModel, joints: tuple[Joint, ...], driven: Collection[int] = ()
) -> dict[str, float]:
    """Joint with an actuator -> the largest torque or force that it gets there.

    Args:
        model: the robot.
        joints: all of its joints.
        driven: those that a task drives; what is tied to one of them has no motor of its own then.
    """
    moved = carried(model, driven)
    tied = {j for others in moved.values() for j in others} - set(driven)
    return {
        joint.name: reach(model, index, moved.get(index)).size
        for index, joint in enumerate(joints)
        if joint.name
        and index not in tied
        and any(_acted(model, j) for j in moved.get(index, (index,)))
    }


def _acted(model: mujoco.MjModel, joint: int) -> bool:
    """Whether an actuator of the model acts on a joint."""
    return any(arm(model, i, joint) for i in _near(model, (joint,)))


def _near(model: mujoco.MjModel, joints: Collection[int]) -> list[int]:
    """The actuators that may act on some joints: on one of them itself, or by a tendon."""
    kinds, targets = model.actuator_trntype.tolist(), model.actuator_trnid[:, 0].tolist()
    itself = (int(_TRN.mjTRN_JOINT), int(_TRN.mjTRN_JOINTINPARENT))
    tendon = int(_TRN.mjTRN_TENDON)
    return [
        i
        for i, (kind, target) in enumerate(zip(kinds, targets, strict=True))
        if kind == tendon or (target in joints and kind in itself)
    ]


def _alone(model: mujoco.MjModel, joint: int) -> Span:
    """What the actuators on a joint give that joint itself."""
    return _together(model, {joint: 1.0}).within(_taken(model, joint))


def _taken(model: mujoco.MjModel, joint: int) -> Span:
    if not model.jnt_actfrclimited[joint]:
        return EVERYTHING
    return _span(model.jnt_actfrcrange[joint])


def _together(model: mujoco.MjModel, moved: Moved) -> Span:
    """What all actuators on joints that move together give, whatever each of the joints takes."""
    arms = {i: force for i in _near(model, moved) if (force := lever(model, i, moved))}
    on_tendons: defaultdict[int, list[int]] = defaultdict(list)
    parts: list[Span] = []
    for i, force in arms.items():
        if _TRN(model.actuator_trntype[i]) == _TRN.mjTRN_TENDON:
            on_tendons[int(model.actuator_trnid[i, 0])].append(i)
        else:
            parts.append(_force(model, i).times(force))
    for tendon, actuators in on_tendons.items():
        parts.append(_pull(model, tendon, {i: arms[i] for i in actuators}))
    return Span.total(parts)


def _pull(model: mujoco.MjModel, tendon: int, arms: dict[int, float]) -> Span:
    """What the actuators on a tendon give a joint together.

    MuJoCo scales their forces, before their gears, so that the sum is within the tendon's
    actuatorfrcrange; of different gears that is not a limit of the joint's torque.
    """
    if model.tendon_actfrclimited[tendon] and len(set(arms.values())) == 1:
        total = Span.total(_force(model, i) for i in arms)
        total = total.within(_span(model.tendon_actfrcrange[tendon]))
        return total.times(next(iter(arms.values())))
    return Span.total(_force(model, i).times(force) for i, force in arms.items())


def lever(model: mujoco.MjModel, actuator: int, moved: Moved) -> float:
    """The share of an actuator's force that the first of some joints gets that move together."""
    return sum(arm(model, actuator, joint) * slope for joint, slope in moved.items())


def arm(model: mujoco.MjModel, actuator: int, joint: int) -> float:
    """The share of an actuator's force that a joint gets: gear, times a tendon's coefficient."""
    group = int(model.actuator_group[actuator])
    if 0 <= group <= 30 and int(model.opt.disableactuator) >> group & 1:
        return 0.0
    kind = _TRN(model.actuator_trntype[actuator])
    target = int(model.actuator_trnid[actuator, 0])
    gear = float(model.actuator_gear[actuator, 0])
    if kind in (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT):
        return gear if target == joint else 0.0
    if kind == _TRN.mjTRN_TENDON:
        return sum(gear * (c or 0.0) for j, c in tendon_joints(model, target) if j == joint)
    return 0.0


def _force(model: mujoco.MjModel, actuator: int) -> Span:
    """The forces of an actuator before its gear."""
    fixed = model.actuator_gaintype[actuator] == mujoco.mjtGain.mjGAIN_FIXED
    plain = fixed and model.actuator_biastype[actuator] == mujoco.mjtBias.mjBIAS_NONE
    force = EVERYTHING
    if plain:
        force = _inputs(model, actuator).times(float(model.actuator_gainprm[actuator, 0]))
    if model.actuator_forcelimited[actuator]:
        force = force.within(_span(model.actuator_forcerange[actuator]))
    return force


def _inputs(model: mujoco.MjModel, actuator: int) -> Span:
    """What the gain of an actuator may multiply: its controls, or its activations."""
    dynamics, inputs = _DYN(model.actuator_dyntype[actuator]), EVERYTHING
    clamps = not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CLAMPCTRL
    if dynamics in (_DYN.mjDYN_NONE, *_FILTERS) and model.actuator_ctrllimited[actuator] and clamps:
        inputs = _span(model.actuator_ctrlrange[actuator])
    if dynamics in _FILTERS:  # an activation begins at 0 and goes after the control
        inputs = Span(min(inputs.low, 0.0), max(inputs.high, 0.0))
    if dynamics == _DYN.mjDYN_MUSCLE:
        inputs = Span(0.0, 1.0)
    if dynamics != _DYN.mjDYN_NONE and model.actuator_actlimited[actuator]:
        inputs = inputs.within(_span(model.actuator_actrange[actuator]))
    return inputs


def _span(ends: np.ndarray) -> Span:
    return Span(float(ends[0]), float(ends[1]))
