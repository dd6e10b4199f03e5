"""States in which episodes of recorded motions begin, drawn without JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.reset_motion import ResetMotionStart


class Start(NamedTuple):
    """A state in which an episode begins: qpos and qvel, in MuJoCo's order and units."""

    qpos: np.ndarray
    qvel: np.ndarray


Act = Callable[[Start, np.random.Generator], Start]
"""What a reset makes of a start."""


def in_motion(plan: Plan, part: ResetMotionStart) -> Act:
    """What a reset into a recorded motion makes of a start: any frame of any clip, with noise."""
    frames = frames_of(plan, part)
    shake = _shaking(plan, part)

    def act(start: Start, random: np.random.Generator) -> Start:
        frame = frames(random)
        return start if frame is None else shake(start, frame, random)

    return act


def beside(
    plan: Plan, part: ResetMotionStart, count: int, seed: int = 0
) -> list[tuple[Start, Start]]:
    """Frames in which episodes begin, and the starts that the reset makes of them."""
    frames, shake = frames_of(plan, part), _shaking(plan, part)
    facts, random = plan.robot.facts, np.random.default_rng(seed)
    found: list[tuple[Start, Start]] = []
    for _ in range(count):
        frame = frames(random)
        if frame is not None:
            start = Start(np.array(facts.home, float), np.zeros(facts.nv))
            found.append((frame, shake(start, frame, random)))
    return found


def frames_of(plan: Plan, part: ResetMotionStart) -> Callable[[np.random.Generator], Start | None]:
    """What draws a frame in which an episode begins; None where no clip can be read."""
    from ksim_compiler.motion.library import too_many, with_images
    from ksim_compiler.motion.resample import resampled

    facts, command = plan.robot.facts, plan.task.parts["Command"].get(part.command)
    tracks = []
    if isinstance(command, Motion):
        clips = plan.clips.get(part.command, ())
        if too_many(command, clips, plan.period):  # as is reported where clips are checked
            clips = ()
        clips = with_images(command, clips, plan.robot.mirror)
        tracks = [resampled(clip, plan.period) for clip in clips]
    states = [(track.clip.qpos(facts), track.qvel(facts)) for track in tracks]

    def frame(random: np.random.Generator) -> Start | None:
        if not states:  # a clip that cannot be read is reported where clips are
            return None
        qpos, qvel = states[int(random.integers(len(states)))]
        row = 0
        if isinstance(command, Motion) and command.begin.draw != "start":
            row = int(random.integers(len(qpos) - 1))
        return Start(qpos[row], qvel[row])

    return frame


def _shaking(
    plan: Plan, part: ResetMotionStart
) -> Callable[[Start, Start, np.random.Generator], Start]:
    """What puts a frame with noise into a start."""
    from ksim_compiler.motion.clip import moving_joints
    from ksim_compiler.motion.rotations import exponential, multiply

    facts = plan.robot.facts
    joints = moving_joints(facts)
    at, dofs = [joint.qpos for joint in joints], [joint.dof for joint in joints]
    limits = np.array([j.limits or (-np.inf, np.inf) for j in joints]).reshape(-1, 2)
    base, noise = facts.base, part.noise

    def shaken(start: Start, frame: Start, random: np.random.Generator) -> Start:
        qpos, qvel = frame
        units = random.uniform(-1.0, 1.0, (2, len(joints)))
        placed = qpos[at] + float(noise.joints) * units[0]
        start.qpos[at] = np.clip(placed, limits[:, 0], limits[:, 1])
        start.qvel[dofs] = qvel[dofs] + float(noise.joint_speed) * units[1]
        if base is not None:
            place = np.array([noise.place, noise.place, noise.height], float)
            off = place * random.uniform(-1.0, 1.0, 3)
            off[2] = abs(off[2])
            turns = np.array([noise.tilt, noise.tilt, noise.heading], float)
            turns = turns * random.uniform(-1.0, 1.0, 3)
            pose = qpos[base.qpos : base.qpos + 7].copy()
            pose[:3] += off
            pose[3:] = multiply(exponential(turns[None]), pose[None, 3:])[0]
            start.qpos[base.qpos : base.qpos + 7] = pose
            speeds = np.array([noise.speed] * 3 + [noise.spin] * 3, float)
            speeds = qvel[base.dof : base.dof + 6] + speeds * random.uniform(-1.0, 1.0, 6)
            start.qvel[base.dof : base.dof + 6] = speeds
        return start

    return shaken
