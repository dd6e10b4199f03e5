"""Where a robot's bodies are in the frames of a motion: MuJoCo's forward kinematics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import mujoco
import numpy as np
from jaxtyping import Float

from ksim_compiler.motion.clip import Array


class Bodies(NamedTuple):
    """Bodies in the frames of a motion, in the world: m, unit quaternions (w first), m/s, rad/s."""

    place: Float[Array, "frames bodies 3"]
    turn: Float[Array, "frames bodies 4"]
    linear: Float[Array, "frames bodies 3"]
    angular: Float[Array, "frames bodies 3"]


def poses(model: mujoco.MjModel, qpos: Float[Array, "frames nq"]) -> Iterator[mujoco.MjData]:
    """The same data in each frame, with the places of bodies and geoms."""
    data = mujoco.MjData(model)
    for row in qpos:
        data.qpos[:] = row
        mujoco.mj_kinematics(model, data)
        yield data


def bodies_of(
    model: mujoco.MjModel,
    qpos: Float[Array, "frames nq"],
    qvel: Float[Array, "frames nv"],
    bodies: Sequence[int],
) -> Bodies:
    """Places, orientations and velocities of the origins of some bodies.

    Args:
        model: the robot.
        qpos, qvel: the state in each frame.
        bodies: their indices.
    """
    shape = (len(qpos), len(bodies))
    found = Bodies(*(np.zeros((*shape, size)) for size in (3, 4, 3, 3)))
    both = np.zeros(6)
    for frame, data in enumerate(poses(model, qpos)):
        data.qvel[:] = qvel[frame]
        mujoco.mj_comPos(model, data)
        mujoco.mj_comVel(model, data)
        found.place[frame] = data.xpos[list(bodies)]
        found.turn[frame] = data.xquat[list(bodies)]
        for column, body in enumerate(bodies):
            mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, body, both, 0)
            found.angular[frame, column], found.linear[frame, column] = both[:3], both[3:]
    return found
