"""Environments: a task as pure functions of arrays, in batches."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from ksim_compiler.api.task import PathLike, Task, compile
from ksim_compiler.env import Env, EnvState
from ksim_compiler.plan.clock import ticks

Observation = dict[str, Array]
"""``Observation.gyro`` -> (envs, size) what the policy reads of it, with noise, scale and delay."""


class State(NamedTuple):
    """A batch of environments between two ticks: a pytree, to be handed on to ``step``.

    Attributes:
        observation: what the policy reads, by part: (envs, size) each.
        policy_input: (envs, inputs) the same as one array, in the order of the parts.
        env: the rest of the state; not part of what stays the same between versions.
    """

    observation: Observation
    policy_input: Float[Array, "envs inputs"]
    env: EnvState


class Step(NamedTuple):
    """What a tick gave, for each environment.

    Attributes:
        reward: (envs,) the sum of the terms.
        terms: reward term -> (envs,) as it enters the sum, scaled and signed.
        terminated: (envs,) the episode ended in a failure: nothing that follows is worth anything.
        truncated: (envs,) it was cut off, by a time limit: what would follow is worth its value.
        terminations: termination -> (envs,) whether it holds; several may.
        final_observation: as ``observation``, of the state in which the tick ended, before any
            reset. Where the episode goes on it is what the next state has.
        final_policy_input: (envs, inputs) the same as one array.
        metrics: metric of the task -> (envs,) of the episode so far; NaN where it has none yet.
    """

    reward: Float[Array, " envs"]
    terms: dict[str, Float[Array, " envs"]]
    terminated: Bool[Array, " envs"]
    truncated: Bool[Array, " envs"]
    terminations: dict[str, Bool[Array, " envs"]]
    final_observation: Observation
    final_policy_input: Float[Array, "envs inputs"]
    metrics: dict[str, Float[Array, " envs"]]

    @property
    def done(self) -> Bool[Array, " envs"]:
        """(envs,) whether the episode ended, in whatever way; it has begun anew then."""
        return self.terminated | self.truncated


class Environment:
    """A task as a batch of environments.

    ``reset`` and ``step`` are pure: they keep nothing, and may be jitted, scanned and put inside
    other functions of JAX. Called as they are, they are jitted already. Environments whose episode
    ends begin the next one within the same tick. The same key and the same actions give the same
    bits on a CPU.

    Attributes:
        task: the task.
        envs: how many environments.
        engine: what simulates them: ``native``, ``mjx`` or ``warp``.
        action_size: how many numbers an action has.
        action_low, action_high: (actions,) the ends beyond which a number changes nothing; infinite
            where there are none.
        observation_sizes: part -> how many numbers it has, in the order of ``policy_input``.
        reward_terms: names of the reward's terms.
        terminations: names of what ends an episode, ``non_finite`` among them.
        control_period: seconds of a tick.
    """

    def __init__(self, task: Task, env: Env) -> None:
        """Use :func:`make_env`."""
        self.task, self._env = task, env
        self.envs, self.engine = env.num_envs, env.engine.name
        self.action_size, self.control_period = env.action_size, task.control_period
        low, high = np.array(task.action_bounds, np.float32).reshape(-1, 2).T
        self.action_low, self.action_high = low, high
        self.observation_sizes = task.observations
        self.reward_terms, self.terminations = env.reward_names, env.termination_names
        self._columns = [(str(c.source), c.start, c.stop) for c in task.plan.policy_input]
        self._reset, self._step = jax.jit(self._begin), jax.jit(self._follow)

    def reset(self, key: int | Key[Array, ""]) -> State:
        """All environments at the start of an episode.

        Args:
            key: a seed, or a key of JAX, which everything that is drawn comes from, later ticks
                included.
        """
        return self._reset(jax.random.key(key) if isinstance(key, int) else key)

    def step(self, state: State, action: Float[Any, "envs actions"]) -> tuple[State, Step]:
        """A control tick of every environment.

        Args:
            state: of :meth:`reset`, or of the tick before.
            action: (envs, actions) in the order of ``task.actions``.
        """
        return self._step(state, action)

    def split(self, policy_input: Float[Array, "... inputs"]) -> Observation:
        """A policy's input by part."""
        return {name: policy_input[..., start:stop] for name, start, stop in self._columns}

    def _begin(self, key: Key[Array, ""]) -> State:
        return self._state(self._env.init(self._env.params, key))

    def _follow(self, state: State, action: Float[Array, "envs actions"]) -> tuple[State, Step]:
        action = jnp.asarray(action, jnp.float32)
        if action.shape != (self.envs, self.action_size):
            wanted = (self.envs, self.action_size)
            raise ValueError(f"an action has the shape {wanted}, and not {action.shape}")
        after, step = self._env.step(self._env.params, state.env, action)
        final = step.next_policy_input
        assert final is not None
        return self._state(after), Step(
            reward=step.reward,
            terms=step.reward_terms,
            terminated=step.failure,
            truncated=step.timeout,
            terminations=step.terminations,
            final_observation=self.split(final),
            final_policy_input=final,
            metrics=step.measures,
        )

    def _state(self, state: EnvState) -> State:
        return State(self.split(state.policy_input), state.policy_input, state)


def make_env(
    task: PathLike | Task,
    engine: str = "auto",
    envs: int | None = None,
    *,
    level: float | None = None,
    limit: float | None = None,
    threads: int = 0,
) -> Environment:
    """Make environments of a task.

    Args:
        task: a task, or what :func:`compile` takes for one.
        engine: ``native`` on a CPU, ``mjx`` or ``warp`` on an accelerator, ``auto`` for what suits
            this machine.
        envs: how many; those of the task's learner by default.
        level: where the curriculum stands still, 0 to 1; by default it moves as in a training.
        limit: seconds after which an episode is truncated besides what the task says; by default
            what its learner says (``episode``), 0 for never.
        threads: of a CPU engine; 0 for all cores.

    Raises:
        CompileError: the task has errors.
        EngineUnavailable: the engine cannot run here.
        ValueError: it cannot run this model.
    """
    compiled = compile(task)
    plan = compiled.plan if level is None else compiled.plan.held(level)
    after = plan.task.learner.episode if limit is None else limit
    longest = max(1, ticks(after, plan.period)) if after else 0
    return Environment(compiled, Env(plan, engine, envs, threads, longest=longest))
