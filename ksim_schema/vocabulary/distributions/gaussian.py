"""Normal distributions."""

from typing import Literal

from ksim_schema.vocabulary.distributions.base import Distribution


class Gaussian(Distribution):
    """Independent normal distributions, one per action."""

    kind: Literal["gaussian"] = "gaussian"
