"""A trained policy out of a run, without its environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ksim_compiler.engine import EngineUnavailable, check_32_bits
from ksim_compiler.learn.nets.actor_critic import Actor as ActorNetwork, build_actor
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.run import checkpoint, policy_file
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.policy_file import LEVEL
from ksim_compiler.plan import Plan


@dataclass(frozen=True)
class Policy:
    """What acts.

    Attributes:
        actor: the network and the head of its distribution.
        normalizer: of its input; None when inputs are not normalized.
        steps: environment steps that it was trained for.
        level: the curriculum's level that it was trained to, the mean over the environments; of
            several curricula that of each, by name.
        passed_over: what was wrong with newer checkpoints.
    """

    actor: ActorNetwork
    normalizer: Normalizer | None
    steps: int
    level: float | Mapping[str, float] = 0.0
    passed_over: tuple[str, ...] = ()


def fresh_policy(plan: Plan, seed: int = 0) -> Policy:
    """A policy before any training."""
    spec = plan.task.policy
    size = plan.policy_input[-1].stop
    key = jax.random.key(seed)
    sizes = size, plan.action_size
    actor = build_actor(spec.network, spec.distribution, *sizes, key, plan.reflection)
    normalized = plan.task.learner.normalize_observations
    return Policy(actor, Normalizer.empty(size) if normalized else None, 0)


def _learned(policy: Policy) -> dict[str, Any]:
    """What of a policy is in a state, as it is there."""
    return {"networks": {"actor": policy.actor}, "policy_normalizer": policy.normalizer}


def load_policy(run: Path, plan: Plan, after: int | None = None) -> Policy:
    """The policy of a run's newest good checkpoint, or of a policy file.

    Args:
        run: the run's folder, or the file.
        plan: its task.
        after: environment steps of training; those of the newest good checkpoint by default.

    Raises:
        CheckpointError: there is none that can be read, or it is of another task; or JAX's 64-bit
            mode is on.
    """
    try:
        check_32_bits()
    except EngineUnavailable as error:
        raise CheckpointError(str(error)) from error
    like = checkpoint.zeros(eqx.filter_eval_shape(lambda: _learned(fresh_policy(plan))))
    wanted = checkpoint.arrays(like)
    newest = policy_file.learned(run, after)
    if newest is None and after is not None:
        raise CheckpointError(f"{run} no longer has its checkpoint after {after:,} steps")
    if newest is None:
        raise CheckpointError(f"{run} has no checkpoint yet")
    arrays = newest.state
    for name, array in wanted.items():
        found = arrays.get(name)
        if found is None or (found.shape, found.dtype) != (array.shape, array.dtype):
            raise CheckpointError(f"{newest.path} is of another task: {name} does not fit")
    state: Any = checkpoint.with_arrays(like, {name: arrays[name] for name in wanted})
    level = _level(arrays)
    actor, normalizer = state["networks"]["actor"], state["policy_normalizer"]
    return Policy(actor, normalizer, newest.steps, level, newest.passed_over)


def _level(arrays: Mapping[str, np.ndarray]) -> float | dict[str, float]:
    """The mean level of a checkpoint's environments; of several curricula that of each."""
    if LEVEL in arrays:
        return float(np.mean(arrays[LEVEL]))
    several = {n.removeprefix(LEVEL + "."): a for n, a in arrays.items() if n.startswith(LEVEL)}
    return {name: float(np.mean(values)) for name, values in several.items()}
