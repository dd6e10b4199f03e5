"""A model's own sensors with a delay or an interval: what they read when an episode begins.

MuJoCo keeps what such a sensor has measured in a history that begins as zeros, so that it reads 0
for the time of its delay, wherever the robot is. A robot was in its pose before an episode begins:
here the history is what the sensor measures there.
"""

from __future__ import annotations

import copy
from typing import Any

import mujoco
import numpy as np
from mujoco.batch import Batch, SimulationError

from ksim_compiler.engine.base import state_slices

_STATE: Any = mujoco.mjtState


def has_late_sensors(model: mujoco.MjModel) -> bool:
    """Whether a sensor keeps a history."""
    return bool(model.sensor_history[:, 0].any())


def prompt(model: mujoco.MjModel) -> mujoco.MjModel:
    """A copy of which all sensors read what is there now; its states have the same layout."""
    now: Any = copy.copy(model)
    now.sensor_history[:, 0] = 0
    now.sensor_delay[:], now.sensor_interval[:] = 0.0, 0.0
    return now


class LateSensors:
    """Fills the histories of a Batch.

    The values come from a second Batch whose sensors are prompt, since only it measures what a
    late sensor is going to read.

    Attributes:
        batch: the second Batch; its per-simulation model values are to be those of the first.
    """

    def __init__(self, model: mujoco.MjModel, envs: int, threads: int) -> None:
        self.batch = Batch(prompt(model), envs, threads)
        self._sensordata = self.batch.bind("sensordata")
        at = state_slices(model)(_STATE.mjSTATE_HISTORY).start
        # a sensor's history is its last time, a cursor, the times (n,) and the values (n, dim)
        held, read = [], []
        for i in np.flatnonzero(model.sensor_history[:, 0]):
            n, dim = int(model.sensor_history[i, 0]), int(model.sensor_dim[i])
            start = at + int(model.sensor_historyadr[i]) + 2 + n
            held.append(np.arange(start, start + n * dim))
            read.append(np.tile(model.sensor_adr[i] + np.arange(dim), n))
        self._held, self._read = np.concatenate(held), np.concatenate(read)

    def fill(self, rows: np.ndarray, ids: np.ndarray) -> None:
        """Give some rows (nsim, nstate) the histories of sensors that always read what is there.

        Args:
            rows: `mjSTATE_INTEGRATION` rows of the first Batch, changed in place.
            ids: which of them.
        """
        self.batch.state[ids] = rows[ids]
        try:
            self.batch.forward(ids)
        except SimulationError:  # the first Batch fails of the same, and says so
            return
        rows[np.ix_(ids, self._held)] = self._sensordata[np.ix_(ids, self._read)]
