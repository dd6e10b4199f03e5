"""Training: small environments that are solved, determinism, episode statistics, evaluation."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env.step import Step
from ksim_compiler.learn.ppo.train_step import collect, init_state, learn
from ksim_compiler.learn.ppo.types import TrainState
from ksim_compiler.learn.run.evaluate import evaluate
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Reflection
from ksim_schema.robot.mirror import signs
from ksim_schema.vocabulary.actor_critic import Actor, Judge, ValueCritic
from ksim_schema.vocabulary.learner.ppo import PPO
from ksim_schema.vocabulary.networks.gru import Gru
from ksim_schema.vocabulary.networks.mlp import Mlp

TASKS = Path(__file__).parents[3] / "tasks"


class PointEpisode(NamedTuple):
    level: jax.Array
    controls: jax.Array
    memory: dict[str, dict[str, jax.Array]]


class PointState(NamedTuple):
    position: jax.Array
    goal: jax.Array
    age: jax.Array
    key: jax.Array
    seen: jax.Array

    @property
    def policy_input(self) -> jax.Array:
        return self.seen

    @property
    def critic_input(self) -> jax.Array:
        return self.seen

    @property
    def world(self) -> dict[str, jax.Array]:
        return {"qpos": self.position[:, None], "qvel": jnp.zeros_like(self.position)[:, None]}

    @property
    def episode(self) -> PointEpisode:
        still = jnp.zeros_like(self.position)
        return PointEpisode(still, still[:, None], {"Command": {"goal": self.age}})


class Point:
    """A point on a line that should go to a goal in 8 ticks of at most 1 each.

    With ``memory``, the goal is shown in the first tick only and the position never, so that a
    policy without memory knows where to go for one tick alone.
    """

    action_size, policy_size, critic_size = 1, 3, 3
    goals = (-1.0, 1.0)
    reward_names: tuple[str, ...] = ("near",)
    termination_names: tuple[str, ...] = ("limit",)
    measure_names: tuple[str, ...] = ()
    ticks = 8
    reflection = None

    def __init__(self, envs: int, *, memory: bool) -> None:
        self.num_envs, self.memory = envs, memory

    def _begin(self, key: jax.Array) -> PointState:
        keys = jax.random.split(key, self.num_envs)
        goals = jnp.array(self.goals)
        goal = goals[jax.vmap(lambda k: jax.random.randint(k, (), 0, goals.size))(keys)]
        zero = jnp.zeros(self.num_envs)
        state = PointState(zero, goal, jnp.zeros(self.num_envs, jnp.int32), key, zero)
        return self._look(state)

    def _look(self, state: PointState) -> PointState:
        shown = jnp.where((state.age == 0) | (not self.memory), state.goal, 0.0)
        where = 0.0 * state.position if self.memory else state.position
        seen = jnp.stack([where, shown, state.age / self.ticks], axis=1)
        return state._replace(seen=seen)

    def init(self, params: Any, key: jax.Array) -> PointState:
        return self._begin(key)

    def step(self, params: Any, state: PointState, action: jax.Array) -> tuple[PointState, Step]:
        position = state.position + 0.3 * jnp.clip(action[:, 0], -1.0, 1.0)
        near = params * jnp.exp(-4.0 * (position - state.goal) ** 2)
        after = self._look(state._replace(position=position, age=state.age + 1))
        timeout = after.age >= self.ticks
        key = jax.random.fold_in(state.key, 1)
        fresh = self._begin(key)
        following = _choose(timeout, fresh, after, key)
        none = jnp.zeros(self.num_envs, bool)
        return following, Step(
            near, {"near": near}, none, timeout, {"limit": timeout}, after.seen, {}
        )


def _choose(mask: jax.Array, fresh: PointState, after: PointState, key: jax.Array) -> PointState:
    def pick(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.where(mask.reshape(-1, *(1,) * (a.ndim - 1)), a, b)

    return PointState(
        pick(fresh.position, after.position),
        pick(fresh.goal, after.goal),
        pick(fresh.age, after.age),
        key,
        pick(fresh.seen, after.seen),
    )


@functools.cache
def programs(
    kind: type[Point], envs: int, memory: bool, network: Any, ppo: PPO
) -> tuple[Callable[..., TrainState], Callable[..., Any]]:
    """The beginning and the step of a training, compiled once for all tests that share them."""
    env, judge = kind(envs, memory=memory), ValueCritic(judge=Judge(), network=network)
    init = functools.partial(init_state, env, jnp.float32(1.0), Actor(network=network), judge, ppo)

    def step(params: Any, state: TrainState) -> Any:
        return learn(env, ppo, state, collect(env, ppo, params, state))

    return jax.jit(init), jax.jit(step)


def trained(
    env: Point, network: Any, iterations: int, **options: Any
) -> tuple[TrainState, dict[str, float]]:
    ppo = PPO.model_validate(
        {"rollout": 16, "epochs": 4, "minibatches": 4, "learning_rate": 3e-3, "entropy": 0.0}
        | options
    )
    init, step = programs(type(env), env.num_envs, env.memory, network, ppo)
    state, params = init(jax.random.key(0)), jnp.float32(1.0)
    metrics: Any = {}
    for _ in range(iterations):
        state, metrics = step(params, state)
    return state, {name: float(value) for name, value in metrics.items()}


BEST = float(np.exp(-4.0 * (1.0 - 0.3 * np.minimum(np.arange(1, 9), 10 / 3)) ** 2).sum())
"""Return of going to the goal at full speed and stopping there."""


def test_a_point_learns_to_go_to_its_goal() -> None:
    _, metrics = trained(Point(64, memory=False), Mlp(hidden=(32, 32), activation="tanh"), 60)
    assert metrics["episode/return"] > 0.85 * BEST
    assert metrics["episode/length"] == 8.0
    assert metrics["value/explained"] > 0.7


@pytest.mark.slow
def test_a_recurrent_policy_remembers_what_it_was_shown() -> None:
    _, forgetful = trained(Point(64, memory=True), Mlp(hidden=(16,), activation="tanh"), 60)
    _, mindful = trained(Point(64, memory=True), Gru(hidden=16), 120)
    assert forgetful["episode/return"] < 0.75 * BEST
    assert mindful["episode/return"] > 0.85 * BEST


@pytest.mark.slow
def test_the_discount_of_an_update_is_the_one_of_its_share_of_the_run() -> None:
    gamma = {"start": 0.5, "end": 0.9, "between": (0.0, 0.5)}
    small = functools.partial(trained, Point(16, memory=False), Mlp(hidden=(8,), activation="tanh"))
    first, begun = small(1, gamma=gamma, steps=16 * 16 * 8)
    same, _ = small(1, gamma=0.5)
    assert begun["value/gamma"] == 0.5
    assert eqx.tree_equal(first.networks, same.networks)
    _, ended = small(5, gamma=gamma, steps=16 * 16 * 8)
    assert ended["value/gamma"] == pytest.approx(0.9)
    _, short = small(5, gamma=0.5)
    assert ended["value/mean"] > 1.2 * short["value/mean"]  # more of what follows counts


class Mirrored(Point):
    """Knows that left and right are alike: position, goal and action change their signs."""

    goals = (1.0,)
    reflection = Reflection(
        policy=signs(-1.0, -1.0, 1.0), critic=signs(-1.0, -1.0, 1.0), action=signs(-1.0)
    )


@pytest.mark.slow
def test_what_is_learned_on_one_side_is_done_on_the_other() -> None:
    def on_the_left(share: float) -> float:
        """Return of going to the left, after a training that only ever went to the right."""
        env, network = Mirrored(64, memory=False), Mlp(hidden=(32, 32), activation="tanh")
        state, metrics = trained(env, network, 60, mirror=share)
        assert metrics["episode/return"] > 0.8 * BEST
        left = Mirrored(4, memory=False)
        left.goals = (-1.0,)
        args = (jnp.float32(1.0), state.networks, state.policy_normalizer, jax.random.key(0), 20)
        return float(evaluate(left, *args).returns.mean())

    assert on_the_left(0.5) > 0.8 * BEST
    assert on_the_left(0.0) < 0.7 * BEST


class Shared(NamedTuple):
    """How an update shares out a rollout, and how often it steps."""

    epochs: int
    minibatches: int
    mirror: float = 0.0


SHARED = (
    Shared(2, 2),
    *(
        pytest.param(shared, marks=pytest.mark.slow)
        for shared in (Shared(1, 1), Shared(1, 2, 0.5), Shared(2, 1, 1))
    ),
)


@pytest.mark.parametrize("shared", SHARED)
def test_each_step_is_measured_before_the_rate_is_adapted(shared: Shared) -> None:
    """A policy that has not moved yet says nothing, and one that learns of images alone moves."""

    def rate(target: float) -> float:
        options = {"start": 1e-3, "adaptive_kl": target, "min": 1e-7, "max": 1.0}
        network = Mlp(hidden=(8,), activation="tanh")
        env = Mirrored(64, memory=False)
        _, metrics = trained(env, network, 1, learning_rate=options, **shared._asdict())
        assert metrics["loss/kl"] > 0
        return metrics["policy/learning_rate"]

    steps = shared.epochs * shared.minibatches
    assert rate(1e-12) == pytest.approx(1e-3 / 1.5**steps, rel=1e-4)
    assert rate(1e3) == pytest.approx(1e-3 * 1.5**steps, rel=1e-4)


class Falls(Point):
    """One tick of one environment costs a thousand."""

    def step(self, params: jax.Array, state: PointState, action: jax.Array) -> Any:
        after, step = super().step(params, state, action)
        fallen = (jnp.arange(self.num_envs) == 0) & (state.age == 3)
        return after, step._replace(reward=jnp.where(fallen, -1000.0, 0.0))


def test_the_critic_is_taught_the_whole_of_a_rare_penalty() -> None:
    """In standard deviations the targets have the mean square 1, that of a rare one counted."""
    once = {"epochs": 1, "minibatches": 1, "gamma": 0.0, "rollout": 8}
    network = Mlp(hidden=(8,), activation="tanh")
    _, metrics = trained(Falls(128, memory=False), network, 1, **once)
    assert metrics["loss/value"] == pytest.approx(1.0, abs=0.15)


def test_episode_statistics() -> None:
    env = Point(4, memory=False)
    _, metrics = trained(env, Mlp(hidden=(4,)), 1)
    assert metrics["episode/finished"] == 8  # 16 ticks are two episodes of each of 4
    assert metrics["episode/length"] == 8.0
    np.testing.assert_allclose(metrics["episode/return"], 8 * metrics["reward/near"], rtol=1e-5)


def test_an_evaluation_counts_one_episode_of_each_environment() -> None:
    env = Point(4, memory=False)
    state, _ = trained(env, Mlp(hidden=(4,)), 1)
    result = evaluate(
        env, jnp.float32(2.0), state.networks, state.policy_normalizer, jax.random.key(0), 20
    )
    np.testing.assert_array_equal(result.lengths, 8)
    assert result.finished.all()
    assert not result.failed.any()
    mean = float(result.returns.mean()) / 8
    np.testing.assert_allclose(float(result.terms["near"]), mean, rtol=1e-5)


@pytest.mark.parametrize("engine", ["native", pytest.param("mjx", marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_numbers(engine: str) -> None:
    plan = compile_file(
        TASKS / "cartpole.yaml", ("PPO.envs=8", "PPO.rollout=8", "PPO.minibatches=2")
    ).plan
    assert plan is not None

    class Memory:
        def __init__(self) -> None:
            self.rows: list[dict[str, float]] = []

        def log(self, steps: int, seconds: float, metrics: Any) -> None:
            self.rows.append(dict(metrics))

    def run(trainer: Trainer, seed: int) -> tuple[list[dict[str, float]], list[np.ndarray]]:
        memory = Memory()
        state = trainer.train(trainer.init(seed), 3 * 64, (memory,))
        arrays = jax.tree.leaves(eqx.filter((state.networks, state.optimizer), eqx.is_array))
        return memory.rows, [np.asarray(a) for a in arrays]

    trainer = Trainer.build(plan, engine)
    first, again = run(trainer, 0), run(Trainer.build(plan, engine), 0)
    assert len(first[0]) == 3
    np.testing.assert_equal(first[0], again[0])
    for a, b in zip(first[1], again[1], strict=True):
        np.testing.assert_array_equal(a, b)
    if engine == "native":
        other = run(trainer, 1)[1]
        assert any(not np.array_equal(a, b) for a, b in zip(first[1], other, strict=True))


def test_an_iteration_is_compiled_once(caplog: pytest.LogCaptureFixture) -> None:
    plan = compile_file(
        TASKS / "cartpole.yaml", ("PPO.envs=4", "PPO.rollout=4", "PPO.minibatches=2")
    ).plan
    assert plan is not None
    trainer = Trainer.build(plan, "native")
    trainer.prepare()
    with jax.log_compiles(), caplog.at_level("WARNING"):
        state = trainer.init(0)
        params = trainer.params
        for weight in (1.0, 2.0, 3.0):
            params = jax.tree.map(lambda x: x, params)
            params["Reward"]["alive"]["scale"]["constant"] = jnp.float32(weight)
            state, metrics = trainer.step(params, state)
            np.testing.assert_allclose(metrics["reward/alive"], weight, rtol=0.3)
    assert not _halves(caplog)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        other = Trainer.build(plan, "native")
        other.step(other.params, state)
    assert _halves(caplog) == ["collect", "learn"]  # the messages are what they are looked for in


def _halves(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was compiled of init, collect and learn."""
    told = "\n".join(record.getMessage() for record in caplog.records)
    return re.findall(r"Compiling jit\((init|collect|learn)\)", told)
