"""What mjbatch's policy observes, what a mirror makes of it, and the trot's clock. NumPy alone.

The 50 numbers: velocity (3) and angular velocity (3) of the trunk in its own frame, the world's
upwards in that frame (3), joint positions about the stand (12), joint velocities (12), the last
action (12), the command (3: forward, sideways, turn), sine and cosine of the trot's clock, which
are 0 while the command is to stand.
"""

from __future__ import annotations

import numpy as np

SIZE, ACTIONS = 50, 12
GAIT = 2.0
"""Hz of the trot."""
FEET_PHASE = np.array([0.0, 0.5, 0.5, 0.0])
"""Turns by which FR, FL, RR, RL are ahead of the clock: diagonal legs swing together."""
_SWAPPED = np.array([joint + leg for leg in (3, 0, 9, 6) for joint in range(3)])
"""Where a mirror puts the legs' joints: right and left change places."""
_SIDES = np.tile([-1.0, 1.0, 1.0], 4)
"""A hip turns about the forward axis, which a mirror reverses; thigh and calf about the lateral."""
LEGS, LEGS_SIGN = _SWAPPED, _SIDES.astype(np.float32)
IMAGE = np.r_[0:9, 9 + _SWAPPED, 21 + _SWAPPED, 33 + _SWAPPED, 45:50]
IMAGE_SIGN = np.r_[
    # a mirror reverses the lateral part of a vector, and of an angular velocity the two others
    [1, -1, 1], [-1, 1, -1], [1, -1, 1], _SIDES, _SIDES, _SIDES,
    # half a turn of the clock exchanges the diagonals
    [1, -1, -1], [-1, -1],
].astype(np.float32)  # fmt: skip


def moving(command: np.ndarray) -> np.ndarray:
    """Whether (n, 3) commands are to move, (n, 1) as 0.0 or 1.0."""
    return (np.sqrt((command**2).sum(1, keepdims=True)) > 0.01).astype(np.float32)


def observed(
    velocity: np.ndarray,
    gyro: np.ndarray,
    up: np.ndarray,
    joints: np.ndarray,
    joint_velocity: np.ndarray,
    action: np.ndarray,
    command: np.ndarray,
    clock: np.ndarray,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """(n, 50) float32 observations.

    Args:
        velocity, gyro, up: (n, 3). joints: (n, 12) about the stand. joint_velocity, action:
            (n, 12). command: (n, 3).
        clock: (n,) turns of the trot.
        out: what to write them into.
    """
    seen = np.empty((len(command), SIZE), np.float32) if out is None else out
    parts = (velocity, gyro, up, joints, joint_velocity, action, command)
    start = 0
    for part in parts:
        stop = start + part.shape[1]
        seen[:, start:stop] = part
        start = stop
    walks, angle = moving(command)[:, 0], 2 * np.pi * clock
    seen[:, 48], seen[:, 49] = np.sin(angle) * walks, np.cos(angle) * walks
    return seen
