"""What recorded motions need: sound clips, a reset that begins in them, bodies that they know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import ticks
from ksim_schema.diagnostics import Diagnostic, Sink, did_you_mean
from ksim_schema.diagnostics.codes.motions import (
    BLEND_NEVER_COMES,
    BLENDS_TOO_LARGE,
    CLIPS_TOO_LARGE,
    NO_MOTION,
    NO_MOTION_START,
    NO_SUCH_CLIP,
    NOT_FOLLOWED,
)
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.metric_motion import MotionError, OfClip
from ksim_schema.vocabulary.observation import motion as observations
from ksim_schema.vocabulary.reset_motion import ResetMotionStart
from ksim_schema.vocabulary.reward.motion import MotionReward, OfBodies
from ksim_schema.vocabulary.termination_motion import MotionLost, MotionOver

if TYPE_CHECKING:
    from ksim_compiler.motion.clip import Clip

OF_MOTION = (
    *(observations.MotionJoints, observations.MotionAnchorError),
    *(observations.MotionBodies, observations.MotionPhase),
    *(MotionReward, MotionLost, MotionOver, OfClip, ResetMotionStart),
)
"""Kinds whose command must be a recorded motion."""
MOST_BETWEEN = 100_000
"""Frames between clips: of a humanoid, whose frames take about 2 kB, 200 MB."""


def with_clips(plan: Plan, sink: Sink) -> Plan:
    """The plan with the clips of its recorded motions; their faults are told."""
    facts = plan.robot.facts
    clips: dict[str, tuple[Clip, ...]] = {}
    for name, command in _commands(plan.task).items():
        from ksim_compiler.motion.library import clips_of  # few tasks follow a motion

        found = clips_of(command, facts, plan.robot.model, facts.files)
        for index, (file, (_, faults)) in enumerate(zip(command.files, found, strict=True)):
            for fault in faults:
                message = f"{file}: {fault.text}"
                at = ("Command", name, "files", index)
                sink.add([plan.task.report(fault.code, message, *at, help=fault.help)])
        clips[name] = tuple(clip for clip, _ in found if clip is not None)
    return replace(plan, clips=clips)


def _commands(task: Task) -> dict[str, Motion]:
    found = task.parts.get("Command", {})
    return {name: command for name, command in found.items() if isinstance(command, Motion)}


def recorded(plan: Plan) -> Iterator[Diagnostic]:
    """Parts can read the clips of their commands."""
    task, facts = plan.task, plan.robot.facts
    commands = _commands(task)
    for name, command in commands.items():
        yield from _frames(plan, name, command)
        yield from _blends(plan, name, command)
    for object, name, part in task:
        if isinstance(part, OF_MOTION):
            yield from _reads(task, facts, commands, part, (object, name))
    yield from _begins(task, commands)


def _reads(
    task: Task, facts: RobotFacts, commands: Mapping[str, Motion], part: Any, at: tuple[str, str]
) -> Iterator[Diagnostic]:
    """A part's command is a motion, and knows its bodies and its clip."""
    command = commands.get(part.command)
    if command is None:
        if part.command in task.parts.get("Command", {}):
            kind = task.parts["Command"][part.command].kind_name
            message = f"{part.kind_name!r} compares with a recorded motion, and the command "
            message += f"{part.command!r} is a {kind!r}"
            help = "name a command of kind motion"
            yield task.report(NO_MOTION, message, *at, "command", help=help)
        return
    known = command.tracked(facts)
    for path, patterns in _bodies(part):
        for body in facts.match("body", patterns):
            if body not in known:
                message = f"the command {part.command!r} does not follow the body {body!r}"
                help = f"name it in Command.{part.command}.bodies; it follows {', '.join(known)}"
                yield task.report(NOT_FOLLOWED, message, *at, *path, help=help)
                break
    if isinstance(part, OfClip) and part.clip is not None:
        clips = command.clip_names()
        if part.clip not in clips:
            help = did_you_mean(part.clip, clips, of=f"{part.command} has clips")
            message = f"unknown clip {part.clip!r}"
            yield task.report(NO_SUCH_CLIP, message, *at, "clip", help=help)


def _frames(plan: Plan, name: str, command: Motion) -> Iterator[Diagnostic]:
    """The clips can be held at the control rate."""
    from ksim_compiler.motion.library import MOST, too_many

    if frames := too_many(command, plan.clips[name], plan.period):
        message = f"the clips have {frames} frames at control periods of {plan.period * 1e3:g} ms, "
        message += f"of at most {MOST}"
        help = "follow fewer or shorter clips, or control less often"
        yield plan.task.report(CLIPS_TOO_LARGE, message, "Command", name, "files", help=help)


def _blends(plan: Plan, name: str, command: Motion) -> Iterator[Diagnostic]:
    """What lies between clips can be held, and is come to."""
    from ksim_compiler.motion.library import followers

    if not command.blend:
        return
    task, at = plan.task, ("Command", name, "blend")
    periods = ticks(command.blend, plan.period)
    pairs = len(followers(len(command.clip_names()), command.when_over))
    if periods * pairs > MOST_BETWEEN:
        message = f"it lasts {periods} control periods, and clips can follow each other in "
        message += f"{pairs} way{'s' * (pairs > 1)}: {periods * pairs} frames, "
        message += f"of at most {MOST_BETWEEN}"
        help = "blend for a shorter time, or follow fewer clips"
        yield task.report(BLENDS_TOO_LARGE, message, *at, help=help)
    for end, part in task.parts.get("Termination", {}).items():
        if isinstance(part, MotionOver) and part.command == name:
            message = f"the episode ends in a clip's last frame, by {end!r}: no clip follows"
            help = f"leave out the blend, or Termination.{end}"
            yield task.report(BLEND_NEVER_COMES, message, *at, help=help)


def _bodies(part: Part) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The patterns of bodies that a part compares, with their places in it."""
    if isinstance(part, OfBodies | MotionError | observations.MotionBodies) and part.bodies:
        yield ("bodies",), part.bodies
    if isinstance(part, MotionLost) and part.ends is not None:
        yield ("ends", "bodies"), part.ends.bodies


def _begins(task: Task, commands: Mapping[str, Motion]) -> Iterator[Diagnostic]:
    """Episodes begin in the motion."""
    starts = {
        n: p for n, p in task.parts.get("Reset", {}).items() if isinstance(p, ResetMotionStart)
    }
    for name in commands:
        if any(part.command == name for part in starts.values()):
            continue
        message = f"no reset begins in the motion {name!r}"
        help = f"add a Reset, such as start: {{kind: motion_start, command: {name}}}"
        yield task.report_key(NO_MOTION_START, message, "Command", name, help=help)
