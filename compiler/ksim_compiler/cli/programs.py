"""Compiled programs are kept from one command to the next, so that only the first one waits."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path
from typing import Any

from ksim_compiler.cli.common import version_of

SIZE = 512 * 2**20
"""Bytes that kept programs may take; what was not used for longest goes first."""


def keep() -> None:
    """Set up a process before it imports JAX: programs go into the user's folder for caches.

    What the user has set of JAX's own variables stays; JAX_ENABLE_COMPILATION_CACHE=false keeps
    nothing.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("ksim")) / "programs" / _machine()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:  # a home that cannot be written to: compiled anew each time
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    for name, value in (
        ("JAX_COMPILATION_CACHE_MAX_SIZE", SIZE),
        ("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", 0),
        ("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", -1),
    ):
        os.environ.setdefault(name, str(value))
    if (version_of("jaxlib") or "").startswith("0.9."):
        # it warns, for each program that was kept, that no processor has XLA's own switches
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def traced() -> Path | None:
    """Where programs are kept as they were traced: beside what JAX keeps, if it keeps anything."""
    import jax

    values: dict[str, Any] = jax.config.values
    folder, keeps = (
        values[f"jax_{n}"] for n in ("compilation_cache_dir", "enable_compilation_cache")
    )
    if not folder or not keeps or not Path(folder).is_dir():
        return None
    return Path(folder) / "traced"


def _machine() -> str:
    """A name for what a program is compiled for: a home may be shared by unlike machines."""
    told = [platform.machine(), platform.processor()]
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # no Linux
        lines = []
    told += sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))})
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
