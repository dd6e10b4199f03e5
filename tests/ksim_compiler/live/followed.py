"""Rows of a run's logs, as a training writes them, and what follows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ksim_compiler.learn.learner import charts
from ksim_compiler.live.drawer import Drawer
from ksim_compiler.live.watcher import Watcher
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.reward import Reward

STEPS = 1000
"""Environment steps of an iteration."""


def row(plan: Plan, i: int) -> dict[str, Any]:
    logged = ["episode/length", "episode/return", "termination/tipped"]
    logged += [f"reward/{name}" for name in plan.parts(Reward)]
    logged += [name for drawn in charts(plan.task.learner) for name in drawn.lines.values()]
    values = {name: i / 7 + j for j, name in enumerate(logged)}
    return {"steps": STEPS * i, "seconds": 0.5 * i, **values}


def judged(steps: int) -> dict[str, Any]:
    return {"steps": steps, "episodes": 4, "return": 9.0, "length": 50.0, "failed": 0.25}


def write(path: Path, *rows: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(each) + "\n" for each in rows))


def watcher(folder: Path) -> Watcher:
    """One that reads and draws here, not in a process of its own."""
    return Watcher(folder, draw=Drawer(folder).step)
