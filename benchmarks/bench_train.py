"""Training against bare physics, in one run on one machine.

Prints the physics steps per second of a bare ``mujoco.batch.Batch.step`` loop, of the training
step (rollout, advantages, update) on the native engine, and their ratio; and the seconds from the
start of this process to the end of the first update. The two are measured in turns, so that a
machine whose speed drifts does not favour one of them.

    python -m benchmarks.bench_train [--task tasks/walk.yaml] [--repeats 5]
"""

from __future__ import annotations

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import statistics  # noqa: E402
from pathlib import Path  # noqa: E402

import jax  # noqa: E402
import numpy as np  # noqa: E402
from mujoco.batch import Batch  # noqa: E402

from ksim_compiler.learn.run.trainer import Trainer  # noqa: E402
from ksim_compiler.pipeline import compile_file  # noqa: E402

TASKS = Path(__file__).parents[1] / "tasks"


def bare(trainer: Trainer, ticks: int) -> float:
    """Physics steps per second of a loop over Batch.step with small random controls."""
    plan = trainer.plan
    batch = Batch(plan.robot.model, trainer.env.num_envs)
    batch.reset()
    batch.bind("qpos")[:] = np.asarray(plan.robot.facts.home)
    home = np.array([plan.robot.facts.match_joints([d.joint])[0].home[0] for d in plan.drives])
    generator = np.random.default_rng(0)
    ctrl = batch.bind("ctrl")
    begun = time.perf_counter()
    for _ in range(ticks):
        ctrl[:] = home + 0.1 * generator.standard_normal(ctrl.shape)
        batch.step(nstep=plan.substeps)
    seconds = time.perf_counter() - begun
    return ticks * trainer.env.num_envs * plan.substeps / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", type=Path, default=TASKS / "walk.yaml")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    plan = compile_file(options.task).plan
    assert plan is not None
    trainer = Trainer.build(plan, "native")
    state = trainer.init(0)
    state, metrics = trainer.step(trainer.params, state)
    jax.block_until_ready(metrics)
    first = time.perf_counter() - STARTED
    print(f"first update {first:.1f} s after the start of the process")

    ticks = trainer.learner.rollout
    physics, training = [], []
    for _ in range(options.repeats):
        physics.append(bare(trainer, ticks))
        begun = time.perf_counter()
        state, metrics = trainer.step(trainer.params, state)
        jax.block_until_ready(metrics)
        seconds = time.perf_counter() - begun
        training.append(trainer.steps_per_iteration * plan.substeps / seconds)
    ratios = [t / p for t, p in zip(training, physics, strict=True)]
    for name, values in (("bare Batch.step", physics), ("training", training)):
        middle = statistics.median(values)
        print(f"{name:16} {middle:10,.0f} physics steps/s ({min(values):,.0f}..{max(values):,.0f})")
    env_steps = statistics.median(training) / plan.substeps
    print(f"{'':16} {env_steps:10,.0f} environment steps/s while training")
    ratio = statistics.median(ratios)
    print(f"{'ratio':16} {ratio:10.2f} ({min(ratios):.2f}..{max(ratios):.2f})")


if __name__ == "__main__":
    main()
