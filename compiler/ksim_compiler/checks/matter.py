"""Numbers of a model that MuJoCo takes and no matter has: friction, damping, inertia, mass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.ground import meeting
from ksim_compiler.plan import Plan
from ksim_schema.diagnostics.codes.physics import (
    DRIVES_ITSELF,
    FOOT_THROUGH_GROUND,
    HELD_BACK,
    HUGE_ROTOR,
    ODD_GRAVITY,
    ODD_SIZE,
    SLIPPERY,
    SPRING_OVER_MOTOR,
)

SLIP = 0.02
"""Friction below which nothing walks: half of that of ice under a skate."""
HONEY = 0.05
"""Part of a robot's weight with which a damping may hold back a base that moves by 1 m/s."""
ROTOR = 20.0
"""Times the inertia of what a joint moves from which on an armature is looked at ..."""
SLUGGISH = 10.0
"""rad/s^2: ... if no motor turns its joint faster than so, by 90 deg in half a second."""
DENSEST = 60_000.0
"""kg/m^3: the densest metal has 22,600."""

UNDER = 0.01
"""m: what is this much lower than all that touches the ground, and touches nothing, is a foot."""

Found = Iterator[tuple[Any, str, str]]
"""Code, message and help of what is wrong."""


def matter(plan: Plan, data: Any) -> Found:
    """What is odd about what a robot is made of.

    Args:
        plan: the plan.
        data: the robot in its home pose, with all that MuJoCo derives from it.
    """
    yield from _driving_itself(plan)
    yield from _weightless(plan)
    yield from _slippery(plan)
    yield from _through_ground(plan, data)
    yield from _held_back(plan)
    yield from _rotors(plan, data)
    yield from _springs(plan, data)
    yield from _dense(plan, data)


def touching_ground(plan: Plan) -> list[tuple[int, int]]:
    """Geoms of the robot with those that stand still that they can touch; no own ``<pair>``."""
    model, facts = plan.robot.model, plan.robot.facts
    if not facts.root or model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CONTACT:
        return []
    return list(meeting(model, facts.body_id(facts.root)))


def lowest(model: mujoco.MjModel, data: Any, geom: int) -> float:
    """z of the lowest point of a geom's box, m."""
    turn, box = data.geom_xmat[geom].reshape(3, 3), model.geom_aabb[geom]
    centre = data.geom_xpos[geom] + turn @ box[:3]
    return float(centre[2] - np.abs(turn[2]) @ box[3:])


def _through_ground(plan: Plan, data: Any) -> Found:
    """A body under all that touches the ground in the home pose, none of whose geoms collides."""
    model, facts = plan.robot.model, plan.robot.facts
    grounds = (int(mujoco.mjtGeom.mjGEOM_PLANE), int(mujoco.mjtGeom.mjGEOM_HFIELD))
    touching = {i for i, other in touching_ground(plan) if int(model.geom_type[other]) in grounds}
    if facts.base is None or not touching or plan.robot.part.collide is not None or model.npair:
        return
    tree = model.body_rootid[facts.body_id(facts.root)]
    own = map(int, np.flatnonzero(model.body_rootid[model.geom_bodyid] == tree))
    solid = {int(model.geom_bodyid[i]) for i in touching}
    floor = min(lowest(model, data, i) for i in touching)
    lows: dict[int, float] = {}
    for geom in own:
        body, masks = int(model.geom_bodyid[geom]), (model.geom_contype, model.geom_conaffinity)
        if body not in solid and not any(mask[geom] for mask in masks):
            lows[body] = min(lows.get(body, np.inf), lowest(model, data, geom))
    under = [body for body, low in lows.items() if low < floor - UNDER]
    if under:
        depth = floor - min(lows[body] for body in under)
        message = f"no geom of body {model.body(under[0]).name!r}{_more(len(under) - 1)} collides, "
        message += f"and in the home pose it is {depth:.3g} m lower than all that touches the "
        message += "ground: it sinks in"
        help = "give a geom of it contype='1' or conaffinity='1' in the model"
        yield FOOT_THROUGH_GROUND, message, help


def _driving_itself(plan: Plan) -> Found:
    model, facts = plan.robot.model, plan.robot.facts
    dofs: Any = (
        ("damping", model.dof_damping, "gives to a motion what it should take"),
        ("frictionloss", model.dof_frictionloss, "is that of no bearing"),
    )
    for what, values, why in dofs:
        column = np.asarray(values).reshape(model.nv, -1)[:, 0] if model.nv else np.zeros(0)
        names = {facts.joints[int(model.dof_jntid[i])].name for i in np.flatnonzero(column < 0.0)}
        if names:
            first = sorted(names)[0]
            value = min(float(column[j.dof]) for j in facts.joints if j.name in names)
            message = f"joint {first!r}{_more(len(names) - 1)} has a {what} of {value:g}, which "
            yield DRIVES_ITSELF, message + why, f"write a positive {what} into the model"


def _more(others: int) -> str:
    return "" if others <= 0 else f" (and {others} more)"


def _weightless(plan: Plan) -> Found:
    model, facts = plan.robot.model, plan.robot.facts
    off = bool(model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_GRAVITY)
    none = float(np.linalg.norm(model.opt.gravity)) < 1e-3
    swims = model.opt.density > 0.0 or model.opt.viscosity > 0.0
    if facts.base is None or swims or not (off or none):
        return
    grounds = (int(mujoco.mjtGeom.mjGEOM_PLANE), int(mujoco.mjtGeom.mjGEOM_HFIELD))
    if any(int(model.geom_type[ground]) in grounds for _, ground in touching_ground(plan)):
        why = "a flag of the model's <option> disables gravity" if off else "gravity is 0"
        message = f"{why}, and the robot floats above a ground that nothing presses it to"
        yield (
            ODD_GRAVITY,
            message,
            "write gravity='0 0 -9.81' into the model's <option>"
            + (", and remove the flag" if off else ""),
        )


def _slippery(plan: Plan) -> Found:
    model, facts = plan.robot.model, plan.robot.facts
    if facts.base is None or model.npair:
        return
    meeting = touching_ground(plan)
    best = max((_friction(model, *pair) for pair in meeting), default=1.0)
    if meeting and best < SLIP:
        flat = all(max(model.geom_condim[list(pair)]) == 1 for pair in meeting)
        why = "condim is 1" if flat else f"friction is {best:.2g} at most"
        message = f"the robot and the ground touch without friction ({why}), so nothing pushes "
        message += "it along or holds it"
        help = "give the geoms condim='3'" if flat else "give the ground friction='1'"
        yield SLIPPERY, message, f"{help} in the model"


def _friction(model: mujoco.MjModel, one: int, other: int) -> float:
    """Sliding friction of two geoms as MuJoCo mixes it: that of the priority, or the larger."""
    first, second = sorted((one, other), key=lambda g: -int(model.geom_priority[g]))
    if model.geom_priority[first] > model.geom_priority[second]:
        return float(model.geom_friction[first, 0]) if model.geom_condim[first] > 1 else 0.0
    if max(model.geom_condim[first], model.geom_condim[second]) == 1:
        return 0.0
    return float(max(model.geom_friction[first, 0], model.geom_friction[second, 0]))


def _held_back(plan: Plan) -> Found:
    model, facts = plan.robot.model, plan.robot.facts
    base = facts.base
    if base is None:
        return
    gravity = float(np.linalg.norm(model.opt.gravity))
    weight = float(model.body_subtreemass[facts.body_id(facts.root)]) * gravity
    dofs = slice(base.dof, base.dof + 3)
    drag = float(np.asarray(model.dof_damping).reshape(model.nv, -1)[dofs, 0].max())
    stuck = float(np.asarray(model.dof_frictionloss)[dofs].max())
    for what, force, unit in (("damping", drag, "N*s/m"), ("frictionloss", stuck, "N")):
        if weight > 0.0 and force > HONEY * weight:
            message = f"the free joint {base.name!r} has a {what} of {force:.4g} {unit}: the base "
            message += "is held back in the air as in honey"
            help = "use <freejoint/>, which has none, or remove it: a <default> of joints may give "
            yield HELD_BACK, message, help + "it"


def _rotors(plan: Plan, data: Any) -> Found:
    """Driven hinges that are all sluggish because of armatures, not of what they move."""
    model, facts = plan.robot.model, plan.robot.facts
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    joints = {joint.name: joint for joint in facts.motion_joints if joint.type == "hinge"}
    found: list[tuple[float, float, str]] = []
    for drive in plan.drives:
        if drive.joint not in joints:
            continue
        dof = joints[drive.joint].dof
        whole, armature = float(mass[dof, dof]), float(model.dof_armature[dof])
        found.append((drive.limit / whole, armature / max(whole - armature, 1e-9), drive.joint))
    if found and max(found)[0] < SLUGGISH and min(ratio for _, ratio, _ in found) > ROTOR:
        fastest, ratio, name = max(found)
        armature = float(model.dof_armature[joints[name].dof])
        message = f"the armature of joint {name!r} ({armature:.4g} kg*m^2) is {ratio:.3g} times "
        message += "the inertia of all that it moves: its motor gives it no more than "
        message += f"{fastest:.2g} rad/s^2, and no other joint is faster"
        help = "an armature is the rotor's inertia times the square of the gear ratio; check it"
        yield HUGE_ROTOR, message, help


def _springs(plan: Plan, data: Any) -> Found:
    """A spring that pulls a servo's joint away from home with more than its motor has."""
    model, facts = plan.robot.model, plan.robot.facts
    joints = {joint.name: joint for joint in facts.motion_joints}
    worst: tuple[float, str, float, float] = (1.0, "", 0.0, 0.0)
    for drive in plan.drives:
        joint = joints[drive.joint]
        index = facts.joints.index(joint)
        stiffness = float(np.asarray(model.jnt_stiffness).reshape(model.njnt, -1)[index, 0])
        pull = stiffness * abs(joint.home[0] - float(model.qpos_spring[joint.qpos]))
        if drive.kp is not None and drive.limit > 0.0 and pull / drive.limit > worst[0]:
            worst = (pull / drive.limit, joint.name, pull, drive.limit)
    if worst[1]:
        unit = "N*m" if joints[worst[1]].type == "hinge" else "N"
        message = f"the spring of joint {worst[1]!r} pulls with {worst[2]:.4g} {unit} in the home "
        message += f"pose, and its motor has {worst[3]:.4g} {unit}: it cannot stay there"
        help = "lower the joint's stiffness, or let its springref be the home pose"
        yield SPRING_OVER_MOTOR, message, help


def _dense(plan: Plan, data: Any) -> Found:
    """A robot that is denser than any metal, by the boxes around all its geoms."""
    model, facts = plan.robot.model, plan.robot.facts
    if not facts.root:
        return
    tree = model.body_rootid[facts.body_id(facts.root)]
    own = np.flatnonzero(model.body_rootid[model.geom_bodyid] == tree)
    mass = float(model.body_subtreemass[tree])
    volume = float(np.prod(2.0 * model.geom_aabb[own, 3:], axis=1).sum())
    if volume > 0.0 and mass / volume > DENSEST:
        message = f"the robot's {mass:.4g} kg in {volume * 1e3:.3g} litres are {mass / volume:.3g} "
        message += "kg/m^3, more than any metal: masses may be in grams"
        yield ODD_SIZE, message, "write masses in kg and lengths in m"
