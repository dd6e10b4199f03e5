"""Rules of the rewards of how an episode goes on and ends."""

from __future__ import annotations

import jax.numpy as jnp

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.reward.kernels import Value
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.reward import episode as v


@lower(v.StayAlive)
def stay_alive(c: v.StayAlive, x: Context) -> Value:
    assert x.failure is not None
    assert x.done is not None
    alive, failed = (1.0, 0.0) if c.balance is None else (1.0 / c.balance, -1.0)
    value = jnp.where(x.failure, failed, alive)
    if c.success is None:
        return value
    return jnp.where(x.done & ~x.failure, c.success, value)


@lower(v.TerminationPenalty)
def termination(c: v.TerminationPenalty, x: Context) -> Value:
    assert x.failure is not None
    return x.failure.astype(jnp.float32)
