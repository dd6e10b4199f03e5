# pyright: basic, reportMissingImports=false
"""A batch of environments as the ``VecEnv`` of rsl_rl."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from rsl_rl.env import VecEnv
from tensordict import TensorDict

from ksim_compiler.api.env import make_env
from ksim_compiler.api.task import PathLike, Task
from ksim_compiler.learn.run.judge import longest_episode


class KsimRslRlEnv(VecEnv):
    """A task for rsl_rl. Episodes begin anew within the tick that ends them.

    The groups of observations are ``policy``, what the task's policy reads, and ``critic``, what
    its critic does, where it has one: ``obs_groups={"actor": ["policy"], "critic": ["critic"]}``.
    ``extras`` has ``time_outs`` and, under ``log``, the means of the reward terms and the shares
    of the terminations.

    Args:
        task: a task, or what :func:`ksim_compiler.compile` takes for one.
        num_envs: how many; those of the task's learner by default.
        engine: as for :func:`ksim_compiler.make_env`.
        device: where tensors are.
        seed: of all that is drawn.
        options: further ones of :func:`ksim_compiler.make_env`.
    """

    def __init__(
        self,
        task: PathLike | Task,
        num_envs: int | None = None,
        engine: str = "auto",
        device: str = "cpu",
        seed: int = 0,
        **options: Any,
    ) -> None:
        self.env = make_env(task, engine, num_envs, **options)
        self.num_envs, self.num_actions = self.env.envs, self.env.action_size
        self.max_episode_length = longest_episode(self.env.task.plan)
        self.device = device
        self.cfg = {"task": self.env.task.name, "fingerprint": self.env.task.fingerprint}
        self._state = self.env.reset(seed)

    @property
    def episode_length_buf(self) -> torch.Tensor:  # type: ignore[override]
        """(envs,) ticks since each episode began. What is set takes part in time limits."""
        return self._tensor(self._state.env.episode.age).long()

    @episode_length_buf.setter
    def episode_length_buf(self, ticks: torch.Tensor) -> None:
        inside = self._state.env
        age = jnp.asarray(ticks.cpu().numpy(), inside.episode.age.dtype)
        inside = inside._replace(episode=inside.episode._replace(age=age))
        self._state = self._state._replace(env=inside)

    def get_observations(self) -> TensorDict:
        groups = {"policy": self._tensor(self._state.policy_input)}
        critic = self._state.env.critic_input
        if critic.shape[-1]:
            groups["critic"] = self._tensor(critic)
        return TensorDict(groups, batch_size=[self.num_envs], device=self.device)

    def step(
        self, actions: torch.Tensor
    ) -> tuple[TensorDict, torch.Tensor, torch.Tensor, dict[str, Any]]:
        told = jnp.asarray(actions.detach().cpu().numpy(), jnp.float32)
        self._state, step = self.env.step(self._state, told)
        log: dict[str, Any] = {
            f"/reward/{name}": float(jnp.mean(values)) for name, values in step.terms.items()
        }
        log |= {
            f"/termination/{name}": float(jnp.mean(values))
            for name, values in step.terminations.items()
        }
        extras = {"time_outs": self._tensor(step.truncated), "log": log}
        return self.get_observations(), self._tensor(step.reward), self._tensor(step.done), extras

    def _tensor(self, values: jax.Array) -> torch.Tensor:
        return torch.from_numpy(np.array(values)).to(self.device)
