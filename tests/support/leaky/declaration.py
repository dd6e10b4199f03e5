"""A network that is only declared here, to be copied into a vocabulary."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ksim_schema.units import Number
from ksim_schema.vocabulary.base import PositiveInt
from ksim_schema.vocabulary.networks.base import Network, dense_parameters


class Leaky(Network):
    """A memory that keeps a share of itself at each tick, and a linear output of it."""

    recurrent: ClassVar[bool] = True
    kind: Literal["leaky"] = "leaky"
    width: PositiveInt = Field(default=8, description="Length of the memory.")
    keep: Number = Field(default=0.5, description="The share that is kept.")

    def parameters(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.parameters`."""
        return dense_parameters(inputs, self.width, outputs)

    def units(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.units`."""
        return inputs + 2 * self.width + outputs
