"""mjbatch's Go1 as a batch of environments; runs in the environment of the peer mjbatch."""
# pyright: reportMissingImports=false

from __future__ import annotations

from pathlib import Path

import numpy as np
from mjbatch import Batch

from benchmarks.peers import reward
from benchmarks.peers.robot import (
    ACTION_SCALE,
    COMMAND,
    FEET,
    FOOT_RADIUS,
    PERIOD,
    STAND,
    SUBSTEPS,
    trained,
)
from benchmarks.peers.senses import ACTIONS, GAIT, observed

EPISODE = 500
"""Ticks of an episode."""
COMMAND_SECONDS = 5.0
"""A command is held so long on average."""
NONZERO = np.array([0.9, 0.25, 0.5])
"""Share of the draws in which forward, sideways and turn are not 0."""
FRICTION = (0.4, 1.0)


class Go1:
    """n Go1s that follow commands."""

    def __init__(self, root: Path, envs: int, seed: int) -> None:
        model = trained(root).compile()
        self.envs, self.rng = envs, np.random.default_rng(seed)
        self.batch = batch = Batch(model, envs)
        self.qpos, self.qvel, self.ctrl = (batch.bind(name) for name in ("qpos", "qvel", "ctrl"))
        self.joints, self.joint_velocity = self.qpos[:, 7:], self.qvel[:, 6:]
        self.velocity, self.gyro, self.up = map(batch.sensor, ("velocity", "gyro", "up"))
        data = batch.bind("sensordata")
        address = {name: int(model.sensor(name).adr[0]) for name in _names()}
        places = np.array([np.arange(3) + address[f"{foot}_velocity"] for foot in FEET])
        self._data, self._foot_velocity = data, places
        self._force = np.array([address[f"{foot}_force"] for foot in FEET])
        self._sites = batch.bind("site_xpos")
        self._feet = np.array([model.site(foot).id for foot in FEET])
        self._geoms = np.array([model.geom(foot).id for foot in FEET])
        self._friction = batch.expand("geom_friction")
        self.low, self.high = 0.95 * model.jnt_range[1:].T
        self.action = np.zeros((envs, ACTIONS), np.float32)
        self.stood = np.ones((envs, len(FEET)), bool)
        self.command = np.zeros((envs, 3))
        self.clock, self.left = np.zeros(envs), np.zeros(envs)
        self.age = np.zeros(envs, np.int64)
        self.begin(np.arange(envs))

    def begin(self, ids: np.ndarray) -> None:
        """Start these environments afresh."""
        rng, n = self.rng, len(ids)
        self.batch.reset(ids, keyframe=0)
        self.joints[ids] = STAND + rng.uniform(-0.1, 0.1, (n, ACTIONS))
        self.qvel[ids] = rng.uniform(-0.2, 0.2, (n, self.qvel.shape[1]))
        self._friction[ids[:, None], self._geoms, 0] = rng.uniform(*FRICTION, (n, 1))
        self.batch.forward(ids)
        lowest = self._sites[ids[:, None], self._feet, 2].min(1)
        self.qpos[ids, 2] += FOOT_RADIUS + 0.001 - lowest  # just above the floor
        self.batch.forward(ids)
        self.clock[ids] = rng.random(n)
        self.action[ids], self.stood[ids], self.age[ids] = 0.0, True, 0
        self.command[ids] = 0.0
        self._redraw(ids, 0.0)

    def _redraw(self, ids: np.ndarray, kept: float) -> None:
        """New commands; each axis stays as it is with the chance ``kept``."""
        rng, size = self.rng, (len(ids), 3)
        drawn = COMMAND * rng.uniform(-1, 1, size) * (rng.random(size) < NONZERO)
        stays = rng.random(size) < kept
        self.command[ids] = np.where(stays, self.command[ids], drawn)
        self.left[ids] = rng.exponential(COMMAND_SECONDS / PERIOD, len(ids))

    def observe(self, out: np.ndarray | None = None) -> np.ndarray:
        """(n, 50) what the policy sees."""
        joints = self.joints - STAND
        senses = (self.velocity, self.gyro, self.up, joints, self.joint_velocity)
        return observed(*senses, self.action, self.command, self.clock, out)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A tick: rewards, what ended, and what ended in a fall, (n,) each.

        What ended is not begun afresh: the caller asks for its last observation first.
        """
        self.ctrl[:] = STAND + ACTION_SCALE * action
        landing = self._data[:, self._foot_velocity]
        self.batch.step(nstep=SUBSTEPS)
        self.age += 1
        self.left -= 1
        if (due := np.flatnonzero(self.left <= 0)).size:
            self._redraw(due, 0.5)
        force = self._data[:, self._force]
        values = reward.terms(
            reward.Tick(
                velocity=self.velocity,
                gyro=self.gyro,
                up=self.up,
                rising=self.qvel[:, 2],
                joints=self.joints,
                low=self.low,
                high=self.high,
                action=action,
                before=self.action,
                command=self.command,
                clock=self.clock,
                foot_height=self._sites[:, self._feet, 2],
                foot_velocity=self._data[:, self._foot_velocity],
                touching=force,
                stood=self.stood,
                landing=landing,
            )
        )
        self.clock = (self.clock + GAIT * PERIOD) % 1.0
        self.action[:], self.stood = action, force > 0
        fell = self.up[:, 2] < 0
        return reward.total(values), fell | (self.age >= EPISODE), fell


def _names() -> list[str]:
    """The sensors of the feet."""
    return [f"{foot}_{what}" for foot in FEET for what in ("velocity", "force")]
