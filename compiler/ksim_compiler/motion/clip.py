"""A recorded motion of a robot, whatever file it came from, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from ksim_schema.diagnostics.code import Code
from ksim_schema.robot import Joint, RobotFacts

Array = np.ndarray


class ClipError(Exception):
    """A clip that cannot be used; its faults say why.

    Attributes:
        faults: what is wrong.
    """

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(fault.text for fault in faults))
        self.faults = faults


@dataclass(frozen=True)
class Fault:
    """Something wrong or worth knowing about a clip.

    Attributes:
        code: what kind of fault it is.
        message: what is wrong, without the frame.
        frame: the first frame in which it shows, from 0; None where it is about all of them.
        time: of that frame, s; None where the rate is not known.
        help: what to do.
    """

    code: Code
    message: str
    frame: int | None = None
    time: float | None = None
    help: str = ""

    @property
    def text(self) -> str:
        """The message with the frame."""
        if self.frame is None:
            return self.message
        when = "" if self.time is None else f" ({self.time:.2f} s)"
        return f"frame {self.frame}{when}: {self.message}"


@dataclass(frozen=True)
class Clip:
    """A motion of one robot.

    Attributes:
        name: what it is called: the file's name without its ending.
        fps: frames a second.
        names: the joints, hinges and slides, in the order of the columns of ``joints``.
        joints: their positions in each frame, rad or m.
        place: the base's position in the world, m; None for a base that does not float.
        turn: the base's orientation, unit quaternions (w, x, y, z), each near the one before it.
        layout: how the file it came from was laid out, in words.
        flips: frames at which all four signs of the quaternion turned round in the file.
    """

    name: str
    fps: float
    names: tuple[str, ...]
    joints: Float[Array, "frames joints"]
    place: Float[Array, "frames 3"] | None = None
    turn: Float[Array, "frames 4"] | None = None
    layout: str = ""
    flips: tuple[int, ...] = field(default=())

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.joints)

    @property
    def duration(self) -> float:
        """Time from the first frame to the last, s."""
        return (self.frames - 1) / self.fps

    def cut(self, start: int, stop: int) -> Clip:
        """The clip from a frame to the one before ``stop``."""
        kept = slice(start, stop)
        return replace(
            self,
            joints=self.joints[kept],
            place=None if self.place is None else self.place[kept],
            turn=None if self.turn is None else self.turn[kept],
            flips=tuple(f - start for f in self.flips if start <= f < stop),
        )

    def qpos(self, robot: RobotFacts) -> Float[Array, "frames nq"]:
        """MuJoCo's coordinates in each frame; what the clip does not move stands as at home."""
        rows = np.tile(np.array(robot.home, float), (self.frames, 1))
        places = {joint.name: joint.qpos for joint in robot.motion_joints}
        rows[:, [places[name] for name in self.names]] = self.joints
        if self.place is not None and self.turn is not None and robot.base is not None:
            start = robot.base.qpos
            rows[:, start : start + 3] = self.place
            rows[:, start + 3 : start + 7] = self.turn
        return rows


def moving_joints(robot: RobotFacts) -> tuple[Joint, ...]:
    """The hinges and slides that a clip of a robot moves: those of the tree that its base is in."""
    tree = robot.tree_of(robot.root)
    return tuple(j for j in robot.motion_joints if j.name and robot.tree_of(j.body) == tree)
