"""Goals against what is to be there: out of its reach, in the air, or asked of something else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ksim_compiler.checks.reach import Ball, ball, box
from ksim_compiler.checks.whereabouts import Whereabouts
from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import beside, place
from ksim_schema.checks.reach import formulated
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import ASKED_BEYOND_LIMITS, OTHER_GOAL
from ksim_schema.source import Path_
from ksim_schema.units.formula_text import whole_names_in
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.pose import Pose
from ksim_schema.vocabulary.pose import PLACES
from ksim_schema.vocabulary.reward.bodies import OrientationTracking, PositionTracking

_SHARE = 0.5
"""A box may have so much out of reach without a word."""
_PUSHED = 1.5
"""Times the reach of a robot within which it may leave what it pushes."""
_SLID = 0.5
"""m: how far a thing that is pushed slides on."""
_GRID = 9


class Follower(NamedTuple):
    """What compares a body or a site with the place of a goal.

    Attributes:
        command: the goal's name.
        kind: body or site.
        name: of the body or site.
        axes: indices of the coordinates that are compared.
        place: where it stands in the task.
    """

    command: str
    kind: str
    name: str
    axes: tuple[int, ...]
    place: Path_


def followers(plan: Plan) -> Iterator[Follower]:
    """All that compares one thing with the place of one goal."""
    for name, part in plan.parts("Reward").items():
        if isinstance(part, PositionTracking | OrientationTracking):
            kind, thing = ("site", part.site) if part.site else ("body", part.body)
            measured = part.base if isinstance(part, PositionTracking) else None
            if thing and measured is None:
                field = "site" if part.site else "body"
                yield Follower(part.command, kind, thing, (0, 1, 2), ("Reward", name, field))
    facts, commands = plan.robot.facts, plan.task.of(Command)
    for path, part in formulated(plan.task):
        if str(path[1]) not in plan.parts(str(path[0])):
            continue
        names = {name for text in part.texts for name in whole_names_in(text)}
        goals = {n for n in names if n.partition(".")[0] == "command"}
        told = {n.split(".")[1] for n in goals if n.split(".")[1] in commands}
        things = {thing for n in names if (thing := _thing(n, facts)) is not None}
        owners = {thing[:2] for thing in things}
        if len(owners) != 1 or len(told) != 1:
            continue
        ((kind, owner),) = owners
        axes = {axis for *_, axis in things} & set(PLACES)
        indices = tuple(PLACES.index(axis) for axis in PLACES if axis in axes)
        yield Follower(told.pop(), kind, owner, indices or (0, 1, 2), path)


def _thing(name: str, facts: Any) -> tuple[str, str, str] | None:
    """Body or site, its name, and the axis, of a place in a formula."""
    kind, _, rest = name.partition(".")
    if kind not in ("body", "site"):
        return None
    owner, _, axis = rest.rpartition(".")
    names = facts.names(kind)
    if rest in names:
        return kind, rest, ""
    return (kind, owner, axis) if owner in names and axis in PLACES else None


def asked(plan: Plan, data: Any, where: Whereabouts) -> Iterator[Diagnostic]:
    """Warn of goals that what is to be there cannot get to.

    Args:
        plan: the plan.
        data: the robot in its home pose, after mj_forward.
        where: where things can be.
    """
    reported: set[str] = set()
    commands = plan.task.of(Command)
    for follower in followers(plan):
        ranges = box(commands.get(follower.command))
        if not ranges or follower.command in reported:
            continue
        problem = _unreached(plan, data, where, follower, ranges)
        if problem is not None:
            reported.add(follower.command)
            yield beside(problem, plan.task, "follows it", *follower.place)
    yield from _of_other_things(plan)


def _unreached(
    plan: Plan,
    data: Any,
    where: Whereabouts,
    follower: Follower,
    ranges: list[tuple[float, float]],
) -> Diagnostic | None:
    facts = plan.robot.facts
    row = facts.names(follower.kind).index(follower.name)
    body = int(plan.robot.model.site_bodyid[row]) if follower.kind == "site" else row
    at = data.site_xpos[row] if follower.kind == "site" else data.xpos[row]
    what = f"{follower.command!r} asks {follower.name!r} to be"
    if 2 in follower.axes and ranges[2][0] > where.top:
        message = f"{what} {ranges[2][0]:.4g} m high, and nothing here gets higher than "
        message += f"{where.top:.3g} m: it would have to fly"
        return _report(plan, follower.command, "z", message)
    around = ball(plan.robot.model, data, body, at)
    who = "its links reach"
    if around is None and follower.place[0] == "Reward":
        around = _of_the_robot(plan, data, body)
        who = "the robot can bring things no farther than"
    elif around is not None and follower.place[2:] != ("expression",):
        return None  # checks.reach tells of it
    if around is None:
        return None
    grid = np.stack(np.meshgrid(*(np.linspace(*ends, _GRID) for ends in ranges)), -1)
    offs = (grid.reshape(-1, 3) - around.centre)[:, list(follower.axes)]
    far = np.linalg.norm(offs, axis=1)
    if float(np.mean(far > around.radius + 1e-6)) <= _SHARE:
        return None
    worst = offs[int(np.argmax(far))]
    axis = PLACES[follower.axes[int(np.argmax(np.abs(worst)))]]
    centre = ", ".join(f"{x + 0.0:.3g}" for x in around.centre)
    message = f"{what} up to {float(far.max()):.3g} m from ({centre}) m, and "
    message += f"{who} {around.radius:.3g} m"
    return _report(plan, follower.command, axis, message)


def _report(plan: Plan, command: str, axis: str, message: str) -> Diagnostic:
    inside = ("in",) if isinstance(plan.task.of(Command)[command], Pose) else ()
    at = place(plan.task, "Command", command, *inside, axis)
    help = "bring the box nearer; it is given in the world's frame"
    return plan.task.report(ASKED_BEYOND_LIMITS, message, *at, help=help)


def _of_the_robot(plan: Plan, data: Any, body: int) -> Ball | None:
    """Where a robot on a fixed base can bring a thing that floats; None for one that travels."""
    facts, model = plan.robot.facts, plan.robot.model
    root = facts.body_id(facts.root)
    if facts.free_joint(None) is not None or model.body_rootid[body] == model.body_rootid[root]:
        return None
    reached: list[Ball] = []
    for other in np.flatnonzero(model.body_rootid == model.body_rootid[root]):
        if model.body_weldid[other] == 0:
            continue
        around = ball(model, data, int(other), data.xpos[other])
        if around is None:
            return None
        reached.append(around)
    if not reached:
        return None
    centre = data.xpos[root]
    most = max(float(np.linalg.norm(b.centre - centre)) + b.radius for b in reached)
    start = float(np.linalg.norm(data.xpos[body] - centre))
    return Ball(np.array(centre), _PUSHED * max(most, start) + _SLID)


def _of_other_things(plan: Plan) -> Iterator[Diagnostic]:
    """A goal for a part of the robot that a single part of the task has for another thing."""
    facts, commands = plan.robot.facts, plan.task.of(Command)
    own = facts.trees[facts.body_id(facts.root)]
    rows = sorted(followers(plan), key=lambda f: f.command)
    for command, group in itertools.groupby(rows, key=lambda f: f.command):
        goal, found = commands.get(command), list(group)
        if not isinstance(goal, Pose) or not (goal.site or goal.body):
            continue
        meant = ("site", goal.site) if goal.site else ("body", goal.body)
        others = [f for f in found if f[1:3] != meant]
        if len(others) != 1 or len(others) == len(found):
            continue
        other = others[0]
        if facts.frame_tree(meant[0], str(meant[1])) != own:
            continue
        if facts.frame_tree("site" if other.kind == "site" else "body", other.name) == own:
            continue
        message = f"{command!r} is a goal for {meant[0]} {meant[1]!r}, and this compares it with "
        message += f"{other.kind} {other.name!r}"
        help = f"name {meant[1]!r} here, or say in the command what is to be there"
        problem = plan.task.report(OTHER_GOAL, message, *other.place, help=help)
        yield beside(problem, plan.task, "the goal's", "Command", command, meant[0])
