"""Squashed normal distributions."""

from typing import Literal

from ksim_schema.vocabulary.distributions.base import Distribution


class TanhGaussian(Distribution):
    """Independent normal distributions squashed by tanh, so that actions stay in (-1, 1)."""

    squashed = True
    kind: Literal["tanh_gaussian"] = "tanh_gaussian"
