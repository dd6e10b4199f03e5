"""Observations: what the policy and the critic see of the state."""

from ksim_schema.vocabulary.observation.base import (
    Observation as Observation,
    Problem as Problem,
)
