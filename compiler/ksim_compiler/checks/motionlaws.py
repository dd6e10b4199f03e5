"""Laws of following a recorded motion: what is left at the start against what ends and rewards it.

What the noise of a reset comes to at a body far from the base follows from the robot's kinematics,
so that starts are drawn, and held against the frames that they were made of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.draws import in_100
from ksim_compiler.checks.motionstarts import Start, beside
from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Diagnostic, Related
from ksim_schema.diagnostics.codes.laws import NARROW_KERNEL
from ksim_schema.diagnostics.codes.motions import LIMITS_BEYOND_START
from ksim_schema.diagnostics.codes.typed import TERMINATION_NEVER_COMES
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.reset_motion import ResetMotionStart
from ksim_schema.vocabulary.reward import motion as rewards
from ksim_schema.vocabulary.termination_motion import MotionLost

COUNT = 128
"""Starts that are drawn."""
SELDOM = 0.02
"""Share of starts below which it is not told that they are lost at once."""
NARROW = 8.0
"""Widths of a kernel at which an error is beyond all that can be felt."""


class Left:
    """What is left of drawn starts to their frames.

    Attributes:
        names: the anchor, and then the other bodies that are compared.
        place: (starts, bodies, 3) from the robot to the motion, m.
        height: (starts, bodies) of the motion's bodies, m.
        tilt: (starts,) of the anchor, between what is up for it and in the motion, rad.
        angle: (starts,) of the anchor's orientations, rad.
        joints: (starts, joints) rad or m.
    """

    def __init__(self, plan: Plan, command: Motion, pairs: list[tuple[Start, Start]]) -> None:
        facts, model = plan.robot.facts, plan.robot.model
        self.names = command.tracked(facts)
        ids = [facts.body_id(name) for name in self.names]
        at = [joint.qpos for joint in command.moved(facts)]
        both: list[list[Any]] = [[], []]
        world: Any = mujoco.MjData(model)
        for pair in pairs:
            for side, state in zip(both, pair, strict=True):
                world.qpos[:] = state.qpos
                mujoco.mj_kinematics(model, world)
                side.append((world.xpos[ids], world.xmat[ids[0]].reshape(3, 3), state.qpos[at]))
        motion, robot = ([np.array(each) for each in zip(*side, strict=True)] for side in both)
        self.place, self.height = motion[0] - robot[0], motion[0][..., 2]
        ups = np.sum(motion[1][:, :, 2] * robot[1][:, :, 2], axis=1)
        self.tilt = np.arccos(np.clip(ups, -1.0, 1.0))
        traces = np.einsum("sij,sij->s", motion[1], robot[1])
        self.angle = np.arccos(np.clip((traces - 1.0) / 2.0, -1.0, 1.0))
        self.joints = motion[2] - robot[2]

    def rows(self, facts: RobotFacts, patterns: Any) -> list[int]:
        """Indices of the bodies that some patterns match."""
        wanted = set(facts.match("body", patterns))
        return [i for i, name in enumerate(self.names) if name in wanted]


def following(plan: Plan) -> Iterator[Diagnostic]:
    """Limits and kernels that what is left at the start passes, and limits that nothing reaches."""
    task, facts = plan.task, plan.robot.facts
    for reset, part in task.parts.get("Reset", {}).items():
        if not isinstance(part, ResetMotionStart):
            continue
        command = task.parts.get("Command", {}).get(part.command)
        if not isinstance(command, Motion):
            continue
        pairs = beside(plan, part, COUNT)
        if not pairs:
            continue
        left = Left(plan, command, pairs)
        for name, end in task.parts.get("Termination", {}).items():
            if isinstance(end, MotionLost) and end.command == part.command:
                yield from _lost(task, facts, left, name, end, reset)
                yield from _never(task, facts, left, name, end)
        for name, reward in task.parts.get("Reward", {}).items():
            if isinstance(reward, rewards.MotionReward) and reward.command == part.command:
                yield from _narrow(task, facts, left, name, reward)


def _lost(
    task: Task, facts: RobotFacts, left: Left, name: str, part: MotionLost, reset: str
) -> Iterator[Diagnostic]:
    """Limits that the noise of the reset passes."""
    found: list[tuple[tuple[str, ...], float, np.ndarray, str]] = []
    place = left.place[:, 0]
    if part.anchor_height is not None:
        at = ("anchor_height",)
        found.append((at, float(part.anchor_height), np.abs(place[:, 2]), "m in height"))
    if part.anchor_distance is not None:
        at = ("anchor_distance",)
        found.append((at, float(part.anchor_distance), np.linalg.norm(place, axis=1), "m"))
    if part.anchor_tilt is not None:
        found.append((("anchor_tilt",), float(part.anchor_tilt), left.tilt, "deg of tilt"))
    if part.ends is not None and (rows := left.rows(facts, part.ends.bodies)):
        off = np.abs(left.place[:, rows, 2]).max(axis=1)
        found.append((("ends", "height"), float(part.ends.height), off, "m in height"))
    for path, limit, off, unit in found:
        share = float(np.mean(off > limit))
        if share < SELDOM:
            continue
        factor = 180.0 / math.pi if "deg" in unit else 1.0
        what = "the ends of limbs" if path[0] == "ends" else "the anchor"
        message = f"about {in_100(share)} of the episodes are lost at once: {what} "
        message += f"begin{'' if path[0] == 'ends' else 's'} up to {off.max() * factor:.3g} {unit} "
        message += f"from the frame, and more than {limit * factor:.3g} ends them"
        help = "less noise in the reset, or a wider limit"
        at = ("Termination", name, *path)
        other = Related(task.span("Reset", reset, "noise"), "it draws such starts")
        yield task.report(LIMITS_BEYOND_START, message, *at, help=help, related=(other,))


def _never(
    task: Task, facts: RobotFacts, left: Left, name: str, part: MotionLost
) -> Iterator[Diagnostic]:
    """Limits that a robot that lies on the ground does not reach."""
    if part.anchor_tilt is not None and part.anchor_tilt >= math.pi:
        message = "no angle is more than 180 degrees, so that this never ends an episode"
        help = "45 degrees are usual"
        at = ("Termination", name, "anchor_tilt")
        yield task.report(TERMINATION_NEVER_COMES, message, *at, help=help)
    from ksim_compiler.motion.ground import ground_height

    floor = ground_height(facts)
    flat = all(surface.type == "plane" for surface in facts.surfaces)
    if floor is None or not flat or facts.base is None:
        return
    limits: list[tuple[tuple[str, ...], float, list[int]]] = []
    if part.anchor_height is not None:
        limits.append((("anchor_height",), float(part.anchor_height), [0]))
    if part.ends is not None and (rows := left.rows(facts, part.ends.bodies)):
        limits.append((("ends", "height"), float(part.ends.height), rows))
    for path, limit, rows in limits:
        # an end may also be higher than in the motion: as high as the robot is tall
        top = left.height.max() if path[0] == "ends" else left.height[:, rows].max()
        highest = float(top) - floor
        if limit < highest * (2.0 if path[0] == "ends" else 1.0):
            continue
        message = f"the highest of its bodies is {highest:.3g} m above the ground in the motion"
        if path[0] != "ends":
            message = f"the anchor is at most {highest:.3g} m above the ground in the motion"
        message += f": a robot that has fallen is not {limit:.3g} m off, so that no fall ends an "
        message += "episode by this"
        help = "25 cm are usual"
        at = ("Termination", name, *path)
        yield task.report(TERMINATION_NEVER_COMES, message, *at, help=help)


def _narrow(
    task: Task, facts: RobotFacts, left: Left, name: str, part: rewards.MotionReward
) -> Iterator[Diagnostic]:
    """Kernels that are 0 at the start, which lead nowhere."""
    match part:
        case rewards.MotionAnchorPosition():
            squares = np.sum(left.place[:, :1] ** 2, axis=2)
        case rewards.MotionAnchorOrientation():
            squares = left.angle[:, None] ** 2
        case rewards.MotionBodyPosition(frame="world"):
            rows = left.rows(facts, part.bodies) if part.bodies else list(range(len(left.names)))
            squares = np.sum(left.place[:, rows] ** 2, axis=2)
        case rewards.MotionJointPosition():
            squares = left.joints**2
        case _:
            return
    if not squares.size:
        return
    scale = float(getattr(part, "error_scale"))  # noqa: B009  # each of these kinds has one
    usual = float(np.mean(np.sqrt(squares.mean(axis=1))))
    others = (
        other
        for key, other in task.parts.get("Reward", {}).items()
        if key != name and isinstance(other, rewards.MotionReward)
    )
    if usual <= NARROW * scale or any(_leads(part, other, usual) for other in others):
        return
    angle = isinstance(part, rewards.MotionAnchorOrientation)
    unit = "rad" if angle or isinstance(part, rewards.MotionJointPosition) else "m"
    message = f"episodes begin {usual:.3g} {unit} from the frame on average, and with a scale of "
    message += (
        f"{scale:.3g} {unit} {name!r} is exp(-{(usual / scale) ** 2:.3g}) there, which leads "
    )
    message += "nowhere"
    help = f"give a scale of about {usual * 2:.2g} {unit}, or begin with less noise"
    yield task.report(NARROW_KERNEL, message, "Reward", name, "error_scale", help=help)


def _leads(part: rewards.MotionReward, other: rewards.MotionReward, usual: float) -> bool:
    """Whether another reward of the same error is wide enough to lead there."""
    return type(other) is type(part) and 4.0 * float(getattr(other, "error_scale")) >= usual  # noqa: B009
