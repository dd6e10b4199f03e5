"""Which engines can simulate a model as MuJoCo does; found without JAX."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import mujoco

from ksim_compiler.robot.gaps import for_warp, gaps, gaps_of_warp
from ksim_compiler.robot.lacks import lacks

EngineKind = Literal["native", "mjx", "warp"]


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
    return [
        *(Shortfall(*lack) for lack in lacks(model)),
        *(Shortfall(f"would leave out {what}") for what in gaps(model)),
    ]


def said(engine: str, found: Sequence[Shortfall]) -> str:
    """Shortfalls as one sentence."""
    return f"{engine} {', and '.join(short.what for short in found)}"
