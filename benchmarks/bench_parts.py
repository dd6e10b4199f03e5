"""What parts cost: tasks with more and more rewards and observations.

    python -m benchmarks.bench_parts [--parts 0 50 100 200] [--envs 256] [--rounds 12]

Prints for each size the CPU seconds of ``ksim-compile --check`` as a process of its own, and the
time of a control tick of a batch. The growth from one size to the next is what the parts cost.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import yaml

from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_file

TASKS = Path(__file__).parents[1] / "tasks"
OBSERVATIONS: tuple[dict[str, Any], ...] = (
    {"kind": "joint_position", "joints": "hip_.*", "noise": {"uniform": "1 deg"}},
    {"kind": "base_linear_velocity", "frame": "robot"},
    {"kind": "base_height"},
    {"kind": "joint_velocity", "joints": "knee_.*", "history": 3},
    {"kind": "projected_gravity", "body": "torso", "bias": "1 deg"},
)


def reward(index: int) -> dict[str, Any]:
    """A reward that no other index has: terms that are alike would be one."""
    kinds: tuple[dict[str, Any], ...] = (
        {
            "kind": "joint_tracking",
            "joints": "knee_left",
            "error_scale": f"{0.1 + 0.001 * index:g} rad",
        },
        {"kind": "base_height", "height": f"{1000 + index} mm", "error_scale": "10 cm"},
        {
            "kind": "track_linear_velocity",
            "command": "velocity",
            "error_scale": f"{300 + index} mm/s",
        },
        {
            "kind": "track_angular_velocity",
            "command": "velocity",
            "error_scale": f"{300 + index} mrad/s",
        },
        {
            "kind": "formula",
            "expression": f"exp(-((base.height - 1.0) / {0.1 + 0.001 * index:g})**2)",
        },
    )
    return {**kinds[index % len(kinds)], "scale": 0.001 * (index + 1)}


def task_with(count: int) -> dict[str, Any]:
    """The walk with ``count`` more rewards and as many more observations, read by the critic."""
    task = yaml.safe_load((TASKS / "walk.yaml").read_text(encoding="utf-8"))
    task["PhysicsState"]["humanoid"]["model"] = str(TASKS / "robots" / "humanoid" / "scene.xml")
    for index in range(count):
        task["Reward"][f"extra_{index}"] = reward(index)
        task["Observation"][f"more_{index}"] = OBSERVATIONS[index % len(OBSERVATIONS)]
        task["Critic"]["critic"]["judge"]["clean"].append(f"more_{index}")
    return task


def check_seconds(path: Path) -> float:
    """CPU seconds of a check in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "ksim_compiler.cli.compile", "--check", "-q", str(path)], check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ticks_of(path: Path, envs: int, ticks: int = 40) -> Callable[[], float]:
    """What runs ticks of a batch with zero actions, compiled, and tells the seconds of one."""
    plan = compile_file(path).plan
    assert plan is not None
    env = Env(plan, "native", envs=envs)
    action = jnp.zeros((envs, env.action_size))

    def ticked(params: Any, state: Any) -> Any:
        # everything that a tick computes is used, so that nothing is optimized away
        def tick(state: Any, _: None) -> tuple[Any, Any]:
            state, step = env.step(params, state, action)
            return state, (step.reward, jnp.sum(state.critic_input, axis=1))

        return jax.lax.scan(tick, state, None, length=ticks)

    run = jax.jit(ticked)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    jax.block_until_ready(run(env.params, state))

    def measure() -> float:
        begun = time.perf_counter()
        jax.block_until_ready(run(env.params, state))
        return (time.perf_counter() - begun) / ticks

    return measure


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, nargs="+", default=[0, 50, 100, 200])
    parser.add_argument("--envs", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    print(
        f"{'rewards, observations':>22}{'check (s CPU)':>15}{'tick (ms)':>12}{'per part (us)':>15}"
    )
    with tempfile.TemporaryDirectory() as folder:
        checks, runs = {}, {}
        for count in options.parts:
            path = Path(folder) / f"parts_{count}.yaml"
            path.write_text(yaml.safe_dump(task_with(count), sort_keys=False), encoding="utf-8")
            checks[count] = check_seconds(path)
            runs[count] = ticks_of(path, options.envs)
        # the sizes take turns, so that a slow moment of the machine meets all of them
        rounds = [{count: run() for count, run in runs.items()} for _ in range(options.rounds)]
    first = options.parts[0]
    for count in options.parts:
        tick = statistics.median(r[count] for r in rounds)
        more = 2 * (count - first)
        grown = statistics.median(r[count] - r[first] for r in rounds)
        each = f"{grown / more * 1e6:.1f}" if more else ""
        print(f"{count:>22}{checks[count]:>15.2f}{tick * 1e3:>12.2f}{each:>15}")


if __name__ == "__main__":
    main()
