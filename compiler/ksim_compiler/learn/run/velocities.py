"""``velocities.json``: what was commanded and what was achieved in a run's newest evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.files import (
    UNITS as UNITS,
    VELOCITIES as VELOCITIES,
    unit_of as unit_of,
    velocities as _read,
)
from ksim_compiler.learn.run.tracking import WINDOW, windows
from ksim_compiler.plan.clock import ticks
from ksim_schema.source.files import write_text

MOST = 400
"""Most windows that are written; of more, some at even distances."""
STEP = 0.1
"""Seconds that a point of the episode stands for."""
read = _read


def velocities(result: Evaluation, period: float) -> dict[str, Any]:
    """Of each commanded velocity its means over windows, and the longest episode in time.

    Args:
        result: the evaluation.
        period: control period in s.

    Returns:
        ``window`` in s, and under ``of`` name -> ``unit``; ``told`` and ``measured``, a pair for
        each window; ``seconds``, ``path_told`` and ``path_measured`` of one episode. Empty for a
        task without a commanded velocity.
    """
    if not result.watched:
        return {}
    alive = np.asarray(result.alive)
    env = int(alive.sum(axis=0).argmax())
    lasted, size = int(alive[:, env].sum()), max(1, ticks(STEP, period))
    pairs = windows(result.watched, alive, period)
    of: dict[str, Any] = {}
    for name, (told, measured) in result.watched.items():
        means = pairs.get(name, (np.zeros(0), np.zeros(0)))
        every = max(1, -(-len(means[0]) // MOST))
        paths = [_means(np.asarray(rows)[:lasted, env], size) for rows in (told, measured)]
        of[name] = {
            "unit": unit_of(name),
            "told": _short(means[0][::every]),
            "measured": _short(means[1][::every]),
            "seconds": _short(np.arange(len(paths[0])) * size * period),
            "path_told": _short(paths[0]),
            "path_measured": _short(paths[1]),
        }
    return {"window": WINDOW, "of": of}


def write(folder: Path, steps: int, result: Evaluation, period: float) -> None:
    """Write those of an evaluation into a run's folder; nothing where there are none.

    Raises:
        OSError: it cannot be written.
    """
    found = velocities(result, period)
    if found:
        text = json.dumps({"steps": steps, "episodes": len(result.returns), **found})
        write_text(folder / VELOCITIES, text + "\n")


def _means(values: np.ndarray, size: int) -> np.ndarray:
    whole = len(values) // size * size
    return values[:whole].reshape(-1, size).mean(axis=1)


def _short(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in values]
