"""What a task sets of the model's own: how it is simulated, and what of it touches things."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import mujoco
import numpy as np

from ksim_compiler.robot.moving import body_moves
from ksim_schema.robot.patterns import fits
from ksim_schema.vocabulary.each import ByPattern, each
from ksim_schema.vocabulary.state import Robot as RobotPart

_OPTIONS = {"method": "solver"}
"""Fields of a task's solver -> MuJoCo's name, where it is another."""
_WORDS = {
    "newton": mujoco.mjtSolver.mjSOL_NEWTON,
    "cg": mujoco.mjtSolver.mjSOL_CG,
    "pgs": mujoco.mjtSolver.mjSOL_PGS,
    "pyramidal": mujoco.mjtCone.mjCONE_PYRAMIDAL,
    "elliptic": mujoco.mjtCone.mjCONE_ELLIPTIC,
    "euler": mujoco.mjtIntegrator.mjINT_EULER,
    "implicitfast": mujoco.mjtIntegrator.mjINT_IMPLICITFAST,
    "implicit": mujoco.mjtIntegrator.mjINT_IMPLICIT,
    "rk4": mujoco.mjtIntegrator.mjINT_RK4,
}


def set_options(part: RobotPart, spec: mujoco.MjSpec) -> None:
    """Set the options of the simulation that the task gives."""
    if part.timestep is not None:
        spec.option.timestep = part.timestep
    for name, value in options(part).items():
        setattr(spec.option, name, value)


def options(part: RobotPart) -> dict[str, float]:
    """MuJoCo's name of each option of the simulation that the task gives, and its value."""
    given = ((name, getattr(part.solver, name)) for name in type(part.solver).model_fields)
    return {
        _OPTIONS.get(name, name): int(_WORDS[value]) if isinstance(value, str) else value
        for name, value in given
        if value is not None
    }


_DYNAMICS = {"damping": "damping", "friction": "frictionloss", "armature": "armature"}
"""Fields of a task's joint_dynamics -> MuJoCo's names."""
_MOVING = (mujoco.mjtJoint.mjJNT_HINGE, mujoco.mjtJoint.mjJNT_SLIDE)


def set_dynamics(part: RobotPart, spec: mujoco.MjSpec) -> None:
    """Set what hinges and slides resist motion with, where the task says it.

    A joint that no pattern matches stays as it is, and is told where patterns are checked.
    """
    for joint in spec.joints:  # and not by their names, which several may be without
        if joint.type not in _MOVING:
            continue
        for field, value in dynamics(part, [joint.name]).get(joint.name, {}).items():
            old = getattr(joint, field)  # damping has coefficients of higher powers of the speed
            setattr(joint, field, [value, *[0.0] * (len(old) - 1)] if np.ndim(old) else value)


def dynamics(part: RobotPart, joints: Sequence[str]) -> dict[str, dict[str, float]]:
    """What the task says of joints: of each MuJoCo's names, and the values."""
    found: dict[str, dict[str, float]] = {}
    if part.joint_dynamics is None:
        return found
    for name, field in _DYNAMICS.items():
        value: float | ByPattern[float] | None = getattr(part.joint_dynamics, name)
        if value is None:
            continue
        for joint in joints:
            with contextlib.suppress(KeyError):
                found.setdefault(joint, {})[field] = float(each(value, (joint,))[0])
    return found


def keep_collisions(part: RobotPart, spec: mujoco.MjSpec) -> None:
    """Let only the geoms that the task names touch things, among those of moving bodies."""
    if part.collide is None:
        return
    dropped = set()
    for geom in spec.geoms:
        if not body_moves(geom.parent):
            continue
        if not any(fits(text, geom.name) for text in part.collide.geoms):
            geom.contype = geom.conaffinity = 0
            dropped.add(geom.name)
    for pair in list(spec.pairs):
        if dropped & {pair.geomname1, pair.geomname2}:
            spec.delete(pair)


CONTACT = ("condim", "solref", "solimp")
"""Fields of a task's collide that are MuJoCo's of geoms and pairs."""


def set_contacts(part: RobotPart, spec: mujoco.MjSpec) -> None:
    """Set how things touch, where the task says it: of all geoms, the ground's too.

    A contact has the larger condim of its two geoms, and a mean of how they yield, so that those
    of the robot alone would not do. No contact is without a geom that the task names: what stands
    still does not touch its like.
    """
    if part.collide is None:
        return
    for field in CONTACT:
        if (value := getattr(part.collide, field)) is not None:
            for thing in (*spec.geoms, *spec.pairs):
                setattr(thing, field, value)
