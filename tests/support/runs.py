"""Folders of runs as a training leaves them, without one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ksim_compiler import artifact
from ksim_compiler.learn.run import checkpoint
from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import Compiled, compile_file

TASKS = Path(__file__).parents[2] / "tasks"


def run_folder(
    folder: Path,
    task: str | Compiled = "cartpole.yaml",
    *,
    settings: Sequence[str] = (),
    seed: int = 0,
    metrics: Sequence[Mapping[str, Any]] = (),
    evaluations: Sequence[Mapping[str, Any]] = (),
    checkpoints: Sequence[int] = (),
) -> Compiled:
    """Write the folder of a run; gives the compiled task.

    Args:
        folder: of the run.
        task: the name of a shipped one, or one that is compiled.
        settings: what was set of it.
        seed: of the run, and of the networks of its checkpoints, which have learned nothing.
        metrics, evaluations: the rows of its logs.
        checkpoints: steps after which one was written.
    """
    compiled = compile_file(TASKS / task, settings) if isinstance(task, str) else task
    plan = compiled.plan
    assert plan is not None
    folder.mkdir(parents=True)
    artifact.write(folder / "task.ksim", compiled)
    about = {"task": plan.task.name, "fingerprint": compiled.fingerprint, "seed": seed}
    about |= {"engine": "native", "settings": list(settings)}
    (folder / "run.json").write_text(json.dumps(about))
    for name, rows in (("metrics.jsonl", metrics), ("evaluations.jsonl", evaluations)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    for steps in checkpoints:
        policy = fresh_policy(plan, seed + steps)
        state = {"networks": {"actor": policy.actor}, "policy_normalizer": policy.normalizer}
        (folder / "checkpoints").mkdir(exist_ok=True)
        checkpoint.write(folder / "checkpoints" / f"{steps:012d}.safetensors", state, {})
    return compiled
