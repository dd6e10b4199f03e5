"""Which body of a model is the robot's base: the root of the tree that its motors move.

A model may hold more than the robot: a cube on a table, a ball, a second robot. Free joints stand
below the world alone, so that the top body of a tree is the only one of it that may float.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import mujoco

_OF_JOINTS = (mujoco.mjtTrn.mjTRN_JOINT, mujoco.mjtTrn.mjTRN_JOINTINPARENT)
_OF_SITES = (mujoco.mjtTrn.mjTRN_SITE, mujoco.mjtTrn.mjTRN_SLIDERCRANK)


def candidates(model: mujoco.MjModel, driven: Iterable[str] = ()) -> tuple[int, ...]:
    """The bodies that may be the base, in the model's order; none where nothing moves.

    They are the top bodies of the trees that hold the driven joints; where there are none, of those
    that the model's own actuators move; else of those that have a hinge, a slide or a ball joint;
    else of all that float.

    Args:
        model: the model.
        driven: names of the joints that the task's actions drive.
    """
    for bodies in (
        _of_joints(model, driven),
        _actuated(model),
        (b for b, t in _joints(model) if t != mujoco.mjtJoint.mjJNT_FREE),
        (b for b, _ in _joints(model)),
    ):
        tops = {int(model.body_rootid[body]) for body in bodies} - {0}
        if tops:
            return tuple(sorted(tops))
    return ()


def floats(model: mujoco.MjModel, body: int) -> bool:
    """Whether a body has a free joint of its own."""
    first, count = int(model.body_jntadr[body]), int(model.body_jntnum[body])
    return count > 0 and int(model.jnt_type[first]) == int(mujoco.mjtJoint.mjJNT_FREE)


def likely(model: mujoco.MjModel, driven: Iterable[str] = ()) -> int:
    """The candidate that stands for the base unless a task names another: one that floats, or else
    the first; 0, the world, where nothing moves."""
    found = candidates(model, driven)
    return next((body for body in found if floats(model, body)), found[0] if found else 0)


def _joints(model: mujoco.MjModel) -> Iterator[tuple[int, mujoco.mjtJoint]]:
    """Body and type of each joint."""
    for body, kind in zip(model.jnt_bodyid, model.jnt_type, strict=True):
        yield int(body), mujoco.mjtJoint(int(kind))


def _of_joints(model: mujoco.MjModel, names: Iterable[str]) -> Iterator[int]:
    for name in names:
        joint = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_JOINT, name)
        if joint >= 0:
            yield int(model.jnt_bodyid[joint])


def _actuated(model: mujoco.MjModel) -> Iterator[int]:
    """The bodies that the model's actuators act on."""
    for number, (target, other) in zip(model.actuator_trntype, model.actuator_trnid, strict=True):
        kind = mujoco.mjtTrn(int(number))
        if kind in _OF_JOINTS:
            yield int(model.jnt_bodyid[target])
        elif kind == mujoco.mjtTrn.mjTRN_BODY:
            yield int(target)
        elif kind in _OF_SITES:
            yield from (int(model.site_bodyid[site]) for site in (target, other) if site >= 0)
        elif kind == mujoco.mjtTrn.mjTRN_TENDON:
            yield from _along(model, int(target))


def _along(model: mujoco.MjModel, tendon: int) -> Iterator[int]:
    """The bodies that a tendon joins."""
    start, count = int(model.tendon_adr[tendon]), int(model.tendon_num[tendon])
    for at in range(start, start + count):
        thing = int(model.wrap_objid[at])
        match mujoco.mjtWrap(int(model.wrap_type[at])):
            case mujoco.mjtWrap.mjWRAP_JOINT:
                yield int(model.jnt_bodyid[thing])
            case mujoco.mjtWrap.mjWRAP_SITE:
                yield int(model.site_bodyid[thing])
            case _:
                pass
