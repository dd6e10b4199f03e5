"""What is different between two models in what their numbers mean, thing by thing."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import mujoco
import numpy as np

from ksim_compiler.robot.anatomy import Anatomy, Array, JointTraits, Key, Placed, SensorTraits

TOLERANCE = 1e-6
"""Smallest difference that counts, in m, rad and parts of a unit vector."""
_ALONG = ("jointpos", "jointvel", "jointactuatorfrc", "actuatorpos", "actuatorvel", "actuatorfrc")
"""Sensors whose value is along a joint."""


class Difference(NamedTuple):
    """What is different in what the numbers of a thing mean.

    Attributes:
        text: a sentence without a dot.
        negated: whether they are what they were with the other sign, as far as this goes.
    """

    text: str
    negated: bool = False


def negated(old: Anatomy, new: Anatomy) -> frozenset[Key]:
    """The joints that turn the other way, and the sensors whose values have the other sign so."""
    joints = {n for n in new.joints if n in old.joints and _flipped(old.joints[n], new.joints[n])}
    sensors = {n for n in new.sensors if n in old.sensors and _sign(old, new, n, joints) < 0}
    return frozenset([*(("joint", n) for n in joints), *(("sensor", n) for n in sensors)])


def _flipped(old: JointTraits, new: JointTraits) -> bool:
    along = bool(np.any(old.axis)) and _near(old.axis, -new.axis)
    return old.type == new.type and along


def _sign(old: Anatomy, new: Anatomy, name: str, joints: Collection[str]) -> float:
    """-1 where a sensor's value is along a joint that turns the other way, and nothing else."""
    before, after = old.sensors[name], new.sensors[name]
    if before != after or after.type not in _ALONG:
        return 1.0
    what, thing = after.of
    if what == "joint":
        return -1.0 if thing in joints else 1.0
    if new.others[after.of] != old.others[after.of]:
        return 1.0
    end, joint = new.others[after.of][:2]
    return -1.0 if end == "joint" and joint in joints else 1.0


def changes(old: Anatomy, new: Anatomy, key: Key) -> Iterator[Difference]:
    """What is different in what the numbers of one thing mean.

    Of what only one of the models has, nothing: its numbers are gone, or new.
    """
    what, name = key
    if what == "joint":
        a, b = old.joints.get(name), new.joints.get(name)
        if a is not None and b is not None:
            yield from _joint(name, a, b)
    elif what == "sensor":
        before, after = old.sensors.get(name), new.sensors.get(name)
        if before is not None and after is not None:
            yield from _sensor(old, new, name, before, after)
    elif what in ("actuator", "tendon"):
        if key in old.others and key in new.others:
            yield from _driven(old, new, key)
    elif key in old.frames and key in new.frames:
        yield from (Difference(text) for text in _frame(old, new, key))


def _driven(old: Anatomy, new: Anatomy, key: Key) -> Iterator[Difference]:
    """Of an actuator or a tendon: what it acts on, and how that turns."""
    (what, name), after = key, new.others[key]
    if old.others[key] != after:
        yield Difference(f"{what} {name!r} acts on other joints or with other factors")
    ends = [(after[0], after[1])] if what == "actuator" else [("joint", s[1]) for s in after]
    for end in dict.fromkeys(ends):
        if end[0] in ("joint", "tendon"):
            yield from changes(old, new, end)


def _joint(name: str, old: JointTraits, new: JointTraits) -> Iterator[Difference]:
    if old.type != new.type:
        yield Difference(f"joint {name!r} was a {old.type} and is a {new.type}")
        return
    verb = "moves" if old.type == "slide" else "turns"
    flipped = _flipped(old, new)
    if flipped:
        yield Difference(f"joint {name!r} {verb} the other way", True)
    elif not _near(old.axis, new.axis):
        was, now = _vector(old.axis), _vector(new.axis)
        yield Difference(f"the axis of joint {name!r} was {was} and is {now}")
        return
    if not _near(old.anchor, new.anchor):
        was, now = _vector(old.anchor), _vector(new.anchor)
        text = f"joint {name!r} turns about another point of its body: {now} m, not {was} m"
        yield Difference(text)
    if old.type == "slide":
        shift = float(new.axis @ (new.place - old.place))
        if abs(shift) > TOLERANCE:
            yield Difference(f"the zero of joint {name!r} is {abs(shift):g} m from where it was")
    else:
        turn = _rotation(new.turn @ old.turn.T)
        shift = float(new.axis @ turn) if old.type == "hinge" else float(np.linalg.norm(turn))
        if abs(shift) > TOLERANCE:
            text = f"the zero of joint {name!r} is {abs(shift):.4g} rad from where it was"
            yield Difference(text)
    if not flipped and old.gear and new.gear and old.gear != new.gear:
        yield Difference(f"the gear of the motor on joint {name!r} has another sign")


def _sensor(
    old: Anatomy, new: Anatomy, name: str, before: SensorTraits, after: SensorTraits
) -> Iterator[Difference]:
    if before.type != after.type:
        yield Difference(f"sensor {name!r} was a {before.type} and is a {after.type}")
        return
    if before.settings != after.settings:
        yield Difference(f"sensor {name!r} has another cutoff, size or way of counting")
    for verb, a, b in (
        ("is on", before.of, after.of),
        ("is relative to", before.relative, after.relative),
    ):
        if a != b:
            was, now = (f"{what} {n!r}" if what else "the world" for what, n in (a, b))
            yield Difference(f"sensor {name!r} {verb} {now}, not {was}")
        elif a[0] and a != ("sensor", name):
            for text, opposite in changes(old, new, a):
                said = f"sensor {name!r} {verb} {a[0]} {a[1]!r}, and {text}"
                yield Difference(said, opposite and after.type in _ALONG)


def _frame(old: Anatomy, new: Anatomy, key: Key) -> Iterator[str]:
    what, name = key
    before, after = old.frames[key], new.frames[key]
    if before.link != after.link:
        yield f"{what} {name!r} moves with body {after.link!r}, not with {before.link!r}"
        return
    if what == "body" and before.link == name and after.link == name:
        moved = _common(old.contents.get(name, ()), new.contents.get(name, ()))
        if moved is not None:
            yield f"the frame of body {name!r} is another: {_motion(*moved)} on its body"
        return
    turn, shift = after.turn @ before.turn.T, after.position - before.position
    if not _near(shift, np.zeros(3)) or not _near(turn, np.eye(3)):
        yield f"{what} {name!r} is {_motion(shift, turn)} on body {after.link!r}"


def _common(old: tuple[Placed, ...], new: tuple[Placed, ...]) -> tuple[Array, Array] | None:
    """How a link's frame has moved on it, if all that is on the link has moved as one.

    A single thing may as well have moved itself, so that it tells of a turn alone.
    """
    if not old or len(old) != len(new):
        return None
    motions = [(b.turn @ a.turn.T, a, b) for a, b in zip(old, new, strict=True)]
    turn = motions[0][0]
    shift = motions[0][2].position - turn @ motions[0][1].position
    as_one = all(
        _near(t, turn) and _near(b.position, turn @ a.position + shift) for t, a, b in motions
    )
    if not as_one:
        return None
    turned = not _near(turn, np.eye(3))
    shifted = not _near(shift, np.zeros(3)) and len(old) > 1
    return (-(turn.T @ shift), turn.T) if turned or shifted else None


def _motion(shift: Array, turn: Array) -> str:
    """A shift in m and a rotation in words."""
    angle = float(np.degrees(np.linalg.norm(_rotation(turn))))
    notes = [f"turned by {angle:.4g} deg"] if angle > np.degrees(TOLERANCE) else []
    distance = float(np.linalg.norm(shift))
    notes += [f"{distance:.4g} m from where it was"] if distance > TOLERANCE else []
    return " and ".join(notes) or "elsewhere"


def _rotation(matrix: Array) -> Array:
    """The rotation vector of a matrix, rad."""
    quaternion, vector = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(matrix).ravel())
    mujoco.mju_quat2Vel(vector, quaternion, 1.0)
    return vector


def _near(a: Array, b: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= TOLERANCE))


def _vector(values: Array) -> str:
    return "(" + " ".join(f"{x + 0.0:.4g}" for x in np.round(values, 6)) + ")"
