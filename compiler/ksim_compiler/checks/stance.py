"""What holds a robot up: heights that no fallen body is below, limp legs, and wheels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.world import counterpart
from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import at_field, beside
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import ASKED_BEYOND_LIMITS, LIMP_LEG
from ksim_schema.diagnostics.codes.typed import TERMINATION_NEVER_COMES
from ksim_schema.vocabulary.action import Action, VelocityTarget
from ksim_schema.vocabulary.command.velocity import PlanarVelocity
from ksim_schema.vocabulary.each import all_of
from ksim_schema.vocabulary.termination import MinHeight

_SUNK = 0.8
"""Share of a body's own thickness to which contacts, which are soft, let it sink at most."""
_LOW = 0.01
"""Share of its height at home below which no body gets when its robot lies on the ground."""
_DIRECTIONS = 2000
_FASTEST = 1.5
"""Times its greatest speed that a drive is asked for before it is told."""
_ACTIONS = 3.0
"""Standard deviations of an action that is not clipped."""


def stance(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """What the task takes for possible and the robot's shape does not allow."""
    yield from _lying(plan, data)
    yield from _limp(plan, data)
    yield from _slow(plan, data)


def _lying(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Heights below which a body cannot be, however it lies on a level ground."""
    model, facts = plan.robot.model, plan.robot.facts
    level = facts.surfaces and all(
        s.type == "plane" and s.axes[2][2] > 0.999 for s in facts.surfaces
    )
    if not level or not facts.ground or facts.free_joint(None) is None:
        return
    floor = max(s.position[2] for s in facts.surfaces if s.name in facts.ground)
    for name, part in plan.parts("Termination").items():
        if not isinstance(part, MinHeight):
            continue
        body = part.body or facts.root
        home = float(data.xpos[facts.body_id(body)][2])
        if floor < part.height < floor + _LOW * (home - floor):
            message = f"{part.height:.3g} m is next to nothing of the height of {body!r} at home, "
            message += f"{home:.3g} m: no robot lies so flat, and this never ends an episode"
            help = "check the unit, and give the height below which it has fallen"
            at = ("Termination", name, "height")
            yield plan.task.report(TERMINATION_NEVER_COMES, message, *at, help=help)
            continue
        thin = thickness(model, data, facts.body_id(body))
        if floor < part.height < floor + _SUNK * thin:
            message = f"however it lies on the ground, the origin of {body!r} is at least "
            message += f"{thin:.3g} m above it, so {part.height:.4g} m never ends an episode"
            help = "give the height below which it has fallen; in the home pose it is at "
            help += f"{float(data.xpos[facts.body_id(body)][2]):.3g} m"
            at = ("Termination", name, "height")
            yield plan.task.report(TERMINATION_NEVER_COMES, message, *at, help=help)


def thickness(model: mujoco.MjModel, data: Any, body: int) -> float:
    """How far a body's origin is at least from a plane that the body's own geoms lie on, m.

    The support function ``max p . u`` of the geoms that can touch something, over all directions
    u; 0 where the origin is outside of the hull.

    Args:
        model, data: the robot in any pose, after mj_forward.
        body: index of the body.
    """
    golden = math.pi * (3.0 - math.sqrt(5.0))
    z = 1.0 - (2.0 * np.arange(_DIRECTIONS) + 1.0) / _DIRECTIONS
    turn, ring = golden * np.arange(_DIRECTIONS), np.sqrt(1.0 - z * z)
    directions = np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1)
    own = [int(geom) for geom in np.flatnonzero(model.geom_bodyid == body)]
    faces = [sign * data.geom_xmat[geom].reshape(3, 3).T for geom in own for sign in (1.0, -1.0)]
    directions = np.concatenate([directions, *faces])
    most = np.zeros(len(directions))
    for geom in own:
        if model.geom_contype[geom] == 0 and model.geom_conaffinity[geom] == 0:
            continue
        axes = np.array(data.geom_xmat[geom]).reshape(3, 3)
        local = directions @ axes
        centre = directions @ (data.geom_xpos[geom] - data.xpos[body])
        most = np.maximum(most, centre + support(model, geom, local))
    return float(most.min())


def support(model: mujoco.MjModel, geom: int, local: np.ndarray) -> np.ndarray:
    """The support function of a geom about its centre, of directions in its own frame."""
    size, kinds = model.geom_size[geom], mujoco.mjtGeom
    around = np.hypot(local[:, 0], local[:, 1])
    match int(model.geom_type[geom]):
        case kinds.mjGEOM_SPHERE:
            return np.full(len(local), size[0])
        case kinds.mjGEOM_CAPSULE:
            return size[0] + size[1] * np.abs(local[:, 2])
        case kinds.mjGEOM_ELLIPSOID:
            return np.linalg.norm(local * size, axis=1)
        case kinds.mjGEOM_CYLINDER:
            return size[0] * around + size[1] * np.abs(local[:, 2])
        case kinds.mjGEOM_BOX:
            return np.abs(local) @ size
        case _:
            return np.full(len(local), -np.inf)


def _limp(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Joints between the base and the ground with a motor in the model, and no action for it."""
    model, facts = plan.robot.model, plan.robot.facts
    if facts.free_joint(None) is None or not plan.drives or model.nu > len(plan.controls):
        return
    root, actions = facts.body_id(facts.root), plan.parts(Action).values()
    driven = {joint for action in actions for joint in action.moves(facts)}
    names = {joint.name for joint in facts.motion_joints}
    bearing: set[int] = set()
    for contact in data.contact:
        ends = [int(model.geom_bodyid[g]) for g in (contact.geom1, contact.geom2)]
        still = [int(model.body_weldid[body]) == 0 for body in ends]
        if sum(still) == 1:
            body = ends[still.index(False)]
            while body > 0 and body != root:
                bearing.add(body)
                body = int(model.body_parentid[body])
    limp = [
        joint.name
        for joint in facts.motion_joints
        if joint.type == "hinge"
        and facts.body_id(joint.body) in bearing
        and joint.name not in driven
        and math.isfinite(joint.cap)
        and model.jnt_stiffness[facts.joints.index(joint)].max() == 0.0
        and abs(float(data.xaxis[facts.joints.index(joint)][2])) < 0.5
    ]
    if not limp or model.neq or any(counterpart(joint, names) in driven for joint in limp):
        return  # of one side alone it is told elsewhere
    name = next(iter(plan.parts(Action)))
    shown = ", ".join(map(repr, limp[:3])) + (", ..." if limp[3:] else "")
    message = f"{len(limp)} joint{'s' if limp[1:] else ''} between the base and the ground "
    message += f"{'are' if limp[1:] else 'is'} driven by nothing: {shown}; the robot collapses"
    help = "let the patterns of 'joints' match them"
    yield at_field(plan.task, LIMP_LEG, message, "Action", name, "joints", help=help)


def _slow(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Wheels that cannot turn as fast as a command asks the base to go."""
    model, facts = plan.robot.model, plan.robot.facts
    actions = plan.parts(Action)
    if facts.free_joint(None) is None or len(actions) != 1:
        return
    ((name, action),) = actions.items()
    if not isinstance(action, VelocityTarget):
        return
    joints = facts.match_joints(action.joints)
    if any(j.limits or j.type != "hinge" for j in joints):
        return
    clips = all_of(action.clip) if action.clip else ((0.0, _ACTIONS),)
    largest = max(abs(end) for clip in clips for end in clip)
    largest = 1.0 if action.squash else largest
    reach = max((_radius(model, data, facts.body_id(j.body)) for j in joints), default=0.0)
    scale = max(map(float, all_of(action.scale)))
    fastest = scale * largest * reach
    for command, part in plan.parts("Command").items():
        if not isinstance(part, PlanarVelocity) or not fastest:
            continue
        asked = max(map(abs, part.forward)) * max(map(abs, part.scale.extremes))
        if asked > _FASTEST * fastest:
            message = f"with {largest * scale:.3g} rad/s wheels of {reach:.3g} m go "
            message += f"{fastest:.3g} m/s, and {command!r} asks for {asked:.3g} m/s"
            help = f"an action of 1 would go so fast with a scale of {asked / reach:.3g} rad/s"
            at = ("Action", name, "scale")
            problem = plan.task.report(ASKED_BEYOND_LIMITS, message, *at, help=help)
            yield beside(problem, plan.task, "asks for more", "Command", command, "forward")


def _radius(model: mujoco.MjModel, data: Any, body: int) -> float:
    """The farthest that a geom of a wheel gets from its axis, at most."""
    geoms = np.flatnonzero(model.geom_bodyid == body)
    return max((float(model.geom_rbound[g]) for g in geoms), default=0.0)
