"""A model's own actuators: which joints each acts on, and what each is told at home."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import mujoco
import numpy as np

from ksim_schema.records import dataclass

_TRN: Any = mujoco.mjtTrn
_WRAP: Any = mujoco.mjtWrap
_DYN: Any = mujoco.mjtDyn
_STATELESS = (_DYN.mjDYN_NONE, _DYN.mjDYN_FILTER, _DYN.mjDYN_FILTEREXACT)


@dataclass(frozen=True)
class Controls:
    """What a model's actuators are told and hold.

    Attributes:
        ctrl: (nu,) controls.
        act: (na,) activations.
    """

    ctrl: np.ndarray
    act: np.ndarray


def acts_on(model: mujoco.MjModel, actuator: int) -> frozenset[int]:
    """The joints (indices) that an actuator moves with a force between two bodies.

    Empty for one that pulls at a single body from outside of the model, as a thruster at a site or
    an adhesion does: that is a force of the world, and no motor of a joint.
    """
    kind = _TRN(model.actuator_trntype[actuator])
    first, second = model.actuator_trnid[actuator]
    if kind in (_TRN.mjTRN_JOINT, _TRN.mjTRN_JOINTINPARENT):
        return frozenset((int(first),))
    if kind == _TRN.mjTRN_TENDON:
        return frozenset(joint for joint, share in tendon_joints(model, int(first)) if share != 0.0)
    if kind in (_TRN.mjTRN_SLIDERCRANK, _TRN.mjTRN_SITE) and second >= 0:
        bodies = model.site_bodyid[[first, second]]
        return frozenset(between(model, bodies))
    return frozenset()


def tendon_joints(model: mujoco.MjModel, tendon: int) -> Iterator[tuple[int, float | None]]:
    """The joints that a tendon runs over, with their coefficients; None where it is spatial."""
    start = int(model.tendon_adr[tendon])
    wraps = range(start, start + int(model.tendon_num[tendon]))
    branch: list[int] = []
    for wrap in wraps:
        kind, thing = _WRAP(model.wrap_type[wrap]), int(model.wrap_objid[wrap])
        if kind == _WRAP.mjWRAP_JOINT:
            yield thing, float(model.wrap_prm[wrap])
        elif kind == _WRAP.mjWRAP_SITE:
            branch.append(int(model.site_bodyid[thing]))
        elif kind in (_WRAP.mjWRAP_SPHERE, _WRAP.mjWRAP_CYLINDER):
            branch.append(int(model.geom_bodyid[thing]))
        elif kind == _WRAP.mjWRAP_PULLEY:
            yield from ((joint, None) for joint in between(model, branch))
            branch = []
    yield from ((joint, None) for joint in between(model, branch))


def between(model: mujoco.MjModel, bodies: Iterable[int]) -> set[int]:
    """The joints that change where some bodies are to each other."""
    paths = [_path(model, int(body)) for body in bodies]
    if not paths:
        return set()
    common = set.intersection(*map(set, paths))
    moving = set().union(*paths) - common
    return {j for j in range(model.njnt) if model.jnt_bodyid[j] in moving}


def _path(model: mujoco.MjModel, body: int) -> list[int]:
    """A body and those that it hangs from, the world among them."""
    path = [body]
    while path[-1]:
        path.append(int(model.body_parentid[path[-1]]))
    return path


def coupled(model: mujoco.MjModel, joints: Iterable[int]) -> frozenset[int]:
    """The joints, and those that an equality of the model makes follow one of them."""
    found = set(joints)
    pairs = [pair for pair in joint_equalities(model) if pair[1] >= 0]
    while grown := {j for pair in pairs if found & set(pair) for j in pair} - found:
        found |= grown
    return frozenset(found)


def joint_equalities(model: mujoco.MjModel) -> Iterator[tuple[int, int]]:
    """Of each active equality of joints the one that it gives, and the one it follows or -1."""
    for i in _equalities(model):
        yield int(model.eq_obj1id[i]), int(model.eq_obj2id[i])


def carried(model: mujoco.MjModel, driven: Iterable[int]) -> dict[int, Mapping[int, float]]:
    """What moves with each driven joint: itself, and joints tied to it that nothing drives.

    An equality of joints, as a mimic joint of a URDF is too, ties in both directions and through
    other joints. A joint between two driven ones counts to the nearer, or to the first.

    Returns:
        driven joint -> joint -> how far it moves for a unit of the driven one, by the slope of each
        equality (``polycoef[1]``); where that is 0 the joint does not move.
    """
    slopes: list[tuple[int, int, float]] = []
    for i in _equalities(model):
        given, followed = int(model.eq_obj1id[i]), int(model.eq_obj2id[i])
        slope = float(model.eq_data[i, 1])
        if followed >= 0 and slope:
            slopes += [(followed, given, slope), (given, followed, 1.0 / slope)]
    starts = sorted(set(driven))
    found: dict[int, dict[int, float]] = {joint: {joint: 1.0} for joint in starts}
    owner, edge = {joint: joint for joint in starts}, starts
    while edge:
        reached = list[int]()
        for joint in edge:
            moved = found[owner[joint]]
            for one, other, slope in slopes:
                if one == joint and other not in owner:
                    owner[other] = owner[joint]
                    moved[other] = moved[joint] * slope
                    reached.append(other)
        edge = reached
    return dict(found)


def _equalities(model: mujoco.MjModel) -> Iterator[int]:
    """The equalities of joints that act from the beginning."""
    if not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_EQUALITY:
        for i in range(model.neq):
            if model.eq_type[i] == mujoco.mjtEq.mjEQ_JOINT and model.eq_active0[i]:
                yield i


def home_controls(model: mujoco.MjModel, spec: mujoco.MjSpec, home: str | None) -> Controls:
    """What keeps the actuators of a model from leaving the home pose.

    That is what the home keyframe says, where it says anything; else, of an actuator whose force
    depends on how far it is (a servo), the control at which it gives none there, within its range;
    else 0.

    Args:
        model: the model as it is.
        spec: what it was compiled from; an array of a keyframe that is not given is empty there.
        home: the keyframe of the home pose, or None for that of the model itself.
    """
    data: Any = mujoco.MjData(model)
    key: Any = next((key for key in spec.keys if home and key.name == home), None)
    if key is not None:
        mujoco.mj_resetDataKeyframe(model, data, model.key(home).id)
        data.qvel[:] = 0.0
    given = Controls(data.ctrl.copy(), data.act.copy())
    neutral = _neutral(model, data)
    return Controls(
        given.ctrl if key is not None and len(key.ctrl) else neutral.ctrl,
        given.act if key is not None and len(key.act) else neutral.act,
    )


def _neutral(model: mujoco.MjModel, data: Any) -> Controls:
    """Where servos give no force at a pose; 0 for the other actuators.

    The force of a servo is affine in its control (or activation), so two evaluations are enough.
    """

    def forces(value: float) -> np.ndarray:
        data.ctrl[:], data.act[:] = value, value
        mujoco.mj_forward(model, data)
        return data.actuator_force.copy()

    limited = model.actuator_forcelimited.copy(), model.actuator_ctrllimited.copy()
    model.actuator_forcelimited[:], model.actuator_ctrllimited[:] = 0, 0
    try:
        none, one = forces(0.0), forces(1.0)
    finally:
        model.actuator_forcelimited[:], model.actuator_ctrllimited[:] = limited
    slope = one - none
    value = np.where(slope != 0.0, 0.0 - none / np.where(slope != 0.0, slope, 1.0), 0.0)
    affine = np.isin(model.actuator_dyntype, [int(d) for d in (*_STATELESS, _DYN.mjDYN_INTEGRATOR)])
    affine &= np.isin(model.actuator_gaintype, [int(mujoco.mjtGain.mjGAIN_FIXED)])
    value = np.where(affine & np.isfinite(value), value, 0.0)
    clipped = np.clip(value, *model.actuator_ctrlrange.T)
    integrates = model.actuator_dyntype == _DYN.mjDYN_INTEGRATOR
    held = np.where(model.actuator_ctrllimited.astype(bool), clipped, value)
    act = np.zeros(model.na)
    for i in np.flatnonzero(model.actuator_actnum == 1):
        act[model.actuator_actadr[i]] = value[i] if integrates[i] else held[i]
    return Controls(np.where(integrates, 0.0, held), act)
