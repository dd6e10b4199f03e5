"""What the implementation `jax` of MJX has not, in the author's terms.

MJX says so itself, some of it when it is given the model and some when its step is compiled, in the
names of its own enumerations and without those of the model. Here it is found without JAX. The
tables are those of MJX 4.0; a test compares them with its sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mujoco
import numpy as np

_GEOM: Any = mujoco.mjtGeom
_OBJ: Any = mujoco.mjtObj
_SENSOR: Any = mujoco.mjtSensor

PAIRS: dict[tuple[str, str], int] = {
    **{("plane", b): n for b, n in (("sphere", 1), ("capsule", 2), ("ellipsoid", 1))},
    **{("plane", b): n for b, n in (("cylinder", 3), ("box", 4), ("mesh", 4))},
    **{("hfield", b): 4 for b in ("sphere", "capsule", "box", "mesh")},
    **{("sphere", b): 1 for b in ("sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh")},
    **{("capsule", b): n for b, n in (("capsule", 1), ("ellipsoid", 1), ("cylinder", 2))},
    **{("capsule", b): 2 for b in ("box", "mesh")},
    **{("ellipsoid", b): 1 for b in ("ellipsoid", "cylinder")},
    **dict.fromkeys((("cylinder", "cylinder"), ("box", "box"), ("box", "mesh")), 4),
    ("mesh", "mesh"): 4,
}
"""Shapes that it can collide, in the order of MuJoCo's types -> contacts that it has room for."""

SENSORS = frozenset(
    {
        *("touch", "accelerometer", "velocimeter", "gyro", "force", "torque", "magnetometer"),
        *("rangefinder", "camprojection", "jointpos", "jointvel", "tendonpos", "tendonvel"),
        *("actuatorpos", "actuatorvel", "actuatorfrc", "jointactfrc", "tendonactfrc"),
        *("ballquat", "ballangvel", "framepos", "framequat", "framexaxis", "frameyaxis"),
        *("framezaxis", "framelinvel", "frameangvel", "framelinacc", "frameangacc"),
        *("subtreecom", "subtreelinvel", "subtreeangmom", "clock", "contact"),
    }
)
"""Sensors that it computes, as MuJoCo calls them in `mjtSensor`."""
EQUALITIES = frozenset({"connect", "weld", "joint", "tendon"})
TRANSMISSIONS = frozenset({"joint", "jointinparent", "tendon", "site"})
DYNAMICS = frozenset({"none", "integrator", "filter", "filterexact", "muscle"})
GAINS = frozenset({"fixed", "affine", "muscle"})
BIASES = frozenset({"none", "affine", "muscle"})
INTEGRATORS = frozenset({"euler", "rk4", "implicitfast"})
SOLVERS = frozenset({"cg", "newton"})
WITHOUT_EFFECT = frozenset({"energy", "fwdinv", "invdiscrete"})
"""Flags to enable that move nothing: what they ask for is computed beside the physics."""


def lacks(model: mujoco.MjModel) -> Iterator[tuple[str, str]]:
    """What MJX has not and a model needs, and what to do about it where that is short."""
    if model.nflex:
        yield f"has no flexes such as {_named(model, _OBJ.mjOBJ_FLEX, 0)}", ""
    yield from _options(model)
    yield from _collisions(model)
    for what, kind, values, enumeration, known in (
        ("transmission", _OBJ.mjOBJ_ACTUATOR, model.actuator_trntype, "mjtTrn", TRANSMISSIONS),
        ("dynamics", _OBJ.mjOBJ_ACTUATOR, model.actuator_dyntype, "mjtDyn", DYNAMICS),
        ("gain", _OBJ.mjOBJ_ACTUATOR, model.actuator_gaintype, "mjtGain", GAINS),
        ("bias", _OBJ.mjOBJ_ACTUATOR, model.actuator_biastype, "mjtBias", BIASES),
        ("equality", _OBJ.mjOBJ_EQUALITY, model.eq_type, "mjtEq", EQUALITIES),
        ("sensor", _OBJ.mjOBJ_SENSOR, model.sensor_type, "mjtSensor", SENSORS),
    ):
        owner = {_OBJ.mjOBJ_ACTUATOR: " of actuator"}.get(kind, "")
        yield from _unknown(model, f"{what} {{}}{owner}", kind, values, enumeration, known)
    yield from _sensors(model)


def _options(model: mujoco.MjModel) -> Iterator[tuple[str, str]]:
    opt = model.opt
    integrator = word("mjtIntegrator", opt.integrator)
    if integrator not in INTEGRATORS:
        yield f"has no integrator {integrator}", 'its best is <option integrator="implicitfast"/>'
    if word("mjtSolver", opt.solver) not in SOLVERS:
        solver = word("mjtSolver", opt.solver).upper()
        yield f"has no solver {solver}", '<option solver="Newton"/> finds the same forces'
    fluid = opt.density > 0 or opt.viscosity > 0 or opt.wind.any()
    if fluid and integrator == "implicitfast":
        yield (
            "has no fluid (density, viscosity, wind) under implicitfast",
            ('with <option integrator="Euler"/> it has'),
        )
    for flag in ("override", "diagexact", "speculative"):
        if opt.enableflags & getattr(mujoco.mjtEnableBit, f"mjENBL_{flag.upper()}"):
            yield f'has no flag {flag}="enable"', ""


def _collisions(model: mujoco.MjModel) -> Iterator[tuple[str, str]]:
    """Of each two shapes that it cannot collide, the first pair of geoms."""
    said: set[tuple[str, ...]] = set()
    help = "keep them apart with contype and conaffinity or <exclude>, or give one another shape"
    for a, b, margin in touching(model):
        shapes = (word("mjtGeom", model.geom_type[a]), word("mjtGeom", model.geom_type[b]))
        named = f"{_geom(model, a)} with {_geom(model, b)}"
        if shapes not in PAIRS:
            if shapes not in said:
                yield f"has no collision of {shapes[0]} with {shapes[1]}: {named}", help
            said.add(shapes)
        elif margin and {"mesh", "hfield"} & set(shapes) and ("margin", *shapes) not in said:
            said.add(("margin", *shapes))
            what = f"has no margin of contacts of {shapes[0]} with {shapes[1]}: {named}"
            yield what, "set the margin of both to 0"


def touching(model: mujoco.MjModel) -> Iterator[tuple[int, int, float]]:
    """Pairs of geoms that may collide, in the order of their types, and the margin of each.

    As `mj_collision` filters them: those of a <pair>, and those of two bodies that are not welded
    together, not parent and child, not excluded, whose bits agree.
    """
    if model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_CONTACT:
        return
    found = set[tuple[int, int]]()
    for i in range(model.npair):
        a, b = _ordered(model, int(model.pair_geom1[i]), int(model.pair_geom2[i]))
        found.add((a, b))
        yield a, b, float(model.pair_margin[i])
    solid = np.flatnonzero(model.geom_contype | model.geom_conaffinity).tolist()
    weld = model.body_weldid[model.geom_bodyid]
    above = model.body_weldid[model.body_parentid[weld]]
    parents = not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_FILTERPARENT
    excluded = set(model.exclude_signature.tolist())
    for first, second in ((a, b) for n, a in enumerate(solid) for b in solid[n + 1 :]):
        bodies = sorted((int(model.geom_bodyid[first]), int(model.geom_bodyid[second])))
        w, v = weld[first], weld[second]
        related = parents and w and v and (w == above[second] or v == above[first])
        if w == v or related or (bodies[0] << 16) + bodies[1] in excluded:
            continue
        agree = model.geom_contype[first] & model.geom_conaffinity[second]
        agree |= model.geom_contype[second] & model.geom_conaffinity[first]
        a, b = _ordered(model, first, second)
        grounds = {int(model.geom_type[a]), int(model.geom_type[b])}
        grounded = grounds <= {int(_GEOM.mjGEOM_PLANE), int(_GEOM.mjGEOM_HFIELD)}
        if agree and not grounded and (a, b) not in found:
            yield a, b, float(model.geom_margin[a] + model.geom_margin[b])


def _ordered(model: mujoco.MjModel, a: int, b: int) -> tuple[int, int]:
    return (a, b) if model.geom_type[a] <= model.geom_type[b] else (b, a)


def _sensors(model: mujoco.MjModel) -> Iterator[tuple[str, str]]:
    """Sensors of a kind that it has, in a form that it has not."""
    contacts = next(touching(model), None) is not None
    for i in range(model.nsensor):
        kind, name = model.sensor_type[i], _named(model, _OBJ.mjOBJ_SENSOR, i)
        if kind == _SENSOR.mjSENS_CONTACT:
            ends = {int(model.sensor_objtype[i]), int(model.sensor_reftype[i])}
            ends -= {int(_OBJ.mjOBJ_UNKNOWN), int(_OBJ.mjOBJ_GEOM)}
            if ends:
                what = {_OBJ.mjOBJ_SITE: "a site", _OBJ.mjOBJ_XBODY: "a subtree"}
                end = what.get(_OBJ(min(ends)), "a body")
                yield f"has no contact sensor of {end}: {name}", "name geoms in it"
            elif model.sensor_intprm[i, 1] == 3:
                yield f'has no contact sensor with reduce="netforce": {name}', ""
        elif kind == _SENSOR.mjSENS_TOUCH:
            site = int(model.sensor_objid[i])
            if model.site_type[site] == _GEOM.mjGEOM_CYLINDER:
                yield f"has no touch sensor on a cylinder: {name}", "give its site another shape"
            elif not contacts:
                yield f"has no touch sensor where nothing can touch: {name}", ""
        elif kind == _SENSOR.mjSENS_RANGEFINDER:
            plain = model.sensor_objtype[i] == _OBJ.mjOBJ_SITE and model.sensor_dim[i] == 1
            if not plain:
                yield f"has rangefinders on sites that give a distance only: {name}", ""


def _unknown(
    model: mujoco.MjModel,
    what: str,
    kind: Any,
    values: np.ndarray,
    enumeration: str,
    known: frozenset[str],
) -> Iterator[tuple[str, str]]:
    """Of each value of an enumeration that it does not know, the first thing that has it."""
    for value in np.unique(values):
        called = word(enumeration, value)
        if called not in known:
            first = int(np.flatnonzero(values == value)[0])
            yield f"has no {what.format(called)} {_named(model, kind, first)}", ""


def word(enumeration: str, value: Any) -> str:
    """What MuJoCo calls a value of an enumeration: `mjGEOM_BOX` is box."""
    return getattr(mujoco, enumeration)(int(value)).name.split("_", 1)[1].lower()


def _named(model: mujoco.MjModel, kind: Any, index: int) -> str:
    return repr(mujoco.mj_id2name(model, kind, index) or f"number {index}")


def _geom(model: mujoco.MjModel, geom: int) -> str:
    """A geom by its name, or by that of its body."""
    name = mujoco.mj_id2name(model, _OBJ.mjOBJ_GEOM, geom) or ""
    if name and not name.startswith("ksim/"):
        return repr(name)
    body = mujoco.mj_id2name(model, _OBJ.mjOBJ_BODY, int(model.geom_bodyid[geom])) or ""
    named = body and not body.startswith("ksim/")
    return f"a geom of body {body!r}" if named else f"geom number {geom}"
