"""Warm starts in physical units: a policy that was moved sets what it set, whatever the units."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import equinox as eqx
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from ksim_compiler.comparison import compare
from ksim_compiler.learn.nets.actor_critic import build_actor, build_critic
from ksim_compiler.learn.nets.layers import Axes
from ksim_compiler.learn.nets.networks import build_network
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.ppo.types import Networks, TrainState
from ksim_compiler.learn.ppo.update import make_optimizer
from ksim_compiler.learn.run.learned import Learned
from ksim_compiler.learn.run.warm_start import moved
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diff.columns import Migration
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.observation import Observation

TASKS = Path(__file__).parents[3] / "tasks"
NETWORKS = (
    "{kind: mlp, hidden: [5, 4]}",
    "{kind: gru, hidden: 4, head: [3]}",
    "{kind: gru, hidden: 4, depth: 2}",
    "{kind: lstm, hidden: 4}",
)
QUICK = (NETWORKS[0], *(pytest.param(n, marks=pytest.mark.slow) for n in NETWORKS[1:]))
"""For tests of a network that take long: the first is always tested."""
DISTRIBUTIONS = (
    "{kind: gaussian}",
    "{kind: gaussian, state_dependent: true}",
    "{kind: mixture, components: 2}",
    "{kind: mixture, components: 2, state_dependent: true}",
    "{kind: tanh_gaussian}",
)
INPUTS = ("cart", "pole", "cart_speed", "pole_speed", "last")


@functools.cache
def source() -> Path:
    """Cartpole with one more observation."""
    text = (TASKS / "cartpole.yaml").read_text().replace("robots/", f"{TASKS}/robots/")
    path = Path(tempfile.mkdtemp()) / "cartpole.yaml"
    path.write_text(text.replace("Observation:\n", "Observation:\n  last: {kind: last_action}\n"))
    return path


def task(network: str, distribution: str, read: list[str], *more: str) -> Compiled:
    compiled = compile_file(
        source(),
        (
            f"Policy.actor.network={network}",
            f"Policy.actor.distribution={distribution}",
            f"Policy.actor.read=[{', '.join(read)}]",
            *more,
        ),
    )
    assert compiled.plan is not None, compiled.diagnostics
    return compiled


def blank(compiled: Compiled) -> Learned:
    plan = compiled.plan
    assert plan is not None
    (actor,), (critic,) = (plan.parts(o).values() for o in ("Policy", "Critic"))
    assert isinstance(actor, Actor)
    assert isinstance(critic, ValueCritic)
    ppo, key = plan.task.learner, jax.random.key(0)
    reads, judges = plan.policy_input[-1].stop, plan.critic_input[-1].stop
    networks = Networks(
        build_actor(actor.network, actor.distribution, reads, plan.action_size, key),
        build_critic(critic.network, judges, key),
    )
    return Learned(
        networks,
        make_optimizer(ppo).init(eqx.filter(networks, eqx.is_array)),
        Normalizer.empty(reads) if ppo.normalize_observations else None,
        Normalizer.empty(judges) if ppo.normalize_observations else None,
        Normalizer.empty(1) if ppo.normalize_values else None,
    )


def trained(compiled: Compiled, seed: int) -> Learned:
    """Numbers as a training may have left them."""
    like, rng = blank(compiled), np.random.default_rng(seed)

    def some(leaf: Any) -> Any:
        if not eqx.is_inexact_array(leaf):
            return leaf
        return jnp.asarray(rng.normal(0.0, 0.5, leaf.shape), leaf.dtype)

    def statistics(old: Normalizer | None) -> Normalizer | None:
        if old is None:
            return None
        size = old.mean.shape[0]
        mean, variance = rng.normal(0, 0.3, size), rng.uniform(0.2, 2.0, size)
        return Normalizer(jnp.float32(9e9), jnp.float32(mean), jnp.float32(variance))

    networks = jax.tree.map(some, like.networks)
    return like._replace(
        networks=networks,
        policy_normalizer=statistics(like.policy_normalizer),
        critic_normalizer=statistics(like.critic_normalizer),
        value_normalizer=statistics(like.value_normalizer),
    )


def state(compiled: Compiled) -> TrainState:
    rest = dict.fromkeys(TrainState._fields)
    return TrainState(**{**rest, **blank(compiled)._asdict()})  # type: ignore[arg-type]


def warmed(old: Compiled, new: Compiled, seed: int) -> tuple[Learned, Learned, Migration]:
    way = compare(old, new, "old", "new").migration
    assert way is not None
    was = trained(old, seed)
    return was, Learned.of(moved(state(new), way, was, 64)), way


def values(compiled: Compiled, seen: dict[str, float], force: float) -> np.ndarray:
    """A policy's input when the physics is as it is: arithmetic of the task's own words."""
    assert compiled.plan is not None
    unit = float(compiled.plan.parts(Action)["force"].scale)  # type: ignore[attr-defined]
    found = []
    for column in compiled.plan.policy_input:
        name = column.source.name
        scale = float(compiled.plan.parts(Observation)[name].scale)  # type: ignore[attr-defined]
        found.append(scale * (force / unit if name == "last" else seen[name]))
    return np.array(found, np.float32)


def forces(compiled: Compiled, policy: Learned, ticks: list[tuple[dict[str, float], float]]) -> Any:
    """What it sets in newtons, tick by tick, and its standard deviations."""
    assert compiled.plan is not None
    unit = float(compiled.plan.parts(Action)["force"].scale)  # type: ignore[attr-defined]
    actor, carry, set_, spread = policy.networks.actor, None, [], []
    carry = actor.network.initial_carry()
    for seen, force in ticks:
        x = jnp.asarray(values(compiled, seen, force))
        x = x if policy.policy_normalizer is None else policy.policy_normalizer(x)
        distribution, carry = actor(x, carry)
        set_.append(unit * np.asarray(distribution.mode()))
        spread.append(unit * np.asarray(distribution.std))
    return np.array(set_), np.array(spread)


@settings(max_examples=6, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("network", QUICK)
def test_the_same_forces_in_any_units(network: str, data: st.DataObject) -> None:
    distribution = data.draw(st.sampled_from(DISTRIBUTIONS))
    before = data.draw(st.lists(st.sampled_from(INPUTS), unique=True, min_size=2))
    after = data.draw(st.permutations(INPUTS)) if data.draw(st.booleans()) else before[::-1]
    after = [name for name in after if name in before or data.draw(st.booleans())]
    after = after or before
    tanh = "tanh" in distribution
    unit, scale = (1.0, 2.0) if tanh else (data.draw(st.sampled_from((0.5, 2.0, 7.0))), 3.0)
    normalized = data.draw(st.booleans())
    old = task(
        network, distribution, before, f"PPO.normalize_observations={str(normalized).lower()}"
    )
    new = task(
        network,
        distribution,
        list(after),
        f"PPO.normalize_observations={str(normalized).lower()}",
        f"Action.force.scale={10 * unit} N",
        f"Observation.pole.scale={5 * scale}",
        "Observation.last.scale=4",
    )
    was, now, way = warmed(old, new, data.draw(st.integers(0, 99)))
    assert bool(way.inexact) or unit == 1.0 or tanh
    rng = np.random.default_rng(1)
    ticks = [({n: rng.normal(0, 0.2) for n in INPUTS}, rng.normal(0, 2.0)) for _ in range(3)]
    gone = [name for name in before if name not in after]
    if gone:  # at their mean
        assert old.plan is not None
        mean = np.zeros(len(before))
        if was.policy_normalizer is not None:
            mean = np.asarray(was.policy_normalizer.mean)
        for name in gone:
            scale_of = float(old.plan.parts(Observation)[name].scale)  # type: ignore[attr-defined]
            value = float(mean[before.index(name)]) / scale_of
            for number, (seen, _) in enumerate(ticks):
                seen[name] = value
                if name == "last":
                    ticks[number] = (seen, 10.0 * value)
    a, b = forces(old, was, ticks), forces(new, now, ticks)
    # where the network gives them, standard deviations are carried about their middle alone, and
    # the mode of a mixture is that of the component with the highest peak
    if not ("mixture" in distribution and "state_dependent" in distribution and unit != 1.0):
        np.testing.assert_allclose(b[0], a[0], rtol=2e-3, atol=2e-3)
    if "state_dependent" not in distribution and not tanh:
        np.testing.assert_allclose(b[1], a[1], rtol=2e-2)


@pytest.mark.parametrize("network", NETWORKS)
def test_nothing_changed_is_the_same_bits(network: str) -> None:
    same = task(network, "{kind: gaussian}", ["cart", "pole", "cart_speed", "pole_speed"])
    was, now, way = warmed(same, same, 0)
    assert not way.needed
    for a, b in zip(jax.tree.leaves(was), jax.tree.leaves(now), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_array_says_what_its_axes_are(network: str) -> None:
    """Each axis that is said to be inputs or outputs grows with these, and no other does."""
    spec = task(network, "{kind: gaussian}", ["cart", "pole"]).plan.task.of(Actor)["actor"].network  # type: ignore[union-attr]
    key = jax.random.key(0)
    small, large = (build_network(spec, i, o, key, 1.0) for i, o in ((4, 3), (6, 8)))
    said = jax.tree.leaves(small.axes(), is_leaf=lambda x: isinstance(x, Axes))
    arrays = zip(said, jax.tree.leaves(small), jax.tree.leaves(large), strict=True)
    names = set()
    for axes, a, b in arrays:
        grown = {(4, 6): "inputs", (3, 8): "outputs"}
        found = tuple(grown.get(pair) for pair in zip(a.shape, b.shape, strict=True))
        assert axes.names == found
        names |= set(found)
    assert names == {"inputs", "outputs", None}


def test_what_tanh_squashes_is_right_about_zero_and_said() -> None:
    plain = ["cart", "pole"]
    old = task(NETWORKS[0], "{kind: tanh_gaussian}", plain)
    new = task(NETWORKS[0], "{kind: tanh_gaussian}", plain, "Action.force.scale=20 N")
    was, now, way = warmed(old, new, 0)
    assert "about zero alone" in way.sentence()
    small = eqx.tree_at(
        lambda p: p.networks.actor.network.layers[-1].weight,
        was,
        was.networks.actor.network.layers[-1].weight * 1e-2,
    )
    small = eqx.tree_at(
        lambda p: p.networks.actor.network.layers[-1].bias, small, jnp.array([0.02])
    )
    now = Learned.of(moved(state(new), way, small, 64))
    ticks = [({"cart": 0.1, "pole": -0.1}, 0.0)]
    np.testing.assert_allclose(forces(new, now, ticks)[0], forces(old, small, ticks)[0], rtol=1e-2)


def test_histories_grow_and_shrink_by_age() -> None:
    plain = ["cart", "pole"]
    short, long = (
        task(NETWORKS[0], "{kind: gaussian}", plain, f"Observation.cart.history={n}")
        for n in (2, 4)
    )
    was, now, _ = warmed(short, long, 0)
    weight = np.asarray(now.networks.actor.network.layers[0].weight)
    before = np.asarray(was.networks.actor.network.layers[0].weight)
    np.testing.assert_array_equal(weight[[2, 3, 4]], before)
    np.testing.assert_array_equal(weight[:2], 0.0)
    was, now, _ = warmed(long, short, 0)
    weight = np.asarray(now.networks.actor.network.layers[0].weight)
    before = np.asarray(was.networks.actor.network.layers[0].weight)
    np.testing.assert_array_equal(weight, before[[2, 3, 4]])
