"""What ``ksim-motion convert`` does to a clip."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np

from ksim_compiler.motion.clip import Clip
from ksim_compiler.motion.ground import lowest
from ksim_compiler.motion.resample import resampled
from ksim_schema.robot import RobotFacts


def between(clip: Clip, start: float | None, stop: float | None) -> Clip:
    """The clip from a time to another one, s.

    Raises:
        ValueError: less than two frames are left.
    """
    first = 0 if start is None else round(start * clip.fps)
    last = clip.frames - 1 if stop is None else min(round(stop * clip.fps), clip.frames - 1)
    if not 0 <= first < last:
        message = f"of {clip.duration:.2f} s nothing lies from {start or 0:g} s to "
        raise ValueError(message + f"{clip.duration if stop is None else stop:g} s")
    return clip.cut(first, last + 1)


def at_rate(clip: Clip, fps: float) -> Clip:
    """The clip with so many frames a second."""
    return resampled(clip, 1.0 / fps).clip


def on_ground(clip: Clip, robot: RobotFacts, model: mujoco.MjModel) -> Clip:
    """The clip as high as lets its lowest point of all frames touch the ground."""
    points = lowest(clip, robot, model)
    if points is None or clip.place is None:
        return clip
    down = np.array([0.0, 0.0, float(points.height.min())])
    return replace(clip, place=clip.place - down)


def at_origin(clip: Clip) -> Clip:
    """The clip with its first frame above the world's origin, facing along x."""
    if clip.place is None or clip.turn is None:
        return clip
    from ksim_compiler.motion.rotations import about_vertical, exponential, headings, multiply

    yaw = float(headings(clip.turn[:1])[0])
    back = exponential(np.array([[0.0, 0.0, -yaw]]))
    place = about_vertical(-yaw, clip.place - [*clip.place[0, :2], 0.0])
    turn = multiply(np.repeat(back, clip.frames, axis=0), clip.turn)
    return replace(clip, place=place, turn=turn)
