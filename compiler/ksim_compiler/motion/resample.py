"""A clip at another rate: cubic splines for positions, great circles for orientations."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from ksim_compiler.motion.clip import Array, Clip
from ksim_compiler.motion.rotations import slerp, turned_between
from ksim_schema.robot import RobotFacts


@dataclass(frozen=True)
class Track:
    """A clip with its velocities.

    Attributes:
        clip: at its new rate.
        joint_rates: rad/s or m/s.
        linear: of the base, in the world, m/s; None as its place.
        angular: of the base, in its own axes, rad/s.
    """

    clip: Clip
    joint_rates: Float[Array, "frames joints"]
    linear: Float[Array, "frames 3"] | None
    angular: Float[Array, "frames 3"] | None

    def qvel(self, robot: RobotFacts) -> Float[Array, "frames nv"]:
        """MuJoCo's velocities in each frame; what the clip does not move rests."""
        rows = np.zeros((self.clip.frames, robot.nv))
        dofs = {joint.name: joint.dof for joint in robot.motion_joints}
        rows[:, [dofs[name] for name in self.clip.names]] = self.joint_rates
        if self.linear is not None and self.angular is not None and robot.base is not None:
            start = robot.base.dof
            rows[:, start : start + 3] = self.linear
            rows[:, start + 3 : start + 6] = self.angular
        return rows


def frames_at(clip: Clip, period: float) -> int:
    """How many frames a clip has with one each period, s."""
    return max(math.floor(clip.duration / period + 1e-6) + 1, 2)


def resampled(clip: Clip, period: float) -> Track:
    """A clip with a frame each period, from its first frame on, and its velocities.

    Joints and the base's place follow a natural cubic spline through the frames, whose derivative
    their velocities are. The base's orientation goes from frame to frame at a constant rate
    (slerp); its angular velocity is that from the new frame before to the one after.

    Args:
        clip: the motion.
        period: time between two frames, s.
    """
    frames = frames_at(clip, period)
    at = np.minimum(np.arange(frames) * period * clip.fps, clip.frames - 1)
    joints, joint_rates = spline(clip.joints, at, clip.fps)
    place = linear = turn = angular = None
    if clip.place is not None and clip.turn is not None:
        place, linear = spline(clip.place, at, clip.fps)
        low = np.minimum(np.floor(at).astype(int), clip.frames - 2)
        turn = slerp(clip.turn[low], clip.turn[low + 1], at - low)
        turn /= np.linalg.norm(turn, axis=1, keepdims=True)
        before = np.maximum(np.arange(frames) - 1, 0)
        after = np.minimum(np.arange(frames) + 1, frames - 1)
        angular = turned_between(turn[before], turn[after]) / ((after - before) * period)[:, None]
        # seen from the axes in the middle, and not from those of the frame before
        back = turned_between(turn, turn[before])
        angular = _turned_by(back, angular)
    new = replace(clip, fps=1.0 / period, joints=joints, place=place, turn=turn, flips=())
    return Track(new, joint_rates, linear, angular)


def _turned_by(rotation: Float[Array, "n 3"], vector: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """Vectors turned by rotation vectors (Rodrigues)."""
    angle = np.linalg.norm(rotation, axis=1, keepdims=True)
    axis = rotation / np.maximum(angle, 1e-12)
    dot = np.sum(axis * vector, axis=1, keepdims=True)
    turned = vector * np.cos(angle) + np.cross(axis, vector) * np.sin(angle)
    return turned + axis * dot * (1 - np.cos(angle))


def spline(
    values: Float[Array, "frames n"], at: Float[Array, " times"], rate: float
) -> tuple[Float[Array, "times n"], Float[Array, "times n"]]:
    """A natural cubic spline through rows, and its derivative.

    Args:
        values: a row for each whole time 0, 1, 2, ...
        at: times, from 0 to the last row's.
        rate: rows a second, for the derivative.
    """
    bend = _bends(values)
    low = np.clip(np.floor(at).astype(int), 0, len(values) - 2)
    u = (at - low)[:, None]
    w = 1.0 - u
    a, b, m, n = values[low], values[low + 1], bend[low], bend[low + 1]
    here = w * a + u * b + ((w**3 - w) * m + (u**3 - u) * n) / 6.0
    slope = b - a + ((1 - 3 * w**2) * m + (3 * u**2 - 1) * n) / 6.0
    return here, slope * rate


def _bends(values: Float[Array, "frames n"]) -> Float[Array, "frames n"]:
    """Second derivatives of the natural spline at its rows (Thomas' algorithm)."""
    count = len(values)
    bends = np.zeros_like(values)
    if count < 3:
        return bends
    right = 6.0 * (values[2:] - 2 * values[1:-1] + values[:-2])
    factor = np.zeros(count - 2)
    factor[0], right[0] = 1 / 4.0, right[0] / 4.0
    for i in range(1, count - 2):
        scale = 1.0 / (4.0 - factor[i - 1])
        factor[i] = scale
        right[i] = (right[i] - right[i - 1]) * scale
    for i in range(count - 4, -1, -1):
        right[i] -= factor[i] * right[i + 1]
    bends[1:-1] = right
    return bends
