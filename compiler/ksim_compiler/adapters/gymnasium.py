"""Tasks as Gymnasium's environments: one alone, or a batch as its ``VectorEnv``.

Importing this module registers each task that ships as ``ksim/<task>-v0``:

    import gymnasium
    import ksim_compiler.adapters.gymnasium as ksim_gymnasium

    gymnasium.register_envs(ksim_gymnasium)
    envs = gymnasium.make_vec("ksim/cartpole-v0", num_envs=64)
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import jax
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ksim_compiler.api.env import Environment, State, Step, make_env
from ksim_compiler.api.task import PathLike, Task
from ksim_compiler.play.still import Still
from ksim_schema.source.named import shipped

NAMESPACE = "ksim"
VERSION = 0
LIMIT = 10.0
"""Default bound of actions that have none."""


class _Base:
    """What one environment and a batch of them share.

    An observation is the policy's input as one array, in the order of ``env.observation_sizes``.
    """

    def __init__(
        self,
        task: PathLike | Task,
        engine: str,
        envs: int,
        action_limit: float | None,
        render_mode: str | None,
        options: dict[str, Any],
    ) -> None:
        if render_mode not in (None, "rgb_array"):
            raise ValueError(f"render_mode is None or 'rgb_array', and not {render_mode!r}")
        self.env: Environment = make_env(task, engine, envs, **options)
        self.render_mode = render_mode
        self._state: State | None = None
        self._still: Still | None = None
        low, high = self.env.action_low, self.env.action_high
        if action_limit is not None:
            low = np.where(np.isfinite(low), low, np.float32(-action_limit))
            high = np.where(np.isfinite(high), high, np.float32(action_limit))
        size = (sum(self.env.observation_sizes.values()),)
        self.spaces = (
            spaces.Box(-np.inf, np.inf, size, np.float32),
            spaces.Box(low, high, dtype=np.float32),
        )

    @property
    def metadata_of_task(self) -> dict[str, Any]:
        """What Gymnasium asks of a class, of this task."""
        rate = round(1.0 / self.env.control_period)
        return {"render_modes": ["rgb_array"], "render_fps": rate}

    def begin(self, random: np.random.Generator) -> np.ndarray:
        """All environments anew; (envs, size) what they show."""
        key = int(random.integers(2**32, dtype=np.uint64))
        self._state = self.env.reset(key)
        return _array(self._state.policy_input)

    def follow(self, action: Any) -> tuple[np.ndarray, Step]:
        """A tick; (envs, size) what is shown after it, and what it gave, as arrays of NumPy."""
        if self._state is None:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        low, high = self.spaces[1].low, self.spaces[1].high
        clipped = np.clip(np.asarray(action, np.float32), low, high)
        self._state, step = self.env.step(self._state, clipped)
        return _array(self._state.policy_input), jax.device_get(step)

    def pictures(self, count: int) -> list[np.ndarray] | None:
        """The first environments as pictures, where that was asked for."""
        if self.render_mode is None or self._state is None:
            return None
        if self._still is None:
            self._still = Still(self.env.task.plan)
        poses = np.asarray(self._state.env.world["qpos"])
        return [self._still.picture(pose) for pose in poses[:count]]

    def end(self) -> None:
        """Let go of what draws."""
        if self._still is not None:
            self._still.close()
            self._still = None


def _array(values: Any) -> np.ndarray:
    return np.array(values, np.float32)  # a copy, which the receiver may change


class _Below:
    """What has the environments of a task below it."""

    _base: _Base

    @property
    def env(self) -> Environment:
        """The environments below."""
        return self._base.env


class KsimEnv(_Below, gymnasium.Env[np.ndarray, np.ndarray]):
    """A task as one environment.

    Observations and actions are flat, of float32. ``info`` has ``terms``, each reward term by name,
    ``terminations``, which held, and ``metrics``, those of the task. The same seed and actions give
    the same trajectory.

    Args:
        task: a task, or what :func:`ksim_compiler.compile` takes for one.
        engine: as for :func:`ksim_compiler.make_env`.
        action_limit: bound of the numbers of an action that have none, for learners that need
            one; None leaves them infinite. Actions are clipped to the bounds.
        render_mode: ``rgb_array`` for pictures by ``render()``.
        options: further ones of :func:`ksim_compiler.make_env`.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 50}

    def __init__(
        self,
        task: PathLike | Task,
        engine: str = "auto",
        action_limit: float | None = LIMIT,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        options = {"threads": 1, **options}
        self._base = _Base(task, engine, 1, action_limit, render_mode, options)
        self.metadata = {**type(self).metadata, **self._base.metadata_of_task}  # type: ignore[misc]
        self.render_mode = render_mode
        self.observation_space, self.action_space = self._base.spaces

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self._base.begin(self.np_random)[0], {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        _, step = self._base.follow(np.asarray(action)[None])
        shown = _array(step.final_policy_input[0])  # before the batch began anew
        info = _infos(step, 0)
        ends = bool(step.terminated[0]), bool(step.truncated[0])
        return shown, float(step.reward[0]), *ends, info

    def render(self) -> Any:
        pictures = self._base.pictures(1)
        return None if pictures is None else pictures[0]

    def close(self) -> None:
        self._base.end()


def _infos(step: Step, index: int) -> dict[str, Any]:
    return {
        "terms": {name: float(values[index]) for name, values in step.terms.items()},
        "terminations": {name: bool(values[index]) for name, values in step.terminations.items()},
        "metrics": {name: float(values[index]) for name, values in step.metrics.items()},
    }


class KsimVectorEnv(_Below, VectorEnv[np.ndarray, np.ndarray, np.ndarray]):
    """A task as a batch of environments, stepped at once.

    An episode that ends begins anew within the same tick (``AutoresetMode.SAME_STEP``):
    ``infos["final_obs"]`` has what it ended with, where ``infos["_final_obs"]`` is true, and
    ``infos["final_info"]`` its terms, terminations and metrics.

    Args:
        task: a task, or what :func:`ksim_compiler.compile` takes for one.
        num_envs: how many; those of the task's learner by default.
        engine, action_limit, render_mode, options: as for :class:`KsimEnv`.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "render_modes": ["rgb_array"],
        "render_fps": 50,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        task: PathLike | Task,
        num_envs: int | None = None,
        engine: str = "auto",
        action_limit: float | None = LIMIT,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        self._base = _Base(task, engine, num_envs or 0, action_limit, render_mode, options)
        self.num_envs = self._base.env.envs
        self.metadata = {**type(self).metadata, **self._base.metadata_of_task}  # type: ignore[misc]
        self.render_mode = render_mode
        self.single_observation_space, self.single_action_space = self._base.spaces
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        return self._base.begin(self.np_random), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        shown, step = self._base.follow(actions)
        infos: dict[str, Any] = {
            "terms": _masked(dict(step.terms), np.ones(self.num_envs, bool)),
            "_terms": np.ones(self.num_envs, bool),
        }
        done = np.array(step.terminated | step.truncated)
        if done.any():
            final = np.full(self.num_envs, None, object)
            for index in np.flatnonzero(done):
                final[index] = _array(step.final_policy_input[index])
            told = {
                name: _masked(dict(values), done)
                for name, values in (
                    ("terms", step.terms),
                    ("terminations", step.terminations),
                    ("metrics", step.metrics),
                )
            }
            told |= {f"_{name}": done for name in told}
            infos |= {"final_obs": final, "_final_obs": done}
            infos |= {"final_info": told, "_final_info": done}
        rewards = np.array(step.reward, np.float64)
        return shown, rewards, np.array(step.terminated), np.array(step.truncated), infos

    def render(self) -> Any:
        pictures = self._base.pictures(self.num_envs)
        return None if pictures is None else tuple(pictures)

    def close_extras(self, **kwargs: Any) -> None:
        self._base.end()


def _masked(values: dict[str, Any], mask: np.ndarray) -> dict[str, Any]:
    """Arrays by name with the mask of where they mean something beside each."""
    found: dict[str, Any] = {}
    for name, array in values.items():
        found |= {name: np.where(mask, array, np.zeros((), np.asarray(array).dtype))}
        found |= {f"_{name}": mask}
    return found


def register() -> None:
    """Register each task that ships as ``ksim/<task>-v0``, unless that is known already."""
    for name in shipped():
        identity = f"{NAMESPACE}/{name}-v{VERSION}"
        if identity not in gymnasium.registry:
            gymnasium.register(
                identity,
                entry_point=f"{__name__}:{KsimEnv.__name__}",
                vector_entry_point=f"{__name__}:{KsimVectorEnv.__name__}",
                kwargs={"task": name},
            )


register()
