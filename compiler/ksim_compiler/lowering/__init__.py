"""How each declared component is computed: one rule a component, one module a schema object."""

from ksim_compiler.lowering.rules import RULES, Rule, lowered_kinds
from ksim_schema.vocabulary import import_all

__all__ = ["RULES", "Rule", "lowered_kinds"]

import_all(__name__, __path__)
