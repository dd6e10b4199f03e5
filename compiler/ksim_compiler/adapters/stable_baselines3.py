# pyright: basic, reportMissingImports=false
"""A batch of environments as the ``VecEnv`` of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from ksim_compiler.adapters.gymnasium import LIMIT, KsimVectorEnv
from ksim_compiler.api.task import PathLike, Task


class KsimVecEnv(VecEnv):
    """A task for Stable-Baselines3, all environments stepped at once.

    At the end of an episode ``info`` has ``terminal_observation``, ``TimeLimit.truncated`` and
    ``episode``, the return ``r`` and the length ``l`` in ticks.

    Args:
        task, num_envs, engine, action_limit, render_mode, options: as for
            :class:`~ksim_compiler.adapters.gymnasium.KsimVectorEnv`.
    """

    def __init__(
        self,
        task: PathLike | Task,
        num_envs: int | None = None,
        engine: str = "auto",
        action_limit: float = LIMIT,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        self.venv = KsimVectorEnv(task, num_envs, engine, action_limit, render_mode, **options)
        self.render_mode = render_mode
        self._actions = np.zeros(0)
        one = self.venv.single_observation_space, self.venv.single_action_space
        super().__init__(self.venv.num_envs, *one)

    def reset(self) -> np.ndarray:
        shown, _ = self.venv.reset(seed=self._seeds[0])
        self._reset_seeds()
        self._returns, self._lengths = np.zeros(self.num_envs), np.zeros(self.num_envs, int)
        return shown

    def step_async(self, actions: np.ndarray) -> None:
        self._actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        shown, rewards, terminated, truncated, infos = self.venv.step(self._actions)
        done = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for index in np.flatnonzero(done):
            told[index] = {
                "terminal_observation": infos["final_obs"][index],
                "TimeLimit.truncated": bool(truncated[index] and not terminated[index]),
                "episode": {"r": self._returns[index], "l": int(self._lengths[index])},
            }
        self._returns[done], self._lengths[done] = 0.0, 0
        return shown, rewards.astype(np.float32), done, told

    def close(self) -> None:
        self.venv.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        return self.venv.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.venv, attr_name) for _ in self._each(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise NotImplementedError("the environments of a batch are one object")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        raise NotImplementedError("the environments of a batch are one object")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        return [False for _ in self._each(indices)]

    def _each(self, indices: Any) -> Iterable[int]:
        return self._get_indices(indices)
