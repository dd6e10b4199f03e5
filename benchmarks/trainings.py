"""Trains the tasks as a user does, and judges what they learned against what is promised.

    python -m benchmarks.trainings [TASK[:SEED] ...] [--out FOLDER]

Without names: every task, the walk with three seeds and what follows motions with two. Prints a row
for each, judged over 1,024 episodes, and exits with 1 where a promise is missed. A minute is wall
time of the whole `ksim-run`, with its compilation and evaluations, so nothing else should run on
the machine. An example whose robot is not at hand (a package that is not installed, MENAGERIE_ROOT)
is a row that says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ksim_compiler.artifact import read
from ksim_compiler.learn.run.judge import judge
from ksim_compiler.learn.run.policy import load_policy
from ksim_compiler.pipeline import compile_file

ROOT = Path(__file__).parents[1]
EPISODES = 1024


@dataclass(frozen=True)
class Promise:
    """What is held of a training.

    Attributes:
        folder: of the task.
        minutes: it takes at most.
        falls: share of the episodes that may end in a failure.
        walks: whether it is judged as a walk.
        least: figure of the judgement -> what it is at least.
        judged: the task in the same folder that it is judged on, where it is another.
    """

    folder: str
    minutes: float
    falls: float = 0.0
    walks: bool = False
    least: Mapping[str, float] = field(default_factory=dict)
    judged: str | None = None


PROMISES = {
    "cartpole": Promise("tasks", 1.0),
    "reach": Promise("tasks", 5.0),
    "trot": Promise("tasks", 8.0),
    "walk": Promise("tasks", 12.0, 0.03, walks=True),
    "walk_robust": Promise("tasks", 30.0, 0.05, walks=True),
    "walk_recurrent": Promise("tasks", 30.0, 0.05, walks=True),
    "humanoid_track": Promise("tasks", 30.0, 0.1, least={"success": 0.9}),
    "g1_track": Promise("examples/tasks/menagerie", 30.0, 0.1, least={"success": 0.9}),
    "cheetah_run": Promise("examples/tasks/dm_control", 8.0, least={"return": 600.0}),
    "acrobot_swingup_near": Promise(
        "examples/tasks/dm_control", 20.0, least={"return": 130.0}, judged="acrobot_swingup"
    ),
    "panda_reach": Promise("examples/tasks/menagerie", 6.0, least={"success": 0.98}),
    "panda_pick_cube": Promise("examples/tasks/menagerie", 20.0, 0.05, least={"success": 0.9}),
}
ALL = [*(f"{task}:0" for task in PROMISES), "walk:1", "walk:2", "humanoid_track:1", "g1_track:1"]


def main() -> int:
    """Train and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trainings", nargs="*", default=ALL, metavar="TASK[:SEED]")
    parser.add_argument("--out", type=Path, default=Path("runs") / "trainings")
    options = parser.parse_args()
    missed = 0
    print("| task | seed | steps | minutes | return | falls | success | errors |", flush=True)
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for training in options.trainings:
        task, _, seed = training.partition(":")
        good = _train(task, int(seed or 0), options.out / f"{task}-{seed or 0}")
        missed += not good
    return 1 if missed else 0


def _train(task: str, seed: int, folder: Path) -> bool:
    """Train one task and print its row; whether it holds its promise."""
    promise = PROMISES[task]
    path = ROOT / promise.folder / f"{task}.yaml"
    command = [sys.executable, "-m", "ksim_compiler.cli.run", str(path)]
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
        print(f"| {task} | {seed} | - | - | - | - | - | {reason} |  MISSED", flush=True)
        return False
    minutes = (time.monotonic() - begun) / 60.0
    steps, found = _judged(folder, promise)
    good = (
        minutes <= promise.minutes
        and found["failed"] <= promise.falls
        and all(found[name] >= least for name, least in promise.least.items())
    )
    judged = ""
    if promise.walks:
        more = ("--falls", str(promise.falls), "--episodes", str(EPISODES))
        command = [sys.executable, "-m", "benchmarks.judge_walk", str(folder), *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        good, judged = good and done.returncode == 0, done.stdout
    errors = [f"{k.split('.')[-1]} {v:.3f}" for k, v in found.items() if k.startswith("tracking/")]
    success = f"{found['success']:.1%}" if "success" in found else "-"
    print(
        f"| {task} | {seed} | {steps / 1e6:.1f}M | {minutes:.1f} | {found['return']:.4g}"
        f" | {found['failed']:.1%} | {success} | {', '.join(errors) or '-'} |"
        + ("" if good else "  MISSED"),
        flush=True,
    )
    if judged:
        print(judged.rstrip(), flush=True)
    return good


def _judged(folder: Path, promise: Promise) -> tuple[int, dict[str, float]]:
    """Environment steps of a run, and the figures of its policy."""
    if promise.judged is None:
        plan = read(folder / "task.ksim").plan
    else:
        plan = compile_file(ROOT / promise.folder / f"{promise.judged}.yaml").plan
    assert plan is not None
    policy = load_policy(folder, plan)
    return policy.steps, judge(plan, policy, EPISODES, seed=1000).summary()


if __name__ == "__main__":
    sys.exit(main())
