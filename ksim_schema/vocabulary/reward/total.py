"""What is done with the sum of all other rewards."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ksim_schema.units import Number
from ksim_schema.vocabulary.reward.base import Reward, condition_of
from ksim_schema.vocabulary.scale import constant_scale


class Clip(Reward):
    """What brings the sum of all other rewards of a tick into a range: ``clip(sum) - sum``.

    It is a term as others are, 0 where the sum is within the range, so that the total is still the
    sum of what is logged.
    """

    kind: Literal["clip"] = "clip"
    channels = ()
    of_total = True
    components = ("clip",)
    min: Number | None = Field(default=None, description="The least that a tick gives.")
    max: Number | None = Field(default=None, description="The most that a tick gives.")

    def in_words(self, name: str) -> str:
        bounds = (("at least", self.min), ("at most", self.max))
        said = " and ".join(f"{how} {bound:g}" for how, bound in bounds if bound is not None)
        return f"{name}: {said}{condition_of(self)}"

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.min is None and self.max is None:
            raise _refused("a clip has a least or a largest value", "give min, max or both", "min")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise _refused("the least value is above the largest", "swap min and max", "min")
        if self.scale != constant_scale(1.0) or self.per_second:
            message = "a clip has no weight: it is about the total, which has those of its terms"
            raise _refused(message, "take scale and per_second out", "scale")
        return self


def _refused(message: str, help: str, field: str) -> PydanticCustomError:
    about = {"message": message, "help": help, "fields": field}
    return PydanticCustomError("one_form", "{message}", about)
