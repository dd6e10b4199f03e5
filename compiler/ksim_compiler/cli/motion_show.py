"""``ksim-motion play`` and ``record``: a clip as a video, and a clip from a trained policy."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

from ksim_compiler.cli import clips, common, outputs, programs, trained
from ksim_compiler.cli.common import ERRORS, UsageError


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    return _play(options) if options.what == "play" else _record(options)


def _play(options: argparse.Namespace) -> int:
    from ksim_compiler.play.renderer import VideoError, choose_renderer

    out = options.out
    if out is None:
        out = Path(options.clip.name).with_suffix(".mp4")
        outputs.check(out)
    try:
        choose_renderer()
        from ksim_compiler.play.video import encoder_of, write_video

        encoder_of(out)
        robot = clips.robot_of(options.robot)
        clip, faults = clips.read(options.clip, robot, clips.asked(options))
        common.print_report(clips.diagnostics(options.clip, faults), {}, options.color)
        if clip is None:
            return ERRORS
        base = robot.facts.body_id(robot.facts.root)
        size = _size(options.size)
        qpos = clip.qpos(robot.facts)
        write_video(out, robot.model, qpos, 1.0 / clip.fps, size, options.camera, base)
    except VideoError as error:
        print(f"{clips.PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    print(f"wrote {out} ({out.stat().st_size:,} bytes, {clip.duration:.2f} s)")
    return common.OK


def _size(text: str) -> tuple[int, int]:
    """Width and height in pixels.

    Raises:
        UsageError: the text is none.
    """
    width, _, height = text.partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise UsageError(f"--size {text}: write for example 640x480") from None
    if not all(16 <= side <= 4096 for side in size):
        raise UsageError("--size: each side has 16 to 4096 pixels")
    return size


def _record(options: argparse.Namespace) -> int:
    """Record what a policy does, where it does not fall."""
    programs.keep()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    for name in ("seconds", "skip"):
        value = getattr(options, name)
        if not (math.isfinite(value) and 0 <= value <= 600) or (name == "seconds" and value < 0.2):
            raise UsageError(f"--{name} {value:g}: from 0.2 to 600 seconds")
    import numpy as np

    from ksim_compiler.cli.play import held_by
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_compiler.learn.run.policy import load_policy
    from ksim_compiler.motion.clip import Clip, moving_joints
    from ksim_compiler.play.commands import CommandError
    from ksim_compiler.play.record import record

    try:
        compiled = trained.load(options.run, (), clips.PROGRAM, options.trust)
        if compiled.plan is None:
            common.print_report(compiled.diagnostics, compiled.sources, options.color)
            return ERRORS
        plan = compiled.plan
        policy = load_policy(options.run, plan)
        skip, ticks = (round(t / plan.period) for t in (options.skip, options.seconds))
        fixed = held_by(options.fixed)
        recording = record(plan, policy, options.seed, skip + ticks, fixed).first_episode()
    except CheckpointError as error:
        print(f"{clips.PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    except CommandError as error:
        raise UsageError(str(error)) from error
    if recording.ticks < skip + ticks:
        message = f"the episode of seed {options.seed} ended after "
        message += f"{recording.ticks * plan.period:.2f} s; try another --seed, or fewer --seconds"
        print(f"{clips.PROGRAM}: {message}", file=sys.stderr)
        return ERRORS
    facts = plan.robot.facts
    joints = moving_joints(facts)
    rows = recording.qpos[skip : skip + ticks + 1].astype(float)
    columns = rows[:, [joint.qpos for joint in joints]]
    low, high = np.array([j.limits or (-math.inf, math.inf) for j in joints]).reshape(-1, 2).T
    place = turn = None
    if facts.base is not None:
        start = facts.base.qpos
        place, turn = rows[:, start : start + 3], rows[:, start + 3 : start + 7]
    clip = Clip(
        options.out.stem,
        1.0 / plan.period,
        tuple(joint.name for joint in joints),
        np.clip(columns, low, high),  # limits give way a little where a foot lands
        place,
        turn,
        "recorded",
    )
    from ksim_compiler.motion.edit import at_origin

    return clips.write(at_origin(clip), options.out, plan.robot)
