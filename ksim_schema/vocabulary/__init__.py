"""The vocabulary: every declared component, by schema object and kind."""

from ksim_schema.vocabulary import (
    action,
    actor_critic,
    command,
    curriculum,
    event,
    observation,
    randomizer,
    reset,
    reward,
    state,
    termination,
)
from ksim_schema.vocabulary.base import KINDS, Model, Named, Part, Wire, annotated_fields

__all__ = ["KINDS", "Model", "Named", "Part", "Wire", "annotated_fields"]

_MODULES = (
    action,
    actor_critic,
    command,
    curriculum,
    event,
    observation,
    randomizer,
    reset,
    reward,
    state,
    termination,
)
