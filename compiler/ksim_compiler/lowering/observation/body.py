"""Rules of observations of bodies and sites."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.observation.trunk import rotation
from ksim_compiler.lowering.rules import lower
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.body import (
    BodyOrientation,
    BodyPosition,
    BodyVelocity,
    CenterOfMassInertia,
    CenterOfMassVelocity,
    OrientationObservation,
    PositionObservation,
    SiteOrientation,
    SitePosition,
    SiteVelocity,
    VelocityObservation,
)
from ksim_schema.vocabulary.observation.feet import FeetOrientation, FeetPosition

Rows = Float[Array, "frames size"]


@lower(BodyPosition)
@lower(SitePosition)
def position(c: PositionObservation, x: Context) -> Rows:
    return sensors(c, x)


@lower(BodyOrientation)
@lower(SiteOrientation)
@lower(FeetOrientation)
def orientation(c: OrientationObservation, x: Context) -> Rows:
    return jnp.stack([rotation(c.form, quat) for quat in sensors(c, x)])


@lower(FeetPosition)
def feet_position(c: FeetPosition, x: Context) -> Rows:
    return sensors(c, x)


@lower(BodyVelocity)
@lower(SiteVelocity)
def velocity(c: VelocityObservation, x: Context) -> Rows:
    values = [x.sensor(s) for s in c.sensors(x.robot)]
    if c.frame == "world" or c.relative_to:
        return jnp.stack(values)
    *vectors, axes = values
    return jax.vmap(lambda vector: geometry.unrotate(axes, vector))(jnp.stack(vectors))


@lower(CenterOfMassInertia)
def center_of_mass_inertia(c: CenterOfMassInertia, x: Context) -> Rows:
    return x.world["cinert"][_body_ids(c, x)]


@lower(CenterOfMassVelocity)
def center_of_mass_velocity(c: CenterOfMassVelocity, x: Context) -> Rows:
    return x.world["cvel"][_body_ids(c, x)]


def sensors(c: Observation, x: Context) -> Rows:
    """The outputs of all sensors of a component, which are of one size."""
    return jnp.stack([x.sensor(s) for s in c.sensors(x.robot)])


def _body_ids(c: CenterOfMassInertia | CenterOfMassVelocity, x: Context) -> Array:
    return jnp.array([x.robot.body_id(name) for name in c.names(x.robot)])
