"""What the robot stands on, or falls to, where its episodes begin."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.resting import zero_controls
from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import home_place
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.values import FALL_AT_START
from ksim_schema.vocabulary import reset

FAR = 0.25
"""Metres: a start from closer to the ground than this is usual."""
DROP = 0.5
"""Metres, and the robot's own height: to be dropped from lower may be the task."""
SHARE = 0.25
"""Of the height of the base above the robot's lowest point; so is one from closer than that."""
HELD = 0.1
"""Part of the robot's weight: with less than this nothing holds it."""
_PLACED = (
    *(reset.ResetKeyframe, reset.ResetMotion),
    *(reset.ResetHeight, reset.ResetHeightFieldPosition),
)
"""Resets that begin episodes at another height than that of the home pose."""


def falls(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Warn of a home pose far above the ground in which nothing holds the robot.

    Args:
        plan: the plan.
        data: the robot in its home pose, with all that MuJoCo derives from it.
    """
    model: Any = plan.robot.model
    base = plan.robot.facts.free_joint(None)
    resets = plan.parts(reset.Reset)
    placed = any(isinstance(part, _PLACED) for part in resets.values())
    if base is None or model.opt.gravity[2] >= 0.0 or plan.settle_steps:
        return  # a fall before an episode is what settling is for
    if placed:
        lifts = {n: p for n, p in resets.items() if isinstance(p, reset.ResetHeight)}
        if len(lifts) == sum(isinstance(part, _PLACED) for part in resets.values()) == 1:
            yield from _dropped(plan, data, *next(iter(lifts.items())))
        return
    told: Any = mujoco.MjData(model)  # what flies is held by what a zero action tells its rotors
    told.qpos[:], told.act[:] = data.qpos, data.act
    told.ctrl[:] = zero_controls(plan, data.qpos)
    mujoco.mj_forward(model, told)
    # forces between the robot's own parts do not act along its free joint, all others do
    forces = (told.qfrc_passive, told.qfrc_actuator, told.qfrc_constraint)
    up = sum(float(force[base.dof + 2]) for force in forces)
    root = plan.robot.facts.body_id(plan.robot.facts.root)
    weight = -float(model.opt.gravity[2]) * float(model.body_subtreemass[root])
    if up > HELD * weight:
        return
    gap, lowest = _above(model, data, root)
    if max(FAR, SHARE * (float(data.xpos[root][2]) - lowest)) < gap < np.inf:
        message = f"in the home pose the robot is {gap:.3g} m above the ground, and nothing holds "
        message += "it: each episode begins with a fall"
        help = "mend the height of the keyframe, or that of the ground in the model"
        yield plan.task.report(FALL_AT_START, message, *home_place(plan.task), help=help)


def _dropped(plan: Plan, data: Any, name: str, part: reset.ResetHeight) -> Iterator[Diagnostic]:
    """A reset that lifts the robot by more than its own height before it falls."""
    model, facts = plan.robot.model, plan.robot.facts
    turned = any(isinstance(other, reset.ResetTilt) for other in plan.parts(reset.Reset).values())
    if (part.body or facts.root) != facts.root or turned or model.ntendon or model.neq:
        return
    root = facts.body_id(facts.root)
    gap, lowest = _above(model, data, root)
    least = gap + part.range[0]
    if max(DROP, float(data.xpos[root][2]) - lowest) < least < np.inf:
        speed = math.sqrt(-2.0 * float(model.opt.gravity[2]) * least)
        message = f"each episode begins with a fall from at least {least:.3g} m, more than the "
        message += f"robot's own height: it lands with {speed:.2g} m/s"
        help = "the range is added to the height of the home pose"
        yield plan.task.report(FALL_AT_START, message, "Reset", name, "range", help=help)


def _above(model: Any, data: Any, root: int) -> tuple[float, float]:
    """Distance in m of the robot to what it can fall on, and the height of its nearest point.

    An infinite one where there is nothing, or a field of heights, of which MuJoCo measures none.
    """
    best, lowest = np.inf, 0.0
    for geom, ground in meeting(model, root):
        if model.geom_type[ground] == mujoco.mjtGeom.mjGEOM_HFIELD:
            return np.inf, 0.0
        ends = np.zeros(6)
        gap = mujoco.mj_geomDistance(model, data, geom, ground, 1e3, ends)
        if gap < best:
            best, lowest = gap, float(ends[2])
    return (best, lowest) if best < 1e3 else (np.inf, 0.0)


def meeting(model: Any, root: int) -> Iterator[tuple[int, int]]:
    """The geoms of a body's tree with each that stands still and that their masks let it touch."""
    own = np.flatnonzero(model.body_rootid[model.geom_bodyid] == model.body_rootid[root])
    still = np.flatnonzero(model.body_weldid[model.geom_bodyid] == 0)
    for fixed in map(int, still):
        yield from ((geom, fixed) for geom in map(int, own) if masks_meet(model, geom, fixed))


def masks_meet(model: Any, first: int, second: int) -> bool:
    """Whether two geoms can touch, by their masks and the bodies that they are of."""
    one, other = (int(model.body_weldid[model.geom_bodyid[geom]]) for geom in (first, second))
    if one == other:
        return False
    parents = {int(model.body_weldid[model.body_parentid[weld]]): weld for weld in (one, other)}
    neighbours = (one in parents and one != 0) or (other in parents and other != 0)
    if neighbours and not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_FILTERPARENT:
        return False
    types, affinities = model.geom_contype, model.geom_conaffinity
    return bool(types[first] & affinities[second] or types[second] & affinities[first])
