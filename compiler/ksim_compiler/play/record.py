"""Record a policy in one environment: states, what it read, what it did, what it got."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ksim_compiler.env import Env, EnvState
from ksim_compiler.learn.run.compiling import quickly
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.lowering.context import name_key
from ksim_compiler.lowering.motion import Place
from ksim_compiler.plan import Plan
from ksim_compiler.play.commands import held


@dataclass(frozen=True)
class Recording:
    """Control ticks of one environment, which may hold several episodes.

    Entry t of an array belongs to tick t: the state before it and what happened in it. Arrays of
    states have one more row, the state after the last tick; where a tick ended an episode, the
    row after it is the state that the next episode began with.

    Attributes:
        period: control period in s.
        qpos, qvel: (ticks + 1, nq) and (ticks + 1, nv).
        age: (ticks + 1,) ticks since the episode began.
        level: (ticks + 1,) the curriculum's level; of several curricula that of each, by name.
        last_action: (ticks + 1, actions).
        inputs: part that the policy reads -> (ticks + 1, size).
        commands: command -> (ticks + 1, size).
        model: field of the model that is drawn at random -> (ticks + 1, *shape).
        action: (ticks, actions).
        reward: (ticks,) the total; terms: reward term -> (ticks,).
        terminations: termination -> (ticks,) bool.
        measures: metric, by its name in logs -> (ticks,) that of the episode so far; NaN for none.
        failure, done: (ticks,) bool.
        motions: command that is a recorded motion -> (ticks + 1, 6) the clip and the frame that it
            tells, x, y and turn of the clip's world, m and rad, and the clip before where clips are
            blended.
    """

    period: float
    qpos: np.ndarray
    qvel: np.ndarray
    age: np.ndarray
    level: np.ndarray | Mapping[str, np.ndarray]
    last_action: np.ndarray
    inputs: Mapping[str, np.ndarray]
    commands: Mapping[str, np.ndarray]
    model: Mapping[str, np.ndarray]
    action: np.ndarray
    reward: np.ndarray
    terms: Mapping[str, np.ndarray]
    terminations: Mapping[str, np.ndarray]
    measures: Mapping[str, np.ndarray]
    failure: np.ndarray
    done: np.ndarray
    motions: Mapping[str, np.ndarray] = field(default_factory=lambda: {})

    @property
    def ticks(self) -> int:
        """Number of control ticks."""
        return len(self.reward)

    def until(self, ticks: int) -> Recording:
        """The first ticks of it."""

        def cut(value: Any, extra: int) -> Any:
            if isinstance(value, Mapping):
                return {name: inner[: ticks + extra] for name, inner in value.items()}
            return value[: ticks + extra]

        fields = {
            name: cut(getattr(self, name), name in _STATES)
            for name in self.__dataclass_fields__
            if name != "period"
        }
        return Recording(period=self.period, **fields)

    def first_episode(self) -> Recording:
        """The ticks up to the end of the first episode."""
        ends = np.flatnonzero(self.done)
        return self.until(int(ends[0]) + 1) if ends.size else self


_STATES = ("qpos", "qvel", "age", "level", "last_action", "inputs", "commands", "model", "motions")


def flat(place: Place) -> Float[Array, "6"]:
    """Where a motion is in the first of some environments, as a recording has it."""
    came = place.clip if place.came is None else place.came
    return jnp.concatenate(
        [jnp.stack([place.clip[0], place.frame[0]]), place.shift[0], came[0, None]]
    )


def recorder(env: Env, policy: Policy, ticks: int) -> Callable[[Any, jax.Array], Any]:
    """A compiled function of the parameters and a key that runs the mode of the policy.

    Args:
        env: one environment.
        policy: what acts.
        ticks: how long.
    """

    def snapshot(state: EnvState) -> dict[str, Any]:
        episode = state.episode
        return {
            "qpos": state.world["qpos"][0],
            "qvel": state.world["qvel"][0],
            "age": episode.age[0],
            "level": jax.tree.map(lambda values: values[0], episode.level),
            "last_action": episode.action[0],
            "policy": state.policy_input[0],
            "commands": {name: value[0] for name, value in state.commands.items()},
            "model": {name: value[0] for name, value in env.model_values(state).items()},
            "motions": {name: flat(place) for name, place in state.places.items()},
        }

    def tick(loop: tuple, _: None) -> tuple[tuple, Any]:
        state, carry, start, params, (actor, normalizer) = loop
        action, carry = actor.mode(normalizer, state.policy_input, carry, start)
        after, step = env.step(params, state, action)
        row = {
            "action": action[0],
            "reward": step.reward[0],
            "terms": {name: value[0] for name, value in step.reward_terms.items()},
            "terminations": {name: value[0] for name, value in step.terminations.items()},
            "measures": {name: value[0] for name, value in step.measures.items()},
            "failure": step.failure[0],
            "done": step.done[0],
        }
        start = step.done.astype(jnp.float32)
        return (after, carry, start, params, (actor, normalizer)), (snapshot(state), row)

    @functools.partial(jax.jit, compiler_options=quickly(2))
    def run(params: Any, key: jax.Array, learned: Any) -> Any:
        first = env.init(params, key)
        carry = learned[0].network.initial_carry(1)
        loop = (first, carry, jnp.zeros(1), params, learned)
        (last, *_), (states, rows) = jax.lax.scan(tick, loop, None, length=ticks)
        states = jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), states, snapshot(last))
        return states, rows

    # what was learned is an argument: one program plays every policy of a task
    return lambda params, key: run(params, key, (policy.actor, policy.normalizer))


def record(
    plan: Plan, policy: Policy, seed: int, ticks: int, fixed: Mapping[tuple[str, str], float] = {}
) -> Recording:
    """Run the mode of a policy in one environment on the native engine.

    The curriculum stands at the level that the policy was trained to.

    Args:
        plan: the task.
        policy: what acts.
        seed: of all random numbers.
        ticks: how long, over the ends of episodes.
        fixed: (command, element) -> the value that it is held at, in SI units.

    Raises:
        CommandError: a command that is not there.
    """
    env = Env(plan.held(policy.level), "native", envs=1, threads=1)
    params: Any = env.params
    for (name, label), value in fixed.items():
        params = held(params, plan, name, label, value)
    key = name_key(jax.random.key(seed), "play")
    states, rows = jax.device_get(recorder(env, policy, ticks)(params, key))
    columns = states.pop("policy")
    inputs = {
        str(column.source): columns[:, column.start : column.stop] for column in plan.policy_input
    }
    return Recording(period=plan.period, inputs=inputs, **states, **rows)
