"""Every example checks clean, and runs with random actions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, roll

PATHS = sorted(path for path in TASKS.rglob("*.yaml") if path.parent.name != "motions")


HEAVY = ("go1_rough", "g1_rough", "go1_gait", "fish_swim", "inverted_double_pendulum")
"""Those whose many rays take a minute to compile, and those that other tests roll out anyway."""


@pytest.mark.parametrize(
    "path",
    [pytest.param(p, marks=pytest.mark.slow if p.stem in HEAVY else ()) for p in PATHS],
    ids=[p.stem for p in PATHS],
)
def test_an_example_checks_clean_and_runs(path: Path) -> None:
    task = compiled(path)
    told = [d for d in task.diagnostics if d.severity != "info"]
    assert not told, [f"{d.where.line}: {d.code}: {d.message}" for d in told]
    rollout = roll(task, 200)
    assert np.isfinite(rollout.total).all()
    assert all(np.isfinite(values).all() for values in rollout.seen.values())
