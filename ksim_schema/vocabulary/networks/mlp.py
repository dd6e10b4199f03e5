"""Fully connected layers."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.vocabulary.later import Later
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
    symmetric: Annotated[bool, Later()] = Field(
        default=False,
        description="It answers to a mirror image with the mirror image of its answer, exactly:"
        " what is learned on the left is known on the right. Half the units of each hidden layer"
        " are of either side, so their number is even, and a layer multiplies half as many numbers"
        " (Cohen & Welling 2016, https://arxiv.org/abs/1602.07576). Needs the PhysicsState's"
        " mirror.",
    )

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        odd = next((width for width in self.hidden if width % 2), None)
        if self.symmetric and odd is not None:
            message = "a hidden layer of a symmetric network has two sides, and {odd} is odd"
            raise PydanticCustomError("two_sides", message, {"odd": odd})
        if self.symmetric and not self.hidden:
            raise PydanticCustomError("two_sides", "a symmetric network has a hidden layer or more")
        return self

    @property
    def mirrored(self) -> bool:
        """As :attr:`Network.mirrored`."""
        return self.symmetric

    def parameters(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.parameters`."""
        if not self.symmetric:
            return dense_parameters(inputs, *self.hidden, outputs)
        sides = [width // 2 for width in self.hidden]
        inner = sum((2 * before + 1) * after for before, after in pairwise(sides))
        ends = dense_parameters(inputs, sides[0]) + dense_parameters(sides[-1], outputs)
        return ends + inner

    def units(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.units`."""
        return inputs + sum(self.hidden) + outputs
