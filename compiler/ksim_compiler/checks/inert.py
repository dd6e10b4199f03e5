"""Randomizers that change nothing in the physics of the compiled model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, TypeGuard

import mujoco
import numpy as np

from ksim_compiler.checks.ground import masks_meet
from ksim_compiler.plan import Plan
from ksim_schema.checks.proportions import at_field
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.values import IDLE_RANDOMIZER
from ksim_schema.robot import Drive, Joint
from ksim_schema.vocabulary import randomizer as v
from ksim_schema.vocabulary.apart import apart
from ksim_schema.vocabulary.each import one as alone
from ksim_schema.vocabulary.observation.signal import SensorValue

_DOF_VALUES = {
    "dof_frictionloss": "frictionloss",
    "dof_armature": "armature",
    "dof_damping": "damping",
}
_TYPES: Any = mujoco.mjtGeom
_UNSIZED = tuple(
    int(kind)
    for kind in (
        _TYPES.mjGEOM_PLANE,
        _TYPES.mjGEOM_HFIELD,
        _TYPES.mjGEOM_MESH,
        _TYPES.mjGEOM_SDF,
    )
)
"""Geoms whose surface is not a function of their size."""


_OF_GEOMS = (
    "draw that of the geoms (kind: geom_friction), or lower their friction or priority in the model"
)


def inert(plan: Plan) -> Iterator[Diagnostic]:
    """Warn of each randomizer that does nothing to some or all of what it names."""
    for name, part in plan.parts(v.Randomizer).items():
        pieces = [piece for piece in apart(part, plan.robot.facts) if not _neutral(piece)]
        for piece in pieces or [part]:
            for field, problem, help in _problems(plan, piece):
                at = ("Randomizer", name, field)
                yield at_field(plan.task, IDLE_RANDOMIZER, problem, *at, help=help)


def _problems(plan: Plan, part: v.Randomizer) -> Iterator[tuple[str, str, str]]:
    """Field, what is wrong there and help."""
    model, facts = plan.robot.model, plan.robot.facts
    if part.scale.is_zero:
        yield "scale", "the scale is 0, so this changes nothing", "give it a scale, or take it out"
        return
    if all(_neutral(piece) for piece in apart(part, facts)):
        yield "", "its ranges change nothing", "give it a range that is wider"
        return
    match part:
        case v.StaticFriction() | v.Armature() | v.JointDamping():
            field = part.changes[0]
            values = np.ravel(getattr(model, field).reshape(model.nv, -1)[:, 0])
            joints = facts.match_joints(part.joints)
            zero = [j.name for j in joints if values[j.dof] == 0]
            what = _DOF_VALUES[field]
            if zero and alone(part.factor) != (1.0, 1.0) and part.add == (0.0, 0.0):
                message = f"{_named('joint', zero, len(joints))} no {what} in the model, and a "
                help = f"draw what is added ('add'), or give the joints {what} in the model"
                yield "joints", message + "factor of 0 is 0", help
        case v.ServoGains():
            yield from _gains(plan, part)
        case v.MotorStrength():
            driven = {drive.joint for drive in plan.drives}
            joints = facts.match_joints(part.joints)
            free = [j.name for j in joints if not (j.name in driven or facts.motor_on(j.name))]
            if free:
                message = f"{_named('joint', free, len(joints))} no motor of its own"
                yield "joints", message, "select the joints of an action"
        case v.BodyMass() | v.BodyInertia() | v.CentreOfMass():
            bodies = facts.match("body", part.body)
            rows = [facts.body_id(name) for name in bodies]
            still = [n for n, i in zip(bodies, rows, strict=True) if model.body_weldid[i] == 0]
            if still:
                one = len(still) == 1
                message = f"{_list('body', 'bodies', still)} {'does' if one else 'do'} not move, "
                message += "so the physics does not use its mass" if one else "so the physics does "
                message += "" if one else "not use their mass"
                yield "body", message, "select bodies that move"
            light = [n for n, i in zip(bodies, rows, strict=True) if model.body_mass[i] == 0]
            light = [n for n in light if n not in still]
            if light and not (isinstance(part, v.BodyMass) and part.add != (0.0, 0.0)):
                message = f"{_named('body', light, len(bodies))} no mass in the model"
                yield "body", message, "select bodies that have a mass"
        case v.CollisionGeometry():
            geoms = facts.match("geom", part.geoms)
            paired = {*map(int, model.pair_geom1), *map(int, model.pair_geom2)}
            shaped = [g for g in geoms if int(model.geom_type[facts.geom_id(g)]) in _UNSIZED]
            if shaped:
                message = f"the shape of {_list('geom', 'geoms', shaped)} is a mesh, a plane or a "
                message += "field, which a factor of the size does not change"
                yield "geoms", message, "select spheres, capsules, ellipsoids, cylinders or boxes"
            lost = [g for g in geoms if not _touches(model, facts.geom_id(g), paired)]
            if lost:
                message = f"{_list('geom', 'geoms', lost)} cannot touch anything: contype and "
                yield "geoms", message + "conaffinity are 0", "select geoms that collide"
        case v.FloorFriction():
            yield from _floor(plan, part)
        case v.GeomFriction():
            yield from _coefficients(plan, part)
        case v.ImuAlignment():
            if not _read(plan, part.site):
                message = f"no observation reads a sensor or the place of site {part.site!r}, so "
                help = "name the site of the sensors that are read"
                yield "site", message + "turning it changes nothing", help
        case v.Gravity():
            if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_GRAVITY:
                yield "horizontal", "the model disables gravity", "remove the flag from the model"
        case _:
            pass


def _read(plan: Plan, site: str) -> bool:
    """Whether any part of the task reads what is measured at a site, or it has more than sensors.

    Actuators of the model may act at it, and equalities or tendons hold it.
    """
    model, facts = plan.robot.model, plan.robot.facts
    index = facts.sites.index(site)
    kind, thing = int(mujoco.mjtObj.mjOBJ_SITE), model.sensor_objtype
    for sensor in np.flatnonzero((thing == kind) & (model.sensor_objid == index)):
        name = model.sensor(int(sensor)).name
        if name.startswith("ksim/") or name in _sensors(plan):
            return True
    held = [w for w, t in zip(model.wrap_objid, model.wrap_type, strict=True) if _at_site(int(t))]
    thrust = [
        int(i)
        for (i, j), t in zip(model.actuator_trnid, model.actuator_trntype, strict=True)
        for i in (i, j)
        if int(t) == int(mujoco.mjtTrn.mjTRN_SITE)
    ]
    return index in map(int, held) or index in thrust or bool((model.eq_objtype == kind).any())


def _at_site(kind: int) -> bool:
    return kind == int(mujoco.mjtWrap.mjWRAP_SITE)


def _sensors(plan: Plan) -> set[str]:
    """The model's own sensors that the task reads, by name or in a formula."""
    named = {part.sensor for part in plan.parts("Observation").values() if _is_sensor(part)}
    own = (plan.robot.model.sensor(i).name for i in range(plan.robot.model.nsensor))
    texts = [str(written) for written in plan.task.document.data.values()]
    return named | {name for name in own if name and any(name in text for text in texts)}


def _is_sensor(part: Any) -> TypeGuard[SensorValue]:
    return isinstance(part, SensorValue)


def _neutral(part: v.Randomizer) -> bool:
    """Whether all that it draws is a factor of 1 or an offset of 0."""
    one, zero = (1.0, 1.0), (0.0, 0.0)
    match part:
        case v.BodyMass():
            return part.factor == one and part.add == zero
        case v.ServoGains():
            return part.kp == part.kd == one
        case v.Gravity():
            return part.horizontal == part.vertical == 0 and part.x == part.y == part.z == zero
        case v.CentreOfMass() | v.JointZero():
            return part.range == 0
        case v.ImuAlignment():
            return part.tilt == 0
        case v.FloorFriction():
            return False
        case v.JointFactor():
            return part.factor == one and part.add == zero
        case v.BodyInertia() | v.CollisionGeometry() | v.MotorStrength():
            return part.factor == one
        case _:
            return False


def _gains(plan: Plan, part: v.ServoGains) -> Iterator[tuple[str, str, str]]:
    drives: dict[str, Drive] = {drive.joint: drive for drive in plan.drives}
    joints = plan.robot.facts.match_joints(part.joints)
    for field in ("kp", "kd"):
        if getattr(part, field) == (1.0, 1.0):
            continue
        none = [
            j.name
            for j in joints
            if not (getattr(drives[j.name], field) if j.name in drives else _own(plan, j, field))
        ]
        if none:
            message = f"{_named('joint', none, len(joints))} no servo with a {field}, and a factor "
            yield field, message + "of 0 is 0", "select the joints of a servo that has one"


def _own(plan: Plan, joint: Joint, field: str) -> float:
    """The gain of the model's own servo on a joint; 0 without one."""
    facts, model = plan.robot.facts, plan.robot.model
    name = facts.motor_on(joint.name)
    if not name or name not in {model.actuator(i).name for i in range(model.nu)}:
        return 0.0
    row = model.actuator(name).id
    affine = int(model.actuator_biastype[row]) == int(mujoco.mjtBias.mjBIAS_AFFINE)
    return -float(model.actuator_biasprm[row, 1 if field == "kp" else 2]) if affine else 0.0


def _floor(plan: Plan, part: v.FloorFriction) -> Iterator[tuple[str, str, str]]:
    """The friction is the larger one, that of the geom with the higher priority, or a pair's."""
    model, facts = plan.robot.model, plan.robot.facts
    floor = facts.geom_id(part.geom)
    pairs = zip(model.pair_geom1, model.pair_geom2, strict=True)
    paired = [int(b if a == floor else a) for a, b in pairs if floor in (a, b)]
    others = [
        geom
        for geom in range(model.ngeom)
        if geom not in paired and geom != floor and masks_meet(model, geom, floor)
    ]
    priority = model.geom_priority
    own = [
        geom
        for geom in others
        if priority[geom] > priority[floor]
        or (
            priority[geom] == priority[floor]
            and model.geom_friction[geom, 0] >= max(part.range)
            and not math.isclose(model.geom_friction[geom, 0], max(part.range))
        )
    ]
    if not paired and not others:
        message = f"no moving geom can touch {part.geom!r}"
        yield "geom", message, "name the geom that the robot stands on"
    if own:
        names = [_geom_name(model, geom) for geom in own]
        message = f"the friction of {part.geom!r} is not used with {_list('geom', 'geoms', names)},"
        message += " whose own is larger than the whole range or has the higher priority"
        yield "range", message, _OF_GEOMS


def _coefficients(plan: Plan, part: v.GeomFriction) -> Iterator[tuple[str, str, str]]:
    """Geoms that touch nothing, and coefficients that no contact of theirs has."""
    model, facts = plan.robot.model, plan.robot.facts
    geoms = facts.match("geom", part.geoms)
    paired = {*map(int, model.pair_geom1), *map(int, model.pair_geom2)}
    lost = [g for g in geoms if not _touches(model, facts.geom_id(g), paired)]
    if lost:
        message = f"{_list('geom', 'geoms', lost)} cannot touch anything: contype and "
        yield "geoms", message + "conaffinity are 0", "select geoms that collide"
    # a contact has the larger condim of its two geoms
    most = max([1, *map(int, model.geom_condim), *map(int, model.pair_dim)])
    for name, needed in (("torsional", 4), ("rolling", 6)):
        if name in part.given and most < needed:
            message = f"no contact of this model has condim {needed}, so {name} friction does "
            yield name, message + "nothing", f'give the geoms condim="{needed}" in the model'


def _touches(model: Any, geom: int, paired: set[int]) -> bool:
    return geom in paired or bool(model.geom_contype[geom] or model.geom_conaffinity[geom])


def _geom_name(model: Any, geom: int) -> str:
    body = model.body(model.geom_bodyid[geom]).name
    return model.geom(geom).name or f"of body {body}"


def _list(one: str, many: str, names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:4])) + (", ..." if len(names) > 4 else "")
    return f"{one if len(names) == 1 else many} {shown}"


def _named(thing: str, names: list[str], of: int) -> str:
    if len(names) == of > 1:
        return f"all of the {of} {'bodies' if thing == 'body' else thing + 's'} have"
    many = "bodies" if thing == "body" else thing + "s"
    return f"{_list(thing, many, names)} {'has' if len(names) == 1 else 'have'}"
