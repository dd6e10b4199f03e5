"""From a clip's last frame to the first one of a clip that follows it: what lies between them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ksim_compiler.motion.clip import Array
from ksim_compiler.motion.kinematics import Bodies
from ksim_compiler.motion.resample import Track
from ksim_compiler.motion.rotations import (
    about_vertical,
    exponential,
    headings,
    multiply,
    turned_between,
)
from ksim_schema.robot import RobotFacts


class End(NamedTuple):
    """A clip with its bodies, the anchor first, of which one end is blended."""

    track: Track
    bodies: Bodies


def blend(ends: End, begins: End, ticks: int, period: float, robot: RobotFacts) -> Track:
    """The way from a clip's last frame to a clip's first, in the world of the second.

    The last frame is put where the clip that follows begins: its anchor has the same heading there,
    and stands as far back as the base comes at the mean of both velocities. Joints, the base's
    place, and the rotation vector from its first orientation are cubic Hermite curves, whose
    velocities are those of the clips at both ends; joints stay within their limits, or the ends
    where these are beyond.

    Args:
        ends, begins: the clip that is over, and the one that follows.
        ticks: control periods from the last frame to the first, at least 1.
        period: the control period, s.
        robot: whose motions they are.

    Returns:
        ``ticks`` frames: the last one of the clip that is over, and those before the first one of
        the clip that follows.
    """
    a, b = ends.track, begins.track
    share, time = np.arange(ticks) / ticks, ticks * period
    joints, rates = _hermite(
        a.clip.joints[-1], a.joint_rates[-1], b.clip.joints[0], b.joint_rates[0], share, time
    )
    known = {joint.name: joint.limits or (-np.inf, np.inf) for joint in robot.motion_joints}
    limits = np.array([known[name] for name in b.clip.names]).reshape(-1, 2)
    both = np.array([a.clip.joints[-1], b.clip.joints[0]])
    low = np.minimum(limits[:, 0], both.min(axis=0))
    high = np.maximum(limits[:, 1], both.max(axis=0))
    rates = np.where((joints < low) | (joints > high), 0.0, rates)
    joints = np.clip(joints, low, high)
    if a.clip.place is None or a.clip.turn is None or a.linear is None:
        return Track(replace(b.clip, joints=joints, flips=()), rates, None, None)
    assert b.clip.place is not None
    assert b.clip.turn is not None
    assert b.linear is not None
    assert a.angular is not None
    assert b.angular is not None
    facing, faced = headings(np.array([begins.bodies.turn[0, 0], ends.bodies.turn[-1, 0]]))
    yaw = float(facing - faced)
    far = np.array([a.linear[-1], a.clip.place[-1] - ends.bodies.place[-1, 0]])
    speed, off = about_vertical(yaw, far)
    start = begins.bodies.place[0, 0] + off - time * (speed + b.linear[0]) / 2.0
    start[2] = a.clip.place[-1, 2]
    place, linear = _hermite(start, speed, b.clip.place[0], b.linear[0], share, time)
    first = multiply(exponential(np.array([[0.0, 0.0, yaw]])), a.clip.turn[-1:])
    whole = turned_between(first, b.clip.turn[:1])[0]
    arriving = np.linalg.solve(_jacobian(whole), b.angular[0])
    vectors, rates_of = _hermite(np.zeros(3), a.angular[-1], whole, arriving, share, time)
    turn = multiply(np.repeat(first, ticks, axis=0), exponential(vectors))
    turn /= np.linalg.norm(turn, axis=1, keepdims=True)
    angular = np.array([_jacobian(v) @ r for v, r in zip(vectors, rates_of, strict=True)])
    clip = replace(b.clip, joints=joints, place=place, turn=turn, flips=())
    return Track(clip, rates, linear, angular)


def _hermite(
    start: Float[Array, " n"],
    leaving: Float[Array, " n"],
    stop: Float[Array, " n"],
    arriving: Float[Array, " n"],
    share: Float[Array, " ticks"],
    time: float,
) -> tuple[Float[Array, "ticks n"], Float[Array, "ticks n"]]:
    """The cubic with given values and derivatives at both ends, and its derivative."""
    s = share[:, None]
    away = stop - start
    slope = time * leaving * (1.0 - s) ** 2 - time * arriving * s * (1.0 - s)
    values = start + away * s**2 * (3.0 - 2.0 * s) + s * slope
    eased = 6.0 * away * s * (1.0 - s) / time
    ends = leaving * (1.0 - s) * (1.0 - 3.0 * s) + arriving * s * (3.0 * s - 2.0)
    return values, eased + ends


def _jacobian(vector: Float[Array, "3"]) -> Float[Array, "3 3"]:
    """What makes an angular velocity, in the turned axes, of a rotation vector's derivative.

    The right Jacobian of SO(3) (Chirikjian 2012, equation 10.86).
    """
    angle = float(np.linalg.norm(vector))
    x, y, z = vector
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    if angle < 1e-4:
        return np.eye(3) - cross / 2.0
    first = (1.0 - np.cos(angle)) / angle**2
    return np.eye(3) - first * cross + (angle - np.sin(angle)) / angle**3 * cross @ cross
