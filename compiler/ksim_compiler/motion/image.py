"""The mirror image of a recorded motion: what is left is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ksim_compiler.motion.clip import Clip
from ksim_schema.robot.mirror import QUATERNION, VECTOR, Mirror


def mirrored(clip: Clip, mirror: Mirror) -> Clip:
    """A clip in the mirror that the plane y = 0 of the world is.

    Joints change places with those of the other side. The base's orientation R turns into M R M
    with M = diag(1, -1, 1): the world's axes are mirrored, and so are the base's own, of which
    y = 0 is the plane between left and right.

    Args:
        clip: the motion, of the robot's joints in the model's order.
        mirror: the robot's left and right, of which the compiler has found that each joint has its
            image on the other side.
    """
    joints = {joint.name: joint for joint in mirror.robot.motion_joints}
    image = mirror.joints([joints[name] for name in clip.names])
    assert image is not None
    columns, signs = zip(*image, strict=True) if image else ((), ())
    return replace(
        clip,
        name=f"{clip.name} (mirrored)",
        joints=clip.joints[:, list(columns)] * np.array(signs),
        place=None if clip.place is None else clip.place * np.array(VECTOR),
        turn=None if clip.turn is None else clip.turn * np.array(QUATERNION),
    )
