"""The judge's simulation: a policy drives the judged robot, by MuJoCo alone.

The robot is :func:`robot.judged`, whatever a policy was trained on. All sensors are one physics
step behind the state, as `mj_step` leaves them and as all peers have them in training. Every
policy plays the same episodes: the same commands, friction as the model has it, and starts about
the stand whose joints differ by up to 0.1 rad.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import mujoco
import numpy as np
from mujoco.batch import Batch

from benchmarks.peers import judge, robot

SEED = 20_000


class Robots:
    """n robots: what a policy may read of them.

    Attributes:
        qpos: (n, 19). qvel: (n, 18).
    """

    def __init__(self, root: Path, envs: int, sensors: Sequence[robot.Sensor] = ()) -> None:
        self.model: Any = robot.judged(root, sensors).compile()
        self.envs = envs
        self._batch = batch = Batch(self.model, envs)
        self.qpos, self.qvel, self._ctrl = map(batch.bind, ("qpos", "qvel", "ctrl"))
        self._data, self._sites = batch.bind("sensordata"), batch.bind("site_xpos")
        self._last = np.zeros((envs, len(robot.JOINTS)))

    def sensor(self, name: str) -> np.ndarray:
        """(n, size) what a sensor measures."""
        found = self.model.sensor(name)
        start = int(found.adr[0])
        return self._data[:, start : start + int(found.dim[0])]

    def begin(self, rng: np.random.Generator) -> None:
        """Stand, just above the floor."""
        self._batch.reset(keyframe=0)
        self.qpos[:, 7:] = robot.STAND + rng.uniform(-0.1, 0.1, self._last.shape)
        self.qvel[:] = 0.0
        self._batch.forward()
        feet = [self.model.site(foot).id for foot in robot.FEET]
        lowest = self._sites[:, feet, 2].min(1)
        self.qpos[:, 2] += robot.FOOT_RADIUS + 0.001 - lowest
        self._ctrl[:] = self._last[:] = robot.STAND
        self._batch.forward()

    def drive(self, targets: np.ndarray, late: int = 0) -> None:
        """A tick with these targets (n, 12), which arrive after ``late`` physics steps."""
        if late:
            self._ctrl[:] = self._last
            self._batch.step(nstep=late)
        self._ctrl[:] = self._last[:] = targets
        self._batch.step(nstep=robot.SUBSTEPS - late)


class Player(Protocol):
    """A policy, with what it remembers of n episodes.

    Attributes:
        late: physics steps by which its targets come late.
    """

    late: int

    @property
    def sensors(self) -> Sequence[robot.Sensor]:
        """What it needs beside positions and velocities."""
        ...

    def begin(self, envs: int) -> None:
        """Forget: n episodes begin."""
        ...

    def act(self, robots: Robots, command: np.ndarray) -> np.ndarray:
        """(n, 12) targets of the joints, in the order of `robot.JOINTS`, for (n, 3) commands."""
        ...


def play(root: Path, player: Player, episodes: int = judge.EPISODES) -> judge.Log:
    """Play whole episodes; what falls is simulated to the end all the same."""
    rng = np.random.default_rng(SEED)
    ticks = round(judge.SECONDS / robot.PERIOD)
    command = judge.commands(rng, episodes, ticks, robot.PERIOD, robot.COMMAND)
    robots = Robots(root, episodes, player.sensors)
    robots.begin(rng)
    player.begin(episodes)
    pose, velocity = np.empty((ticks, episodes, 7)), np.empty((ticks, episodes, 6))
    for tick in range(ticks):
        robots.drive(player.act(robots, command[tick]), player.late)
        pose[tick], velocity[tick] = robots.qpos[:, :7], robots.qvel[:, :6]
    return judge.Log(pose, velocity, command, robot.PERIOD)


def matrices(quaternions: np.ndarray) -> np.ndarray:
    """(n, 3, 3) rotations from the body's axes to the world's."""
    found = np.empty((len(quaternions), 9))
    for row, quaternion in zip(found, quaternions, strict=True):
        mujoco.mju_quat2Mat(row, np.ascontiguousarray(quaternion))
    return found.reshape(-1, 3, 3)
