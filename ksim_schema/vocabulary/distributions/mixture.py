"""Mixtures of normal distributions."""

from typing import Annotated, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.vocabulary.distributions.base import Distribution


class MixtureOfGaussians(Distribution):
    """Per action, a weighted sum of normal distributions. The network gives weights and means."""

    kind: Literal["mixture"] = "mixture"
    components: Annotated[int, Gt(1)] = Field(
        default=3, description="Number of normal distributions per action."
    )

    @property
    def normals(self) -> int:
        """As :attr:`Distribution.normals`."""
        return self.components
