"""Augmented random search, a room that would stand in ``ksim_compiler/learn``.

Algorithm 2 of Mania et al. 2018, https://arxiv.org/abs/1803.07055, version V2-t: inputs are
normalized, a step goes along the best directions alone, and its length is measured in standard
deviations of their returns. Half of the environments try a direction, the others its opposite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Int, Key

from ksim_compiler.learn.learner import (
    Chart,
    Env,
    EnvState,
    Episodes,
    Metrics,
    Params,
    Replay,
    W,
    finite,
    iteration_key,
    logged,
    name_key,
    no_nan,
)
from ksim_compiler.learn.nets.actor_critic import Actor as ActorNetwork, build_actor
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.learner import Learner
from ksim_schema.vocabulary.learner.ars import ARS  # as a real one would

CHARTS = (Chart("size of a step", {"norm": "policy/step"}),)


class Networks(NamedTuple):
    """What is trained."""

    actor: ActorNetwork


class Tried(NamedTuple):
    """What came of the directions."""

    replay: Replay
    env: EnvState
    directions: Float[Array, "directions weights"]


class State(NamedTuple):
    """Everything that one iteration passes to the next."""

    networks: Networks
    policy_normalizer: Normalizer | None
    env: EnvState
    episodes: Episodes
    key: Key[Array, ""]
    iteration: Int[Array, ""]
    rollbacks: Int[Array, ""]


@dataclass(frozen=True)
class Ars:
    """The search on a batch of environments."""

    env: Env[EnvState]
    ars: ARS
    actor: Actor
    numbers: ClassVar[Params] = {}

    def init(self, params: Params, key: Key[Array, ""]) -> State:
        """A fresh policy."""
        env, network, distribution = self.env, self.actor.network, self.actor.distribution
        sizes = env.policy_size, env.action_size
        actor = build_actor(network, distribution, *sizes, name_key(key, "actor"))
        normalized = self.ars.normalize_observations
        return State(
            networks=Networks(actor),
            policy_normalizer=Normalizer.empty(env.policy_size) if normalized else None,
            env=env.init(params, name_key(key, "env")),
            episodes=Episodes.none(env.num_envs),
            key=key,
            iteration=jnp.int32(0),
            rollbacks=jnp.int32(0),
        )

    def collect(self, params: Params, state: State) -> Tried:
        """Try directions from fresh beginnings."""
        replay, _, env, directions = self._rollout(params, state, lambda env_state: ())
        return Tried(replay, env, directions)

    def learn(self, params: Params, state: State, collected: Tried) -> tuple[State, Metrics]:
        """Go where the returns were best."""
        replay, env, directions = collected
        done = jnp.cumsum(replay.step.done, axis=0) - replay.step.done
        returns = jnp.sum(jnp.where(done > 0, 0.0, replay.step.reward), axis=0)
        forth, back = jnp.split(returns, 2)
        count = min(self.ars.best, len(forth))
        _, best = jax.lax.top_k(jnp.maximum(forth, back), count)
        used = jnp.concatenate([forth[best], back[best]])
        along = (forth[best] - back[best]) @ directions[best]
        moved = self.ars.step_size * along / (count * (jnp.std(used) + 1e-6))
        weights, unravel = _flat(state.networks.actor)
        networks = Networks(unravel(weights + moved))
        normalizer = state.policy_normalizer
        if normalizer is not None:
            rows = replay.policy_input
            normalizer = normalizer.add(rows.reshape(-1, rows.shape[-1]))
        none = Episodes.none(self.env.num_envs)
        known = state.episodes
        begun = none._replace(mean_return=known.mean_return, mean_length=known.mean_length)
        episodes, finished = begun.after(replay.step)
        learned = (networks, normalizer, moved, env.policy_input)
        good = finite(learned) & no_nan(env.episode)
        metrics: Metrics = {
            **logged(episodes, finished, replay.step),
            "policy/step": jnp.linalg.norm(moved),
            "guard/finite": good.astype(jnp.float32),
        }
        after = State(
            networks,
            normalizer,
            env,
            episodes,
            state.key,
            state.iteration + 1,
            state.rollbacks,
        )
        return after, metrics

    def replay(
        self, params: Params, state: State, watch: Callable[[EnvState], W]
    ) -> tuple[Replay, W, EnvState]:
        """The rollout of :meth:`step`."""
        return self._rollout(params, state, watch)[:3]

    def _rollout(
        self, params: Params, state: State, watch: Callable[[EnvState], W]
    ) -> tuple[Replay, W, EnvState, Float[Array, "directions weights"]]:
        key = iteration_key(state.key, state.iteration, state.rollbacks)
        weights, unravel = _flat(state.networks.actor)
        shape = (self.env.num_envs // 2, len(weights))
        directions = jax.random.normal(name_key(key, "directions"), shape)
        tried = self.ars.spread * jnp.concatenate([directions, -directions])
        memories = state.networks.actor.network.initial_carry(self.env.num_envs)
        memories = jax.tree.map(lambda memory: memory[:, None], memories)

        def act(weights: Array, seen: Array, memory: Any, start: Array) -> tuple[Array, Any]:
            actor = unravel(weights)
            action, memory = actor.mode(state.policy_normalizer, seen[None], memory, start[None])
            return action[0], memory

        def tick(loop: tuple, _: None) -> tuple[tuple, tuple]:
            env_state, memories, start = loop
            action, memories = jax.vmap(act)(
                weights + tried, env_state.policy_input, memories, start
            )
            after, step = self.env.step(params, env_state, action)
            row = (env_state.policy_input, env_state.critic_input, start, action, step)
            return (after, memories, step.done.astype(jnp.float32)), (*row, watch(env_state))

        first = (
            self.env.init(params, name_key(key, "env")),
            memories,
            jnp.ones(self.env.num_envs),
        )
        (after, _, _), rows = jax.lax.scan(tick, first, None, length=self.ars.rollout)
        *ticks, watched = rows
        return Replay(*ticks), watched, after, directions


def _flat(actor: ActorNetwork) -> tuple[Float[Array, " weights"], Callable[[Array], ActorNetwork]]:
    """All numbers of a policy in a row, and the policy of such a row."""
    dynamic, static = eqx.partition(actor, eqx.is_array)
    weights, unravel = ravel_pytree(dynamic)
    return weights, lambda row: eqx.combine(unravel(row), static)


def build(env: Env[EnvState], learner: Learner, actor: Actor, critic: ValueCritic | None) -> Ars:
    """The search on a batch of environments."""
    assert isinstance(learner, ARS)
    return Ars(env, learner, actor)
