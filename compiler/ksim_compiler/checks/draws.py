"""States in which episodes begin, drawn as the resets draw them, without JAX."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache, singledispatch
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.motionstarts import Act as Act, Start as Start, in_motion
from ksim_compiler.checks.resting import zero_controls
from ksim_compiler.plan import Plan
from ksim_compiler.robot.ground import heights_at
from ksim_compiler.robot.motion import read_motion
from ksim_schema.robot import Joint, RobotFacts, file_key
from ksim_schema.vocabulary import reset
from ksim_schema.vocabulary.each import ByPattern, each
from ksim_schema.vocabulary.pose import PLACES, TURNS
from ksim_schema.vocabulary.reset_motion import ResetMotionStart

_motion = lru_cache(maxsize=1)(read_motion)
"""A start is a frame of it: the file is unpacked for the first alone."""
COUNT = 128
"""Starts that are drawn."""
SETTLED = 24
"""Starts that are drawn where each is to settle."""
SEED = 20


class _Unknown(Exception):
    """A reset of which it is not known what it does."""


def draw(
    plan: Plan, seed: int = SEED, only: Collection[str] | None = None, *, settle: bool = True
) -> list[Start] | None:
    """Starts of episodes, drawn as the task's resets do.

    Args:
        plan: the plan.
        seed: of the draws.
        only: the resets that act; all by default.
        settle: whether the physics that passes before an episode has passed.

    Returns:
        None where a reset is not of this language's own kinds.
    """
    facts, random = plan.robot.facts, np.random.default_rng(seed)
    parts = sorted(plan.parts(reset.Reset).items(), key=lambda item: not item[1].whole)
    acting = [part for name, part in parts if only is None or name in only]
    acts = [
        (p.episodes, in_motion(plan, p) if isinstance(p, ResetMotionStart) else _acting(p, facts))
        for p in acting
    ]
    shared = any(part.episodes is not None for part in acting)
    found: list[Start] = []
    try:
        settle = settle and plan.settle_steps > 0
        for _ in range(SETTLED if settle else COUNT):
            start = Start(np.array(facts.home, float), np.zeros(facts.nv))
            lot = random.random() if shared else 0.0
            for episodes, act in acts:
                low, high = episodes or (0.0, 1.0)
                if low <= lot < high or episodes is None:
                    start = act(start, random)
            found.append(settled(plan, start) if settle else start)
    except _Unknown:
        return None
    return found


def drawn_by(plan: Plan, *only: str) -> list[Start]:
    """As :func:`draw`, before anything settles: starts that some resets draw, all by default."""
    return draw(plan, only=only or None, settle=False) or []


def _base(part: reset.FloatingReset, facts: RobotFacts) -> Joint:
    """The joint of the body that floats, which such a reset is refused without."""
    base = facts.free_joint(part.body)
    if base is None:
        raise _Unknown
    return base


def settled(plan: Plan, start: Start) -> Start:
    """The state after the physics that a task lets pass before an episode, if it does."""
    if not plan.settle_steps:
        return start
    model = plan.robot.model
    world: Any = mujoco.MjData(model)
    world.qpos[:], world.qvel[:] = start
    world.act[:] = plan.robot.act
    world.ctrl[:] = zero_controls(plan, start.qpos)
    mujoco.mj_step(model, world, nstep=plan.settle_steps)
    sane = np.isfinite(world.qpos).all() and not any(w.number for w in world.warning)
    return Start(np.array(world.qpos), np.array(world.qvel)) if sane else start


def command_rest(plan: Plan, world: Any) -> None:
    """Tell the model's own actuators what a zero action tells them, or what holds the home pose."""
    names = plan.robot.facts.actuators
    servos = {drive.name for drive in plan.drives}
    rest = zero_controls(plan, np.array(plan.robot.facts.home, float))
    own = [row for row, name in enumerate(names) if name not in servos]
    world.ctrl[own] = rest[own]


def settled_home(plan: Plan, data: Any) -> Any:
    """Where an episode without resets begins: the home pose, or what has settled from it.

    Args:
        plan: the plan.
        data: the robot in its home pose, after mj_forward.
    """
    if not plan.settle_steps:
        return data
    world: Any = mujoco.MjData(plan.robot.model)
    world.qpos[:], world.qvel[:] = settled(plan, Start(data.qpos, data.qvel))
    mujoco.mj_forward(plan.robot.model, world)
    return world


@singledispatch
def _acting(part: Any, facts: RobotFacts) -> Act:
    """What a reset does, with all that is the same for each start worked out."""
    return lambda start, random: _apply(part, start, facts, random)


@_acting.register
def _(part: reset.ResetJointPosition, facts: RobotFacts) -> Act:
    joints = facts.match_joints(part.joints)
    at, widths = np.array([joint.qpos for joint in joints], int), _widths(part.range, joints)
    middles = np.array([part.middle(joint) for joint in joints])
    limits = [joint.limits or (-math.inf, math.inf) for joint in joints]
    low, high = np.array(limits).reshape(-1, 2).T

    def act(start: Start, random: np.random.Generator) -> Start:
        factors = np.ones(len(joints))
        if part.factor is None:
            units = _units(part.draw, random, len(joints))
        else:  # the two are drawn joint by joint
            units = np.zeros(len(joints))
            for index in range(len(joints)):
                factors[index] = random.uniform(*part.factor)
                units[index] = _units(part.draw, random, 1)[0]
        start.qpos[at] = np.minimum(np.maximum(middles * factors + widths * units, low), high)
        return start

    return act


@_acting.register
def _(part: reset.ResetJointVelocity, facts: RobotFacts) -> Act:
    joints = facts.match_joints(part.joints)
    at, widths = np.array([joint.dof for joint in joints], int), _widths(part.range, joints)

    def act(start: Start, random: np.random.Generator) -> Start:
        start.qvel[at] = widths * _units(part.draw, random, len(joints))
        return start

    return act


def _widths(value: float | ByPattern[float], joints: Sequence[Joint]) -> np.ndarray:
    return np.array(each(value, [joint.name for joint in joints]), float)


def _units(draw: str, random: np.random.Generator, count: int) -> np.ndarray:
    """Draws from -1 to 1, or with a standard deviation of 1."""
    return random.normal(size=count) if draw == "gaussian" else random.uniform(-1.0, 1.0, count)


@singledispatch
def _apply(part: Any, start: Start, facts: RobotFacts, random: np.random.Generator) -> Start:
    raise _Unknown


@_apply.register
def _(part: reset.ResetKeyframe, start: Start, facts: RobotFacts, random: Any) -> Start:
    qpos, qvel = facts.poses[part.keyframes[int(random.integers(len(part.keyframes)))]]
    return Start(np.array(qpos), np.array(qvel))


@_apply.register
def _(part: reset.ResetMotion, start: Start, facts: RobotFacts, random: Any) -> Start:
    qpos, qvel = _motion(facts.files[file_key(part.file)], facts.nq, facts.nv)
    stop = None if part.count is None else part.first + part.count
    frame = part.first + int(random.integers(len(qpos[part.first : stop])))
    return Start(np.array(qpos[frame], float), np.array(qvel[frame], float))


@_apply.register
def _(part: reset.ResetBaseVelocity, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    widths = np.array([part.horizontal] * 2 + [part.vertical] + [part.angular] * 3)
    start.qvel[base.dof : base.dof + 6] += widths * random.uniform(-1.0, 1.0, 6)
    return start


@_apply.register
def _(part: reset.ResetHeading, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    angle = part.range * random.uniform(-1.0, 1.0)
    turn = np.array([math.cos(angle / 2), 0.0, 0.0, math.sin(angle / 2)])
    at = slice(base.qpos + 3, base.qpos + 7)
    start.qpos[at] = _product(turn, start.qpos[at])
    return start


@_apply.register
def _(part: reset.ResetHeight, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    start.qpos[base.qpos + 2] += random.uniform(*part.range)
    return start


@_apply.register
def _(part: reset.ResetTilt, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    roll, pitch = np.array([part.roll, part.pitch]) * random.uniform(-1.0, 1.0, 2)
    turn = _product(
        np.array([math.cos(pitch / 2), 0.0, math.sin(pitch / 2), 0.0]),
        np.array([math.cos(roll / 2), math.sin(roll / 2), 0.0, 0.0]),
    )
    at = slice(base.qpos + 3, base.qpos + 7)
    start.qpos[at] = _product(start.qpos[at], turn)
    return start


@_apply.register
def _(part: reset.ResetPlanePosition, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    change = np.array([part.x, part.y]) * random.uniform(-1.0, 1.0, 2)
    start.qpos[base.qpos : base.qpos + 2] += change
    return start


@_apply.register
def _(part: reset.ResetBodyPose, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    around = (0.0, 0.0, 0.0)
    if part.radius is not None:
        distance, angle = random.uniform(*part.radius), random.uniform(*part.direction)
        around = (distance * math.cos(angle), distance * math.sin(angle), 0.0)
    for axis, field in enumerate(PLACES):
        ends = getattr(part, field)
        if ends is not None or (part.radius is not None and field != "z"):
            at, drawn = base.qpos + axis, random.uniform(*(ends or (0.0, 0.0))) + around[axis]
            start.qpos[at] = drawn + (start.qpos[at] if part.around == "home" else 0.0)
    if part.turned:
        turn = random.normal(size=4)
        turn /= np.linalg.norm(turn)
        if not part.orientation:
            angles = [random.uniform(*(getattr(part, name) or (0.0, 0.0))) for name in TURNS]
            mujoco.mju_euler2Quat(turn, np.array(angles), "XYZ")
        at = slice(base.qpos + 3, base.qpos + 7)
        start.qpos[at] = _product(turn, start.qpos[at]) if part.around == "home" else turn
    return start


@_apply.register
def _(part: reset.ResetJointLimits, start: Start, facts: RobotFacts, random: Any) -> Start:
    for joint in facts.match_joints(part.joints):
        if (ends := part.drawn(joint)) is not None:
            start.qpos[joint.qpos] = random.uniform(*ends)
    return start


@_apply.register
def _(part: reset.ResetJitter, start: Start, facts: RobotFacts, random: Any) -> Start:
    for array, width, form in (
        (start.qpos, part.position, part.position_draw),
        (start.qvel, part.velocity, part.velocity_draw),
    ):
        count = len(array)
        unit = random.uniform(-1.0, 1.0, count) if form == "uniform" else random.normal(size=count)
        array += width * unit
    for joint in facts.joints:
        if joint.type in ("free", "ball"):
            at = joint.qpos + (3 if joint.type == "free" else 0)
            start.qpos[at : at + 4] /= np.linalg.norm(start.qpos[at : at + 4])
    return start


@_apply.register
def _(part: reset.ResetHeightFieldPosition, start: Start, facts: RobotFacts, random: Any) -> Start:
    base = _base(part, facts)
    place = start.qpos[base.qpos : base.qpos + 3]
    place[:2] += np.array([part.x, part.y]) * random.uniform(-1.0, 1.0, 2)
    place[2] += _highest(facts, place[:2], part.radius)
    return start


@_apply.register
def _(part: reset.ResetTerrainTile, start: Start, facts: RobotFacts, random: Any) -> Start:
    base, grid = _base(part, facts), facts.grid
    if grid is not None:
        level, column = random.integers(grid.levels), random.integers(len(grid.kinds))
        place = start.qpos[base.qpos : base.qpos + 3]
        place[:2] = grid.middle(int(level), int(column))
        place[:2] += np.array([part.x, part.y]) * random.uniform(-1.0, 1.0, 2)
        place[2] += _highest(facts, place[:2], part.radius)
    return start


def _highest(facts: RobotFacts, place: np.ndarray, radius: float) -> float:
    """Height of the terrain at a place and at eight around it."""
    turns = np.arange(8) * (math.pi / 4)
    around = radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    terrain = next(s for s in facts.surfaces if s.type == "hfield")
    return float(heights_at(terrain, place + np.concatenate([np.zeros((1, 2)), around])).max())


def _product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The product of two quaternions (w, x, y, z)."""
    result = np.zeros(4)
    mujoco.mju_mulQuat(result, one, other)
    return result


def in_100(share: float) -> str:
    """A share of the starts in words."""
    return "100 in 100" if share > 0.995 else f"{max(1, round(100 * share))} in 100"
