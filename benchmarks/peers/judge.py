"""The judge's arithmetic: commands, falls, errors, and when a training had reached the goal.

All of it is computed from what MuJoCo simulated, positions and velocities of the trunk, by the same
functions for every peer. NumPy alone.

* An episode lasts 12 s. Its command is drawn uniformly over the whole range at the start and every
  3 s, and never ramped.
* It has fallen once the trunk's upward axis is more than 60 degrees off the vertical, the trunk's
  origin is lower than 0.12 m (it stands at about 0.26 m), or a number is not finite.
* A velocity is the trunk's: forward and sideways along its heading on the ground, turn about the
  vertical. It is averaged over windows of 0.5 s, a cycle of the trot, so that the sway of a gait
  does not count. A window counts where it begins at least 0.5 s after the command changed, lies
  within the same command, and the episode has not fallen by its end.
* The planar error of a window is the length of the vector from the command to the averaged velocity
  (m/s), the turn error the absolute difference (rad/s). The errors of a policy are their means over
  all windows of all episodes; windows begin at every tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

EPISODES, SECONDS, HELD = 256, 12.0, 3.0
WINDOW, SETTLED = 0.5, 0.5
UPRIGHT, LOWEST = 0.5, 0.12
"""Cosine of the trunk's tilt, and its height in m, below which it has fallen."""


@dataclass(frozen=True)
class Log:
    """What was simulated, at the end of each tick.

    Attributes:
        pose: (ticks, n, 7) position (m, world) and orientation (w, x, y, z) of the trunk.
        velocity: (ticks, n, 6) linear (m/s, world's axes) and angular (rad/s, its own axes).
        command: (ticks, n, 3) what was told in the tick: forward, sideways, turn.
        period: of a tick, in s.
    """

    pose: np.ndarray
    velocity: np.ndarray
    command: np.ndarray
    period: float


@dataclass(frozen=True)
class Judgement:
    """The figures of a policy.

    Attributes:
        falls: share of the episodes.
        planar: mean error in m/s. turn: in rad/s. NaN without a window that counts.
    """

    falls: float
    planar: float
    turn: float

    def within(self, goal: Judgement) -> bool:
        """Whether it is at least as good in everything."""
        return self.falls <= goal.falls and self.planar <= goal.planar and self.turn <= goal.turn


GOAL = Judgement(falls=0.01, planar=0.15, turn=0.15)


def commands(
    rng: np.random.Generator, episodes: int, ticks: int, period: float, span: np.ndarray
) -> np.ndarray:
    """(ticks, episodes, 3) commands, uniform over +-span, held for 3 s each."""
    held = round(HELD / period)
    draws = rng.uniform(-1, 1, (-(-ticks // held), episodes, 3)) * span
    return np.repeat(draws, held, axis=0)[:ticks]


def fallen(pose: np.ndarray) -> np.ndarray:
    """(ticks, n) whether an episode has fallen by the end of a tick."""
    x, y = pose[..., 4], pose[..., 5]
    upward = 1 - 2 * (x**2 + y**2)
    with np.errstate(invalid="ignore"):
        stands = (upward >= UPRIGHT) & (pose[..., 2] >= LOWEST) & np.isfinite(pose).all(-1)
    return np.logical_or.accumulate(~stands, axis=0)


def velocities(pose: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """(..., 3) forward and sideways along the heading (m/s), turn about the vertical (rad/s)."""
    w, x, y, z = np.moveaxis(pose[..., 3:7], -1, 0)
    ahead = np.stack([1 - 2 * (y**2 + z**2), 2 * (x * y + w * z)], -1)  # of the trunk's x axis
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    forward = (velocity[..., :2] * ahead).sum(-1)
    sideways = velocity[..., 1] * ahead[..., 0] - velocity[..., 0] * ahead[..., 1]
    vertical = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x**2 + y**2)], -1)
    turn = (velocity[..., 3:6] * vertical).sum(-1)  # `vertical` in the trunk's own axes
    return np.stack([forward, sideways, turn], -1)


def judged(log: Log) -> Judgement:
    """The figures of a log."""
    down = fallen(log.pose)
    size, settled = round(WINDOW / log.period), round(SETTLED / log.period)
    pose = np.where(down[..., None], 0.0, log.pose)  # numbers that are not finite count nowhere
    speed = velocities(pose, np.where(down[..., None], 0.0, log.velocity))
    sums = np.cumsum(np.concatenate([np.zeros_like(speed[:1]), speed]), axis=0)
    averages = (sums[size:] - sums[:-size]) / size  # of the windows that end at size - 1, ...
    changed = (np.diff(log.command, axis=0) != 0).any(-1)
    since = np.zeros(log.command.shape[:2], int)  # ticks since the command changed
    for tick in range(1, len(since)):
        since[tick] = np.where(changed[tick - 1], 0, since[tick - 1] + 1)
    counts = (since[size - 1 :] >= settled + size - 1) & ~down[size - 1 :]
    off = (averages - log.command[size - 1 :])[counts]
    planar = np.linalg.norm(off[:, :2], axis=1)
    found = (planar.mean(), np.abs(off[:, 2]).mean()) if len(off) else (np.nan, np.nan)
    return Judgement(float(down[-1].mean()), float(found[0]), float(found[1]))


def first_to_stay(
    judgement: Callable[[int], Judgement], count: int, goal: Judgement = GOAL
) -> tuple[int | None, Judgement]:
    """The first of the checkpoints that is within the goal together with all after it.

    Args:
        judgement: of the checkpoint at a place; asked from the last one backwards.
        count: how many there are, at least one.
        goal: what is to be reached.

    Returns:
        Its place and its judgement; None and that of the last one where the last one misses.
    """
    first, found = None, judgement(count - 1)
    for place in reversed(range(count)):
        figures = found if place == count - 1 else judgement(place)
        if not figures.within(goal):
            break
        first, found = place, figures
    return first, found
