"""How much MJX has to compile and to compute for a model, found without JAX.

MJX has room for all contacts that any of its pairs of geoms may have, and computes all of them at
each step, whether they touch or not. It compiles a collision of its own for each kind of pair: two
shapes, their meshes, the dimension of the contact, and on a height field the number of cells that
the geom may lie on.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import mujoco

from ksim_compiler.robot.lacks import PAIRS, touching, word

_DISABLE: Any = mujoco.mjtDisableBit


class Burden(NamedTuple):
    """What a model weighs on MJX.

    Attributes:
        kinds: kind of pair, as ``hfield-capsule`` -> how many collisions of it are compiled.
        contacts: contacts that it has room for.
        rows: rows of its constraints.
    """

    kinds: Counter[str]
    contacts: int
    rows: int

    @property
    def slow(self) -> list[str]:
        """The kinds of pairs that take long to compile."""
        return sorted(kind for kind in self.kinds if {"hfield", "mesh"} & set(kind.split("-")))


def burden(model: mujoco.MjModel) -> Burden:
    """What a model weighs, whose pairs MJX all can collide."""
    kinds, room = dict[tuple[object, ...], str](), Counter[int]()
    for a, b, _ in touching(model):
        shapes = (word("mjtGeom", model.geom_type[a]), word("mjtGeom", model.geom_type[b]))
        meshes = (int(model.geom_dataid[a]), int(model.geom_dataid[b]))
        dim = _condim(model, a, b)
        key = (*shapes, *meshes, dim, _cells(model, a, b) if shapes[0] == "hfield" else 0)
        kinds[key] = "-".join(shapes)
        room[dim] += PAIRS.get(shapes, 0)
    most = _numeric(model, "max_contact_points")
    room = Counter({dim: min(n, most) if most >= 0 else n for dim, n in room.items()})
    return Burden(Counter(kinds.values()), room.total(), _rows(model, room))


def _condim(model: mujoco.MjModel, a: int, b: int) -> int:
    """The dimension of a contact of two geoms: that of the higher priority, or the larger."""
    ends = {int(a), int(b)}
    for i in range(model.npair):
        if ends == {int(model.pair_geom1[i]), int(model.pair_geom2[i])}:
            return int(model.pair_dim[i])
    first, second = model.geom_priority[a], model.geom_priority[b]
    own = (int(model.geom_condim[a]), int(model.geom_condim[b]))
    return max(own) if first == second else own[0] if first > second else own[1]


def _cells(model: mujoco.MjModel, ground: int, geom: int) -> tuple[int, int]:
    """Cells along x and y of a height field that a geom may lie on."""
    field = int(model.geom_dataid[ground])
    counts = (int(model.hfield_ncol[field]), int(model.hfield_nrow[field]))
    reach = 2 * float(model.geom_rbound[geom])
    sides = (float(side) for side in model.hfield_size[field][:2])
    found = (
        min(math.ceil(reach / (2 * side / (n - 1))) + 1, n)
        for side, n in zip(sides, counts, strict=True)
    )
    first, second = found
    return first, second


def _numeric(model: mujoco.MjModel, name: str) -> int:
    """A number that a model gives to MJX, or -1."""
    index = mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_NUMERIC, name)
    return int(model.numeric_data[model.numeric_adr[index]]) if index >= 0 else -1


def _rows(model: mujoco.MjModel, room: Counter[int]) -> int:
    """Rows of the constraints."""

    def on(flag: str) -> bool:
        return not model.opt.disableflags & getattr(_DISABLE, f"mjDSBL_{flag}")

    elliptic = model.opt.cone == mujoco.mjtCone.mjCONE_ELLIPTIC
    sizes = {"connect": 3, "weld": 6}
    rows = 0
    if on("EQUALITY"):
        rows += sum(sizes.get(word("mjtEq", kind), 1) for kind in model.eq_type)
    if on("FRICTIONLOSS"):
        rows += int((model.dof_frictionloss > 0).sum() + (model.tendon_frictionloss > 0).sum())
    if on("LIMIT"):
        rows += int(model.jnt_limited.sum() + model.tendon_limited.sum())
    for dim, n in room.items():
        rows += n * (1 if dim == 1 else dim if elliptic else 2 * (dim - 1))
    return rows if on("CONSTRAINT") else 0
