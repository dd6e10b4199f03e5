"""What every kind of network declares."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from ksim_schema.vocabulary.base import MayBeEmpty, Model, PositiveInt

Activation = Literal["elu", "relu", "tanh", "swish", "gelu"]
Widths = Annotated[tuple[PositiveInt, ...], MayBeEmpty()]
"""Widths of fully connected layers, first to last; with none there are none."""


class Network(Model):
    """A network: numbers in, numbers out. Its kinds are the modules beside this one.

    Class attributes:
        kind_name: what the author writes after ``kind:``.
        recurrent: whether it remembers something from tick to tick.
    """

    kind_name: ClassVar[str] = ""
    recurrent: ClassVar[bool] = False

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__annotations__:
            cls.kind_name = get_args(cls.model_fields["kind"].annotation)[0]
            NETWORKS[cls.kind_name] = cls

    @property
    def mirrored(self) -> bool:
        """Whether it answers to a mirror image with the mirror image of its answer."""
        return False

    def parameters(self, inputs: int, outputs: int) -> int:
        """How many numbers are trained.

        Args:
            inputs, outputs: lengths of its input and output vectors.
        """
        raise NotImplementedError

    def units(self, inputs: int, outputs: int) -> int:
        """How many numbers it computes for one input vector, which a gradient needs again."""
        raise NotImplementedError


NETWORKS: dict[str, type[Network]] = {}
"""Every declared kind of network by its name. Filled as the vocabulary is imported."""


def dense_parameters(*widths: int) -> int:
    """Weights and biases of fully connected layers, one after the other.

    Args:
        widths: lengths of the vectors between them, input and output included.
    """
    return sum((before + 1) * after for before, after in pairwise(widths))


class Recurrent(Network):
    """Recurrent layers one on the other, then fully connected ones.

    Class attributes:
        gates: how many vectors of the width of a layer it computes from its input and its memory.
        memory_biases: how many of them have a bias of the memory's own.
    """

    recurrent = True
    gates: ClassVar[int]
    memory_biases: ClassVar[int] = 0
    hidden: PositiveInt = Field(default=256, description="Width of each recurrent layer.")
    depth: PositiveInt = Field(
        default=1, description="Number of recurrent layers, one on the other."
    )
    head: Widths = Field(
        default=(),
        description="Widths of the hidden layers after the recurrent ones; none by default.",
    )
    activation: Activation = Field(
        default="elu", description="Activation after each hidden layer of the head."
    )

    def parameters(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.parameters`."""
        gates, own = self.gates * self.hidden, self.memory_biases * self.hidden
        reads = (inputs, *(self.hidden,) * (self.depth - 1))
        cells = sum(dense_parameters(n, gates) + self.hidden * gates + own for n in reads)
        return cells + dense_parameters(self.hidden, *self.head, outputs)

    def units(self, inputs: int, outputs: int) -> int:
        """As :meth:`Network.units`."""
        return inputs + self.depth * (self.gates + 1) * self.hidden + sum(self.head) + outputs
