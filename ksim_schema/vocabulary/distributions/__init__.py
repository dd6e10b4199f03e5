"""Distributions of the actions. A module for each kind, found by walking.

Declared only; ``ksim_compiler.learn.nets`` computes them, by a module for each kind too.
"""

from typing import TYPE_CHECKING

from ksim_schema.vocabulary.base import import_all, one_of
from ksim_schema.vocabulary.distributions.base import (
    DISTRIBUTIONS as DISTRIBUTIONS,
    Distribution as Distribution,
)

import_all(__name__, __path__)

if TYPE_CHECKING:
    AnyDistribution = Distribution
else:
    AnyDistribution = one_of(DISTRIBUTIONS)
