"""mjbatch's policy out of a checkpoint, in NumPy: what the judge plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.peers import robot
from benchmarks.peers.episodes import Robots
from benchmarks.peers.senses import ACTIONS, GAIT, IMAGE, IMAGE_SIGN, LEGS, LEGS_SIGN, observed


class Mirrored:
    """A network that is averaged with its own mirror image, as `mjbatch_train` leaves it."""

    sensors: Sequence[robot.Sensor] = (
        {"name": "gyro", "type": "gyro", "of": ("site", "imu"), "relative_to": None},
        {"name": "velocity", "type": "velocimeter", "of": ("site", "imu"), "relative_to": None},
        {
            "name": "up",
            "type": "framezaxis",
            "of": ("xbody", "world"),
            "relative_to": ("xbody", "trunk"),
        },
    )
    late = 0

    def __init__(self, file: Path) -> None:
        with np.load(file, allow_pickle=False) as arrays:
            self._arrays: Mapping[str, np.ndarray] = dict(arrays)
        self.begin(0)

    def begin(self, envs: int) -> None:
        self._action, self._clock = np.zeros((envs, ACTIONS), np.float32), np.zeros(envs)

    def act(self, robots: Robots, command: np.ndarray) -> np.ndarray:
        velocity, gyro, up = (robots.sensor(name) for name in ("velocity", "gyro", "up"))
        joints, moved = robots.qpos[:, 7:] - robot.STAND, robots.qvel[:, 6:]
        remembered = (self._action, command, self._clock)
        seen = observed(velocity, gyro, up, joints, moved, *remembered)
        self._action = self.mean(seen)
        self._clock = (self._clock + GAIT * robot.PERIOD) % 1.0
        return robot.STAND + robot.ACTION_SCALE * self._action

    def mean(self, seen: np.ndarray) -> np.ndarray:
        """(n, 12) actions without exploration for (n, 50) observations."""
        there = self._network(seen[:, IMAGE] * IMAGE_SIGN)[:, LEGS] * LEGS_SIGN
        return 0.5 * (self._network(seen) + there)

    def _network(self, seen: np.ndarray) -> np.ndarray:
        a = self._arrays
        x = (seen - a["mean"]) * a["scale"]
        for layer in range(3):
            x = x @ a[f"weight{layer}"].T + a[f"bias{layer}"]
            if layer < 2:
                x = np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))
        return x
