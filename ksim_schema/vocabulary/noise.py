"""Noise and bias of observations: additive or multiplicative, Gaussian or uniform, chained."""

from typing import Annotated, Any, Literal, Self

from annotated_types import Ge
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import AnyQuantity, Measured
from ksim_schema.vocabulary.base import Model
from ksim_schema.vocabulary.each import ByPattern, PerElement
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Noise(Model):
    """One source of error; give either ``uniform`` or ``gaussian``.

    The draw is ``mean + scale(level) * u`` with u uniform in [-uniform, uniform] or normal with the
    standard deviation ``gaussian``. A noise draws at each tick, a bias once an episode; for each
    element of the value apart.
    """

    uniform: PerElement[Annotated[AnyQuantity, Ge(0)]] | None = Field(
        default=None, description="Half width of the draw, in the observation's unit."
    )
    gaussian: PerElement[Annotated[AnyQuantity, Ge(0)]] | None = Field(
        default=None, description="Standard deviation, in the observation's unit."
    )
    mean: PerElement[AnyQuantity] = Field(
        default=Measured(0.0), description="Mean of the draw, at each level."
    )
    mode: Literal["additive", "multiplicative"] = Field(
        default="additive",
        description="The draw is added to the value, or the value is multiplied by 1 + draw; then "
        "the numbers have no unit.",
    )
    scale: ScaleValue = Field(
        default=constant_scale(1.0), description="Factor that may follow the curriculum's level."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.uniform is None) == (self.gaussian is None):
            raise PydanticCustomError(
                "one_form", "a noise is either uniform or gaussian", {"help": "give one of the two"}
            )
        return self

    @property
    def form(self) -> Literal["uniform", "gaussian"]:
        """Its distribution."""
        return "gaussian" if self.uniform is None else "uniform"

    @property
    def size(self) -> float | ByPattern[float]:
        """The half width or standard deviation."""
        size = self.uniform if self.uniform is not None else self.gaussian
        assert size is not None  # validated
        return size


Noise.model_rebuild()  # now, once: each observation and action would build it for itself


def _one_is_a_chain(value: Any) -> Any:
    return (value,) if isinstance(value, (dict, Noise)) else value


def _quantity_is_uniform(value: Any) -> Any:
    if value is None:
        return ()
    plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return ({"uniform": value},) if plain else _one_is_a_chain(value)


NoiseChain = Annotated[tuple[Noise, ...], BeforeValidator(_one_is_a_chain)]
"""Noises applied one after the other; a single one may stand without a list."""
BiasChain = Annotated[
    tuple[Noise, ...],
    BeforeValidator(
        _quantity_is_uniform, json_schema_input_type=tuple[Noise, ...] | AnyQuantity | None
    ),
]
"""Like a chain of noises; a quantity alone is the half width of a uniform one."""
