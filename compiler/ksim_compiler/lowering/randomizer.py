"""Rules of randomizers: each changes values of the model of one environment."""

from __future__ import annotations

from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_compiler.lowering.scale import uniform
from ksim_schema.vocabulary import randomizer as v

Values = dict[str, Float[Array, "..."]]
"""MjModel field -> value. A rule sees those of the rules before it in ``x.world``."""


@lower(v.FloorFriction)
def floor_friction(c: v.FloorFriction, x: Context) -> Values:
    geom = x.robot.geom_id(c.geom)
    friction = x.world["geom_friction"].at[geom, 0].set(uniform(x.key, c.range))
    return {**x.world, "geom_friction": friction}


@lower(v.BodyMass)
def body_mass(c: v.BodyMass, x: Context) -> Values:
    body = x.robot.body_id(c.body)
    factor = uniform(x.key, c.factor)
    return {
        **x.world,
        "body_mass": x.world["body_mass"].at[body].multiply(factor),
        "body_inertia": x.world["body_inertia"].at[body].multiply(factor),
    }
