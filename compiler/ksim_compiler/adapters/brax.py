# pyright: basic, reportMissingImports=false
"""A batch of environments as Brax's ``Env``, for its learners with ``wrap_env=False``.

from brax.training.agents.ppo import train

env, judge = (KsimBraxEnv("cartpole", envs) for envs in (256, 64))
train.train(
    env, eval_env=judge, wrap_env=False, num_envs=256, num_eval_envs=64,
    num_timesteps=500_000, episode_length=env.episode_length,
)
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from brax.envs.base import Env, State

from ksim_compiler.api.env import Step, make_env
from ksim_compiler.api.task import PathLike, Task
from ksim_compiler.learn.run.judge import longest_episode


class KsimBraxEnv(Env):
    """A task for Brax. It is a batch, and does itself what Brax's wrappers do for one environment.

    Episodes begin anew within the tick that ends them, with other draws each time. ``info`` has
    what Brax's wrappers put there: ``steps``, ``truncation``, ``episode_done``,
    ``episode_metrics``; and ``final_obs``, what an episode ended with. ``metrics`` are the reward
    terms.

    Args:
        task: a task, or what :func:`ksim_compiler.compile` takes for one.
        envs: how many; those of the task's learner by default.
        engine, options: as for :func:`ksim_compiler.make_env`.
    """

    def __init__(
        self, task: PathLike | Task, envs: int | None = None, engine: str = "auto", **options: Any
    ) -> None:
        self.env = make_env(task, engine, envs, **options)
        self.episode_length = longest_episode(self.env.task.plan)

    @property
    def observation_size(self) -> int:
        return sum(self.env.observation_sizes.values())

    @property
    def action_size(self) -> int:
        return self.env.action_size

    @property
    def backend(self) -> str:
        return self.env.engine

    def reset(self, rng: jax.Array) -> State:
        """All environments at the start of an episode.

        Args:
            rng: a key of JAX, or a key for each environment, of which the first is taken.
        """
        single = 0 if jnp.issubdtype(rng.dtype, jax.dtypes.prng_key) else 1
        first = rng if rng.ndim == single else rng[0]
        key = first if single == 0 else jax.random.wrap_key_data(first)
        begun = self.env.reset(key)
        zero = jnp.zeros(self.env.envs)
        metrics = dict.fromkeys(sorted(self.env.reward_terms), zero)
        info = {
            "steps": zero,
            "truncation": zero,
            "episode_done": zero,
            "episode_metrics": {"sum_reward": zero, "length": zero, **metrics},
            "final_obs": begun.policy_input,
        }
        return State(begun, begun.policy_input, zero, zero, dict(metrics), info)  # type: ignore[arg-type]

    def step(self, state: State, action: jax.Array) -> State:
        """A tick of every environment, (envs, actions)."""
        begun: Any = state.pipeline_state
        after, step = self.env.step(begun, action)
        done = step.done.astype(jnp.float32)
        goes_on = 1.0 - state.info["episode_done"]
        told = self._episode(state.info["episode_metrics"], step, goes_on)
        info = {
            **state.info,
            "steps": state.info["steps"] * goes_on + 1.0,
            "truncation": step.truncated.astype(jnp.float32),
            "episode_done": done,
            "episode_metrics": told,
            "final_obs": step.final_policy_input,
        }
        metrics = {**state.metrics, **step.terms}  # what a wrapper keeps there stays
        return state.replace(  # type: ignore[attr-defined]
            pipeline_state=after,
            obs=after.policy_input,
            reward=step.reward,
            done=done,
            metrics=metrics,
            info=info,
        )

    def _episode(self, before: dict[str, Any], step: Step, goes_on: jax.Array) -> dict[str, Any]:
        """Sums over the episode so far."""
        added = {"sum_reward": step.reward, "length": jnp.ones_like(step.reward), **step.terms}
        return {name: before[name] * goes_on + value for name, value in added.items()}
