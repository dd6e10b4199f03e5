"""Rules of observations of the feet and of contacts."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.observation import feet as v

Rows = Float[Array, "feet 3"]


@lower(v.Contact)
@lower(v.FeetContact)
def contact(c: v.Contact, x: Context) -> Float[Array, " elements"]:
    found = [
        jnp.any(jnp.concatenate([x.sensor(s) for s in group]) > 0) for group in c.requests(x.robot)
    ]
    return jnp.stack(found).astype(jnp.float32)


def _just_lifted(c: v.AirTime, x: Context) -> Float[Array, " feet"]:
    return jnp.full(c.shape(x.robot), -x.period, jnp.float32)  # the first reading adds a period


@lower(v.AirTime, initial=_just_lifted)
def air_time(
    c: v.AirTime, x: Context, before: Float[Array, " feet"]
) -> tuple[Float[Array, " feet"], Float[Array, " feet"]]:
    time = jnp.where(contact(c, x) > 0.0, 0.0, before + x.period)
    return time, time


@lower(v.FeetForce)
def feet_force(c: v.FeetForce, x: Context) -> Rows:
    return _in_frame(c, x, _loads(c, x)[:, 3:])


@lower(v.FeetTorque)
def feet_torque(c: v.FeetTorque, x: Context) -> Rows:
    """``tau + (centre - origin) x F``: from the centre of mass to the origin of the body."""
    loads, count = _loads(c, x), len(c.names(x.robot))
    rest = jnp.stack([x.sensor(s) for s in c.sensors(x.robot)[count + 1 :]])
    origins, centres = rest[:count], rest[count:]
    return _in_frame(c, x, loads[:, :3] + jnp.cross(centres - origins, loads[:, 3:]))


def _loads(c: v.FeetLoad, x: Context) -> Float[Array, "feet 6"]:
    """Torque about the robot's centre of mass and force, in the world's axes."""
    return x.world["cfrc_ext"][jnp.array([x.robot.body_id(name) for name in c.names(x.robot)])]


def _in_frame(c: v.FeetLoad, x: Context, vectors: Rows) -> Rows:
    if c.frame == "world":
        return vectors
    axes = jnp.stack([x.sensor(s) for s in c.axes(x.robot)])
    return jax.vmap(geometry.unrotate)(axes, vectors)
