"""How much of its time XLA puts into a program for a CPU."""

from __future__ import annotations

import functools
import os
from typing import Any

import jax

Options = dict[str, Any]
_OLDER: Options = {"xla_cpu_use_fusion_emitters": False}


@functools.cache
def quickly(level: int) -> Options | None:
    """Options of ``jax.jit`` with which XLA compiles a program for a CPU in less time.

    Kernels come from XLA's older emitters, which give LLVM less to do: a training's update takes
    0.6 of the time to compile, and runs as fast. Other processors have no such options, nor may
    a later release of XLA; there it is compiled as usual. What the environment's XLA_FLAGS say of
    one of them holds.

    Args:
        level: what LLVM optimizes, 0 (nothing; for what runs once) to 3.

    Returns:
        The options; None where there are none.
    """
    if jax.default_backend() != "cpu":
        return None
    if not _has_older_emitters():
        return None
    flags = os.environ.get("XLA_FLAGS", "")
    options = {"xla_backend_optimization_level": level, **_OLDER}
    return {name: value for name, value in options.items() if f"--{name}" not in flags}


@functools.cache
def _has_older_emitters() -> bool:
    try:
        jax.jit(lambda: 0).lower().compile(compiler_options=_OLDER)
    except jax.errors.JaxRuntimeError:
        return False
    return True
