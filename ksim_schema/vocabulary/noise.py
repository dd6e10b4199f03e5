"""Noise on observations: additive or multiplicative, Gaussian or uniform, chained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.quantity import AnyQuantity
from ksim_schema.vocabulary.base import Model
from ksim_schema.vocabulary.scale import ScaleValue, constant_scale


class Noise(Model):
    """One source of noise, drawn anew at each tick; give either ``uniform`` or ``gaussian``."""

    uniform: AnyQuantity | None = Field(
        None, description="Half width: drawn from [-uniform, uniform], in the observation's unit."
    )
    gaussian: AnyQuantity | None = Field(
        None, description="Standard deviation, in the observation's unit."
    )
    mode: Literal["additive", "multiplicative"] = Field(
        "additive", description="Added to the value, or the value is multiplied by 1 + noise."
    )
    scale: ScaleValue = Field(
        constant_scale(1.0), description="Factor that may follow the curriculum's level."
    )

    @model_validator(mode="after")
    def _one_form(self) -> Noise:
        if (self.uniform is None) == (self.gaussian is None):
            raise PydanticCustomError(
                "one_form", "a noise is either uniform or gaussian", {"help": "give one of the two"}
            )
        return self

    @property
    def size(self) -> float:
        """The half width or standard deviation."""
        return self.uniform if self.uniform is not None else self.gaussian  # type: ignore[return-value]


def _one_is_a_chain(value: Any) -> Any:
    return (value,) if isinstance(value, (dict, Noise)) else value


NoiseChain = Annotated[tuple[Noise, ...], BeforeValidator(_one_is_a_chain)]
"""Noises applied one after the other; a single one may stand without a list."""
