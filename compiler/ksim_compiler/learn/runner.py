"""The training loop: a jitted step, repeated on the host, with logs and a way to stop."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax

from ksim_compiler.env import Env
from ksim_compiler.learn.evaluate import Evaluation, evaluate
from ksim_compiler.learn.log import Logger
from ksim_compiler.learn.train_step import init_state, train_step
from ksim_compiler.learn.types import Params, TrainState, stream
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.ppo import PPO

EVALUATION_ENVS = 32
"""Episodes of an evaluation by default."""


@dataclass(frozen=True)
class Trainer:
    """A task ready to train on an engine.

    Attributes:
        plan: the compiled task.
        env: its environments.
        ppo: hyperparameters.
        params: runtime parameters of the environments.
        engine: the engine asked for, for the environments of evaluations.
    """

    plan: Plan
    env: Env
    ppo: PPO
    params: Params
    engine: str
    threads: int = 0

    @classmethod
    def build(cls, plan: Plan, engine: str = "auto", threads: int = 0) -> Trainer:
        """Lower a plan for training.

        Raises:
            EngineUnavailable, ValueError: as :class:`~ksim_compiler.env.Env`.
        """
        env = Env(plan, engine, threads=threads)
        return cls(plan, env, plan.task.ppo, env.params, engine, threads)

    @property
    def steps_per_iteration(self) -> int:
        """Environment steps between two updates."""
        return self.env.num_envs * self.ppo.rollout

    def init(self, seed: int) -> TrainState:
        """The state before the first iteration."""
        (actor,), (critic,) = (self.plan.parts(o).values() for o in ("Policy", "Critic"))
        assert isinstance(actor, Actor)
        assert isinstance(critic, ValueCritic)

        def make(params: Params, key: jax.Array) -> TrainState:
            return init_state(self.env, params, actor, critic, self.ppo, key)

        return jax.jit(make)(self.params, jax.random.key(seed))

    @functools.cached_property
    def step(self) -> Callable[[Params, TrainState], tuple[TrainState, Any]]:
        """The jitted training step. The state that is given to it is used up."""
        return jax.jit(functools.partial(train_step, self.env, self.ppo), donate_argnums=1)

    def train(
        self,
        state: TrainState,
        total_steps: int | None,
        loggers: Sequence[Logger] = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> TrainState:
        """Train until a number of environment steps is reached, or until told to stop.

        Args:
            state: from :meth:`init`, or loaded; it is used up.
            total_steps: environment steps in all, those before ``state`` counted; rounded up to
                whole iterations. None for no end.
            loggers: told of each iteration.
            stop: asked after each iteration.
        """
        per_iteration = self.steps_per_iteration
        iterations = math.inf if total_steps is None else math.ceil(total_steps / per_iteration)
        done, begun = int(state.iteration), time.monotonic()
        while done < iterations and not stop():
            state, metrics = self.step(self.params, state)
            metrics = {name: float(value) for name, value in jax.device_get(metrics).items()}
            done += 1
            for logger in loggers:
                logger.log(done * per_iteration, time.monotonic() - begun, metrics)
        return state

    def evaluate(
        self, state: TrainState, episodes: int = EVALUATION_ENVS, seed: int = 0
    ) -> Evaluation:
        """Run episodes with the mode of the policy."""
        env = Env(self.plan, self.engine, envs=episodes, threads=self.threads)
        run = jax.jit(functools.partial(evaluate, env, ticks=self.longest_episode()))
        key = stream(jax.random.key(seed), "evaluation")
        return jax.device_get(run(self.params, state.networks, state.policy_normalizer, key))

    def longest_episode(self) -> int:
        """Ticks after which every episode has ended, by the time limit; 1000 without one."""
        limits = [
            getattr(part, "after", math.inf) for part in self.plan.parts("Termination").values()
        ]
        longest = min(limits, default=math.inf)
        return 1000 if math.isinf(longest) else round(longest / self.plan.period)
