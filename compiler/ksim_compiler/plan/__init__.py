"""Plan: what the passes work on, what must hold of it, and what its columns mean."""

from ksim_compiler.plan.plan import (
    Column as Column,
    Plan as Plan,
    Reflection as Reflection,
    Shape as Shape,
    base_text as base_text,
)
