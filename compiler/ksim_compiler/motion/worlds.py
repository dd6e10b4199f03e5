"""Clips whose places are in another unit, or that have another axis upwards."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import mujoco
import numpy as np

from ksim_compiler.motion.clip import Clip, Fault
from ksim_compiler.motion.ground import Lowest, lowest
from ksim_compiler.motion.rotations import exponential, multiply
from ksim_schema.diagnostics.codes import motions as codes
from ksim_schema.robot import RobotFacts

SAMPLES = 12
"""Frames that are looked at."""
STANDS = (-0.06, 0.1)
"""Heights of the lowest point of a robot that stands, m."""
MOSTLY = 0.7
"""Share of the frames in which a robot stands that is on the ground."""
HIGH = 3.0
"""Higher than a robot jumps, m."""
UNITS = {"centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254}


def misread(
    clip: Clip, points: Lowest, robot: RobotFacts, model: mujoco.MjModel
) -> Iterator[Fault]:
    """What lets a clip stand on the ground that is far from it as it is read.

    Nothing is said of a robot whose base does not float.

    Args:
        clip: as it was read.
        points: its lowest points.
        robot, model: whose motion it is.
    """
    if clip.place is None or clip.turn is None:
        return
    frames = np.unique(np.linspace(0, clip.frames - 1, SAMPLES).astype(int))
    heights = points.height[frames].min(axis=1)
    if _stands(heights) > 0.3:
        return
    few = replace(clip, joints=clip.joints[frames], place=clip.place[frames])
    few = replace(few, turn=clip.turn[frames])
    frame = int(frames[np.argmax(np.abs(heights))])
    first = int(frames[0])
    assert few.place is not None
    if heights.min() > HIGH:
        for unit, size in UNITS.items():
            scaled = _heights(replace(few, place=few.place * size), robot, model)
            if scaled is not None and _stands(scaled) > MOSTLY:
                message = (
                    f"the base is at a height of {clip.place[first, 2]:.3g} m, and nothing is "
                )
                message += f"nearer to the ground than {heights.min():.3g} m; read in {unit} it "
                message += "stands"
                help = f"places are in metres: multiply them by {size:g}"
                yield Fault(codes.CLIP_UNIT, message, first, first / clip.fps, help)
                return
    turned = _heights(_raised(few), robot, model)
    if turned is not None and _stands(turned) > MOSTLY and _upright(_raised(few)) > _upright(few):
        message = f"the lowest point is {abs(heights).max():.2g} m "
        message += "in" if heights[np.argmax(abs(heights))] < 0 else "above"
        message += " the ground; with y upwards the robot stands"
        help = "z is upwards: of x, y, z make x, -z, y, and turn the base by 90 degrees about x"
        yield Fault(codes.CLIP_AXIS, message, frame, frame / clip.fps, help)


def _heights(clip: Clip, robot: RobotFacts, model: mujoco.MjModel) -> np.ndarray | None:
    found = lowest(clip, robot, model)
    return None if found is None else found.height.min(axis=1)


def _stands(heights: np.ndarray) -> float:
    """The share of frames in which the lowest point is on the ground."""
    return float(np.mean((heights > STANDS[0]) & (heights < STANDS[1])))


def _upright(clip: Clip) -> float:
    """The mean cosine of the base's tilt."""
    assert clip.turn is not None
    return float(np.mean(1.0 - 2.0 * (clip.turn[:, 1] ** 2 + clip.turn[:, 2] ** 2)))


def _raised(clip: Clip) -> Clip:
    """The clip with what was y upwards."""
    assert clip.place is not None
    assert clip.turn is not None
    x, y, z = clip.place.T
    quarter = exponential(np.array([[math.pi / 2, 0.0, 0.0]]))
    turn = multiply(np.repeat(quarter, clip.frames, axis=0), clip.turn)
    return replace(clip, place=np.column_stack([x, -z, y]), turn=turn)
