"""GAE, distributions, normalizers, networks and learning rates against numbers worked apart."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from ksim_compiler.learn.nets.actor_critic import build_actor, build_critic
from ksim_compiler.learn.nets.distributions import Head
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.ppo.gae import gae
from ksim_compiler.learn.ppo.schedule import SETTLED, annealed, discount
from ksim_compiler.learn.ppo.update import adapted
from ksim_schema.vocabulary.distributions.gaussian import Gaussian
from ksim_schema.vocabulary.distributions.mixture import MixtureOfGaussians
from ksim_schema.vocabulary.distributions.tanh_gaussian import TanhGaussian
from ksim_schema.vocabulary.learner.ppo import PPO
from ksim_schema.vocabulary.networks.gru import Gru
from ksim_schema.vocabulary.networks.lstm import Lstm
from ksim_schema.vocabulary.networks.mlp import Mlp


def test_gae_by_hand() -> None:
    # gamma 0.5, lambda 0.5, so gamma * lambda = 0.25. Three ticks, no episode ends:
    #   delta2 = 3 + 0.5 * 8 - 4 = 3          A2 = 3
    #   delta1 = 2 + 0.5 * 4 - 2 = 2          A1 = 2 + 0.25 * 3 = 2.75
    #   delta0 = 1 + 0.5 * 2 - 1 = 1          A0 = 1 + 0.25 * 2.75 = 1.6875
    # With a failure at tick 1: delta1 = 2 - 2 = 0, A1 = 0, A0 = 1 + 0 = 1.
    # With a time-out at tick 1: delta1 = 2 as without an end, but A1 = 2, A0 = 1 + 0.25 * 2 = 1.5.
    reward = jnp.array([[1.0] * 3, [2.0] * 3, [3.0] * 3])
    value = jnp.array([[1.0] * 3, [2.0] * 3, [4.0] * 3])
    following = jnp.array([[2.0] * 3, [4.0] * 3, [8.0] * 3])
    failure = jnp.array([[False] * 3, [False, True, False], [False] * 3])
    done = jnp.array([[False] * 3, [False, True, True], [False] * 3])
    advantage, target = gae(reward, value, following, failure, done, 0.5, 0.5)
    np.testing.assert_allclose(
        advantage, [[1.6875, 1.0, 1.5], [2.75, 0.0, 2.0], [3.0, 3.0, 3.0]], rtol=1e-6
    )
    np.testing.assert_allclose(target, advantage + value, rtol=1e-6)


def test_normalizer_is_numpy_over_all_batches_and_skips_what_is_not_finite() -> None:
    rng = np.random.default_rng(0)
    batches = [3.0 + 2.0 * rng.standard_normal((n, 4)).astype(np.float32) for n in (7, 1, 50)]
    normalizer = Normalizer.empty(4)
    for batch in batches:
        spoilt = np.vstack([batch, np.full((1, 4), np.nan, np.float32)])
        normalizer = normalizer.add(jnp.asarray(spoilt))
    rows = np.vstack(batches)
    np.testing.assert_allclose(normalizer.mean, rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(normalizer.variance, rows.var(axis=0), rtol=1e-4)
    assert float(normalizer.count) == 58
    np.testing.assert_allclose(
        normalizer(jnp.asarray(rows)), (rows - rows.mean(0)) / rows.std(0), rtol=1e-3, atol=1e-4
    )


def test_gaussian_against_scipy() -> None:
    head = Head.build(Gaussian(init_std=0.7), 3)
    mean = jnp.array([[0.1, -2.0, 3.0], [0.0, 0.0, 0.0]])
    normal, x = head(mean), jnp.array([[0.5, -1.0, 2.0], [1.0, 2.0, 3.0]])
    expected = stats.norm.logpdf(x, mean, 0.7).sum(-1)
    np.testing.assert_allclose(normal.log_prob(x), expected, rtol=1e-5)
    entropy = 3 * stats.norm.entropy(scale=0.7)
    np.testing.assert_allclose(normal.entropy(), [entropy] * 2, rtol=1e-5)
    np.testing.assert_allclose(normal.kl(normal), 0.0, atol=1e-6)
    other = Head.build(Gaussian(init_std=1.4), 3)(mean + 1.0)
    # log(s2/s1) + (s1^2 + (m1 - m2)^2) / (2 s2^2) - 1/2, for each of three
    kl = 3 * (np.log(2) + (0.49 + 1.0) / (2 * 1.96) - 0.5)
    np.testing.assert_allclose(normal.kl(other), [kl] * 2, rtol=1e-5)


@pytest.mark.parametrize("spec", [TanhGaussian(init_std=0.5), MixtureOfGaussians(init_std=0.4)])
def test_log_prob_entropy_and_kl_agree_with_samples(
    spec: TanhGaussian | MixtureOfGaussians,
) -> None:
    head, other = Head.build(spec, 1), Head.build(spec, 1)
    output = 0.3 * jnp.ones((head.output_size,))
    p, q = head(output), other(0.1 * output)
    keys = jax.random.split(jax.random.key(0), 40_000)
    latent = jax.vmap(p.sample)(keys)
    log_p = jax.vmap(p.log_prob)(latent)
    np.testing.assert_allclose(-log_p.mean(), p.entropy(), atol=0.02)
    np.testing.assert_allclose((log_p - jax.vmap(q.log_prob)(latent)).mean(), p.kl(q), atol=0.02)
    action = np.sort(np.asarray(jax.vmap(p.action)(latent))[:, 0])
    if isinstance(spec, TanhGaussian):
        assert (np.abs(action) <= 1).all()
    # the density of the action integrates to the distribution function of the samples
    grid = np.linspace(action[200], action[-200], 2001)
    where = jnp.asarray(np.arctanh(grid) if isinstance(spec, TanhGaussian) else grid)[:, None]
    inside = np.trapezoid(np.exp(np.asarray(jax.vmap(p.log_prob)(where))), grid)
    np.testing.assert_allclose(inside, 0.99, atol=0.02)


@pytest.mark.parametrize("network", [Gru(hidden=8, depth=2, head=(5,)), Lstm(hidden=8)])
def test_a_sequence_run_at_once_is_the_network_tick_by_tick(network: Gru | Lstm) -> None:
    critic = build_critic(network, 3, jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (6, 2, 3))
    start = jnp.zeros((6, 2)).at[0].set(1.0).at[3, 1].set(1.0)
    carry = critic.network.initial_carry(2)
    dirty = jax.tree.map(lambda m: m + 5.0, carry)  # the first tick starts an episode anyway
    ticks, memory = [], dirty
    for t in range(6):
        memory = jax.tree.map(lambda m, t=t: m * (1.0 - start[t])[:, None], memory)
        value, memory = critic(x[t], memory)
        ticks.append(value)
    np.testing.assert_allclose(critic.run(x, dirty, start), jnp.stack(ticks), rtol=1e-5, atol=1e-6)
    fresh = critic.run(x[3:, 1:], critic.network.initial_carry(1), start[3:, 1:])
    np.testing.assert_allclose(ticks[5][1], fresh[2, 0], rtol=1e-5)  # a reset is a fresh start


def test_initial_weights_are_orthogonal_and_the_first_policy_is_quiet() -> None:
    actor = build_actor(Mlp(hidden=(16, 16)), Gaussian(), 16, 4, jax.random.key(0))
    layers = actor.network.layers
    for layer, gain in zip(layers[:-1], (2**0.5, 2**0.5), strict=True):
        square = np.asarray(layer.weight.T @ layer.weight)
        np.testing.assert_allclose(square, gain**2 * np.eye(16), atol=1e-5)
    mean = actor(jnp.ones((5, 16)), ())[0].mode()
    assert np.abs(mean).max() < 0.1


def test_the_learning_rate_follows_the_divergence() -> None:
    ppo = PPO.model_validate({"learning_rate": {"start": 1e-3, "adaptive_kl": 0.01}})
    rate = jnp.float32(1e-3)
    np.testing.assert_allclose(adapted(rate, jnp.float32(0.03), ppo), 1e-3 / 1.5, rtol=1e-6)
    np.testing.assert_allclose(adapted(rate, jnp.float32(0.001), ppo), 1.5e-3, rtol=1e-6)
    np.testing.assert_allclose(adapted(rate, jnp.float32(0.01), ppo), 1e-3, rtol=1e-6)
    np.testing.assert_allclose(adapted(jnp.float32(1e-2), jnp.float32(0.0), ppo), 1e-2, rtol=1e-6)
    constant = PPO.model_validate({"learning_rate": 1e-3})
    np.testing.assert_allclose(adapted(rate, jnp.float32(9.0), constant), 1e-3, rtol=1e-6)


def test_the_learning_rate_falls_at_the_end_of_the_run() -> None:
    annealing = {
        "steps": 1000,
        "learning_rate": {"start": 1e-3, "adaptive_kl": 0.01, "anneal": 0.2},
    }
    ppo = PPO.model_validate(annealing)
    done = jnp.array([0.0, 800.0, 900.0, 1000.0, 2000.0])
    np.testing.assert_allclose(
        jax.vmap(lambda d: annealed(ppo, d))(done), [1.0, 1.0, 0.5, SETTLED, SETTLED], rtol=1e-5
    )
    # half the rate moves the policy by a fourth of the divergence: the rate stays
    rate = jnp.float32(1e-3)
    np.testing.assert_allclose(adapted(rate, jnp.float32(0.01 / 4), ppo, 0.5), 1e-3, rtol=1e-6)
    np.testing.assert_allclose(adapted(rate, jnp.float32(0.01), ppo, 0.5), 1e-3 / 1.5, rtol=1e-6)
    assert annealed(PPO.model_validate({**annealing, "steps": None}), jnp.float32(900)) == 1.0


def test_the_discount_changes_between_two_shares_of_the_run() -> None:
    gamma = {"start": 0.9, "end": 0.99, "between": (0.5, 0.75)}
    ppo = PPO.model_validate({"steps": 1000, "gamma": gamma})
    done = jnp.array([0.0, 500.0, 600.0, 750.0, 1000.0, 2000.0])
    np.testing.assert_allclose(
        jax.vmap(lambda d: discount(ppo, d))(done), [0.9, 0.9, 0.936, 0.99, 0.99, 0.99], rtol=1e-5
    )
    at_once = PPO.model_validate({"steps": 1000, "gamma": {**gamma, "between": (0.5, 0.5)}})
    np.testing.assert_allclose(
        jax.vmap(lambda d: discount(at_once, d))(jnp.array([499.0, 501.0])), [0.9, 0.99], rtol=1e-5
    )
    assert discount(PPO.model_validate({"gamma": gamma}), jnp.float32(900)) == 0.9
    assert discount(PPO.model_validate({"steps": 9, "gamma": 0.9}), jnp.float32(9)) == 0.9


def test_a_policy_without_hidden_layers_is_linear() -> None:
    actor = build_actor(Mlp(hidden=()), Gaussian(), 3, 2, jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (5, 3))
    normalizer, start = Normalizer.empty(3), jnp.zeros(5)
    zero, once, twice = (
        np.asarray(actor.mode(normalizer, factor * x, (), start)[0]) for factor in (0.0, 1.0, 2.0)
    )
    assert np.abs(once).max() > 0
    np.testing.assert_allclose(twice - zero, 2 * (once - zero), rtol=1e-4, atol=1e-6)
