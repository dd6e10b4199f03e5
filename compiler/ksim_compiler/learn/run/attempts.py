"""How recorded motions are followed, clip by clip: every attempt at a clip in an evaluation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ksim_compiler.learn.run.files import MOTION, WORST
from ksim_compiler.lowering.following import Followed
from ksim_compiler.motion.library import Library
from ksim_compiler.plan.clock import ticks


@dataclass(frozen=True)
class Attempt:
    """One way through a clip: from where it began to the clip's end, or the episode's.

    Attributes:
        frames: the frames of the clip that were to be reached, one a tick; where a state is no
            number, before the clip's beginning and after its end, there are none.
        bodies: mean distance of the bodies in each, m.
        joints: mean of the joints' errors in each, rad.
        failed: whether the episode failed in it.
        completed: whether it came to the clip's last frame, and did not fail.
    """

    frames: Int[np.ndarray, " ticks"]
    bodies: Float[np.ndarray, " ticks"]
    joints: Float[np.ndarray, " ticks"]
    failed: bool
    completed: bool

    def worst(self, window: int) -> float:
        """The largest mean body error over the latest so many ticks, m.

        As a metric ``motion_error`` with ``average`` and ``over: max`` has it: at the beginning
        over those that there are.
        """
        sums = np.concatenate([[0.0], np.cumsum(self.bodies, dtype=np.float64)])
        ends = np.arange(1, len(sums))
        starts = np.maximum(ends - window, 0)
        return float(np.max((sums[ends] - sums[starts]) / (ends - starts)))


@dataclass(frozen=True)
class ByClip:
    """All attempts at a clip.

    Attributes:
        command, clip: whose they are.
        seconds: length of the clip.
        period: seconds from one frame to the next.
        attempts: in the order of the environments.
    """

    command: str
    clip: str
    seconds: float
    period: float
    attempts: tuple[Attempt, ...]

    @property
    def name(self) -> str:
        """The clip with its command, as logs have it."""
        return f"{self.command}.{self.clip}"

    @property
    def ended(self) -> Float[np.ndarray, " ended"]:
        """Of each attempt that came to an end, 1 for the clip's end and 0 for a failure.

        One that the episode's time limit cut off is neither.
        """
        ends = [attempt for attempt in self.attempts if attempt.completed or attempt.failed]
        return np.array([float(attempt.completed) for attempt in ends])

    def values(self) -> dict[str, Float[np.ndarray, " attempts"]]:
        """The figures, as :data:`CLIP_UNITS` names them, of each attempt that has them.

        ``completed`` is :attr:`ended`; an error is the mean over the attempt; the worst second is
        the largest mean over a second.
        """
        window = max(1, ticks(WORST, self.period))
        seen = [attempt for attempt in self.attempts if attempt.frames.size]
        return {
            "completed": self.ended,
            "body_error": np.array([np.mean(a.bodies) for a in seen]),
            "joint_error": np.array([np.mean(a.joints) for a in seen]),
            "worst_second": np.array([a.worst(window) for a in seen]),
        }

    def summary(self) -> dict[str, float]:
        """The means, for logs; NaN where nothing was tried."""
        return {
            f"{MOTION}{self.name}/{figure}": float(found.mean()) if found.size else math.nan
            for figure, found in self.values().items()
        }


def by_clip(
    followed: Mapping[str, Followed],
    lengths: Any,
    failed: Any,
    libraries: Mapping[str, Library],
    period: float,
) -> list[ByClip]:
    """The attempts of an evaluation.

    Args:
        followed: command -> what its steps told, (ticks, envs) each.
        lengths: (envs,) ticks of each episode, at least 1: the one in which it ended with them.
        failed: (envs,) whether each failed.
        libraries: command -> its clips.
        period: control period in s.

    Returns:
        Those at each clip of each command, in their order.
    """
    found: list[ByClip] = []
    for command, rows in followed.items():
        library = libraries[command]
        tried: list[list[Attempt]] = [[] for _ in library.clips]
        for env, length in enumerate(np.asarray(lengths)):
            clips, frames, bodies, joints = (np.asarray(row)[:length, env] for row in rows)
            fails = bool(np.asarray(failed)[env])
            for clip, attempt in _attempts(clips, frames, bodies, joints, library, fails):
                tried[clip].append(attempt)
        for clip, name in enumerate(library.clips):
            seconds = (int(library.length[clip]) - 1) * period
            found.append(ByClip(command, name, seconds, period, tuple(tried[clip])))
    return found


def _attempts(
    clips: Int[np.ndarray, " ticks"],
    frames: Int[np.ndarray, " ticks"],
    bodies: Float[np.ndarray, " ticks"],
    joints: Float[np.ndarray, " ticks"],
    library: Library,
    failed: bool,
) -> Iterator[tuple[int, Attempt]]:
    """The attempts of an episode: another begins where the clip changes, or begins again."""
    known = np.isfinite(bodies + joints)
    begins = (np.diff(clips) != 0) | (np.diff(frames) < 0)
    edges = [0, *(np.flatnonzero(begins) + 1), len(clips)]
    for start, stop in itertools.pairwise(edges):
        clip = int(clips[start])
        last = int(library.length[clip]) - 1
        within = np.arange(start, stop)  # without blends, what is held at the end, and no numbers
        within = within[((frames >= 0) & (frames <= last) & known)[within]]
        falls = failed and bool(stop == len(clips))
        ends = bool(frames[stop - 1] >= last) and not falls
        yield clip, Attempt(frames[within], bodies[within], joints[within], falls, ends)
