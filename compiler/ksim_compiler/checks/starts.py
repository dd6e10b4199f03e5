"""Where episodes begin: starts are drawn as the resets draw them, and MuJoCo says what holds there.

Nothing is stepped: each drawn pose is put into MuJoCo, and compared with what ends an episode and
with what it would collide with.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.draws import Start, draw, drawn_by, in_100, settled, settled_home
from ksim_compiler.plan import Plan
from ksim_compiler.robot.ground import beneath
from ksim_compiler.robot.measures import MOTIONS, PLACES
from ksim_schema.checks.proportions import home_place
from ksim_schema.checks.ranges import display, shown, statements
from ksim_schema.diagnostics import Diagnostic, Related
from ksim_schema.diagnostics.codes.physics import (
    ENDED_AT_START,
    OFF_TERRAIN,
    OVERLAPPING_LINKS,
    SUNK_AT_HOME,
    SUNK_AT_START,
)
from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary import reset
from ksim_schema.vocabulary.effects import Statement, dimension_of
from ksim_schema.vocabulary.heights import OfHeight, from_ground
from ksim_schema.vocabulary.termination import Formula, Termination

SELDOM = 0.02
"""Share of starts below which it is not told that they end at once."""
DEEP = 0.08
"""Depth of a contact that is told, as a part of the robot's reach; below 5 mm none is."""
INTO = 0.5
"""Depth of a contact of two limbs that is told, as a part of the half thickness of the thinner."""
OFTEN = 0.2
"""Share of starts with so deep a contact from which on it is told."""
RISES, SPINS = 0.3, 2.5
"""Speed in m/s, upwards, and turning rate in rad/s that throw a limp robot."""


_TRIALS = 12
"""Starts that are tried."""


def begins(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Warn of starts that end at once, that are deep in something, or off the terrain.

    Args:
        plan: the plan.
        data: the robot in its home pose, with all that MuJoCo derives from it.
    """
    yield from _sunk_at_home(plan, data)
    yield from _entangled(plan, data)
    formulas = any(isinstance(part, Formula) for part in plan.parts("Termination").values())
    at_home: list[Diagnostic] = []
    if formulas and not _placed(plan):
        from ksim_compiler.checks.formula_starts import ended_at_home

        at_home = list(ended_at_home(plan, settled_home(plan, data)))
    yield from at_home
    if not plan.parts(reset.Reset):
        return
    drawn = draw(plan)
    if drawn is None:
        yield from _off_terrain(plan)
        return
    world: Any = mujoco.MjData(plan.robot.model)
    ended = list(_ended(plan, drawn, world))
    yield from ended
    if formulas:
        from ksim_compiler.checks.formula_starts import ended_at_start

        told = {problem.path.split(".")[1] for problem in (*at_home, *ended)}
        yield from ended_at_start(plan, drawn, SELDOM, told)
    yield from _sunk(plan, drawn_by(plan) if plan.settle_steps else drawn, world, data)
    yield from _off_terrain(plan)


def _ended(plan: Plan, drawn: list[Start], world: Any) -> Iterator[Diagnostic]:
    """Terminations that end episodes at their first tick, of starts that are not the home pose."""
    facts, model = plan.robot.facts, plan.robot.model
    limits = [s for s in statements(plan.task, facts) if s.verb == "ends" and _known(s, facts)]
    ends = plan.parts(Termination)
    limits = [s for s in limits if s.part in ends and not _otherwise(ends[s.part], facts)]
    still = settled(plan, Start(np.array(facts.home, float), np.zeros(facts.nv)))
    values = {s.quantity: np.zeros(len(drawn)) for s in limits}
    at_home: dict[str, float] = {}
    for row, start in enumerate([*drawn, still]):
        world.qpos[:], world.qvel[:] = start
        mujoco.mj_kinematics(model, world)
        for quantity, list_ in values.items():
            value = _value(quantity, facts, start, world)
            if row < len(drawn):
                list_[row] = value
            else:
                at_home[quantity] = value
    by_part: dict[str, list[Statement]] = {}
    for statement in limits:
        by_part.setdefault(statement.part, []).append(statement)
    for said in by_part.values():
        if not all(one.within.contains(at_home[one.quantity]) for one in said):
            continue  # this one is told of the home pose
        outside = np.zeros(len(drawn), bool)
        worst: tuple[int, Statement] | None = None
        for statement in said:
            slack = 1e-6
            low, high = statement.within.low - slack, statement.within.high + slack
            out = (values[statement.quantity] < low) | (values[statement.quantity] > high)
            if out.sum() > (worst[0] if worst else 0):
                worst = int(out.sum()), statement
            outside |= out
        share = float(outside.mean())
        if worst is None or share < SELDOM:
            continue
        statement = worst[1]
        dimension = dimension_of(statement.quantity, facts)
        seen = values[statement.quantity]
        name = display(statement.quantity, facts)
        far = _farthest(seen, statement)
        end, word = statement.within.high, "more"
        if far < statement.within.low:
            end, word = statement.within.low, "less"
        message = f"about {in_100(share)} of the episodes end at their first tick: {name} starts "
        message += f"{'up' if word == 'more' else 'down'} to {shown(far, dimension)}, and "
        message += f"{word} than {shown(end, dimension)} ends it"
        cause = _causes(plan, statement, world)
        help = f"narrow {' or '.join(f'Reset.{name}' for name in cause)}, or widen this limit"
        problem = plan.task.report(ENDED_AT_START, message, *statement.place, help=help)
        places = (plan.task.span("Reset", name, key=True) for name in cause)
        related = tuple(Related(place, "it draws such starts") for place in places)
        yield replace(problem, related=related)


def _otherwise(part: Termination, facts: RobotFacts) -> bool:
    """Whether its heights are not above what a robot's heights are by default."""
    return isinstance(part, OfHeight) and from_ground(facts, part.above) != from_ground(facts, None)


def _known(statement: Statement, facts: RobotFacts) -> bool:
    what, _, rest = statement.quantity.partition(".")
    if what == "joint":
        return any(rest == joint.name for joint in facts.motion_joints)
    return what == "body" and rest.rpartition(".")[2] in ("height", "tilt", "distance", *MOTIONS)


def _value(quantity: str, facts: RobotFacts, start: Start, world: Any) -> float:
    what, _, rest = quantity.partition(".")
    if what == "joint":
        joint = next(joint for joint in facts.motion_joints if joint.name == rest)
        return float(start.qpos[joint.qpos])
    name, _, measure = rest.rpartition(".")
    if measure in MOTIONS:
        base = facts.free_joint(name)
        return 0.0 if base is None else MOTIONS[measure](start.qvel[base.dof : base.dof + 6])
    body = facts.body_id(name)
    value = PLACES[measure](world.xpos[body], world.xmat[body])
    return value - (beneath(facts, world.xpos[body]) if measure == "height" else 0.0)


def _farthest(values: np.ndarray, statement: Statement) -> float:
    """The value that is farthest outside."""
    low, high = statement.within.low, statement.within.high
    beyond = np.maximum(low - values, values - high)
    return float(values[int(np.argmax(beyond))])


def _causes(plan: Plan, statement: Statement, world: Any) -> list[str]:
    """The resets that bring a quantity outside by themselves; all of them where none does."""
    resets = list(plan.parts(reset.Reset))
    found = []
    for name in resets:
        for start in draw(plan, only=(name,)) or ():
            world.qpos[:], world.qvel[:] = start
            mujoco.mj_kinematics(plan.robot.model, world)
            value = _value(statement.quantity, plan.robot.facts, start, world)
            if not statement.within.contains(value):
                found.append(name)
                break
    return found or resets


def reach_of(plan: Plan, data: Any) -> float:
    """How far the robot's bodies are from its base, m: its size."""
    facts = plan.robot.facts
    root = facts.body_id(facts.root)
    own = plan.robot.model.body_rootid == plan.robot.model.body_rootid[root]
    return float(np.linalg.norm(data.xpos[own] - data.xpos[root], axis=1).max(initial=0.0))


def _deepest(
    data: Any, counts: Callable[[int, int], bool] = lambda one, other: True
) -> tuple[float, tuple[int, int]]:
    """The depth in m of the deepest contact of those that count, and its geoms."""
    found = data.contact
    columns = (found.dist.tolist(), found.geom1.tolist(), found.geom2.tolist())
    contacts = zip(*columns, strict=True)
    depths = [(-dist, (one, other)) for dist, one, other in contacts if counts(one, other)]
    return max(depths, default=(0.0, (-1, -1)))


def _inside(plan: Plan, geoms: tuple[int, int], depth: str) -> str:
    """Two geoms in words, the one that moves first."""
    welds = plan.robot.model.body_weldid[plan.robot.model.geom_bodyid[list(geoms)]]
    one, other = geoms if welds[0] != 0 else geoms[::-1]
    return f"{_geom(plan, one)} {depth} inside of {_geom(plan, other)}"


def _limit(plan: Plan, data: Any) -> float:
    return max(0.005, DEEP * reach_of(plan, data))


def _sunk_at_home(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """A home pose in the ground; links that overlap each other are many a model's own way."""
    welds = plan.robot.model.body_weldid[plan.robot.model.geom_bodyid]
    depth, geoms = _deepest(data, lambda one, other: not (welds[one] and welds[other]))
    if depth > _limit(plan, data) and not _placed(plan):
        inside = _inside(plan, geoms, f"{depth * 100:.2g} cm")
        message = f"the home pose has {inside}: contact forces throw the robot at the start of "
        message += "each episode"
        help = "lift the pose of the keyframe, or mend the place of the ground in the model"
        if plan.robot.facts.base is None:
            help = "move the geoms apart in the model, or <exclude> their two bodies"
        yield plan.task.report(SUNK_AT_HOME, message, *home_place(plan.task), help=help)


def _entangled(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Limbs inside each other at home: more than the overlap that neighbours in a chain have."""
    model = plan.robot.model
    joints = (j for j in plan.robot.facts.motion_joints if j.limits)
    beyond = (j.limits and not j.limits[0] <= j.home[0] <= j.limits[1] for j in joints)
    if _placed(plan) or any(beyond):  # a pose beyond its limits is told itself
        return
    worst: tuple[float, tuple[int, int]] = (0.0, (-1, -1))
    for contact in data.contact:
        one, other = int(contact.geom1), int(contact.geom2)
        depth = -float(contact.dist)
        thick = min(_thickness(model, one), _thickness(model, other))
        if depth > max(INTO * thick, 0.005) and _apart(model, one, other):
            worst = max(worst, (depth, (one, other)))
    if worst[0]:
        inside = _inside(plan, worst[1], f"{worst[0] * 100:.2g} cm")
        message = f"the home pose has {inside}, and both collide: contact forces throw them apart "
        message += "at the start of each episode"
        help = "mend the pose or the places of the bodies, or <exclude> the two bodies"
        yield plan.task.report(OVERLAPPING_LINKS, message, *home_place(plan.task), help=help)


def _thickness(model: mujoco.MjModel, geom: int) -> float:
    """The smallest half extent of the box around a geom, m."""
    return float(model.geom_aabb[geom, 3:].min())


def _apart(model: mujoco.MjModel, one: int, other: int) -> bool:
    """Whether two geoms are of moving bodies of one tree with at least two joints between them.

    Neighbours overlap at their joint, and so do those of three links that meet in one place.
    """
    first, second = (int(model.geom_bodyid[geom]) for geom in (one, other))
    if not model.body_weldid[first] or not model.body_weldid[second]:
        return False
    if model.body_rootid[first] != model.body_rootid[second]:
        return False
    above, beyond = _chain(model, first), _chain(model, second)
    return not (set(above[:3]) & {second} or set(beyond[:3]) & {first})


def _chain(model: mujoco.MjModel, body: int) -> list[int]:
    """A body and those that carry it, welded ones as one, up to the world."""
    found = [int(model.body_weldid[body])]
    while found[-1]:
        found.append(int(model.body_weldid[model.body_parentid[found[-1]]]))
    return found


def _placed(plan: Plan) -> bool:
    """Whether no episode begins in the home pose."""
    return any(part.whole for part in plan.parts(reset.Reset).values())


def _geom(plan: Plan, geom: int) -> str:
    model: Any = plan.robot.model
    name = plan.robot.facts.geoms[geom]
    body = model.body(model.geom_bodyid[geom]).name
    return f"a geom of body {body!r}" if name.startswith("ksim/") or not name else f"geom {name!r}"


def _sunk(plan: Plan, drawn: list[Start], world: Any, data: Any) -> Iterator[Diagnostic]:
    """Starts in which something is deep inside of something else, before it is thrown out."""
    limit = max(_limit(plan, data), 1.5 * _deepest(data)[0])
    share, depth, geoms = _depths(plan, drawn, world, limit)
    if share < OFTEN or not thrown(plan, drawn, limit):
        return
    resets = plan.parts(reset.Reset)
    alone = {
        r: _depths(plan, draw(plan, only=(r,), settle=False) or [], world, limit)[0] for r in resets
    }
    cause = max(alone, key=lambda name: alone[name])
    inside = _inside(plan, geoms, f"up to {depth * 100:.2g} cm")
    message = f"about {in_100(share)} of the episodes begin with {inside}: contact forces throw "
    message += "the robot at the start"
    help = "draw from a range in which it touches nothing, or lift the robot as well"
    yield plan.task.report_key(SUNK_AT_START, message, "Reset", cause, help=help)


def _depths(
    plan: Plan, drawn: list[Start], world: Any, limit: float
) -> tuple[float, float, tuple[int, int]]:
    """Share of starts with a contact deeper than a limit; the deepest one and its geoms."""
    deep, worst = 0, (0.0, (-1, -1))
    for start in drawn:
        world.qpos[:] = start.qpos
        mujoco.mj_fwdPosition(plan.robot.model, world)
        found = _deepest(world)
        deep += found[0] > limit
        worst = max(worst, found)
    return deep / max(len(drawn), 1), *worst


def thrown(plan: Plan, drawn: list[Start], limit: float) -> bool:
    """Whether contacts deeper than a limit throw what floats, in a quarter of such starts.

    Feet that are meant to be soft yield, and limbs with play give way: the robot is let go limp,
    and within a tenth of a second its centre of mass has to rise, or its base to spin, faster than
    :data:`RISES` and :data:`SPINS`. What does not float has nowhere to go: its contacts count, and
    so does what is far deeper than the limit.
    """
    limp = copy.copy(plan.robot.model)
    limp.opt.disableflags |= int(mujoco.mjtDisableBit.mjDSBL_ACTUATION)
    world: Any = mujoco.MjData(limp)
    steps = max(1, round(0.1 / limp.opt.timestep))
    told = thrown = 0
    for start in drawn:
        mujoco.mj_resetData(limp, world)
        world.qpos[:] = start.qpos
        mujoco.mj_forward(limp, world)
        depth, geoms = _deepest(world)
        if depth <= limit:
            continue
        welds = [int(limp.body_weldid[limp.geom_bodyid[geom]]) for geom in geoms]
        roots = {int(limp.body_rootid[body]) for body in welds if body}
        if not all(_floats(limp, root) for root in roots):
            return True
        told += 1
        thrown += depth > 2.5 * limit or _is_thrown(limp, world, roots, steps)
        if told == _TRIALS:
            break
    return 4 * thrown > told


def _floats(model: mujoco.MjModel, body: int) -> bool:
    return bool(model.body_dofnum[body] == 6)


def _is_thrown(model: mujoco.MjModel, world: Any, roots: set[int], steps: int) -> bool:
    """Whether one of some floating trees rises or spins fast."""
    for _ in range(steps):
        mujoco.mj_step(model, world)
        mujoco.mj_subtreeVel(model, world)
        for root in roots:
            dof = int(model.body_dofadr[root])
            spin = float(np.linalg.norm(world.qvel[dof + 3 : dof + 6]))
            if world.subtree_linvel[root][2] > RISES or spin > SPINS:
                return True
    return False


def _off_terrain(plan: Plan) -> Iterator[Diagnostic]:
    """Resets that place the robot beyond the edge of a field of heights."""
    facts = plan.robot.facts
    fields = [s for s in facts.surfaces if s.type == "hfield"]
    for name, part in plan.parts(reset.Reset).items():
        if not isinstance(part, reset.ResetPlanePosition | reset.ResetHeightFieldPosition):
            continue
        base = facts.free_joint(part.body)
        if base is None or not fields or any(s.type == "plane" for s in facts.surfaces):
            continue
        for axis, field in enumerate(("x", "y")):
            reach, middle = float(getattr(part, field)), base.home[axis]
            low = min(s.position[axis] - s.size[axis] for s in fields)
            high = max(s.position[axis] + s.size[axis] for s in fields)
            above, below = (middle + reach, high), (reach - middle, -low)
            far, size = max(above, below, key=lambda side: side[0] - side[1])
            if far > size + 1e-9 * (high - low):
                message = f"places are drawn up to {far:.4g} m from the middle, "
                message += f"and the terrain ends at {size:.4g} m: beyond it there is no ground"
                help = f"draw within {size:.4g} m, or give the terrain a larger 'size'"
                yield plan.task.report(OFF_TERRAIN, message, "Reset", name, field, help=help)
