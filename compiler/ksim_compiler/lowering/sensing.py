"""From the true value of an observation to what is read: delay, bias, noise, clip, history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.noise import disturbed, drawn
from ksim_compiler.lowering.observation import DISTORTIONS
from ksim_compiler.lowering.rotation import SIZES, turned
from ksim_compiler.plan.clock import ticks
from ksim_schema.vocabulary.each import one
from ksim_schema.vocabulary.noise import Noise
from ksim_schema.vocabulary.observation import Observation

Value = Float[Array, " size"]


class Reading(NamedTuple):
    """One observation at one tick.

    Attributes:
        clean: for the networks, without the errors of its sensor.
        noisy: for the networks, with them.
        measured: what it measures, as :func:`measured` gives it.
    """

    clean: Value
    noisy: Value
    measured: Value


class Memory(NamedTuple):
    """What an observation carries from tick to tick; unused parts are ``()``."""

    rule: Any
    distortion: Any
    bias: Any
    late: Any
    clean: Any
    noisy: Any


def first(c: Observation, x: Context) -> tuple[Reading, Memory]:
    """The reading in the first state of an episode, with fresh memory."""
    keyed = _keyed(x)
    true, rule = rules.apply(c, x, rules.initial(c, keyed("memory")))
    true = jnp.ravel(true)
    distortion = DISTORTIONS.get(type(c))
    distorted: Any = () if distortion is None else distortion.initial(c, keyed("sensor"), true)
    bias = tuple(
        drawn(error, keyed(f"bias {index}").key, x.level, _draws(c, true))
        for index, error in enumerate(c.bias if c.additive_bias else ())
    )
    steps = _delay_ticks(c, x)
    late: Any = jnp.tile(true, (steps, 1)) if steps else ()
    memory = Memory(rule, distorted, bias, late, (), ())
    return _read(c, x, true, memory, fresh=True)


def following(c: Observation, x: Context, memory: Memory) -> tuple[Reading, Memory]:
    """The reading in a later state of the episode."""
    true, rule = rules.apply(c, x, memory.rule)
    return _read(c, x, jnp.ravel(true), memory._replace(rule=rule), fresh=False)


def measured(c: Observation, x: Context, memory: Memory) -> Value:
    """What the observation measures of a state, in its own unit and frame.

    The value of its rule, flat: without the errors of a sensor (noise, bias, delay, lag) and
    without what is done for the networks (clip, scale, history). The memory stays as it is.
    """
    return jnp.ravel(rules.apply(c, x, memory.rule)[0])


def _read(
    c: Observation, x: Context, true: Value, memory: Memory, *, fresh: bool
) -> tuple[Reading, Memory]:
    sensed, late = true, memory.late
    if _delay_ticks(c, x):
        sensed, late = late[0], jnp.concatenate([late[1:], true[None]])
    distortion = DISTORTIONS.get(type(c))
    distorted = memory.distortion
    if distortion is not None:
        sensed, distorted = distortion.apply(c, x, sensed, distorted)
    if c.additive_bias:
        for error, draw in zip(c.bias, memory.bias, strict=True):
            sensed = _disturbed(c, error, sensed, draw)
    for index, noise in enumerate(c.noise):
        key = name_key(x.key, f"noise {index}")
        draw = drawn(noise, key, x.level, _draws(c, sensed))
        sensed = _disturbed(c, noise, sensed, draw)
    clean, noisy = _finish(c, true), _finish(c, sensed)
    clean, kept_clean = _stack(c, clean, memory.clean, fresh)
    noisy, kept_noisy = _stack(c, noisy, memory.noisy, fresh)
    memory = memory._replace(distortion=distorted, late=late, clean=kept_clean, noisy=kept_noisy)
    return Reading(clean, noisy, true), memory


def _draws(c: Observation, value: Value) -> tuple[int]:
    """How many numbers an error is: one for each element, or an angle about each of three axes."""
    if c.rotates is None:
        return (value.shape[0],)
    return (3 * (value.shape[0] // SIZES[c.rotates]),)


def _disturbed(c: Observation, error: Noise, value: Value, draw: Float[Array, " draws"]) -> Value:
    """The value with an error; a rotation is turned by it, in its own axes."""
    if c.rotates is None:
        return disturbed(error, value, draw)
    return turned(c.rotates, value, draw)


def _keyed(x: Context) -> Callable[[str], Context]:
    return lambda name: replace(x, key=name_key(x.key, name))


def _delay_ticks(c: Observation, x: Context) -> int:
    return ticks(c.delay, x.period)


def _finish(c: Observation, value: Value) -> Value:
    if c.clip is not None:
        value = jnp.clip(value, *one(c.clip))
    return value * one(c.scale)


def _stack(
    c: Observation, value: Value, kept: Any, fresh: bool
) -> tuple[Float[Array, " stack"], Any]:
    """The latest ``history`` values, oldest first; the first value stands for those before it."""
    if c.history == 1:
        return value, ()
    kept = jnp.tile(value, (c.history, 1)) if fresh else jnp.concatenate([kept[1:], value[None]])
    return jnp.ravel(kept), kept
