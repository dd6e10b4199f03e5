"""How each declared component is computed: one rule a component, one module a schema object."""

from ksim_compiler.lowering import (
    action,
    command,
    curriculum,
    event,
    observation,
    randomizer,
    reset,
    reward,
    termination,
)
from ksim_compiler.lowering.rules import RULES, Rule, lowered_kinds

__all__ = ["RULES", "Rule", "lowered_kinds"]

_MODULES = (
    action,
    command,
    curriculum,
    event,
    observation,
    randomizer,
    reset,
    reward,
    termination,
)
