"""Which engines can simulate a model as MuJoCo does; found without JAX."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

import mujoco

from ksim_compiler.robot.burden import burden
from ksim_compiler.robot.gaps import for_warp, gaps, gaps_of_warp
from ksim_compiler.robot.lacks import lacks

EngineKind = Literal["native", "mjx", "warp"]


MOST_ROWS = 1_000
"""Rows of constraints under elliptic cones: more than 4 MB for each environment."""
MANY_CONTACTS = 300


class Shortfall(NamedTuple):
    """What keeps an engine from simulating a model.

    Attributes:
        what: a sentence without its subject, the engine.
        help: what to change in the model, where that is short.
    """

    what: str
    help: str = ""


def shortfalls(
    model: mujoco.MjModel, engine: EngineKind, varied: Collection[str] = ()
) -> list[Shortfall]:
    """What an engine has not, or would leave out of a model; none is an engine that can.

    Warp refuses more by itself, when it is given the model.

    Args:
        model: the complete model.
        engine: the engine.
        varied: the fields of MjModel that have one value for each environment.
    """
    if engine == "native":
        return []
    if engine == "warp":
        found = gaps_of_warp(for_warp(model, varied))
        return [Shortfall(f"would leave out {what}") for what in found]
    found = [
        *(Shortfall(*lack) for lack in lacks(model)),
        *(Shortfall(f"would leave out {what}") for what in gaps(model)),
    ]
    return found or list(_too_much(model))


def _too_much(model: mujoco.MjModel) -> Iterator[Shortfall]:
    """Elliptic cones cost MJX a matrix of all rows by all rows, filled contact by contact."""
    weight = burden(model)
    if model.opt.cone == mujoco.mjtCone.mjCONE_ELLIPTIC and weight.rows > MOST_ROWS:
        what = (
            f"has no room for {weight.rows:,} rows of constraints, of {weight.contacts:,} contacts "
            f"that may be, under elliptic cones: a matrix of {weight.rows:,} x {weight.rows:,} in "
            "each environment"
        )
        help = "let fewer geoms collide (contype, conaffinity), or take pyramidal cones"
        yield Shortfall(what, help)


def slow(model: mujoco.MjModel) -> Iterator[Shortfall]:
    """What MJX can do and takes minutes to compile, or much longer than other engines to step."""
    weight = burden(model)
    for shape, ground in (("hfield", "height field"), ("mesh", "meshes")):
        kinds = [kind for kind in weight.slow if shape in kind.split("-")]
        count = sum(weight.kinds[kind] for kind in kinds)
        if count:
            plural = "s" if count > 1 else ""
            what = (
                f"compiles {count} collision{plural} with {ground} ({', '.join(kinds)}), each of "
                "which takes it up to a minute and more on a CPU"
            )
            help = (
                "let only the feet collide with it, as spheres"
                if shape == "hfield"
                else ("give them spheres, capsules or boxes to collide with")
            )
            yield Shortfall(what, f"{help} (contype, conaffinity), or take the engine native")
    if weight.contacts > MANY_CONTACTS:
        what = (
            f"reckons with {weight.contacts:,} contacts at each step, those that do not touch too"
        )
        yield Shortfall(what, "let fewer geoms collide (contype, conaffinity)")


def said(engine: str, found: Sequence[Shortfall]) -> str:
    """Shortfalls as one sentence."""
    return f"{engine} {', and '.join(short.what for short in found)}"
