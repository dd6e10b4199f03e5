"""Rules of observations of sensors, of the controller itself and of time."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.observation import signal as v

Value = Float[Array, " size"]


@lower(v.SensorValue)
def sensor(c: v.SensorValue, x: Context) -> Value:
    return x.sensor(c.sensor)


@lower(v.LastAction)
def last_action(c: v.LastAction, x: Context) -> Value:
    return jnp.concatenate([x.action[x.places[n]] for n in c.recall]) if c.recall else x.action


@lower(v.CommandValue)
def command(c: v.CommandValue, x: Context) -> Value:
    return x.commands[c.command]


@lower(v.DrawnValue)
def drawn(c: v.DrawnValue, x: Context) -> Value:
    return x.drawn[c.of]


@lower(v.PhaseClock)
def phase_clock(c: v.PhaseClock, x: Context) -> Value:
    angle = 2 * math.pi * x.time / c.period
    return jnp.stack([jnp.sin(angle), jnp.cos(angle)])


@lower(v.EpisodeTime)
def episode_time(c: v.EpisodeTime, x: Context) -> Value:
    return jnp.asarray(x.time, jnp.float32)[None]
