"""What a trained policy is worth: many episodes of it, and their figures in words."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax

from ksim_compiler.env import Env
from ksim_compiler.env.measures import METRIC, SUCCESS
from ksim_compiler.learn.learner import Params, name_key
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.run.attempts import by_clip
from ksim_compiler.learn.run.compiling import quickly
from ksim_compiler.learn.run.evaluate import Evaluation, evaluate
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.learn.run.tracking import errors, watch
from ksim_compiler.plan import Plan
from ksim_schema.graph import Node
from ksim_schema.vocabulary.metric import Metric


def judge(
    plan: Plan,
    policy: Policy,
    episodes: int,
    seed: int = 0,
    engine: str = "auto",
    threads: int = 0,
) -> Evaluation:
    """Run episodes with the mode of a policy, at the level that it was trained to.

    Args:
        plan: the task that it is judged in, which may be another than it was trained in.
        policy: what acts.
        episodes: how many, at the same time.
        seed: of what is drawn.
        engine: as for :class:`~ksim_compiler.env.Env`.
        threads: of a CPU engine; 0 for all cores.

    Raises:
        EngineUnavailable, ValueError: as :class:`~ksim_compiler.env.Env`.
    """
    held = plan.held(policy.level)
    env = Env(held, engine, envs=episodes, threads=threads, follows=True)
    run = functools.partial(evaluate, env, ticks=longest_episode(plan), watch=watch(env))

    # what was learned is an argument: one program judges every policy of a task
    @functools.partial(jax.jit, compiler_options=quickly(2))
    def whole(params: Params, actor: Any, normalizer: Normalizer | None, key: Any) -> Evaluation:
        return run(params, replace(policy, actor=actor), normalizer, key)

    key = name_key(jax.random.key(seed), "evaluation")
    result: Evaluation = jax.device_get(whole(env.params, policy.actor, policy.normalizer, key))
    return judged(env, result)


def judged(env: Env, result: Evaluation) -> Evaluation:
    """An evaluation with what its ticks say of velocities and of recorded motions."""
    period = env.plan.period
    clips = by_clip(result.followed, result.lengths, result.failed, env.libraries, period)
    tracking = errors(result.watched, result.alive, period)
    return result._replace(tracking=tracking, clips=tuple(clips))


def longest_episode(plan: Plan) -> int:
    """Ticks after which every episode has ended, by the time limit; 1000 without one."""
    return plan.longest_episode or 1000


def describe(result: Evaluation, plan: Plan) -> str:
    """An evaluation in a line."""
    summary, longest = result.summary(), longest_episode(plan)
    errors = {k: v for k, v in result.tracking.items() if math.isfinite(v)}  # nan: none that long
    missed = "".join(f", {name} off by {value:.3f}" for name, value in errors.items())
    found = f", {summary[SUCCESS]:.0%} succeeded" if SUCCESS in summary else ""
    missed += "".join(_measure(name, summary, plan) for name in result.measures)
    count = len(result.returns)
    return (
        f"evaluation over {count} episode{'s' * (count != 1)}: return {summary['return']:.4g}, "
        f"length {summary['length']:.1f} of {longest} ticks ({summary['length'] / longest:.0%}), "
        f"{summary['failed']:.0%} failed{found}{missed}"
    )


def _measure(name: str, summary: Mapping[str, float], plan: Plan) -> str:
    """A metric of an evaluation, with its spread and its unit; "" for one that has no value."""
    metric = name.removeprefix(METRIC)
    part = plan.parts(Metric).get(metric)
    value = summary[name]
    if part is None or part.success or not math.isfinite(value):
        return ""
    unit = plan.units[Node("Metric", metric)][0]
    return f", {metric} {value:.4g} ± {summary[f'{name}/spread']:.2g} {unit}".rstrip()
