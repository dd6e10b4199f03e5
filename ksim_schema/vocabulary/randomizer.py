"""Randomizers: what differs between the robots and worlds of a batch (domain randomization)."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt
from pydantic import Field

from ksim_schema.quantity import Number
from ksim_schema.vocabulary.base import BodyName, GeomName, Part, Range, Wire


class Randomizer(Part):
    """What all randomizers share: a draw for each environment at each reset.

    Class attributes:
        model_fields: the MjModel fields that it changes.
    """

    object: ClassVar[str] = "Randomizer"
    changes: ClassVar[tuple[str, ...]] = ()
    randomize: Annotated[str | None, Wire("randomize")] = Field(
        None, description="The state whose model it changes; the task's only one by default."
    )

    def targets(self) -> tuple[str, ...]:
        """What it changes, as ``field:name``: two randomizers must not change the same."""
        return self.changes


class FloorFriction(Randomizer):
    """Sliding friction of the ground geom: replaced by a uniform draw.

    MuJoCo takes the larger friction of two touching geoms, so the feet's own should be low.
    """

    kind: Literal["floor_friction"] = "floor_friction"
    changes: ClassVar[tuple[str, ...]] = ("geom_friction",)
    geom: GeomName = Field("floor", description="The ground.")
    range: Range[Annotated[Number, Ge(0)]] = Field(description="Range of the coefficient.")

    def targets(self) -> tuple[str, ...]:
        return (f"geom_friction:{self.geom}",)


class BodyMass(Randomizer):
    """Mass and inertia of a body are multiplied by a uniform draw."""

    kind: Literal["body_mass"] = "body_mass"
    changes: ClassVar[tuple[str, ...]] = ("body_mass", "body_inertia")
    body: BodyName = Field(description="The body.")
    factor: Range[Annotated[Number, Gt(0)]] = Field(description="Range of the factor.")

    def targets(self) -> tuple[str, ...]:
        return (f"body_mass:{self.body}",)
