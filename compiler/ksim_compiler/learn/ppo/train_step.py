"""One iteration of PPO as one jitted function: rollout, advantages, update."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ksim_compiler.env.across import ALONE, Across
from ksim_compiler.env.step import Step
from ksim_compiler.learn.learner import (
    Env,
    EnvState,
    Episodes,
    Metrics,
    Params,
    W,
    finite,
    iteration_key,
    logged,
    name_key,
    no_nan,
)
from ksim_compiler.learn.nets.actor_critic import build_actor, build_critic
from ksim_compiler.learn.nets.image import imaged
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.ppo.gae import gae
from ksim_compiler.learn.ppo.schedule import annealed, discount
from ksim_compiler.learn.ppo.types import Carry, Networks, Samples, TrainState
from ksim_compiler.learn.ppo.update import make_optimizer, update
from ksim_compiler.plan import Reflection
from ksim_schema.robot.mirror import Signed
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.learner.ppo import PPO


class Rollout(NamedTuple):
    """What the ticks of a rollout leave behind, each field (ticks, envs, ...)."""

    policy_input: Array
    critic_input: Array
    latent: Array
    output: Array
    log_prob: Array
    start: Array
    value: Array | None
    next_value: Array | None
    step: Step


def init_state(
    env: Env[EnvState],
    params: Params,
    actor: Actor,
    critic: ValueCritic,
    ppo: PPO,
    key: Key[Array, ""],
) -> TrainState:
    """The state before the first iteration: fresh networks and a freshly reset batch."""
    networks = Networks(
        build_actor(
            actor.network,
            actor.distribution,
            env.policy_size,
            env.action_size,
            name_key(key, "actor"),
            env.reflection,
        ),
        build_critic(critic.network, env.critic_size, name_key(key, "critic"), env.reflection),
    )
    normalized = ppo.normalize_observations
    n = env.num_envs
    return TrainState(
        networks=networks,
        optimizer=make_optimizer(ppo).init(eqx.filter(networks, eqx.is_array)),
        learning_rate=jnp.asarray(ppo.learning_rate.start, jnp.float32),
        policy_normalizer=Normalizer.empty(env.policy_size) if normalized else None,
        critic_normalizer=Normalizer.empty(env.critic_size) if normalized else None,
        value_normalizer=Normalizer.empty(1) if ppo.normalize_values else None,
        env=env.init(params, name_key(key, "env")),
        carry=Carry(
            networks.actor.network.initial_carry(n), networks.critic.network.initial_carry(n)
        ),
        start=jnp.ones(n),
        episodes=Episodes.none(n, env.measure_names),
        key=key,
        iteration=jnp.int32(0),
        rollbacks=jnp.int32(0),
    )


class Collected(NamedTuple):
    """What one iteration has collected.

    Attributes:
        env: the environments after it.
        carry: the networks' memories after it.
        start: where episodes begin with the next tick.
        ticks: what was seen and done; leads with (ticks, envs).
    """

    env: EnvState
    carry: Carry
    start: Float[Array, " envs"]
    ticks: Rollout


def collect(
    env: Env[EnvState], ppo: PPO, params: Params, state: TrainState, across: Across = ALONE
) -> Collected:
    """The first half of an iteration: run the policy.

    Args:
        env: the environments.
        ppo: hyperparameters.
        params: runtime parameters of the environments.
        state: the state before.
        across: the shards that the environments are cut into.
    """
    after, carry, start, ticks, _ = rollout(env, ppo, params, state, lambda _: (), across)
    return Collected(after, carry, start, ticks)


def learn(
    env: Env[EnvState],
    ppo: PPO,
    state: TrainState,
    collected: Collected,
    across: Across = ALONE,
) -> tuple[TrainState, Metrics]:
    """The second half: learn of what was collected.

    Args:
        env: the environments, for what they are alone.
        ppo: hyperparameters.
        state: the state before the iteration.
        collected: by :func:`collect`.
        across: the shards that the environments are cut into.

    Returns:
        The state after, and numbers to log. Where ``guard/finite`` among them is 0, something in
        the state after is not a finite number, and the state before is the last good one.
    """
    key = iteration_key(state.key, state.iteration, state.rollbacks)
    after, carry, start, ticks = collected
    value, next_value = _values(state, ticks)
    step = ticks.step
    done = state.iteration * jnp.float32(across.shards * env.num_envs * ppo.rollout)
    gamma = discount(ppo, done)
    advantage, target = gae(step.reward, value, next_value, step.failure, step.done, gamma, ppo.lam)
    raw_target = target
    value_normalizer = state.value_normalizer
    if value_normalizer is not None:
        value_normalizer = value_normalizer.add(target.reshape(-1, 1), across)
        value, target = (value_normalizer.scaled(x[..., None])[..., 0] for x in (value, target))
    if ppo.normalize_advantages:
        advantage = across.standardized(advantage)
    samples = Samples(
        policy_input=_normalized(state.policy_normalizer, ticks.policy_input),
        critic_input=_normalized(state.critic_normalizer, ticks.critic_input),
        latent=ticks.latent,
        output=ticks.output,
        log_prob=ticks.log_prob,
        value=value,
        advantage=advantage,
        target=target,
        start=ticks.start,
    )
    images = None
    if env.reflection is not None and ppo.mirror > 0.0:
        images = _mirrored(env.reflection, state, ticks, samples)
    factor = annealed(ppo, done)
    networks, optimizer, rate, losses = update(
        state.networks,
        state.optimizer,
        state.learning_rate,
        samples,
        images,
        state.carry,
        name_key(key, "minibatches"),
        ppo,
        factor,
        across,
    )
    episodes, finished = state.episodes.after(step, across)
    std, mean_target = across.mean(
        (jnp.mean(state.networks.actor.head(ticks.output[-1]).std), jnp.mean(raw_target))
    )
    unexplained = across.variance(target - value) / (across.variance(target) + 1e-8)
    metrics: Metrics = {
        **logged(episodes, finished, step, across),
        **{f"loss/{name}": value for name, value in losses._asdict().items()},
        "policy/learning_rate": rate * factor,
        "policy/std": std,
        "value/gamma": jnp.float32(gamma),
        "value/mean": mean_target,
        "value/explained": 1.0 - unexplained,
    }
    learned = (networks, optimizer, rate, value_normalizer, losses, episodes.running_return)
    read = (after.policy_input, after.critic_input)  # by the next iteration
    good = across.all(finite((learned, read, carry)) & no_nan(after.episode))
    metrics["guard/finite"] = good.astype(jnp.float32)
    return TrainState(
        networks=networks,
        optimizer=optimizer,
        learning_rate=rate,
        policy_normalizer=_added(
            state.policy_normalizer,
            ticks.policy_input,
            env.reflection and env.reflection.policy,
            across,
        ),
        critic_normalizer=_added(
            state.critic_normalizer,
            ticks.critic_input,
            env.reflection and env.reflection.critic,
            across,
        ),
        value_normalizer=value_normalizer,
        env=after,
        carry=carry,
        start=start,
        episodes=episodes,
        key=state.key,
        iteration=state.iteration + 1,
        rollbacks=state.rollbacks,
    ), metrics


def rollout(
    env: Env[EnvState],
    ppo: PPO,
    params: Params,
    state: TrainState,
    watch: Callable[[EnvState], W],
    across: Across = ALONE,
) -> tuple[EnvState, Carry, Float[Array, " envs"], Rollout, W]:
    """Run the policy for the ticks of one iteration.

    Args:
        env, ppo, params, state: as for :func:`collect`.
        watch: what to keep of the environments' state before each tick.
        across: the shards that the environments are cut into.

    Returns:
        The environments after, the networks' memories, where episodes begin with the next tick,
        the ticks and what was watched; the last two lead with (ticks, envs).
    """
    actor, critic = state.networks
    judging = critic.network.recurrent  # its values depend on a memory, so they are made on the way

    def tick(
        loop: tuple[EnvState, Carry, Float[Array, " envs"]], key: Key[Array, ""]
    ) -> tuple[tuple[EnvState, Carry, Float[Array, " envs"]], tuple[Rollout, W]]:
        env_state, carry, start = loop
        watched = watch(env_state)
        carry = jax.tree.map(lambda m: m * (1.0 - start)[:, None], carry)
        policy_input, critic_input = env_state.policy_input, env_state.critic_input
        seen = _normalized(state.policy_normalizer, policy_input)
        filled = jax.tree.map(across.filled, (seen, carry.actor))
        output, actor_carry = jax.tree.map(lambda x: x[: len(start)], actor.network(*filled))
        distribution = actor.head(output)
        latent = distribution.sample(across.key(key, len(start)))
        after, step = env.step(params, env_state, distribution.action(latent))
        value = next_value = None
        critic_carry = carry.critic
        if judging:
            judged = _normalized(state.critic_normalizer, critic_input)
            value, critic_carry = critic(judged, carry.critic)
            judged = _normalized(state.critic_normalizer, step.next_critic_input)
            next_value, _ = critic(judged, critic_carry)
        row = Rollout(
            policy_input=policy_input,
            critic_input=critic_input,
            latent=latent,
            output=output,
            log_prob=distribution.log_prob(latent),
            start=start,
            value=value,
            next_value=next_value,
            step=step._replace(next_policy_input=None),
        )
        done = step.done.astype(jnp.float32)
        return (after, Carry(actor_carry, critic_carry), done), (row, watched)

    key = iteration_key(state.key, state.iteration, state.rollbacks)
    keys = jax.random.split(name_key(key, "actions"), ppo.rollout)
    first = (state.env, state.carry, state.start)
    (after, carry, start), (ticks, watched) = jax.lax.scan(tick, first, keys)
    return after, carry, start, ticks, watched


def _values(state: TrainState, ticks: Rollout) -> tuple[Array, Array]:
    """Values of the states before and after each tick, in units of the return."""
    value, next_value = ticks.value, ticks.next_value
    if value is None or next_value is None:
        inputs = (ticks.critic_input, ticks.step.next_critic_input)
        value, next_value = (
            state.networks.critic(_normalized(state.critic_normalizer, x), ())[0] for x in inputs
        )
    normalizer = state.value_normalizer
    if normalizer is None:
        return value, next_value
    return normalizer.invert(value), normalizer.invert(next_value)


def _normalized(normalizer: Normalizer | None, x: Array) -> Array:
    return x if normalizer is None else normalizer(x)


def _added(
    normalizer: Normalizer | None, rows: Array, image: Signed | None, across: Across
) -> Normalizer | None:
    """The statistics with those of some inputs, and of their mirror images."""
    if normalizer is None:
        return None
    if image is not None:
        rows = jnp.stack([rows, imaged(image, rows)])
    return normalizer.add(rows.reshape(-1, rows.shape[-1]), across)


def _mirrored(
    reflection: Reflection, state: TrainState, ticks: Rollout, samples: Samples
) -> Samples:
    """The mirror images of samples.

    What a policy does in the mirror image of a state is as probable as what it did in the state:
    its mirror image is the policy that acted.
    """
    policy_input = imaged(reflection.policy, ticks.policy_input)
    critic_input = imaged(reflection.critic, ticks.critic_input)
    return samples._replace(
        policy_input=_normalized(state.policy_normalizer, policy_input),
        critic_input=_normalized(state.critic_normalizer, critic_input),
        latent=imaged(reflection.action, ticks.latent),
    )
