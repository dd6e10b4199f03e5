"""What randomizers drew, for the observations of it."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.draws import Drawn
from ksim_schema.vocabulary.randomizer import Randomizer

MODEL = "model/"
"""What the name of a field of the model begins with, among those of the physics."""


class Revealed:
    """The randomizers of a task whose draws are observed."""

    def __init__(self, plan: Plan) -> None:
        names = dict.fromkeys(e.src.name for e in plan.graph.edges if e.hom == "reveal")
        parts, facts = plan.parts(Randomizer), plan.robot.facts
        self._drawn = {name: parts[name].drawn(facts) for name in names}
        self._fields = {draw.field for draws in self._drawn.values() for draw in draws}

    def beside(self, world: Mapping[str, Array], model: Mapping[str, Array]) -> dict[str, Array]:
        """What is read of the physics, with the fields of the model that are observed."""
        return {**world, **{MODEL + name: model[name] for name in sorted(self._fields)}}

    def values(self, world: Mapping[str, Array]) -> dict[str, Float[Array, " numbers"]]:
        """Randomizer -> what it drew, in one environment; nothing where the model is not there."""
        if not all(MODEL + name in world for name in self._fields):
            return {}
        return {
            name: jnp.concatenate([_numbers(draw, world[MODEL + draw.field]) for draw in draws])
            for name, draws in self._drawn.items()
        }


def _numbers(draw: Drawn, field: Float[Array, "..."]) -> Float[Array, " numbers"]:
    if not draw.rows:
        return jnp.ravel(field)
    there = jnp.array([row >= 0 for row in draw.rows])
    rows = field[jnp.array([max(row, 0) for row in draw.rows])]
    if draw.columns:
        rows = rows[:, jnp.array(draw.columns)]
    return jnp.ravel(jnp.where(there.reshape(-1, *(1,) * (rows.ndim - 1)), rows, 0.0))
