"""How a trained walk walks: falls, tracking errors, how high and in what order feet lift.

    python -m benchmarks.judge_walk RUN [--episodes 64] [--seed 1000] [--falls 0.03]

Prints one line a figure, and exits with 1 where a run misses what the README promises of it.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ksim_compiler.artifact import read
from ksim_compiler.env import Env
from ksim_compiler.learn.run import tracking
from ksim_compiler.learn.run.evaluate import Evaluation, evaluate
from ksim_compiler.learn.run.judge import longest_episode
from ksim_compiler.learn.run.policy import load_policy
from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import name_key
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.signal import PhaseClock

PROMISED = {
    "falls": 0.03,
    "forward error (m/s)": 0.10,
    "turn error (rad/s)": 0.15,
}
LIFT = 0.04
"""Metres that a foot rises in a step."""


def judge(folder: Path, episodes: int, seed: int) -> dict[str, float]:
    """The figures of a run."""
    plan = read(folder / "task.ksim").plan
    assert plan is not None
    policy = load_policy(folder, plan)
    env = Env(plan.held(policy.level), "native", envs=episodes)
    base = env.robot.base
    assert base is not None, "a robot without a floating base does not walk"
    soles = {
        side: env.robot.sensors[f"ksim/framepos/site/sole_{side}"] for side in ("left", "right")
    }
    velocity = tracking.watch(env)

    def watch(before: Any, after: Any) -> dict[str, Any]:
        left, right = (
            after.world["sensordata"][:, s.address : s.address + 3] for s in soles.values()
        )
        heading = jax.vmap(geometry.heading)(after.world["qpos"][:, base.qpos + 3 : base.qpos + 7])
        apart = jax.vmap(geometry.turn_about_vertical)((left - right)[:, :2], -heading)
        feet = {"left": left[:, 2], "right": right[:, 2], "apart": apart[:, 0]}
        return {**velocity(before, after), **feet}

    ticks = longest_episode(plan)

    def run(params: Any, key: Any) -> Evaluation:
        return evaluate(env, params, policy, policy.normalizer, key, ticks, watch)

    key = name_key(jax.random.key(seed), "evaluation")
    result = jax.device_get(jax.jit(run)(env.params, key))
    left, right, apart = (result.watched.pop(name) for name in ("left", "right", "apart"))
    _, speed = result.watched["velocity.forward"]
    clock = plan.parts(Observation)["clock"]
    assert isinstance(clock, PhaseClock), "the clock tells what a cycle of the gait is"
    cycle = clock.period
    missed = tracking.errors(result.watched, result.alive, plan.period)
    return {
        "length (ticks)": float(result.lengths.mean()),
        "falls": float(result.failed.mean()),
        "forward error (m/s)": missed["velocity.forward"],
        "turn error (rad/s)": missed["velocity.turn"],
        **_steps(left, right, result.alive, plan.period),
        **_strides(apart, speed, result.alive, plan.period, cycle),
    }


def _steps(
    left: np.ndarray, right: np.ndarray, alive: np.ndarray, period: float
) -> dict[str, float]:
    """Median height of the steps of each foot, steps a second, and how many alternate."""
    left, right = (np.where(alive, height, 0.0) for height in (left, right))
    heights: dict[str, list[float]] = {"left": [], "right": []}
    alternating = pairs = 0
    for env in range(left.shape[1]):
        steps: list[tuple[int, str]] = []
        for side, height in (("left", left[:, env]), ("right", right[:, env])):
            # a step is a time in which the sole is 1 cm and more off the floor
            off = np.concatenate([[0], (height > 0.01).astype(int), [0]])
            edges = np.flatnonzero(np.diff(off))
            for begin, end in edges.reshape(-1, 2):
                if end - begin >= 3:
                    heights[side].append(float(height[begin:end].max()))
                    steps.append((int(begin), side))
        sides = [side for _, side in sorted(steps)]
        pairs += max(0, len(sides) - 1)
        alternating += sum(a != b for a, b in itertools.pairwise(sides))
    seconds = alive.sum() * period
    return {
        "left foot lifts (m)": float(np.median(heights["left"] or [0.0])),
        "right foot lifts (m)": float(np.median(heights["right"] or [0.0])),
        "share of steps over 4 cm": float(
            np.mean([h >= LIFT for side in heights.values() for h in side] or [0.0])
        ),
        "alternating": alternating / max(1, pairs),
        "steps a second": sum(map(len, heights.values())) / seconds,
    }


def _strides(
    apart: np.ndarray, speed: np.ndarray, alive: np.ndarray, period: float, cycle: float
) -> dict[str, float]:
    """How far each foot is put ahead of the other, where the robot walks at 0.4 m/s and more.

    A limp shows: one foot is always put ahead, and the other only drawn up to it.

    Args:
        apart: (ticks, envs) how far the left foot is ahead of the right one, in m.
        speed: (ticks, envs) along the heading, in m/s.
        alive: (ticks, envs) whether the episode was going on.
        period: control period in s.
        cycle: of the gait, in s.
    """
    size = round(cycle / period)
    steps = [
        (apart[t : t + size, env].max(), -apart[t : t + size, env].min())
        for env in range(apart.shape[1])
        for t in range(round(tracking.WINDOW / period), len(apart) - size, size)
        if alive[t + size, env] and speed[t : t + size, env].mean() >= 0.4
    ]
    left, right = np.asarray(steps or [(0.0, 0.0)]).T
    return {
        "left foot ahead by (m)": float(left.mean()),
        "right foot ahead by (m)": float(right.mean()),
        "limping": float((np.minimum(left, right) < 0.05).mean()),
    }


def main() -> int:
    """Judge the run named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--falls", type=float, default=PROMISED["falls"], help="share allowed")
    options = parser.parse_args()
    figures = judge(options.run, options.episodes, options.seed)
    promised = {**PROMISED, "falls": options.falls}
    for name, value in figures.items():
        limit = promised.get(name)
        note = "" if limit is None else f"  (at most {limit:g})"
        print(f"{name:>26}  {value:.3f}{note}")
    missed = [n for n, limit in promised.items() if not figures[n] <= limit]
    if min(figures["left foot lifts (m)"], figures["right foot lifts (m)"]) < LIFT:
        missed.append("lift")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
