"""What a run is written with: the compiled task, its canonical form, and ``run.json``.

``run.json`` says how the run was begun, with which versions and on what hardware, and how the
learner's own numbers are drawn. It is the last of them that is written: with it, the run can be
resumed.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from ksim_compiler import artifact
from ksim_compiler.learn.learner import charts
from ksim_compiler.learn.run.folder import RUN_FILE, lock as lock
from ksim_compiler.learn.run.origin import origin
from ksim_compiler.pipeline import Compiled
from ksim_schema.graph.canonical import canonical, canonical_yaml
from ksim_schema.source.files import write_text

PACKAGES = ("equinox", "jax", "jaxlib", "mujoco-mjx", "numpy", "optax")
"""What else the numbers of a training rest on, besides what a compiled task does."""


class ManifestError(Exception):
    """A folder that is not a run, or whose manifest is damaged; the message says which."""


def write(folder: Path, compiled: Compiled, engine: str, about: Mapping[str, Any]) -> None:
    """Write what a new run begins with.

    Args:
        folder: where the run goes.
        compiled: its task.
        engine: the engine that was chosen.
        about: its options.

    Raises:
        OSError: it cannot be written.
    """
    plan = compiled.plan
    assert plan is not None
    artifact.write(folder / "task.ksim", compiled)
    text = canonical_yaml(canonical(plan.task, plan.graph))
    write_text(folder / "task.yaml", text)
    manifest = {
        "task": plan.task.name,
        "fingerprint": compiled.fingerprint,
        **about,
        "engine": engine,
        "charts": [drawn._asdict() for drawn in charts(plan.task.learner)],
        "versions": versions(),
        "hardware": hardware(),
    }
    rewrite(folder, manifest)


def rewrite(folder: Path, about: Mapping[str, Any]) -> None:
    """Write ``run.json``, all at once."""
    write_text(folder / RUN_FILE, json.dumps(about, indent=2) + "\n")


def read(folder: Path) -> dict[str, Any]:
    """What ``run.json`` says.

    Raises:
        ManifestError: the folder is not a run, or the file is damaged.
    """
    path = folder / RUN_FILE
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ManifestError(f"{folder} is not a run: there is no {RUN_FILE} in it") from error
    except (OSError, ValueError) as error:
        raise ManifestError(f"{path} cannot be read: {error}") from error
    if not isinstance(about, dict):
        raise ManifestError(f"{path} cannot be read: it holds no object")
    return about


def goes_on(folder: Path) -> None:
    """Say in ``run.json`` that a command goes on with the run.

    Raises:
        ManifestError: as :func:`read`.
    """
    about = read(folder)
    rewrite(folder, {**about, "resumed": [*about.get("resumed", ()), origin()]})


def versions() -> dict[str, str]:
    """Versions of what the numbers of a training rest on."""
    found = dict(artifact.versions())
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "unknown"
    return dict(sorted(found.items()))


def changed(about: Mapping[str, Any]) -> str:
    """In what way this machine is another one than that of ``run.json``; "" when in none."""
    old, new = about.get("versions") or {}, versions()
    found = [f"{n} {old.get(n, '?')} is now {v}" for n, v in new.items() if old.get(n) != v]
    before, now = about.get("hardware") or {}, hardware()
    for name in ("processor", "devices"):
        if before.get(name) != now[name]:
            found.append(f"{name} {before.get(name)} is now {now[name]}")
    return "; ".join(found)


def hardware() -> dict[str, Any]:
    """What this machine is."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_gib": _memory(),
        "devices": [device.device_kind for device in jax.devices()],
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def _memory() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    return round(size / 2**30, 1)
