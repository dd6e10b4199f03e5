"""The reward of mjbatch's Go1: what each term is, and what it counts. NumPy alone.

Written from the settings that the example `go1_joystick` of mjbatch publishes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.robot import FOOT_RADIUS, STAND
from benchmarks.peers.senses import FEET_PHASE, moving

WEIGHTS: Mapping[str, float] = {
    "track": 1.0,
    "turn": 0.5,
    "gait": 2.0,
    "pose": 0.5,
    "orient": -5.0,
    "bounce": -0.5,
    "wobble": -0.05,
    "limits": -1.0,
    "rate": -0.01,
    "land": -1.0,
}
SIGMA = 0.25
"""Width of tracking, m^2/s^2 and rad^2/s^2."""
LIFT, CEILING, WIDTH = 0.06, 0.075, 0.035
"""Metres: how high a foot swings, above what it is too high, and how exactly that is asked."""
SOFT = 10.0
"""Newtons of contact that spoil a swing to 1/e."""
SLIP = 0.05
"""Squared sliding speed, m^2/s^2, that spoils a stance to 1/e."""
POSE = np.tile([1.0, 1.0, 0.1], 4)


@dataclass(frozen=True)
class Tick:
    """What a tick is judged by; n environments.

    Attributes:
        velocity, gyro, up: (n, 3) of the trunk in its own frame.
        rising: (n,) velocity of the trunk along the world's upwards.
        joints: (n, 12) positions. low, high: (12,) their soft limits.
        action, before: (n, 12) this action and the last one.
        command: (n, 3). clock: (n,) turns of the trot.
        foot_height: (n, 4) of the centres. foot_velocity: (n, 4, 3) in the world's axes.
        touching: (n, 4) contact force in N.
        stood: (n, 4) whether a foot touched a tick ago. landing: (n, 4, 3) its velocity then.
    """

    velocity: np.ndarray
    gyro: np.ndarray
    up: np.ndarray
    rising: np.ndarray
    joints: np.ndarray
    low: np.ndarray
    high: np.ndarray
    action: np.ndarray
    before: np.ndarray
    command: np.ndarray
    clock: np.ndarray
    foot_height: np.ndarray
    foot_velocity: np.ndarray
    touching: np.ndarray
    stood: np.ndarray
    landing: np.ndarray


def terms(tick: Tick) -> dict[str, np.ndarray]:
    """Term -> its (n,) values, before they are weighted."""
    astray = ((tick.velocity[:, :2] - tick.command[:, :2]) ** 2).sum(1)
    too_slow = (tick.gyro[:, 2] - tick.command[:, 2]) ** 2
    beyond = np.clip(tick.low - tick.joints, 0, None) + np.clip(tick.joints - tick.high, 0, None)
    landed = (tick.touching > 0) & ~tick.stood
    return {
        "track": np.exp(-astray / SIGMA),
        "turn": np.exp(-too_slow / SIGMA),
        "gait": _gait(tick),
        "pose": np.exp(-((tick.joints - STAND) ** 2 * POSE).sum(1)),
        "orient": (tick.up[:, :2] ** 2).sum(1),
        "bounce": tick.rising**2,
        "wobble": (tick.gyro[:, :2] ** 2).sum(1),
        "limits": beyond.sum(1),
        "rate": ((tick.action - tick.before) ** 2).sum(1),
        "land": np.einsum("nf,nfx,nfx->n", landed, tick.landing, tick.landing),
    }


def _gait(tick: Tick) -> np.ndarray:
    """How well each foot does what the clock has it do, swing or stand, (n,) from 0 to 1."""
    walks = moving(tick.command)
    wave = np.sin(2 * np.pi * (tick.clock[:, None] + FEET_PHASE)) * walks
    height = tick.foot_height - FOOT_RADIUS
    off = np.clip(height - LIFT * wave, None, 0) ** 2 + np.clip(height - CEILING, 0, None) ** 2
    swings = np.exp(-tick.touching / SOFT - off / WIDTH**2)
    sliding = (tick.foot_velocity[..., :2] ** 2).sum(2)
    stands = ((tick.touching > 0) | tick.stood) * np.exp(-sliding / SLIP)
    share = np.clip(0.5 + wave, 0, 1) * walks
    return (share * swings + (1 - share) * stands).mean(1)


def total(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """(n,) float32 rewards, never below 0."""
    summed = np.sum([weight * values[name] for name, weight in WEIGHTS.items()], axis=0)
    return np.clip(summed, 0, None).astype(np.float32)
