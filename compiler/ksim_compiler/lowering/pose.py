"""Poses: drawn from ranges, and told in the frame of a body."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.scale import uniform
from ksim_schema.robot import SensorRequest
from ksim_schema.vocabulary.pose import PLACES, QUATERNION_LABELS, TURNS, PoseRanges

NOWHERE = (0.0, 0.0)
WHOLE_TURN = (-math.pi, math.pi)


class PoseValue(NamedTuple):
    """A position, m, and an orientation; None for what a pose does not say."""

    position: Float[Array, "3"] | None
    orientation: Float[Array, "4"] | None


def drawn_pose(c: PoseRanges, key: Key[Array, ""]) -> tuple[Float[Array, "3"], Float[Array, "4"]]:
    """A position and an orientation out of ranges; what has no range is 0."""
    place = jnp.stack(
        [uniform(name_key(key, name), getattr(c, name) or NOWHERE) for name in PLACES]
    )
    if c.radius is not None:
        distance = uniform(name_key(key, "radius"), c.radius)
        angle = uniform(name_key(key, "azimuth"), c.azimuth or WHOLE_TURN)
        around = jnp.stack([jnp.cos(angle), jnp.sin(angle), jnp.zeros(())])
        place = place + distance * around
    if c.orientation == "any":
        four = jax.random.normal(name_key(key, "orientation"), (4,))
        return place, _upper(four / jnp.linalg.norm(four))
    angles = [uniform(name_key(key, name), getattr(c, name) or NOWHERE) for name in TURNS]
    return place, _upper(geometry.from_euler(*map(jnp.asarray, angles)))


def _upper(quat: geometry.Quaternion) -> geometry.Quaternion:
    """Of the two quaternions of a rotation the one with w >= 0."""
    return jnp.where(quat[0] < 0.0, -quat, quat)


def frame_pose(x: Context, objtype: str, name: str) -> PoseValue:
    """Where a body (``xbody``) or a site is in the world."""
    kinds = ("framepos", "framequat")
    return PoseValue(*(x.sensor(SensorRequest(kind, objtype, name)) for kind in kinds))


def told_pose(x: Context, command: str, value: Float[Array, " size"] | None = None) -> PoseValue:
    """What a command tells of a pose, in the world's frame.

    Args:
        x: what the rule sees.
        command: its name.
        value: what it tells, where that is not in the context.
    """
    told = x.commands[command] if value is None else value
    labels, frame = x.labels[command], x.frames.get(command, "")
    return in_world(x, pose_of(told, labels), frame)


def pose_of(told: Float[Array, " size"], labels: tuple[str, ...]) -> PoseValue:
    """The position and the orientation in what a command tells."""

    def part(names: tuple[str, ...]) -> Array | None:
        if not set(names) <= set(labels):
            return None
        first = labels.index(names[0])
        return told[first : first + len(names)]

    return PoseValue(part(PLACES), part(QUATERNION_LABELS))


def in_world(x: Context, pose: PoseValue, frame: str) -> PoseValue:
    """A pose that is given in the frame of a body, "" for the world."""
    if not frame:
        return pose
    origin, axes = frame_pose(x, "xbody", frame)
    assert origin is not None
    assert axes is not None
    place, turn = pose
    return PoseValue(
        None if place is None else origin + geometry.rotate(axes, place),
        None if turn is None else geometry.multiply(axes, turn),
    )


def reached(wanted: PoseValue, now: PoseValue, within: Any, angle: Any) -> Bool[Array, ""]:
    """Whether a frame is at a pose: within a distance, m, and an angle, rad, where given."""
    near = jnp.bool_(True)
    if within is not None and wanted.position is not None and now.position is not None:
        near &= jnp.linalg.norm(wanted.position - now.position) <= within
    if angle is not None and wanted.orientation is not None and now.orientation is not None:
        turn = geometry.angle_between(wanted.orientation, now.orientation)
        near &= turn <= jnp.minimum(angle, math.pi)
    return near
