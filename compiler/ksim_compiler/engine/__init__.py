"""Engines: the physics behind one protocol (`base`), on MJX or on native MuJoCo.

The implementations are imported when asked for, so that native MuJoCo does not pay for MJX.
"""

from __future__ import annotations

from typing import Literal, cast, get_args

import jax
import numpy as np

from ksim_compiler.engine.base import Engine, EngineSpec, EngineUnavailable, State, World

EngineName = Literal["auto", "mjx", "warp", "native"]

__all__ = [
    "Engine",
    "EngineName",
    "EngineSpec",
    "EngineUnavailable",
    "State",
    "World",
    "make_engine",
    "resolve_engine",
]


def resolve_engine(name: str) -> Literal["mjx", "warp", "native"]:
    """The engine that a name stands for here: `auto` is mjx on an accelerator, native on a CPU.

    Raises:
        ValueError: for an unknown name.
    """
    match name:
        case "auto":
            return "native" if jax.default_backend() == "cpu" else "mjx"
        case "mjx" | "warp" | "native":
            return name
        case _:
            choices = ", ".join(get_args(EngineName))
            raise ValueError(f"unknown engine {name!r}; choose one of {choices}")


def check_32_bits() -> None:
    """Check that JAX's numbers are those that states and policies are made of.

    Raises:
        EngineUnavailable: its 64-bit mode is on.
    """
    if jax.dtypes.canonicalize_dtype(float) == np.float64:
        message = "JAX's 64-bit mode is on, and states are carried in 32 bits: unset JAX_ENABLE_X64"
        raise EngineUnavailable(message)


def make_engine(name: str, spec: EngineSpec) -> Engine[State]:
    """Build the engine called `auto`, `mjx`, `warp` or `native`.

    It is given back no states but its own.

    Raises:
        ValueError: for an unknown name, or a field or model that the engine does not support.
        EngineUnavailable: when the engine cannot run on this machine.
    """
    chosen = resolve_engine(name)
    check_32_bits()
    if chosen == "native":
        from ksim_compiler.engine.native import NativeEngine

        return cast("Engine[State]", NativeEngine(spec))
    from ksim_compiler.engine.mjx import MjxEngine

    return cast(
        "Engine[State]", MjxEngine(spec, implementation="warp" if chosen == "warp" else "jax")
    )
