"""Trains the tasks as a user does, and judges what they learned against what is promised.

    python -m benchmarks.trainings [TASK[:SEED] ...] [--out FOLDER]

Without names: every task, and the walk with three seeds. Prints a row for each, and exits with 1
where a promise is missed. A minute is wall time of the whole `ksim-run`, with its compilation and
evaluations, so nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TASKS = Path(__file__).parents[1] / "tasks"


@dataclass(frozen=True)
class Promise:
    """What a training may take, and the share of episodes that may end in a failure."""

    minutes: float
    falls: float = 0.0
    walks: bool = False


PROMISES = {
    "cartpole": Promise(1.0),
    "reach": Promise(5.0),
    "trot": Promise(8.0),
    "walk": Promise(12.0, 0.03, walks=True),
    "walk_robust": Promise(30.0, 0.05, walks=True),
    "walk_recurrent": Promise(30.0, 0.05, walks=True),
}
ALL = [*(f"{task}:0" for task in PROMISES), "walk:1", "walk:2"]


def main() -> int:
    """Train and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trainings", nargs="*", default=ALL, metavar="TASK[:SEED]")
    parser.add_argument("--out", type=Path, default=Path("runs") / "trainings")
    options = parser.parse_args()
    missed = 0
    print(
        "| task | seed | steps | minutes | falls | errors |\n|---|---|---|---|---|---|", flush=True
    )
    for training in options.trainings:
        task, _, seed = training.partition(":")
        good = _train(task, int(seed or 0), options.out / f"{task}-{seed or 0}")
        missed += not good
    return 1 if missed else 0


def _train(task: str, seed: int, folder: Path) -> bool:
    """Train one task and print its row; whether it holds its promise."""
    promise = PROMISES[task]
    command = [sys.executable, "-m", "ksim_compiler.cli.run", str(TASKS / f"{task}.yaml")]
    begun = time.monotonic()
    folder.parent.mkdir(parents=True, exist_ok=True)
    told = folder.with_suffix(".log")
    with told.open("w") as log:
        ended = subprocess.run(
            [*command, "--seed", str(seed), "--out", str(folder)],
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode != 0:
        reason = told.read_text().strip().rpartition("\n")[2]
        print(f"| {task} | {seed} | - | - | - | {reason} |  MISSED", flush=True)
        return False
    minutes = (time.monotonic() - begun) / 60.0
    last = json.loads((folder / "evaluations.jsonl").read_text().splitlines()[-1])
    errors = [f"{k.split('.')[-1]} {v:.3f}" for k, v in last.items() if k.startswith("tracking/")]
    good = minutes <= promise.minutes and last["failed"] <= promise.falls
    judged = ""
    if promise.walks:
        limit = ("--falls", str(promise.falls))
        judge = [sys.executable, "-m", "benchmarks.judge_walk", str(folder), *limit]
        done = subprocess.run(judge, capture_output=True, text=True, check=False)
        good, judged = minutes <= promise.minutes and done.returncode == 0, done.stdout
    print(
        f"| {task} | {seed} | {last['steps'] / 1e6:.1f}M | {minutes:.1f}"
        f" | {last['failed']:.1%} of {last['episodes']} | {', '.join(errors) or '-'} |"
        + ("" if good else "  MISSED"),
        flush=True,
    )
    if judged:
        print(judged.rstrip(), flush=True)
    return good


if __name__ == "__main__":
    sys.exit(main())
