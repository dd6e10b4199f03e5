"""The clips of a command as arrays at the control rate: what a frame of each holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float, Int

from ksim_compiler.motion.blend import End, blend
from ksim_compiler.motion.clip import Array, Clip, Fault
from ksim_compiler.motion.image import mirrored
from ksim_compiler.motion.kinematics import bodies_of
from ksim_compiler.motion.read import Asked, read_clip
from ksim_compiler.motion.resample import frames_at, resampled
from ksim_schema.robot import RobotFacts, file_key
from ksim_schema.robot.mirror import Mirror
from ksim_schema.vocabulary.command.clips import Motion

MOST = 1_000_000
"""Frames of a library: of a humanoid, whose frames take about 2 kB, 2 GB."""


@dataclass(frozen=True)
class Library:
    """Clips one after the other, a row for each frame; and then what lies between them.

    Attributes:
        clips: what they are called.
        start, length: index of the first frame of each clip, and number of frames.
        joints, rates: of the command's joints, rad or m, and a second.
        qpos, qvel: of the whole model; what a clip does not move is at home, at rest.
        bodies: the anchor, and then the other bodies.
        followed: which of them are to follow: all, or all but the anchor.
        place, turn, linear, angular: of the bodies, in the world.
        bin_clip, bin_start, bin_stop: the stretches in which failures are counted: clip, and
            frames of it from which an episode can begin.
        bin_of: for each frame its stretch; -1 between clips.
        repeats: whether after a clip's last frame comes its first one again.
        blend: control periods from a clip's last frame to the first one of the next; 0 for none,
            where the next clip follows at once.
        between: first of the ``blend`` rows from a clip to another, which is the last frame of the
            first; they stand in the world of the second. -1 where that does not follow.
        floats: whether the base moves, so that a clip can be put where another one ended.
    """

    clips: tuple[str, ...]
    start: Int[Array, " clips"]
    length: Int[Array, " clips"]
    joints: Float[Array, "frames joints"]
    rates: Float[Array, "frames joints"]
    qpos: Float[Array, "frames nq"]
    qvel: Float[Array, "frames nv"]
    bodies: tuple[str, ...]
    followed: tuple[int, ...]
    place: Float[Array, "frames bodies 3"]
    turn: Float[Array, "frames bodies 4"]
    linear: Float[Array, "frames bodies 3"]
    angular: Float[Array, "frames bodies 3"]
    bin_clip: Int[Array, " bins"]
    bin_start: Int[Array, " bins"]
    bin_stop: Int[Array, " bins"]
    bin_of: Int[Array, " frames"]
    repeats: bool
    blend: int
    between: Int[Array, "clips clips"]
    floats: bool

    def row(self, clip: int, frame: int, came: int) -> int:
        """The row of a frame.

        Args:
            clip, frame: which; a frame below 0 is so many before the clip's first one.
            came: the clip before, from which those come.
        """
        if frame < 0:
            return int(self.between[came, clip]) + self.blend + frame
        return int(self.start[clip]) + min(frame, int(self.length[clip]) - 1)


def clips_of(
    part: Motion, robot: RobotFacts, model: mujoco.MjModel, files: Mapping[str, bytes]
) -> list[tuple[Clip | None, list[Fault]]]:
    """The clips of a command, and what is wrong with each."""
    asked = Asked(fps=None if part.fps is None else float(part.fps))
    found: list[tuple[Clip | None, list[Fault]]] = []
    for name in part.files:
        reading = read_clip(files.get(file_key(name), b""), name, robot, model, asked)
        found.append((reading.clip, reading.faults))
    return found


def with_images(part: Motion, clips: Sequence[Clip], mirror: Mirror | None) -> list[Clip]:
    """The clips of a command, and then their mirror images, if it follows these too.

    Args:
        part: the command.
        clips: those of its files.
        mirror: the robot's left and right; None where they are not said, which is an error of a
            task whose command has mirror images.
    """
    images = [mirrored(c, mirror) for c in clips] if part.mirror and mirror else []
    return [*clips, *images]


def too_many(part: Motion, clips: Sequence[Clip], period: float) -> int:
    """How many frames clips have with one each period, s, where that is more than MOST; else 0."""
    frames = sum(frames_at(clip, period) for clip in clips) * (2 if part.mirror else 1)
    return frames if frames > MOST else 0


def library(
    part: Motion,
    clips: Sequence[Clip],
    robot: RobotFacts,
    model: mujoco.MjModel,
    period: float,
    mirror: Mirror | None = None,
) -> Library:
    """The arrays of a command's clips.

    Args:
        part: the command.
        clips: those of its files, in their order: of a plan, ``clips[name]``.
        robot, model: whose motions they are.
        period: the control period, s.
        mirror: the robot's left and right, for mirror images.
    """
    tracks = [resampled(clip, period) for clip in with_images(part, clips, mirror)]
    names = part.tracked(robot)
    ids = [robot.body_id(name) for name in names]
    qpos = [track.clip.qpos(robot) for track in tracks]
    qvel = [track.qvel(robot) for track in tracks]
    bodies = [bodies_of(model, q, v, ids) for q, v in zip(qpos, qvel, strict=True)]
    length = np.array([len(q) for q in qpos])
    # to the nearest whole number of periods, as all times are counted
    count, lasts = len(tracks), int(float(part.blend) / period + 0.5 + 1e-4)
    between = np.full((count, count), -1)
    following = followers(count, part.when_over) if lasts else []
    parted = [End(track, own) for track, own in zip(tracks, bodies, strict=True)]
    for index, (i, j) in enumerate(following):
        between[i, j] = length.sum() + index * lasts
        track = blend(parted[i], parted[j], lasts, period, robot)
        tracks.append(track)
        qpos.append(track.clip.qpos(robot))
        qvel.append(track.qvel(robot))
        bodies.append(bodies_of(model, qpos[-1], qvel[-1], ids))
    # stretches of about the same length, each of frames that have one after them
    wide = max(1.0, float(part.begin.bins) / period)
    counts = [max(1, round((n - 1) / wide)) for n in length]
    edges = [np.linspace(0, n - 1, k + 1).round() for n, k in zip(length, counts, strict=True)]
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    bin_of = [
        first[i] + np.clip(np.searchsorted(edges[i], np.arange(n), side="right") - 1, 0, k - 1)
        for i, (n, k) in enumerate(zip(length, counts, strict=True))
    ]
    return Library(
        part.clip_names(),
        np.concatenate([[0], np.cumsum(length)[:-1]]),
        length,
        np.concatenate([track.clip.joints for track in tracks]),
        np.concatenate([track.joint_rates for track in tracks]),
        np.concatenate(qpos),
        np.concatenate(qvel),
        names,
        tuple(i for i, name in enumerate(names) if name in part.followed(robot)),
        np.concatenate([b.place for b in bodies]),
        np.concatenate([b.turn for b in bodies]),
        np.concatenate([b.linear for b in bodies]),
        np.concatenate([b.angular for b in bodies]),
        np.repeat(np.arange(len(counts)), counts),
        np.concatenate([e[:-1] for e in edges]).astype(int),
        np.concatenate([e[1:] for e in edges]).astype(int),
        np.concatenate([*bin_of, np.full(len(following) * lasts, -1)]).astype(int),
        part.when_over == "repeat",
        lasts,
        between,
        robot.base is not None,
    )


def followers(count: int, when_over: str) -> list[tuple[int, int]]:
    """Which of so many clips can follow which: pairs of their indices."""
    clips = range(count)
    if when_over == "repeat":
        return [(i, i) for i in clips]
    return [(i, j) for i in clips for j in clips] if when_over == "redraw" else []
