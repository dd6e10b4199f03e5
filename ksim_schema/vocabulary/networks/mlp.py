"""Fully connected layers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ksim_schema.vocabulary.networks.base import Activation, Network, Widths, dense_parameters


class Mlp(Network):
    """Fully connected layers; it remembers nothing from tick to tick."""

    kind: Literal["mlp"] = "mlp"
    hidden: Widths = Field(
        default=(256, 256),
        description="Widths of the hidden layers, first to last; with none it is linear.",
    )
    activation: Activation = Field(
        default="elu",
        description="Activation after each hidden layer. elu is the common choice of legged"
        " locomotion.",
    )

    def parameters(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.parameters`."""
        return dense_parameters(inputs, *self.hidden, outputs)

    def units(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.units`."""
        return inputs + sum(self.hidden) + outputs
