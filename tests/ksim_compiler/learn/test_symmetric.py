"""Symmetric networks: the answer to a mirror image is the mirror image of the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.learn.nets.actor_critic import build_actor, build_critic
from ksim_compiler.learn.nets.distributions import LAWS
from ksim_compiler.learn.nets.distributions.mixture import Mixture
from ksim_compiler.learn.nets.image import Images, Parts
from ksim_compiler.learn.nets.networks import build_network
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.plan import Reflection
from ksim_schema.robot.mirror import Signed
from ksim_schema.vocabulary.distributions import DISTRIBUTIONS
from ksim_schema.vocabulary.networks.mlp import Mlp

ROOT = Path(__file__).parents[3]
SPEC = Mlp(hidden=(12, 8, 6), symmetric=True)
INPUTS: Signed = ((1, 1.0), (0, 1.0), (2, -1.0), (3, 1.0), (5, -1.0), (4, -1.0), (6, 1.0))
ACTIONS: Signed = ((2, 1.0), (1, -1.0), (0, 1.0), (4, -1.0), (3, -1.0))
REFLECTION = Reflection(INPUTS, INPUTS, ACTIONS)
SYMMETRIC = (
    "PPO.mirror=0",
    "Policy.actor.network.symmetric=true",
    "Critic.critic.network.symmetric=true",
)


def matrix(image: Signed) -> np.ndarray:
    """By the definition: the i-th element of the image is a signed element of the value."""
    m = np.zeros((len(image), len(image)))
    for i, (j, sign) in enumerate(image):
        m[i, j] = sign
    return m


def stirred(module: Any, seed: int = 0) -> Any:
    """Large random numbers in all arrays."""
    rng = np.random.default_rng(seed)
    arrays, rest = eqx.partition(module, eqx.is_inexact_array)
    some = jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape), jnp.float32), arrays)
    return eqx.combine(some, rest)


def rows(count: int, seed: int = 1) -> jax.Array:
    return normal((count, len(INPUTS)), seed)


def normal(shape: tuple[int, ...], seed: int) -> jax.Array:
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def turned(x: jax.Array, image: Signed) -> jax.Array:
    """The mirror images of rows."""
    return jnp.asarray(x @ matrix(image).T, jnp.float32)


@pytest.mark.parametrize("activation", ["elu", "tanh", "gelu"])
def test_a_symmetric_network_commutes_with_the_mirror(activation: str) -> None:
    spec = SPEC.model_copy(update={"activation": activation})
    net = build_network(spec, 7, 5, jax.random.key(0), 1.0, Images(INPUTS, ACTIONS))
    net, x = stirred(net), rows(64)
    answer, mirrored = net(x, ())[0], net(turned(x, INPUTS), ())[0]
    np.testing.assert_allclose(mirrored, turned(answer, ACTIONS), rtol=1e-4, atol=1e-4)
    assert np.abs(mirrored - answer).max() > 1.0
    arrays = jax.tree.leaves(eqx.filter(net, eqx.is_array))
    assert spec.parameters(7, 5) == sum(a.size for a in arrays)


def test_it_is_the_sum_over_the_two_sides_written_out() -> None:
    """One hidden layer: each unit of one side has a twin that reads the mirror image."""
    spec = Mlp(hidden=(6,), symmetric=True, activation="tanh")
    net = stirred(build_network(spec, 7, 5, jax.random.key(0), 1.0, Images(INPUTS, ACTIONS)))
    x, m, a = rows(9), matrix(INPUTS), matrix(ACTIONS)
    first, last = (
        (np.asarray(layer.weight, np.float64), np.asarray(layer.bias, np.float64))
        for layer in (net.first, net.last)  # type: ignore[attr-defined]
    )

    def one_side(x: np.ndarray) -> np.ndarray:
        return np.tanh(x @ first[0] + first[1]) @ last[0] + last[1]

    wanted = (one_side(x) + one_side(x @ m.T) @ a.T) / 2
    np.testing.assert_allclose(net(x, ())[0], wanted, rtol=1e-5, atol=1e-5)


def test_fresh_outputs_are_as_large_as_those_of_a_network_of_its_width() -> None:
    x = rows(4096)
    sizes = []
    for symmetric in (False, True):
        spec = Mlp(hidden=(64, 64), symmetric=symmetric)
        images = Images(INPUTS, ACTIONS)
        nets = [build_network(spec, 7, 5, jax.random.key(s), 1.0, images) for s in range(8)]
        sizes.append(np.mean([float(jnp.std(net(x, ())[0])) for net in nets]))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.2)


@pytest.mark.parametrize("kind", sorted(DISTRIBUTIONS))
@pytest.mark.parametrize("state_dependent", [False, True])
def test_an_action_is_as_probable_as_its_mirror_image(kind: str, state_dependent: bool) -> None:
    """... in the mirror image of the state, and a state is worth as much as its mirror image."""
    spec = DISTRIBUTIONS[kind].model_validate({"state_dependent": state_dependent})
    assert type(spec) in LAWS
    key = jax.random.key(0)
    actor = stirred(build_actor(SPEC, spec, 7, 5, key, REFLECTION))
    critic = stirred(build_critic(SPEC, 7, key, REFLECTION))
    x = rows(50)
    image = turned(x, INPUTS)
    here, there = actor(x, ())[0], actor(image, ())[0]
    latent = normal((50, 5), 3)
    mirrored = turned(latent, ACTIONS)
    one, other = here.log_prob(latent), there.log_prob(mirrored)
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)
    assert np.abs(here.log_prob(latent) - there.log_prob(latent)).max() > 0.1
    if not isinstance(here, Mixture):  # of which two peaks may be of one height
        modes = turned(here.mode(), ACTIONS)
        np.testing.assert_allclose(there.mode(), modes, rtol=1e-4, atol=1e-4)
    values = (critic(y, ())[0] for y in (x, image))
    np.testing.assert_allclose(*values, rtol=1e-4, atol=1e-4)


def test_the_parts_of_a_vector_are_coordinates_in_an_orthonormal_basis() -> None:
    parts, m = Parts(INPUTS), matrix(INPUTS)
    basis = np.concatenate([parts.even, parts.odd], axis=1)
    np.testing.assert_allclose(basis @ basis.T, np.eye(7), atol=1e-6)
    np.testing.assert_allclose(m @ parts.even, parts.even, atol=1e-6)
    np.testing.assert_allclose(m @ parts.odd, -parts.odd, atol=1e-6)
    x = rows(20)
    (even, odd), (same, opposite) = parts(x), parts(turned(x, INPUTS))
    np.testing.assert_array_equal(even, same)  # to the last bit
    np.testing.assert_array_equal(odd, -opposite)
    np.testing.assert_allclose(even, x @ parts.even, atol=1e-6)
    np.testing.assert_allclose(odd, x @ parts.odd, atol=1e-6)


def walk(*settings: str) -> Compiled:
    return compile_file(ROOT / "tasks" / "walk.yaml", settings)


def test_what_a_symmetric_network_needs_is_asked_for() -> None:
    assert walk(*SYMMETRIC).plan is not None
    codes = [d.code for d in walk(*SYMMETRIC[1:], "PPO.mirror=0.5").diagnostics]
    assert codes == ["KS0492"]
    unknown = walk(*SYMMETRIC[:2], "PhysicsState.humanoid.mirror=null").diagnostics
    assert [d.code for d in unknown] == ["KS0440"]
    assert "Policy.actor.network.symmetric" in unknown[0].message
    odd = walk(*SYMMETRIC, "Policy.actor.network.hidden=[64, 33]").diagnostics
    assert "33 is odd" in odd[0].message
    none = walk(*SYMMETRIC, "Policy.actor.network.hidden=[]").diagnostics
    assert "hidden layer" in none[0].message
