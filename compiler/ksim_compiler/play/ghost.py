"""The robot as a recorded motion has it: beside the robot in videos, as a ghost in viewers."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float

from ksim_compiler.env.motions import Recorded
from ksim_compiler.motion.library import Library
from ksim_compiler.motion.rotations import about_vertical, exponential, multiply
from ksim_compiler.plan import Plan
from ksim_compiler.play.record import Recording
from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary.command import Command

COLOUR = (0.15, 0.75, 0.35, 0.35)
"""Red, green, blue and opacity of a ghost."""


@dataclass(frozen=True)
class Reference:
    """A recorded motion beside a recording of the robot.

    Attributes:
        qpos: (ticks, nq) the model as the motion has it, in the world of the robot.
        titles: for each tick the clip and the time in it.
    """

    qpos: Float[np.ndarray, "ticks nq"]
    titles: tuple[str, ...]


class References:
    """The recorded motion of a task: of several the one that is first by its name.

    Attributes:
        command: what it is called; "" for a task without.
    """

    def __init__(self, plan: Plan) -> None:
        libraries = Recorded(plan, plan.parts(Command)).libraries
        self.command = min(libraries, default="")
        self._library: Library | None = libraries.get(self.command)
        self._facts, self._period = plan.robot.facts, plan.period

    def __bool__(self) -> bool:
        return self._library is not None

    def qpos(self, place: Float[np.ndarray, "6"]) -> Float[np.ndarray, " nq"]:
        """The model in the frame that goes with a state: that before the one that is told.

        Args:
            place: as :class:`~ksim_compiler.play.record.Recording` has it.
        """
        assert self._library is not None
        clip, frame = self._frame(place)
        row = self._library.row(clip, frame, int(place[5]))
        return moved(self._library.qpos[row].astype(np.float64), place[2:5], self._facts)

    def title(self, place: Float[np.ndarray, "6"]) -> str:
        """The clip, and the time in it; below 0 on the way to it."""
        assert self._library is not None
        clip, frame = self._frame(place)
        return f"{self._library.clips[clip]}  {frame * self._period:.1f} s"

    def of(self, recording: Recording) -> Reference | None:
        """The motion of a recording, a row for each of its ticks; None for a task without one."""
        if not self or self.command not in recording.motions:
            return None
        places = recording.motions[self.command][: recording.ticks]
        return Reference(
            np.array([self.qpos(place) for place in places]),
            tuple(self.title(place) for place in places),
        )

    def _frame(self, place: Float[np.ndarray, "6"]) -> tuple[int, int]:
        assert self._library is not None
        clip = int(place[0])
        last = int(self._library.length[clip]) - 1
        return clip, min(max(int(place[1]) - 1, -self._library.blend), last)


def moved(
    qpos: Float[np.ndarray, " nq"], shift: Float[np.ndarray, "3"], robot: RobotFacts
) -> Float[np.ndarray, " nq"]:
    """A pose whose base is turned about the world's vertical, and then moved along the ground.

    Args:
        qpos: the pose.
        shift: x and y, m, and the turn, rad.
        robot: of a base that does not float, nothing is moved.
    """
    found = qpos.copy()
    if robot.base is None:
        return found
    at, angle = robot.base.qpos, float(shift[2])
    found[at : at + 3] = about_vertical(angle, qpos[None, at : at + 3])[0]
    found[at : at + 2] += shift[:2]
    turn = exponential(np.array([[0.0, 0.0, angle]]))
    found[at + 3 : at + 7] = multiply(turn, qpos[None, at + 3 : at + 7])[0]
    return found


class Ghost:
    """What draws a translucent robot into a scene.

    Args:
        model: the robot in its world.
        base: index of the robot's base.
    """

    def __init__(self, model: mujoco.MjModel, base: int) -> None:
        self._model = copy.copy(model)
        own = self._model.body_rootid[self._model.geom_bodyid] == self._model.body_rootid[base]
        shown = self._model.geom_rgba[:, 3] > 0.0
        self._model.geom_matid[:] = -1
        self._model.geom_rgba[:] = COLOUR
        self._model.geom_rgba[~(own & shown), 3] = 0.0  # what has no opacity is not drawn
        self._data = mujoco.MjData(self._model)
        self._option, self._perturb = mujoco.MjvOption(), mujoco.MjvPerturb()
        self._option.flags[:] = 0  # no sites, contacts or frames of it
        self._option.sitegroup[:] = 0
        self._own = mujoco.MjvScene(self._model, self._model.ngeom)

    def draw(self, scene: mujoco.MjvScene, qpos: Float[np.ndarray, " nq"]) -> None:
        """Add the robot in a pose to a scene, behind what is there."""
        self._data.qpos[:] = qpos
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mjv_addGeoms(
            self._model,
            self._data,
            self._option,
            self._perturb,
            int(mujoco.mjtCatBit.mjCAT_DYNAMIC),
            scene,
        )

    def geoms(self, qpos: Float[np.ndarray, " nq"]) -> list[mujoco.MjvGeom]:
        """The robot in a pose, for a viewer that is handed geoms: those of the last call change."""
        self._own.ngeom = 0
        self.draw(self._own, qpos)
        return list(self._own.geoms[: self._own.ngeom])
