"""One update: epochs of minibatches over a rollout."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Key

from ksim_compiler.env.across import ALONE, Across
from ksim_compiler.learn.ppo.losses import Losses, moved_by, ppo_loss
from ksim_compiler.learn.ppo.minibatches import images_taken, order
from ksim_compiler.learn.ppo.types import Carry, Networks, Samples
from ksim_schema.vocabulary.learner.ppo import PPO


def make_optimizer(ppo: PPO) -> optax.GradientTransformation:
    """Adam without its learning rate, which the update applies. Gradients are clipped before.

    The actor's and the critic's gradients are clipped apart, so that a large value error does
    not shrink the policy's step.
    """
    clip = optax.identity()
    if ppo.gradient_clip is not None:
        limit = ppo.gradient_clip
        clip = optax.partition(
            {name: optax.clip_by_global_norm(limit) for name in Networks._fields},
            lambda networks: networks._replace(
                **{
                    name: jax.tree.map(lambda _, name=name: name, getattr(networks, name))
                    for name in Networks._fields
                }
            ),
        )
    return optax.chain(clip, optax.scale_by_adam(eps=1e-5))


def adapted(
    rate: Float[Array, ""], kl: Float[Array, ""], ppo: PPO, factor: Float[Array, ""] | float = 1.0
) -> Float[Array, ""]:
    """The learning rate after a policy was found to have moved by ``kl``, as in rsl_rl.

    Where the rate is applied times a factor, the divergence goes with the square of that.
    """
    spec = ppo.learning_rate
    if spec.adaptive_kl is None:
        return rate
    slower = jnp.maximum(rate / 1.5, spec.min)
    faster = jnp.minimum(rate * 1.5, spec.max)
    target = spec.adaptive_kl * factor**2
    far, near = kl > 2.0 * target, kl < 0.5 * target
    return jnp.where(far, slower, jnp.where(near, faster, rate))


def update(
    networks: Networks,
    optimizer_state: optax.OptState,
    rate: Float[Array, ""],
    samples: Samples,
    images: Samples | None,
    carry: Carry,
    key: Key[Array, ""],
    ppo: PPO,
    factor: Float[Array, ""],
    across: Across = ALONE,
) -> tuple[Networks, optax.OptState, Float[Array, ""], Losses]:
    """Train on a rollout.

    The learning rate is adapted as often as there are steps. Before each step but the first, the
    minibatch says how far the steps before it have moved the policy; before the first step it has
    not moved, which says nothing. After the last step, its minibatch is asked once more.

    Args:
        networks, optimizer_state, rate: what is trained, Adam's moments, the learning rate.
        samples: (ticks, envs, ...); ``advantage`` is normalized already.
        images: the samples' mirror images, of which each epoch takes the share ``ppo.mirror`` in
            their place, or None.
        carry: memories before the first tick, (envs, ...).
        key: of the shuffling.
        ppo: hyperparameters.
        factor: what the learning rate is multiplied with, see :func:`~.schedule.annealed`.
        across: the shards that the environments are cut into. Each gives its share of every
            minibatch, and all take the same step.

    Returns:
        The new networks, optimizer state and learning rate, and the mean losses.
    """
    old = networks.actor.head
    optimizer = make_optimizer(ppo)
    recurrent = networks.actor.network.recurrent or networks.critic.network.recurrent
    axis = 1 if recurrent else 0
    ticks, envs = samples.value.shape
    shape = (1 if recurrent else ticks, envs)
    if not recurrent:
        samples, images = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (samples, images))

    images_alone = images is not None and ppo.mirror == 1.0

    def step(
        state: tuple, batch: tuple[Samples, Samples | None, Carry]
    ) -> tuple[tuple, tuple[Losses, Array]]:
        networks, optimizer_state, rate, taken = state
        seen, true, carry = batch
        loss = eqx.filter_value_and_grad(ppo_loss, has_aux=True)
        (_, losses), gradients = loss(networks, old, seen, carry, ppo)
        if true is not None:
            losses = losses._replace(kl=moved_by(networks, old, true, carry))
            gradients, losses = across.mean((gradients, losses))
        else:
            gradients, losses, some = _reduced(gradients, losses, seen, across)
            taken = taken & some
        direction, optimizer_state = optimizer.update(gradients, optimizer_state)
        rate = jnp.where(taken, adapted(rate, losses.kl, ppo, factor), rate)
        moved = jax.tree.map(lambda d: -rate * factor * d, direction)
        state = (eqx.apply_updates(networks, moved), optimizer_state, rate, jnp.bool_(True))
        return state, (losses, taken)

    def minibatches(key: Key[Array, ""], seen: Samples) -> tuple[Samples, Carry]:
        places = order(key, shape, ppo.minibatches, across)
        batches = jax.tree.map(lambda x: _take(x, places, axis), seen)
        return batches, jax.tree.map(lambda x: x[places], carry)

    def epoch(state: tuple, key: Key[Array, ""]) -> tuple[tuple, tuple[Losses, Array]]:
        seen = (
            samples
            if images is None
            else _mixed(
                images_taken(key, shape, ppo.minibatches, ppo.mirror, across), samples, images
            )
        )
        batches, carries = minibatches(key, seen)
        true = minibatches(key, samples)[0] if images_alone else None
        return jax.lax.scan(step, state, (batches, true, carries))

    keys = jax.random.split(key, ppo.epochs)
    state = (networks, optimizer_state, rate, jnp.bool_(False))
    (networks, optimizer_state, rate, _), (losses, measured) = jax.lax.scan(epoch, state, keys)
    last = jax.tree.map(lambda x: x[-1], minibatches(keys[-1], samples))
    moved = across.mean(moved_by(networks, old, *last))
    rate = adapted(rate, moved, ppo, factor)
    kl = (jnp.sum(losses.kl * measured) + moved) / (jnp.sum(measured) + 1)
    losses = jax.tree.map(jnp.mean, losses)._replace(kl=kl)
    return networks, optimizer_state, rate, losses


def _reduced(
    gradients: Any, losses: Losses, seen: Samples, across: Across
) -> tuple[Any, Losses, Bool[Array, ""]]:
    """Gradients and losses of a whole minibatch, and whether there is something in it whose
    divergence counts: all but mirror images."""
    if seen.own is None:
        return *across.mean((gradients, losses)), jnp.bool_(True)
    counted = jnp.sum(seen.own)
    if across.alone:
        return gradients, losses, counted > 0
    total = losses.kl * jnp.maximum(counted, 1.0)
    gradients, losses, total, counted = across.mean((gradients, losses, total, counted))
    kl = total / jnp.maximum(counted, 1.0 / across.shards)
    return gradients, losses._replace(kl=kl), counted > 0


def _mixed(taken: Bool[Array, " samples"], samples: Samples, images: Samples) -> Samples:
    """Samples, (samples, ...), of which some are taken as their mirror images."""
    own = ~taken
    mixed = jax.tree.map(
        lambda a, b: jnp.where(own.reshape(-1, *(1,) * (a.ndim - 1)), a, b), samples, images
    )
    return mixed._replace(own=own.astype(jnp.float32))


def _take(x: Array, order: Array, axis: int) -> Array:
    """Minibatches of an array, (minibatches, ...), along its batch axis."""
    return x[order] if axis == 0 else jnp.moveaxis(x[:, order], 1, 0)
