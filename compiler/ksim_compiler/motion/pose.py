"""A clip made of poses: legs by inverse kinematics, the centre of mass above the feet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from jaxtyping import Float

from ksim_compiler.motion.clip import Array, Clip, moving_joints
from ksim_compiler.motion.keyframes import BASE, FOOT, Keyframes, carried, curve, said
from ksim_compiler.motion.rotations import conjugate, exponential, logarithm, multiply
from ksim_schema.diagnostics import did_you_mean
from ksim_schema.robot import RobotFacts

REACHED = 0.003, math.radians(0.5)
"""How near a foot must come to where it is to be: m, rad."""
STEPS, BALANCE_STEPS = 60, 6
_X, _Y, _Z = np.eye(3)


class PoseError(Exception):
    """A pose that the robot cannot have.

    Attributes:
        path: of what is wrong in the file.
        help: what to do.
    """

    def __init__(self, message: str, *path: str | int, help: str = "") -> None:
        super().__init__(message)
        self.path, self.help = path, help


@dataclass(frozen=True)
class _Leg:
    """The joints from the base to a foot, and where the foot stands at home."""

    name: str
    body: int
    qpos: Array
    dofs: Array
    low: Array
    high: Array
    place: Array
    turn: Array
    middle: Array


def made(keyframes: Keyframes, name: str, robot: RobotFacts, model: mujoco.MjModel) -> Clip:
    """The clip of some poses.

    Args:
        keyframes: the poses.
        name: what the clip is called.
        robot, model: whose poses they are.

    Raises:
        PoseError: the robot cannot have one of them.
    """
    data = mujoco.MjData(model)
    data.qpos[:] = robot.home
    mujoco.mj_kinematics(model, data)
    legs = [_leg(keyframes, i, robot, model, data) for i in range(len(keyframes.feet))]
    _check_names(keyframes, legs, robot)
    keys = keyframes.keys
    times = np.array([float(key.at) for key in keys])
    frames = math.floor(times[-1] * keyframes.fps + 1e-6) + 1
    at = np.arange(frames) / float(keyframes.fps)
    joints = moving_joints(robot)
    home = {joint.name: joint.home[0] for joint in joints}
    own = curve(times, carried(keys, "joints", home), at)
    base = curve(times, said(keys, "base", BASE), at)
    feet = [curve(times, said(keys, f"feet.{leg.name}", FOOT), at) for leg in legs]
    weights = curve(times, carried(keys, "weight", {leg.name: 1.0 for leg in legs}), at)
    rows = np.tile(np.array(robot.home), (frames, 1))
    rows[:, [joint.qpos for joint in joints]] = own
    if robot.base is not None:
        start = robot.base.qpos
        rows[:, start : start + 3] += base[:, :3]
        turn = _turned(base[:, 3:], rows[:, start + 3 : start + 7])
        rows[:, start + 3 : start + 7] = turn
    before = np.array(robot.home)
    for frame in range(frames if legs else 0):
        targets = [_target(leg, feet[i][frame]) for i, leg in enumerate(legs)]
        for leg in legs:  # from where the legs were: the nearest of several ways to bend
            rows[frame, leg.qpos] = before[leg.qpos]
        share = weights[frame] if keyframes.balance else None
        problem = _solve(model, data, rows[frame], legs, targets, robot, share)
        if problem:
            key = max(int(np.searchsorted(times, at[frame], side="right")) - 1, 0)
            message = f"at {at[frame]:.2f} s {problem}"
            help = "bend the knees with base: {up: ...}, or move less far"
            raise PoseError(message, "keys", min(key + 1, len(keys) - 1), help=help)
        before = rows[frame]
    place = turn = None
    if robot.base is not None:
        start = robot.base.qpos
        place, turn = rows[:, start : start + 3], rows[:, start + 3 : start + 7]
    names = tuple(joint.name for joint in joints)
    columns = [joint.qpos for joint in joints]
    return Clip(name, float(keyframes.fps), names, rows[:, columns], place, turn, "poses")


def _leg(
    keyframes: Keyframes, index: int, robot: RobotFacts, model: mujoco.MjModel, data: mujoco.MjData
) -> _Leg:
    name = keyframes.feet[index]
    if name not in robot.bodies:
        help = did_you_mean(name, robot.names("body"), of=f"{robot.source} has bodies")
        raise PoseError(f"unknown body {name!r}", "feet", index, help=help)
    if robot.base is None:
        raise PoseError("only a robot that floats stands on its feet", "feet", index)
    body, root = robot.body_id(name), robot.body_id(robot.root)
    chain, at = list[int](), body
    while at not in (0, root):
        chain.append(at)
        at = int(model.body_parentid[at])
    if at != root or not chain:
        raise PoseError(f"{name!r} does not hang from {robot.root!r}", "feet", index)
    others = {robot.body_id(n) for n in keyframes.feet if n in robot.bodies} - {body}
    shared = {b for b in chain for other in others if _above(model, b, other)}
    joints = [j for j in moving_joints(robot) if robot.body_id(j.body) in set(chain) - shared]
    limits = np.array([j.limits or (-math.inf, math.inf) for j in joints]).reshape(-1, 2)
    solid = list(robot.geoms_of(name))
    middle = np.mean([data.geom_xpos[robot.geom_id(g)] for g in solid], axis=0) if solid else None
    middle = data.xpos[body] if middle is None else middle
    back = data.xmat[body].reshape(3, 3).T
    return _Leg(
        name,
        body,
        np.array([j.qpos for j in joints]),
        np.array([j.dof for j in joints]),
        limits[:, 0],
        limits[:, 1],
        data.xpos[body].copy(),
        data.xquat[body].copy(),
        back @ (middle - data.xpos[body]),
    )


def _above(model: mujoco.MjModel, body: int, other: int) -> bool:
    while other and other != body:
        other = int(model.body_parentid[other])
    return other == body


def _check_names(keyframes: Keyframes, legs: list[_Leg], robot: RobotFacts) -> None:
    """The names of the poses are those of joints and feet."""
    joints = {joint.name: joint for joint in moving_joints(robot)}
    moved = {int(q): leg.name for leg in legs for q in leg.qpos}
    for index, key in enumerate(keyframes.keys):
        at = ("keys", index)
        for name, value in key.joints.items():
            joint = joints.get(name)
            if joint is None:
                help = did_you_mean(name, joints, of=f"{robot.source} has joints")
                raise PoseError(f"unknown joint {name!r}", *at, "joints", name, help=help)
            if joint.qpos in moved:
                message = f"joint {name!r} follows from where {moved[joint.qpos]!r} is"
                help = "move the base or the foot, or take the foot out of 'feet'"
                raise PoseError(message, *at, "joints", name, help=help)
            low, high = joint.limits or (-math.inf, math.inf)
            if not low - 1e-6 <= value <= high + 1e-6:
                unit, factor = ("deg", 180 / math.pi) if joint.type == "hinge" else ("m", 1.0)
                message = f"joint {name!r} goes from {low * factor:.4g} to {high * factor:.4g} "
                raise PoseError(message + unit, *at, "joints", name)
        for field in ("feet", "weight"):
            for name in getattr(key, field):
                if name not in keyframes.feet:
                    help = "name it in 'feet' of the file"
                    raise PoseError(f"{name!r} is no foot here", *at, field, name, help=help)


def _turned(angles: Float[Array, "n 3"], home: Float[Array, "n 4"]) -> Float[Array, "n 4"]:
    """Orientations at home turned by roll, then pitch, then yaw, about the home axes."""
    roll, pitch, yaw = (
        exponential(angles[:, i : i + 1] * axis) for i, axis in enumerate((_X, _Y, _Z))
    )
    return multiply(multiply(yaw, multiply(pitch, roll)), home)


def _target(leg: _Leg, pose: Float[Array, " 5"]) -> tuple[Array, Array]:
    """Where a foot is to be: its place and orientation."""
    pitch, yaw = exponential(pose[None, 3:4] * _Y), exponential(pose[None, 4:5] * _Z)
    return leg.place + pose[:3], multiply(multiply(yaw, pitch), leg.turn[None])[0]


def _solve(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    qpos: Array,
    legs: list[_Leg],
    targets: list[tuple[Array, Array]],
    robot: RobotFacts,
    weights: Array | None,
) -> str:
    """Bend the legs so that the feet are in their places, in ``qpos`` itself; what keeps them."""
    assert robot.base is not None
    start, root = robot.base.qpos, robot.body_id(robot.root)
    left = ""
    for _ in range(BALANCE_STEPS if weights is not None else 1):
        left = next(
            filter(None, (_reach(model, data, qpos, *p) for p in zip(legs, targets, strict=True))),
            "",
        )
        if weights is None:
            break
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        middles = [
            data.xpos[leg.body] + data.xmat[leg.body].reshape(3, 3) @ leg.middle for leg in legs
        ]
        share = weights / max(float(weights.sum()), 1e-9)
        off = np.tensordot(share, np.array(middles), 1)[:2] - data.subtree_com[root][:2]
        if np.linalg.norm(off) < 5e-4:
            break
        qpos[start : start + 2] += off
    return left


def _reach(
    model: mujoco.MjModel, data: mujoco.MjData, qpos: Array, leg: _Leg, target: tuple[Array, Array]
) -> str:
    """Damped least squares from where the leg is; "" where the foot gets there."""
    place, turn = target
    jacobian = np.zeros((6, model.nv))
    off, angle = math.inf, math.inf
    for _ in range(STEPS):
        data.qpos[:] = qpos
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        here = data.xquat[leg.body][None]
        turned = logarithm(multiply(turn[None], conjugate(here)))[0]
        way = place - data.xpos[leg.body]
        off, angle = float(np.linalg.norm(way)), float(np.linalg.norm(turned))
        if off < 1e-5 and angle < 1e-4:
            break
        mujoco.mj_jacBody(model, data, jacobian[:3], jacobian[3:], leg.body)
        own = jacobian[:, leg.dofs]
        square = own.T @ own + 1e-6 * np.eye(len(leg.dofs))
        step = np.linalg.solve(square, own.T @ np.concatenate([way, turned]))
        qpos[leg.qpos] = np.clip(qpos[leg.qpos] + np.clip(step, -0.3, 0.3), leg.low, leg.high)
    if off > REACHED[0] or angle > REACHED[1]:
        by = f"{off * 100:.1f} cm" if off > REACHED[0] else f"{math.degrees(angle):.1f} degrees"
        return f"the legs cannot put {leg.name!r} where it is to be: {by} are left"
    return ""
