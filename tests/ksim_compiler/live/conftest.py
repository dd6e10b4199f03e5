"""A run that pages follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ksim_compiler.learn.learner import charts
from ksim_compiler.plan import Plan
from tests.ksim_compiler.live.followed import STEPS, judged, row, write
from tests.support.runs import run_folder


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Plan]:
    """A run of 9 iterations of 20, whose process is gone, and its plan."""
    folder = tmp_path / "a run"
    plan = run_folder(folder, evaluations=[judged(5000)]).plan
    assert plan is not None
    write(folder / "metrics.jsonl", *(row(plan, i) for i in range(1, 10)))
    about = json.loads((folder / "run.json").read_text())
    about["steps"] = 20 * STEPS
    about["charts"] = [drawn._asdict() for drawn in charts(plan.task.learner)]
    (folder / "run.json").write_text(json.dumps(about))
    return folder, plan
