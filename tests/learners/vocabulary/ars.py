"""Augmented random search, the version V2-t of Mania et al. 2018, https://arxiv.org/abs/1803.07055.

A learner that the tests alone have. It stands where a module of ``ksim_schema/vocabulary/learner``
would.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from annotated_types import Gt
from pydantic import Field

from ksim_schema.diagnostics.code import error
from ksim_schema.units import Number
from ksim_schema.vocabulary.base import PositiveInt
from ksim_schema.vocabulary.learner import Learner, Remark

ODD_BATCH = error("KS9999", "odd batch", "Each direction is tried both ways, side by side.")


class ARS(Learner):
    """Augmented random search: steps towards those random directions that were worth most."""

    section: ClassVar[str] = "ARS"
    critic: ClassVar[bool] = False

    step_size: Annotated[Number, Gt(0.0)] = Field(
        default=0.05, description="Length of a step, in parameters of the policy."
    )
    spread: Annotated[Number, Gt(0.0)] = Field(
        default=0.05, description="Standard deviation of the directions that are tried."
    )
    best: PositiveInt = Field(
        default=8, description="Directions that a step is made of: those with the best returns."
    )

    @property
    def copies(self) -> int:
        """Each environment has parameters of its own."""
        return self.envs

    def remarks(self, recurrent: bool) -> Iterator[Remark]:
        """Directions come in pairs."""
        if self.envs % 2:
            message = f"{self.envs} environments are not pairs"
            yield Remark(ODD_BATCH, message, ("envs",), f"write {self.envs + 1}")
