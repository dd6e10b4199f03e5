"""Distributions of actions. A module for each declared kind, found by walking."""

from ksim_compiler.learn.nets.distributions.base import (
    LAWS as LAWS,
    ActionDistribution as ActionDistribution,
    Head as Head,
    Parameter as Parameter,
    divergence as divergence,
)
from ksim_schema.vocabulary import import_all

import_all(__name__, __path__)
