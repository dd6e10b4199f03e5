"""The policies of mjbatch's loop and of Brax out of their checkpoints: what the judge plays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import robot
from benchmarks.peers.episodes import Robots
from benchmarks.peers.senses import ACTIONS, GAIT, IMAGE, IMAGE_SIGN, LEGS, LEGS_SIGN, observed

SENSORS: Sequence[robot.Sensor] = (
    {"name": "gyro", "type": "gyro", "of": ("site", "imu"), "relative_to": None},
    {"name": "velocity", "type": "velocimeter", "of": ("site", "imu"), "relative_to": None},
    {
        "name": "up",
        "type": "framezaxis",
        "of": ("xbody", "world"),
        "relative_to": ("xbody", "trunk"),
    },
)
"""Velocities of the trunk, and the world's upwards, in the trunk's frame."""


class Network:
    """A network of some layers on normalized input.

    Compiled by JAX: NumPy's matrix products keep all cores busy with waiting for each other
    where something else runs on the machine.
    """

    def __init__(self, file: Path, activation: Callable[[Any], Any]) -> None:
        with np.load(file, allow_pickle=False) as arrays:
            self._arrays = {name: jnp.asarray(a, jnp.float32) for name, a in arrays.items()}
        self._activation = activation

    def __call__(self, seen: Any) -> Any:
        """(n, outputs) for (n, inputs)."""
        a: Mapping[str, Any] = self._arrays
        x, layers = (seen - a["mean"]) * a["scale"], (len(a) - 2) // 2
        for layer in range(layers):
            x = x @ a[f"weight{layer}"].T + a[f"bias{layer}"]
            x = x if layer == layers - 1 else self._activation(x)
        return x


class Mirrored:
    """A network that is averaged with its own mirror image, as `mjbatch_train` leaves it."""

    sensors, late = SENSORS, 0

    def __init__(self, file: Path) -> None:
        network = Network(file, jax.nn.elu)

        def mean(seen: Any) -> Any:
            there = network(seen[:, IMAGE] * IMAGE_SIGN)[:, LEGS] * LEGS_SIGN
            return 0.5 * (network(seen) + there)

        self.mean = jax.jit(mean)
        """(n, 12) actions without exploration for (n, 50) observations."""
        self.begin(0)

    def begin(self, envs: int) -> None:
        self._action, self._clock = np.zeros((envs, ACTIONS), np.float32), np.zeros(envs)

    def act(self, robots: Robots, command: np.ndarray) -> np.ndarray:
        velocity, gyro, up = (robots.sensor(name) for name in ("velocity", "gyro", "up"))
        joints, moved = robots.qpos[:, 7:] - robot.STAND, robots.qvel[:, 6:]
        remembered = (self._action, command, self._clock)
        seen = observed(velocity, gyro, up, joints, moved, *remembered)
        self._action = np.asarray(self.mean(seen))
        self._clock = (self._clock + GAIT * robot.PERIOD) % 1.0
        return robot.STAND + robot.ACTION_SCALE * self._action


class Plain:
    """A policy of Playground's Go1JoystickFlatTerrain, as `brax_train` leaves it.

    It observes 48 numbers, of which the first 48 of mjbatch's differ in the third vector: gravity's
    direction, not the opposite of it. The action is the hyperbolic tangent of the outputs' first
    half.
    """

    sensors, late = SENSORS, 0

    def __init__(self, file: Path) -> None:
        network = Network(file, jax.nn.swish)

        def mean(seen: Any) -> Any:
            return jnp.tanh(network(seen)[:, :ACTIONS])

        self.mean = jax.jit(mean)
        """(n, 12) actions without exploration for (n, 48) observations."""
        self.begin(0)

    def begin(self, envs: int) -> None:
        self._action = np.zeros((envs, ACTIONS), np.float32)

    def act(self, robots: Robots, command: np.ndarray) -> np.ndarray:
        velocity, gyro, up = (robots.sensor(name) for name in ("velocity", "gyro", "up"))
        joints, moved = robots.qpos[:, 7:] - robot.STAND, robots.qvel[:, 6:]
        parts = (velocity, gyro, -up, joints, moved, self._action, command)
        seen = np.concatenate(parts, axis=1, dtype=np.float32)
        self._action = np.asarray(self.mean(seen))
        return robot.STAND + robot.ACTION_SCALE * self._action
