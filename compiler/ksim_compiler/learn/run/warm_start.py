"""Warm starts: what another run learned, moved to a task whose columns differ.

The policy acts as it did, in the units of what its numbers stand for. A column that goes on keeps
its weights, its moments of Adam and its statistics, wherever it now stands and in whatever unit. A
new input starts with zero weights. One that is gone is taken at its mean: that of the statistics,
which is what a normalized input of zero stands for, or else that over the environments of the
checkpoint. A new action starts as in a fresh network. The environments, the random
numbers, the learning rate and the count of steps are the new run's own.

What an array's axes run over is what the networks declare (``Axes`` in
:mod:`ksim_compiler.learn.nets.layers`), and what an output is the distribution's head says. Where
a parameter is multiplied with a factor, its gradient is divided by it, and Adam's moments are with
its first and second power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from ksim_compiler.learn.learner import State
from ksim_compiler.learn.nets.distributions import Head, Parameter
from ksim_compiler.learn.nets.layers import INPUTS, OUTPUTS, Axes, Dense
from ksim_compiler.learn.nets.normalizer import MIN_STD, Normalizer
from ksim_compiler.learn.run import learned
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.learned import Judged, Learned, Means
from ksim_schema.diff.columns import REACH, ColumnMap, Migration

FRESH = 10
"""Iterations' worth of rows that statistics count for when some of their columns are new, or the
returns of another task, so that these find their mean soon."""


class MigrationError(Exception):
    """What another run learned cannot be used; the message says why."""


@dataclass(frozen=True)
class Move:
    """Where the columns along an axis come from.

    Attributes:
        index: for each column the old one, or None for one that is new.
        gain: what its weights are multiplied with.
        shift: what is added to its bias (of an output), or was added to its value (of an input).
        held: of an input, for each old column that is gone what the network reads in its place;
            zero for the others.
    """

    index: tuple[int | None, ...]
    gain: np.ndarray
    shift: np.ndarray
    held: np.ndarray | None = None


def migrate(state: State, way: Migration, run: Path, rows: int) -> State:
    """Move what a run learned into a fresh state.

    Args:
        state: the fresh state of the new task.
        way: where the new task's columns come from.
        run: the folder of the other run, or a policy file (then Adam's moments begin at zero).
        rows: environment steps of an iteration.

    Raises:
        MigrationError: its networks differ, or it has no checkpoint that can be read.
    """
    if not way.possible:
        raise MigrationError(way.sentence())
    head = state.networks.actor.head
    head = Head(None, way.distribution or head.spec, way.actions.old_size)
    try:
        old, means = learned.read(run, Learned.of(state), head)
    except CheckpointError as error:
        raise MigrationError(str(error)) from error
    return moved(state, way, old, rows, means)


def moved(
    state: State, way: Migration, old: Learned, rows: int, means: Means | None = None
) -> State:
    """As :func:`migrate`, from what the other run learned and from what its networks read.

    Raises:
        MigrationError: its networks differ.
    """
    fresh, means = Learned.of(state), means or Means()
    outputs = old.networks.actor.head.output_size
    _check(old.networks.actor, fresh.networks.actor, way.policy.old_size, outputs)
    judging = isinstance(fresh.networks, Judged) and not way.critic_obstacles
    if judging:
        _check(old.networks.critic, fresh.networks.critic, way.critic.old_size, 1)
    statistics = old.policy_normalizer, fresh.policy_normalizer
    policy, reads = _read(*statistics, way.policy, rows, means.policy)
    before, after = old.networks.actor, fresh.networks.actor
    sets = _actions(way.actions, before.head, after.head, _last_bias(before.network))
    stds = _stds(way.actions, before.head, after.head)
    critic, values, judges = fresh.critic_normalizer, fresh.value_normalizer, None
    if judging:
        critic, judges = _read(old.critic_normalizer, critic, way.critic, rows, means.critic)
        values = values and (old.value_normalizer or values)
        if values is not None and way.other_returns:
            values = _forgetful(values, rows)
    told = _values(old.value_normalizer, values)

    def both(was: Any, now: Any, power: int) -> Any:
        network = _network(was.actor.network, now.actor.network, reads, sets, power)
        head = now.actor.head
        if stds is not None:
            raw = _along(was.actor.head.raw_std, head.raw_std, 0, stds, power)
            head = eqx.tree_at(lambda h: h.raw_std, head, raw)
        actor = eqx.tree_at(lambda a: (a.network, a.head), now.actor, (network, head))
        if judges is None:
            return now._replace(actor=actor)
        value = _network(was.critic.network, now.critic.network, judges, told, power)
        return now._replace(actor=actor, critic=eqx.tree_at(lambda c: c.network, now.critic, value))

    optimizer = fresh.optimizer
    if optimizer is not None and old.optimizer is not None:
        optimizer = _moments(old.optimizer, optimizer, both)
    networks = both(old.networks, fresh.networks, 1)
    learned = Learned(networks, optimizer, policy, critic, values)._asdict()
    return state._replace(  # pyright: ignore[reportPrivateUsage]
        **{name: value for name, value in learned.items() if hasattr(state, name)}
    )


def _check(old: Any, fresh: Any, inputs: int, outputs: int) -> None:
    """That the arrays of a network have the sizes that the migration is for."""

    def check(axes: Axes, was: Any, now: Any) -> None:
        sizes = {INPUTS: inputs, OUTPUTS: outputs}
        named = zip(axes.names, now.shape, strict=True)
        wanted = tuple(sizes[name] if name else size for name, size in named)
        if was.shape != wanted:
            raise MigrationError(f"an array of a network has the shape {was.shape}, not {wanted}")

    declared = fresh.network.axes()
    jax.tree.map(check, declared, old.network, fresh.network, is_leaf=lambda x: isinstance(x, Axes))


def _read(
    old: Normalizer | None,
    fresh: Normalizer | None,
    columns: ColumnMap,
    rows: int,
    means: np.ndarray | None,
) -> tuple[Normalizer | None, Move]:
    """The statistics of an input's columns, and what becomes of the weights that read them."""
    statistics = _statistics(old, fresh, columns, rows)
    held = np.zeros(columns.old_size)
    if old is None and means is not None:
        dropped = list(columns.dropped)
        held[dropped] = means[dropped]
    return statistics, replace(_inputs(columns, old, statistics), held=held)


def _forgetful(statistics: Normalizer, rows: int) -> Normalizer:
    """Statistics that count for no more than FRESH iterations."""
    count = jnp.minimum(statistics.count, FRESH * rows)
    return eqx.tree_at(lambda n: n.count, statistics, count)


def _moments(old: Any, fresh: Any, moved: Any) -> Any:
    """The optimizer's state with Adam's moments, whose trees are those of the networks."""

    def is_adam(node: Any) -> bool:
        return isinstance(node, optax.ScaleByAdamState)

    (adam,) = filter(is_adam, jax.tree.leaves(old, is_leaf=is_adam))

    def put(node: Any) -> Any:
        if not is_adam(node):
            return node
        return node._replace(
            count=adam.count,
            mu=moved(adam.mu, node.mu, -1),
            nu=moved(adam.nu, node.nu, -2),
        )

    return jax.tree.map(put, fresh, is_leaf=is_adam)


def _network(old: Any, fresh: Any, reads: Move, sets: Move, power: int) -> Any:
    """A network's parameters (power 1), or their first or second moments (-1, -2)."""

    def put(of: Any, was: Any, now: Any) -> Any:
        if not isinstance(of, Dense):
            return was
        weight, bias = was.weight, was.bias
        names: tuple[str | None, ...] = of.weight.names  # type: ignore[attr-defined]
        if names[0] == INPUTS:
            if power == 1 and reads.held is not None and np.any(reads.held):
                bias = bias + jnp.asarray(reads.held, bias.dtype) @ weight
            weight = _along(weight, None, 0, reads, power)
            if power == 1 and np.any(reads.shift):
                bias = bias - jnp.asarray(reads.shift, bias.dtype) @ weight
        if names[1] == OUTPUTS:
            weight = _along(weight, now.weight, 1, sets, power)
            bias = _along(bias, now.bias, 0, sets, power)
        return Dense(weight, bias)

    return jax.tree.map(
        put, fresh.axes(), old, fresh, is_leaf=lambda x: isinstance(x, Dense | Axes)
    )


def _along(old: Any, fresh: Any, axis: int, move: Move, power: int) -> jax.Array:
    """An array whose columns along an axis are moved; new ones are fresh, or zero without those.

    Moments of a new column are zero, as they are at the start. What has no other axis is a bias.
    """
    shifted = power == 1 and np.ndim(old) == 1
    old = np.moveaxis(np.asarray(old), axis, 0)
    new = np.zeros((len(move.index), *old.shape[1:]), old.dtype)
    for place, index in enumerate(move.index):
        if index is not None:
            new[place] = old[index] * np.asarray(move.gain[place] ** power, old.dtype)
            if shifted:
                new[place] += move.shift[place]
        elif fresh is not None:
            new[place] = np.moveaxis(np.asarray(fresh), axis, 0)[place]
    return jnp.asarray(np.moveaxis(new, 0, axis))


def _affine(normalizer: Normalizer | None, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Factor and mean of ``factor * (x - mean)``."""
    if normalizer is None:
        return np.ones(size), np.zeros(size)
    std = np.sqrt(np.asarray(normalizer.variance, np.float64))
    return 1.0 / np.maximum(std, MIN_STD), np.asarray(normalizer.mean, np.float64)


def _inputs(columns: ColumnMap, old: Normalizer | None, new: Normalizer | None) -> Move:
    """What becomes of the first layer's weights, normalization included."""
    (before, then), (after, now) = _affine(old, columns.old_size), _affine(new, columns.new_size)
    gain, shift = np.ones(columns.new_size), np.zeros(columns.new_size)
    for place, index in enumerate(columns.index):
        if index is None:
            continue
        factor, added = columns.factor[place], columns.shift[place]
        gain[place] = before[index] / (after[place] * factor)
        if (old is None) or (new is None):
            shift[place] = after[place] * (factor * then[index] + added - now[place])
        if factor == 1.0 and (old is None) == (new is None):
            gain[place] = 1.0
    return Move(columns.index, gain, shift)


def _statistics(
    old: Normalizer | None, fresh: Normalizer | None, columns: ColumnMap, rows: int
) -> Normalizer | None:
    """Mean and variance of the new inputs, and the count that they have."""
    if old is None or fresh is None:
        return fresh
    mean, variance = np.zeros(columns.new_size), np.ones(columns.new_size)
    for place, index in enumerate(columns.index):
        if index is not None:
            factor = columns.factor[place]
            mean[place] = float(old.mean[index]) * factor + columns.shift[place]
            variance[place] = float(old.variance[index]) * factor**2
    count = (_forgetful(old, rows) if columns.born else old).count
    moved = (jnp.asarray(x, old.mean.dtype) for x in (mean, variance))
    return eqx.tree_at(lambda n: (n.count, n.mean, n.variance), fresh, (count, *moved))


def _values(old: Normalizer | None, new: Normalizer | None) -> Move:
    """What becomes of the critic's output, which the statistics of the returns normalize."""
    one, keep = np.ones(1), (0,)
    if (old is None) == (new is None):
        return Move(keep, one, np.zeros(1))
    (before, then), (after, now) = _affine(old, 1), _affine(new, 1)
    return Move(keep, after / before, after * (then - now))


def _last_bias(network: Any) -> np.ndarray:
    """The bias of the layer that gives a network's outputs."""

    def is_dense(node: Any) -> bool:
        return isinstance(node, Dense)

    declared, found = (jax.tree.leaves(t, is_leaf=is_dense) for t in (network.axes(), network))
    (bias,) = (
        layer.bias
        for axes, layer in zip(declared, found, strict=True)
        if is_dense(axes) and axes.weight.names[1] == OUTPUTS
    )
    return np.asarray(bias, np.float64)


def _actions(columns: ColumnMap, old: Head, new: Head, bias: np.ndarray) -> Move:
    """What becomes of the policy's outputs: the parameters of the new actions' distribution."""
    places = {parameter: place for place, parameter in enumerate(old.parameters())}
    index = _sources(columns, new.parameters(), places)
    gain, shift = np.ones(len(index)), np.zeros(len(index))
    for place, (source, parameter) in enumerate(zip(index, new.parameters(), strict=True)):
        if source is None:
            continue
        factor, added = columns.factor[parameter.action], columns.shift[parameter.action]
        if parameter.what == "mean":
            gain[place], shift[place] = _mean(old, new, factor, added, parameter.component)
        elif parameter.what == "std":
            grown = abs(_mean(old, new, factor, added, parameter.component)[0])
            if grown == 1.0 and old.spec == new.spec:
                continue
            now, gain[place] = _std(old, new, grown, bias[source] + old.first_raw)
            shift[place] = now - new.first_raw - gain[place] * bias[source]
    return Move(index, gain, shift)


def _stds(columns: ColumnMap, old: Head, new: Head) -> Move | None:
    """What becomes of standard deviations that are parameters of their own; None without them."""
    if old.raw_std is None:
        return None
    places = {parameter: place for place, parameter in enumerate(old.stds())}
    index = _sources(columns, new.stds(), places)
    gain, shift = np.ones(len(index)), np.zeros(len(index))
    for place, (source, parameter) in enumerate(zip(index, new.stds(), strict=True)):
        factor, added = columns.factor[parameter.action], columns.shift[parameter.action]
        grown = abs(_mean(old, new, factor, added, parameter.component)[0])
        if source is not None and (grown != 1.0 or old.spec != new.spec):
            raw = float(old.raw_std[source])
            now, gain[place] = _std(old, new, grown, raw)
            shift[place] = now - gain[place] * raw
    return Move(index, gain, shift)


def _sources(
    columns: ColumnMap, parameters: Sequence[Parameter], places: dict[Parameter, int]
) -> tuple[int | None, ...]:
    came = [(p, columns.index[p.action]) for p in parameters]
    return tuple(None if a is None else places[p._replace(action=a)] for p, a in came)


def _mean(old: Head, new: Head, factor: float, added: float, component: int) -> tuple[float, float]:
    """Factor and shift of an output that is the mean of an action in other units."""
    if new.squashed and (factor != 1.0 or added):  # exact where the old action is zero
        centre = min(max(added, -REACH), REACH)
        return factor / (1.0 - centre**2), math.atanh(centre)
    return factor, factor * old.side(component) + added - new.side(component)


def _std(old: Head, new: Head, gain: float, raw: float) -> tuple[float, float]:
    """The raw number of a standard deviation that has grown, and its derivative by the old one."""
    std, slope = old.std_of(raw)
    now = new.raw_of(gain * std)
    return now, gain * slope / new.std_of(now)[1]
