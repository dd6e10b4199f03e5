"""The robot is asked, not believed: ground, gravity, limits, sizes, motors of a model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.ground import meeting
from ksim_compiler.checks.limits import limits
from ksim_compiler.checks.matter import matter
from ksim_compiler.checks.starts import begins, reach_of
from ksim_compiler.plan import Plan
from ksim_compiler.robot.transmission import joint_equalities
from ksim_schema.checks.proportions import at_field
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.physics import (
    NO_GROUND,
    ODD_GRAVITY,
    ODD_SIZE,
    ONE_SIDE_DRIVEN,
    WEAK_SERVO,
)
from ksim_schema.vocabulary.action import Action

HELD = 0.3
"""s: how long the servos are watched."""
SAG = 0.35
"""rad: what a hinge sags by in this time that is told."""


def world(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Warn of a model whose world or numbers are not those of a robot on a planet.

    Args:
        plan: the plan.
        data: the robot in its home pose, with all that MuJoCo derives from it.
    """
    problems = [*_gravity(plan), *limits(plan), *_sizes(plan, data), *_ground(plan)]
    problems = problems or [*matter(plan, data)]
    for code, message, help in problems:
        state, field = plan.task.robot, "model"
        off = plan.robot.model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CONTACT
        if code == NO_GROUND and plan.robot.part.collide is not None and not off:
            field = "collide"
            help = "let geoms that the robot stands on be among them, or see that the model has a "
            help += "floor"
        yield plan.task.report(code, message, "PhysicsState", state, field, help=help)
    yield from _one_side(plan)
    if not problems:  # else what follows is due to these
        yield from begins(plan, data)


def _ground(plan: Plan) -> Iterator[tuple[Any, str, str]]:
    model, facts = plan.robot.model, plan.robot.facts
    base = facts.free_joint(None)
    if base is None or model.opt.gravity[2] >= 0.0 or lifted(model, facts.body_id(facts.root)):
        return
    tree = model.body_rootid[facts.body_id(facts.root)]
    own = np.flatnonzero(model.body_rootid[model.geom_bodyid] == tree)
    still = np.flatnonzero(model.body_weldid[model.geom_bodyid] == 0)
    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CONTACT and len(still):
        message = "a flag of the model's <option> disables contacts, so the robot falls through the"
        yield NO_GROUND, message + " ground", "remove the flag from the model"
        return
    if any(meeting(model, facts.body_id(facts.root))):
        return
    pairs = zip(model.pair_geom1, model.pair_geom2, strict=True)
    sides = {(one, other) for pair in pairs for one, other in (pair, pair[::-1])}
    if any((one in own and other in still) for one, other in sides):
        return
    there = "collides with nothing that stands still" if len(still) else "there is no ground"
    message = f"the robot floats and {there}, so it falls for ever"
    floor = "<geom type='plane' size='0 0 1'/>"
    help = "give the scene that includes the robot and a floor, or add a "
    help += f"{floor} to its worldbody"
    if facts.source.lower().endswith(".urdf"):  # it is attached, and has no place for a floor
        name = facts.source.rsplit("/", 1)[-1]
        help = "a URDF holds no floor: give a scene beside it, <mujoco><asset><model name='robot' "
        help += f"file='{name}'/></asset><worldbody>{floor}<attach model='robot' prefix='my_'/>"
        help += "</worldbody></mujoco>"
    yield NO_GROUND, message, help


def lifted(model: mujoco.MjModel, root: int) -> bool:
    """Whether something else than the ground can hold a floating body up."""
    kinds: Any = mujoco.mjtTrn
    thrust = (int(kinds.mjTRN_SITE), int(kinds.mjTRN_BODY))
    thrusters = any(int(kind) in thrust for kind in model.actuator_trntype)
    joints = model.jnt_bodyid[np.clip(model.actuator_trnid[:, 0], 0, max(model.njnt - 1, 0))]
    direct = [
        int(k) in (int(kinds.mjTRN_JOINT), int(kinds.mjTRN_JOINTINPARENT))
        for k in model.actuator_trntype
    ]
    on_base = any(d and int(b) == root for d, b in zip(direct, joints, strict=True))
    swims = model.opt.density > 0.0 or model.opt.viscosity > 0.0
    tree = model.body_rootid[root]
    floats = bool((model.body_gravcomp[model.body_rootid == tree] > 0.0).any())
    return thrusters or on_base or swims or floats or model.neq > 0 or model.ntendon > 0


def _gravity(plan: Plan) -> Iterator[tuple[Any, str, str]]:
    gravity = np.asarray(plan.robot.model.opt.gravity, float)
    shown = " ".join(f"{g:g}" for g in gravity)
    size = float(np.linalg.norm(gravity))
    help = "write gravity='0 0 -9.81' into the model's <option>"
    if gravity[2] > 0.0:
        yield ODD_GRAVITY, f"gravity points up: '{shown}' m/s^2, and z is up in MuJoCo", help
    elif size > 100.0:
        yield ODD_GRAVITY, f"gravity is {size:g} m/s^2, ten times that of the earth and more", help
    elif size > 1.0 and -gravity[2] < 0.5 * size and plan.robot.facts.free_joint(None) is not None:
        yield ODD_GRAVITY, f"gravity points sideways: '{shown}' m/s^2, and z is up in MuJoCo", help


def _sizes(plan: Plan, data: Any) -> Iterator[tuple[Any, str, str]]:
    model, facts = plan.robot.model, plan.robot.facts
    root = facts.body_id(facts.root) if facts.root else 0
    own = np.flatnonzero(model.body_rootid == model.body_rootid[root]) if root else np.arange(0)
    if not len(own):
        return
    reach = reach_of(plan, data)
    mass = float(model.body_subtreemass[model.body_rootid[root]])
    if reach > 100.0:
        message = f"the robot's bodies are up to {reach:.4g} m from its base: lengths may be in mm"
        yield ODD_SIZE, message, "scale the model to metres"
    elif mass > 1000.0 * max(reach, 0.5) ** 3 * 50.0:
        message = f"the robot's mass is {mass:.4g} kg at a reach of {reach:.3g} m: masses may be "
        message += "in grams, or lengths in millimetres"
        yield ODD_SIZE, message, "write masses in kg and lengths in m"


_SIDES = (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"), ("_l", "_r"), ("l_", "r_"))


def _one_side(plan: Plan) -> Iterator[Diagnostic]:
    """Joints of one side that nothing drives, while those of the other side are driven."""
    facts = plan.robot.facts
    driven = {drive.joint for drive in plan.drives}
    hinges = {j.name for j in facts.motion_joints if j.name}
    sides = ((name, counterpart(name, hinges)) for name in sorted(driven & hinges))
    pairs = [(name, other) for name, other in sides if other and other not in driven]
    held = _moved_otherwise(plan) if pairs else set[str]()
    pairs = [(name, other) for name, other in pairs if other not in held]
    if not pairs:
        return
    owner = _owner(plan, pairs[0][0])
    shown = ", ".join(repr(other) for _, other in pairs[:3]) + (", ..." if pairs[3:] else "")
    one = len(pairs) == 1
    message = f"{len(pairs)} joint{'' if one else 's'} of the other side {'is' if one else 'are'} "
    message += f"driven by nothing and hang{'s' if one else ''} limp: {shown}; {pairs[0][0]!r} is "
    message += "driven"
    help = "let the patterns of 'joints' match both sides"
    yield at_field(plan.task, ONE_SIDE_DRIVEN, message, "Action", owner, "joints", help=help)


def counterpart(name: str, names: set[str]) -> str:
    """The joint of the other side: its name with one word for the other; "" without one."""
    for one, other in (*_SIDES, *((b, a) for a, b in _SIDES)):
        edge = len(one) > 2
        for match in re.finditer(re.escape(one), name):
            start, end = match.span()
            whole = end == len(name) if one.startswith("_") else start == 0
            if edge or whole:
                found = name[:start] + other + name[end:]
                if found in names:
                    return found
    return ""


def _moved_otherwise(plan: Plan) -> set[str]:
    """Joints that the model's own motors, springs, equalities or tendons act on."""
    model, facts = plan.robot.model, plan.robot.facts
    found: set[str] = set()
    data: Any = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    moment = np.zeros((model.nu, model.nv))
    if model.nu:
        mujoco.mju_sparse2dense(
            moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
    for joint in facts.motion_joints:
        spring = np.ravel(model.jnt_stiffness[facts.joints.index(joint)])[0] > 0
        if spring or (model.nu and np.abs(moment[:, joint.dof]).max() > 0):
            found.add(joint.name)
    for pair in joint_equalities(model):
        found |= {facts.joints[joint].name for joint in pair if joint >= 0}
    return found


def weak(plan: Plan) -> Iterator[Diagnostic]:
    """Position servos that cannot hold the home pose: motors at their limit, and the joint sags."""
    model, facts = plan.robot.model, plan.robot.facts
    drives = {d.joint: d for d in plan.drives if d.kp is not None}
    if not drives or model.nv > 200:
        return
    world: Any = mujoco.MjData(model)
    world.qpos[:] = facts.home
    for name, control in plan.robot.held.items():
        world.ctrl[facts.actuators.index(name)] = control
    world.act[:] = plan.robot.act
    joints = {j.name: j for j in facts.motion_joints}
    actuators = {
        n: mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_ACTUATOR, d.name) for n, d in drives.items()
    }
    for name, index in actuators.items():
        world.ctrl[index] = joints[name].home[0]
    steps = max(1, min(round(HELD / facts.timestep), 400))
    saturated = dict.fromkeys(drives, 0)
    for step in range(steps):
        mujoco.mj_step(model, world)
        for name, drive in drives.items():
            force = abs(float(world.actuator_force[actuators[name]]))
            saturated[name] += 2 * step >= steps and force >= 0.999 * drive.limit
    if not np.isfinite(world.qpos).all() or world.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
        return
    worst: tuple[float, str] = (0.0, "")
    for name in drives:
        joint = joints[name]
        sag = abs(float(world.qpos[joint.qpos]) - joint.home[0])
        scale = SAG if joint.type == "hinge" else 0.1
        if saturated[name] > 0.45 * steps and sag > scale and sag / scale > worst[0]:
            worst = sag / scale, name
    if not worst[1]:
        return
    joint, drive = joints[worst[1]], drives[worst[1]]
    unit = "N*m" if joint.type == "hinge" else "N"
    sag = float(world.qpos[joint.qpos]) - joint.home[0]
    moved = f"{math.degrees(sag):.3g} deg" if joint.type == "hinge" else f"{sag:.3g} m"
    message = f"the servo of joint {joint.name!r} cannot hold the home pose: at its limit of "
    message += f"{drive.limit:.4g} {unit} the joint moves by {moved} in {HELD:g} s"
    owner = _owner(plan, joint.name)
    help = "raise the limit (torque_limit, or the model's actuatorfrcrange or forcerange)"
    yield at_field(plan.task, WEAK_SERVO, message, "Action", owner, "torque_limit", help=help)


def _owner(plan: Plan, joint: str) -> str:
    """The action that drives a joint."""
    actions = plan.parts(Action).items()
    facts = plan.robot.facts
    return next(n for n, a in actions if any(d.joint == joint for d in a.drives(facts)))
